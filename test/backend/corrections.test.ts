import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { available, source } from '../helpers/backends.js';

type Op = (x: tf.Tensor4D) => tf.Tensor;

const filter3D = () => source('filter')([2, 2, 2, 2, 3]) as tf.Tensor5D;

/**
 * Piecewise linear operations: central differences are exact but for rounding, as long as no maximum changes
 * hands.
 */
const cases: Readonly<Record<string, { shape: number[]; op: Op }>> = {
  'max pooling': { shape: [2, 6, 6, 3], op: (x) => tf.maxPool(x, 2, 2, 'valid') },
  'overlapping max pooling': { shape: [2, 7, 5, 2], op: (x) => tf.maxPool(x, 3, 2, 'same') },
  'average pooling': { shape: [2, 6, 6, 3], op: (x) => tf.avgPool(x, 2, 2, 'valid') },
  'padded average pooling': { shape: [2, 5, 7, 2], op: (x) => tf.avgPool(x, 3, 1, 'same') },
  'nearest resize of several images': {
    shape: [3, 4, 4, 2],
    op: (x) => tf.image.resizeNearestNeighbor(x, [8, 8]),
  },
  'nearest resize by a fraction': {
    shape: [2, 3, 4, 2],
    op: (x) => tf.image.resizeNearestNeighbor(x, [7, 5]),
  },
  'nearest resize with aligned corners': {
    shape: [2, 3, 4, 2],
    op: (x) => tf.image.resizeNearestNeighbor(x, [7, 6], true),
  },
  'nearest resize with half-pixel centers': {
    shape: [2, 4, 4, 2],
    op: (x) => tf.image.resizeNearestNeighbor(x, [6, 9], false, true),
  },
  tiling: { shape: [2, 1, 3, 2], op: (x) => tf.tile(x, [2, 3, 1, 2]) },
  'bilinear resize': { shape: [2, 4, 4, 2], op: (x) => tf.image.resizeBilinear(x, [7, 8]) },
  'convolution of volumes': {
    shape: [2, 4, 4, 4, 2],
    op: (x) => tf.conv3d(x as unknown as tf.Tensor5D, filter3D(), 1, 'same'),
  },
  'strided convolution of volumes': {
    shape: [2, 4, 4, 4, 2],
    op: (x) => tf.conv3d(x as unknown as tf.Tensor5D, filter3D(), 2, 'valid'),
  },
};

for (const backend of ['cpu', 'wasm'] as const) {
  for (const [name, { shape, op }] of Object.entries(cases)) {
    test(`${name} on ${backend}: the gradient equals finite differences`, async () => {
      await useBackend(backend);
      tf.tidy(() => {
        const next = source(name);
        const x = next(shape) as tf.Tensor4D;
        const dy = next(op(x).shape);
        const gradient = tf.grad(op as (x: tf.Tensor) => tf.Tensor)(x, dy);
        for (let direction = 0; direction < 4; direction++) {
          // Small enough that the largest element of a window stays the largest.
          const u = tf.mul(next(shape), 1e-3) as tf.Tensor4D;
          const difference = tf.sub(op(tf.add(x, u)), op(tf.sub(x, u)));
          const numeric = tf.mul(difference, dy).sum().div(2e-3).dataSync()[0]!;
          const analytic = tf.mul(gradient, u).sum().div(1e-3).dataSync()[0]!;
          assert.ok(
            Math.abs(numeric - analytic) < 2e-3 * (1 + Math.abs(numeric)),
            `${numeric}, not ${analytic}`,
          );
        }
      });
    });
  }
}

for (const backend of ['cpu', 'wasm', 'tensorflow'] as const) {
  const skip = backend === 'tensorflow' && (await available(backend));

  test(`${backend}: each image of a batch is transformed, by its own transform or the only one`, {
    skip,
  }, async () => {
    await useBackend(backend);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const images = tf.tensor4d(
        Float32Array.from({ length: 12 }, (_, i) => i + 1),
        [2, 2, 3, 1],
      );
      const as = [1, 0, 0, 0, 1, 0, 0, 0];
      const left = [1, 0, 1, 0, 1, 0, 0, 0];
      const moved = (maps: number[][]) => {
        const result = tf.image.transform(images, tf.tensor2d(maps), 'bilinear');
        assert.deepEqual(result.shape, [2, 2, 3, 1]);
        return [...result.dataSync()];
      };
      assert.deepEqual(moved([as, left]), [1, 2, 3, 4, 5, 6, 8, 9, 0, 11, 12, 0]);
      assert.deepEqual(moved([left]), [2, 3, 0, 5, 6, 0, 8, 9, 0, 11, 12, 0]);
      const small = tf.image.transform(images, tf.tensor2d([left]), 'nearest', 'constant', 0, [1, 2]);
      assert.deepEqual(
        [small.shape, [...small.dataSync()]],
        [
          [2, 1, 2, 1],
          [2, 3, 8, 9],
        ],
      );
    });
    assert.equal(tf.memory().numTensors, before, 'tensors left');
  });
}

for (const backend of ['cpu', 'wasm'] as const) {
  test(`batch normalization on ${backend}: along any axis, and no tensor is left`, async () => {
    await useBackend(backend);
    const { numTensors } = tf.memory();
    tf.tidy(() => {
      const next = source('normalization');
      const x = next([3, 4, 5, 2]);
      for (const axis of [1, 2, 3]) {
        const shape = [1, 1, 1, 1].map((one, i) => (i === axis ? x.shape[axis]! : one));
        const mean = next(shape) as tf.Tensor4D;
        const variance = tf.add(tf.square(next(shape)), 0.5) as tf.Tensor4D;
        const [offset, scale] = [next(shape), next(shape)] as [tf.Tensor4D, tf.Tensor4D];
        // (x - mean) scale / sqrt(variance + epsilon) + offset
        const expected = tf.add(
          tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 0.01))), scale),
          offset,
        );
        const found = tf.batchNorm(x as tf.Tensor4D, mean, variance, offset, scale, 0.01);
        assert.ok(tf.max(tf.abs(tf.sub(found, expected))).dataSync()[0]! < 1e-5, `axis ${axis}`);
      }
    });
    assert.equal(tf.memory().numTensors, numTensors);
  });
}
