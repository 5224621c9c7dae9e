import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import type { Optimizer } from '../../src/core/types.js';
import { adam, sgd, withWeightDecay } from '../../src/training/optimizer.js';
import { allClose } from '../helpers/assert.js';
import { available, source } from '../helpers/backends.js';

const shapes = [[3, 4], [5], [], [129]];

/** One step on one variable. */
function step(optimizer: Optimizer, variable: tf.Variable, gradient: number[], rate: number, clip = 1e9) {
  tf.tidy(() => optimizer.step([variable], [tf.tensor(gradient, variable.shape)], [rate], clip));
}

for (const backend of ['cpu', 'wasm', 'tensorflow'] as const) {
  const skip = backend === 'tensorflow' && (await available(backend));

  test(`${backend}: SGD takes the steps of TensorFlow.js, and leaves no tensor`, { skip }, async () => {
    await useBackend(backend);
    for (const momentum of [0, 0.9]) {
      const next = source('sgd');
      const initial = shapes.map((shape) => next(shape));
      const steps = Array.from({ length: 5 }, () => shapes.map((shape) => next(shape)));
      const { numTensors } = tf.memory();
      const variables = initial.map((values) => tf.variable(values));
      const ours = sgd({ momentum });
      const rates = shapes.map(() => 0.05);
      for (const gradients of steps) tf.tidy(() => ours.step(variables, gradients, rates, 1e9));
      const found = await Promise.all(variables.map((variable) => variable.data()));
      assert.equal((await ours.state())!.taken, 5);
      ours.dispose();
      tf.dispose(variables);
      assert.equal(tf.memory().numTensors, numTensors);
      const references = initial.map((values) => tf.variable(values));
      const theirs = momentum > 0 ? tf.train.momentum(0.05, momentum) : tf.train.sgd(0.05);
      for (const gradients of steps)
        theirs.applyGradients(references.map(({ name }, i) => ({ name, tensor: gradients[i]! })));
      for (const [i, reference] of references.entries())
        allClose(found[i]!, [...(await reference.data())], 1e-6);
      theirs.dispose();
      tf.dispose([...initial, ...steps.flat(), ...references]);
    }
  });
}

test('momentum repeats a share of the last move, whatever the rate was then', async () => {
  await useBackend('cpu');
  const x = tf.variable(tf.tensor1d([0, 0]));
  const optimizer = sgd({ momentum: 0.5 });
  step(optimizer, x, [1, -2], 0.1);
  allClose(await x.data(), [-0.1, 0.2], 1e-6);
  // v = 0.5 (1, -2) + (1, 0), at ten times the rate.
  step(optimizer, x, [1, 0], 1);
  allClose(await x.data(), [-1.6, 1.2], 1e-6);
  // Gradients are clipped, velocities are not: v = 0.5 (1.5, -1) + (1, 0).
  step(optimizer, x, [50, 0], 1, 1);
  allClose(await x.data(), [-3.35, 1.7], 1e-6);
  await optimizer.restore(undefined);
  step(optimizer, x, [0, 0], 1);
  allClose(await x.data(), [-3.35, 1.7], 1e-6);
  optimizer.dispose();
  x.dispose();
});

test('variables of other shapes start SGD anew, and a state of another optimizer is not taken', async () => {
  await useBackend('cpu');
  const [x, y] = [tf.variable(tf.zeros([2])), tf.variable(tf.zeros([3]))];
  const optimizer = sgd({ momentum: 0.5 });
  step(optimizer, x, [1, 1], 1);
  step(optimizer, y, [1, 1, 1], 1);
  allClose(await y.data(), [-1, -1, -1], 1e-6);
  const other = adam();
  step(other, x, [1, 1], 0.1);
  await optimizer.restore(await other.state());
  assert.deepEqual(await optimizer.state(), { kind: 'sgd', taken: 0, shapes: [], values: [] });
  await other.restore({ kind: 'sgd', taken: 3, shapes: [[2]], values: [Float32Array.of(1, 1)] });
  assert.equal((await other.state())!.taken, 0);
  for (const each of [optimizer, other, x, y]) each.dispose();
});

test('weight decay shrinks kernels by rate times decay, not biases and numbers', async () => {
  await useBackend('cpu');
  const variables = [
    tf.variable(tf.fill([2, 2], 4)),
    tf.variable(tf.fill([2], 4)),
    tf.variable(tf.scalar(4)),
  ];
  const optimizer = withWeightDecay(sgd(), 0.5);
  tf.tidy(() =>
    optimizer.step(
      variables,
      variables.map((variable) => tf.onesLike(variable)),
      [0.1, 0.1, 0.1],
      4,
    ),
  );
  allClose(await variables[0]!.data(), [3.7, 3.7, 3.7, 3.7], 1e-6);
  allClose(await variables[1]!.data(), [3.9, 3.9], 1e-6);
  allClose(await variables[2]!.data(), [3.9], 1e-6);
  optimizer.dispose();
  tf.dispose(variables);
});
