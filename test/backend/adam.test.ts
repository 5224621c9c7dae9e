import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { adamStep, createAdam } from '../../src/backend/adam.js';
import { useBackend } from '../../src/backend/choose.js';
import { nativeOnCpu } from '../../src/backend/tensorflow.js';
import { allClose } from '../helpers/assert.js';
import { available, source } from '../helpers/backends.js';

const shapes = [[3, 4], [5], [1], [2, 3, 3], [129]];

for (const backend of ['cpu', 'wasm', 'tensorflow'] as const) {
  const skip = backend === 'tensorflow' && (await available(backend));

  test(`${backend}: steps are those of Adam of TensorFlow.js, and no tensor is leaked`, {
    skip,
  }, async () => {
    await useBackend(backend);
    const { numTensors } = tf.memory();
    const dataIds = tf.backend().numDataIds();
    const next = source('adam');
    const variables = shapes.map((shape) => tf.tidy(() => tf.variable(next(shape))));
    const references = variables.map((variable) => tf.variable(variable));
    const state = createAdam(variables);
    const optimizer = tf.train.adam(0.05, 0.8, 0.99, 1e-7);
    for (let step = 0; step < 5; step++) {
      const gradients = shapes.map((shape) => next(shape));
      adamStep(state, variables, gradients, { learningRate: 0.05, beta1: 0.8, beta2: 0.99 });
      optimizer.applyGradients(references.map(({ name }, i) => ({ name, tensor: gradients[i]! })));
      tf.dispose(gradients);
    }
    assert.equal(state.step, 5);
    for (let i = 0; i < shapes.length; i++) {
      const [got, want] = [await variables[i]!.data(), await references[i]!.data()];
      got.forEach((value, j) => {
        assert.ok(Math.abs(value - want[j]!) < 2e-6, `variable ${i}, element ${j}: ${value}, not ${want[j]}`);
      });
    }
    optimizer.dispose();
    tf.dispose([...variables, ...references, ...state.first, ...state.second]);
    assert.equal(tf.memory().numTensors, numTensors);
    assert.equal(tf.backend().numDataIds(), dataIds);
  });

  test(`${backend}: clipping acts on each element, and the learning rate may change`, { skip }, async () => {
    await useBackend(backend);
    const gradient = tf.tensor1d([-9, -1, 0.5, 2, 30]);
    const cut = tf.tensor1d([-2, -1, 0.5, 2, 2]);
    const [a, b] = [tf.variable(tf.zeros([5])), tf.variable(tf.zeros([5]))];
    const [stateA, stateB] = [createAdam([a]), createAdam([b])];
    for (const learningRate of [0.1, 0.01, 0.3]) {
      adamStep(stateA, [a], [gradient], { learningRate, clip: 2 });
      adamStep(stateB, [b], [cut], { learningRate });
    }
    assert.deepEqual(await a.data(), await b.data());
    // The first steps of Adam have the size of the rate.
    const [moved] = await a.data();
    assert.ok(Math.abs(moved! - 0.41) < 1e-3, String(moved));
  });

  test(`${backend}: clones of a variable keep their values`, { skip }, async () => {
    await useBackend(backend);
    const initial = tf.tensor1d([1, 2, 3]);
    const variable = tf.variable(initial);
    const state = createAdam([variable]);
    const gradient = tf.ones([3]);
    adamStep(state, [variable], [gradient], { learningRate: 0.5 });
    const copy = variable.clone();
    const reshaped = variable.reshape([3, 1]);
    const momentCopy = state.first[0]!.clone();
    adamStep(state, [variable], [gradient], { learningRate: 0.5 });
    allClose(await initial.data(), [1, 2, 3], 1e-5);
    allClose(await copy.data(), [0.5, 1.5, 2.5], 1e-5);
    allClose(await reshaped.data(), [0.5, 1.5, 2.5], 1e-5);
    allClose(await momentCopy.data(), [0.1, 0.1, 0.1], 1e-5);
    allClose(await variable.data(), [0, 1, 2], 1e-5);
  });

  test(`${backend}: moments of a gradient that has become 0 reach 0`, {
    skip,
  }, async (t) => {
    await useBackend(backend);
    if (backend === 'tensorflow' && !nativeOnCpu()) return t.skip('on a GPU no kernel does it');
    const variable = tf.variable(tf.ones([7]));
    const state = createAdam([variable]);
    const [gradient, none] = [tf.fill([7], 3), tf.zeros([7])];
    adamStep(state, [variable], [gradient], { learningRate: 0.01, beta2: 0.95 });
    for (let step = 0; step < 1800; step++) {
      adamStep(state, [variable], [none], { learningRate: 0.01, beta2: 0.95 });
    }
    // Rounding would keep both at a few of the smallest 32-bit floats for ever.
    for (const moment of [...state.first, ...state.second]) {
      assert.deepEqual([...(await moment.data())], Array(7).fill(0));
    }
    const undefinedGradient = tf.fill([7], Number.NaN);
    adamStep(state, [variable], [undefinedGradient], { learningRate: 0.01, beta2: 0.95 });
    assert.ok((await variable.data()).every(Number.isNaN), 'NaN is not replaced by 0');
    tf.dispose([variable, gradient, none, undefinedGradient, ...state.first, ...state.second]);
  });

  test(`${backend}: small gradients count`, { skip }, async () => {
    await useBackend(backend);
    for (const size of [1e-3, 1e-9, 2e-15]) {
      const variable = tf.variable(tf.zeros([7]));
      const state = createAdam([variable]);
      const gradient = tf.fill([7], size);
      adamStep(state, [variable], [gradient], { learningRate: 0.01, beta2: 0.95 });
      const expected = [(-0.01 * size) / (size + 1e-7), 0.1 * size, 0.05 * size * size];
      for (const [i, tensor] of [variable, state.first[0]!, state.second[0]!].entries()) {
        for (const value of await tensor.data())
          assert.ok(Math.abs(value / expected[i]! - 1) < 1e-5, `${size}: ${value}, expected ${expected[i]}`);
      }
      tf.dispose([variable, gradient, ...state.first, ...state.second]);
    }
  });
}

test('mismatched lists are rejected before anything changes', async () => {
  await useBackend('wasm');
  const variable = tf.variable(tf.ones([2]));
  const state = createAdam([variable]);
  assert.throws(
    () => adamStep(state, [variable], [], { learningRate: 1 }),
    /expected 1 variables and gradients, got 1 and 0;/,
  );
  const wide = tf.ones([3]);
  assert.throws(
    () => adamStep(state, [variable], [wide], { learningRate: 1 }),
    /expected a gradient of shape \[2\] for .*, got \[3\];/,
  );
  assert.equal(state.step, 0);
  assert.deepEqual([...(await variable.data())], [1, 1]);
});
