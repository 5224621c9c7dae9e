import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { source } from '../helpers/backends.js';

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
