/** Adam in tensor operations, as on a GPU: here on a WebAssembly backend that has none of our kernels. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { adamStep, createAdam } from '../../src/backend/adam.js';

test('Adam in operations takes the steps of Adam of TensorFlow.js, clips, and leaks no tensor', async () => {
  await tf.setBackend('wasm');
  const { numTensors } = tf.memory();
  const start = tf.tensor1d([1, -1, 0.5, 2]);
  const [ours, theirs] = [tf.variable(start), tf.variable(start)];
  const state = createAdam([ours]);
  const optimizer = tf.train.adam(0.05, 0.9, 0.95, 1e-7);
  for (let step = 0; step < 6; step++) {
    const gradient = tf.tensor1d([Math.sin(step), -7, 0.1 * step, 30]);
    const clipped = tf.clipByValue(gradient, -2, 2);
    adamStep(state, [ours], [gradient], { learningRate: 0.05, beta2: 0.95, clip: 2 });
    optimizer.applyGradients([{ name: theirs.name, tensor: clipped }]);
    tf.dispose([gradient, clipped]);
  }
  const [got, want] = [await ours.data(), await theirs.data()];
  got.forEach((value, i) => {
    assert.ok(Math.abs(value - want[i]!) < 2e-6, `${i}: ${value}, not ${want[i]}`);
  });
  optimizer.dispose();
  tf.dispose([start, ours, theirs, ...state.first, ...state.second]);
  assert.equal(tf.memory().numTensors, numTensors);
});
