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

  test(`${backend}: Adam goes where that of TensorFlow.js goes, and leaves nothing behind`, {
    skip,
  }, async () => {
    await useBackend(backend);
    const { numTensors } = tf.memory();
    const dataIds = tf.backend().numDataIds();
    const next = source('adam');
    const ours = shapes.map((shape) => tf.tidy(() => tf.variable(next(shape))));
    const theirs = ours.map((variable) => tf.variable(variable));
    const state = createAdam(ours);
    const optimizer = tf.train.adam(0.05, 0.8, 0.99, 1e-7);
    for (let step = 0; step < 5; step++) {
      const gradients = shapes.map((shape) => next(shape));
      adamStep(state, ours, gradients, { learningRate: 0.05, beta1: 0.8, beta2: 0.99 });
      optimizer.applyGradients(theirs.map(({ name }, i) => ({ name, tensor: gradients[i]! })));
      tf.dispose(gradients);
    }
    assert.equal(state.step, 5);
    for (let i = 0; i < shapes.length; i++) {
      const [got, want] = [await ours[i]!.data(), await theirs[i]!.data()];
      got.forEach((value, j) => {
        assert.ok(Math.abs(value - want[j]!) < 2e-6, `variable ${i}, element ${j}: ${value}, not ${want[j]}`);
      });
    }
    optimizer.dispose();
    tf.dispose([...ours, ...theirs, ...state.first, ...state.second]);
    assert.equal(tf.memory().numTensors, numTensors);
    assert.equal(tf.backend().numDataIds(), dataIds);
  });

  test(`${backend}: clipping cuts each element, and the rate may change`, { skip }, async () => {
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

  test(`${backend}: copies of a variable keep their numbers`, { skip }, async () => {
    await useBackend(backend);
    const initial = tf.tensor1d([1, 2, 3]);
    const variable = tf.variable(initial);
    const state = createAdam([variable]);
    const gradient = tf.ones([3]);
    adamStep(state, [variable], [gradient], { learningRate: 0.5 });
    const copy = variable.clone();
    const turned = variable.reshape([3, 1]);
    const remembered = state.first[0]!.clone();
    adamStep(state, [variable], [gradient], { learningRate: 0.5 });
    allClose(await initial.data(), [1, 2, 3], 1e-5);
    allClose(await copy.data(), [0.5, 1.5, 2.5], 1e-5);
    allClose(await turned.data(), [0.5, 1.5, 2.5], 1e-5);
    allClose(await remembered.data(), [0.1, 0.1, 0.1], 1e-5);
    allClose(await variable.data(), [0, 1, 2], 1e-5);
  });

  test(`${backend}: what is remembered of a gradient that has become 0 fades away`, {
    skip,
  }, async (t) => {
    await useBackend(backend);
    if (backend === 'tensorflow' && !nativeOnCpu())
      return t.skip('on a GPU it is not the kernel that does it');
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
    const undefinedSlope = tf.fill([7], Number.NaN);
    adamStep(state, [variable], [undefinedSlope], { learningRate: 0.01, beta2: 0.95 });
    assert.ok((await variable.data()).every(Number.isNaN), 'what is no number is not taken for 0');
    tf.dispose([variable, gradient, none, undefinedSlope, ...state.first, ...state.second]);
  });

  test(`${backend}: small gradients count`, { skip }, async () => {
    await useBackend(backend);
    for (const slope of [1e-3, 1e-9, 2e-15]) {
      const variable = tf.variable(tf.zeros([7]));
      const state = createAdam([variable]);
      const gradient = tf.fill([7], slope);
      adamStep(state, [variable], [gradient], { learningRate: 0.01, beta2: 0.95 });
      const wanted = [(-0.01 * slope) / (slope + 1e-7), 0.1 * slope, 0.05 * slope * slope];
      for (const [i, tensor] of [variable, state.first[0]!, state.second[0]!].entries()) {
        for (const value of await tensor.data())
          assert.ok(Math.abs(value / wanted[i]! - 1) < 1e-5, `${slope}: ${value}, wanted ${wanted[i]}`);
      }
      tf.dispose([variable, gradient, ...state.first, ...state.second]);
    }
  });
}

test('lists that do not fit are refused before anything changes', async () => {
  await useBackend('wasm');
  const variable = tf.variable(tf.ones([2]));
  const state = createAdam([variable]);
  assert.throws(
    () => adamStep(state, [variable], [], { learningRate: 1 }),
    /for 1 variables, got 1 and 0 gradients/,
  );
  const wide = tf.ones([3]);
  assert.throws(
    () => adamStep(state, [variable], [wide], { learningRate: 1 }),
    /is \[2\], its gradient \[3\]/,
  );
  assert.equal(state.step, 0);
  assert.deepEqual([...(await variable.data())], [1, 1]);
});
