/** Runs a computation on the reference backend (plain JavaScript) and on another one, and compares. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { createRandom } from '../../src/core/random.js';

/** Makes tensors of normal numbers, the same for every call with the same seed. */
export function source(seed: string): (shape: number[]) => tf.Tensor {
  const random = createRandom(seed);
  return (shape) =>
    tf.tensor(
      Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal()),
      shape,
    );
}

/** False when the backend can be had here, else the reason to skip its tests. */
export async function available(backend: 'wasm' | 'tensorflow' | 'webgpu'): Promise<false | string> {
  try {
    await useBackend(backend);
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * `compute` on both backends: the same shapes and types, the same numbers up to `tolerance` times the largest
 * one, and nothing left behind. It makes its own tensors and runs inside `tf.tidy`.
 */
export async function onBoth(
  name: string,
  compute: () => tf.Tensor | tf.Tensor[],
  tolerance = 2e-6,
  other: 'wasm' | 'tensorflow' | 'webgpu' = 'wasm',
): Promise<void> {
  const expected = await evaluate('cpu', compute);
  const actual = await evaluate(other, compute);
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const want = expected[i]!;
    const got = actual[i]!;
    assert.deepEqual(got.shape, want.shape, `${name}: shape of result ${i}`);
    const scale = want.data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-3);
    for (let j = 0; j < want.data.length; j++) {
      const difference = Math.abs(got.data[j]! - want.data[j]!);
      // Not <=: a NaN must fail.
      if (!(difference < tolerance * scale) && got.data[j] !== want.data[j]) {
        assert.fail(`${name}: result ${i}, element ${j}: ${got.data[j]} on ${other}, ${want.data[j]} on cpu`);
      }
    }
  }
}

/** Value and gradients of a weighted sum of the result, so that every element of dy differs. */
export function withGradients(inputs: tf.Tensor[], f: (...inputs: tf.Tensor[]) => tf.Tensor): tf.Tensor[] {
  const value = f(...inputs);
  const dy = tf.sin(tf.range(0, value.size)).reshape(value.shape);
  return [value, ...tf.grads(f)(inputs, dy)];
}

async function evaluate(
  backend: 'wasm' | 'cpu' | 'tensorflow' | 'webgpu',
  compute: () => tf.Tensor | tf.Tensor[],
): Promise<{ shape: number[]; data: Float32Array }[]> {
  await useBackend(backend);
  const tensors = tf.memory().numTensors;
  const dataIds = tf.backend().numDataIds();
  const results = tf.tidy(() => [compute()].flat());
  const read = await Promise.all(
    results.map(async (result) => ({ shape: result.shape, data: Float32Array.from(await result.data()) })),
  );
  tf.dispose(results);
  assert.equal(tf.memory().numTensors, tensors, `tensors left on ${backend}`);
  assert.equal(tf.backend().numDataIds(), dataIds, `data left on ${backend}`);
  return read;
}
