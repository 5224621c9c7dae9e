import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../../src/backend/choose.js';
import { onBoth, source, withGradients } from '../../helpers/backends.js';

before(() => useBackend('wasm'));

const orientations = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;

test('matMul in every orientation, values and gradients, over sizes around the tile', async () => {
  const sizes = [
    [1, 1, 1],
    [5, 8, 4],
    [7, 9, 3],
    [33, 17, 300],
    [4, 2, 1030],
    [3, 521, 6],
  ];
  for (const [m, n, k] of sizes as [number, number, number][]) {
    for (const [transposeA, transposeB] of orientations) {
      await onBoth(`matMul ${m} ${n} ${k} ${transposeA} ${transposeB}`, () => {
        const next = source('matMul');
        const a = next(transposeA ? [k, m] : [m, k]);
        const b = next(transposeB ? [n, k] : [k, n]);
        return withGradients([a, b], (x, y) => tf.matMul(x, y, transposeA, transposeB));
      });
    }
  }
});

test('batched and broadcast matMul', async () => {
  const cases: [number[], number[]][] = [
    [
      [3, 6, 5],
      [3, 5, 7],
    ],
    [
      [3, 6, 5],
      [1, 5, 7],
    ],
    [
      [1, 6, 5],
      [3, 5, 7],
    ],
    [
      [2, 3, 6, 5],
      [2, 3, 5, 7],
    ],
  ];
  for (const [a, b] of cases) {
    for (const [transposeA, transposeB] of orientations) {
      await onBoth(`matMul [${a}] [${b}]`, () => {
        const next = source('batch');
        const x = next(transposeA ? a.with(-1, a.at(-2)!).with(-2, a.at(-1)!) : a);
        const y = next(transposeB ? b.with(-1, b.at(-2)!).with(-2, b.at(-1)!) : b);
        return tf.matMul(x, y, transposeA, transposeB);
      });
    }
  }
  // The plain JavaScript backend gets [2, 1] against [3] wrong, so each product is compared with its own
  // slice.
  const next = source('broadcast');
  const [a, b] = [next([2, 1, 4, 5]), next([3, 5, 6])];
  const all = tf.matMul(a, b);
  assert.deepEqual(all.shape, [2, 3, 4, 6]);
  for (let i = 0; i < 2; i++) {
    for (let j = 0; j < 3; j++) {
      const one = tf.matMul(a.slice([i, 0], [1, 1]).reshape([4, 5]), b.slice([j], [1]).reshape([5, 6]));
      assert.deepEqual(await all.slice([i, j], [1, 1]).data(), await one.data());
    }
  }
});

test('an empty inner dimension gives zeros', async () => {
  const product = tf.matMul(tf.zeros([3, 0]), tf.zeros([0, 2]));
  assert.deepEqual([...(await product.data())], [0, 0, 0, 0, 0, 0]);
});

test('fused matMul: bias and every activation', async () => {
  const activations = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'prelu', 'leakyrelu'] as const;
  for (const activation of activations) {
    for (const biasShape of [[11], [1], undefined]) {
      for (const [transposeA, transposeB] of orientations) {
        await onBoth(`fused ${activation} [${biasShape}]`, () => {
          const next = source('fused');
          return tf.fused.matMul({
            a: next(transposeA ? [9, 13] : [13, 9]) as tf.Tensor2D,
            b: next(transposeB ? [11, 9] : [9, 11]) as tf.Tensor2D,
            transposeA,
            transposeB,
            ...(biasShape && { bias: next(biasShape) }),
            activation,
            ...(activation === 'prelu' && { preluActivationWeights: next([11]) }),
            leakyreluAlpha: 0.3,
          });
        });
      }
    }
  }
});

test('gather and its gradient, with repeated and unused rows', async () => {
  for (const shape of [[6, 1], [6, 3], [6, 4], [6, 2, 5], [6]]) {
    await onBoth(`gather [${shape}]`, () => {
      const rows = tf.tensor1d([5, 0, 0, 3, 5, 5, 1], 'int32');
      return withGradients([source('gather')(shape)], (x) => tf.gather(x, rows));
    });
  }
  await onBoth('gather with a matrix of indices', () => {
    const indices = tf.tensor2d(
      [
        [0, 2],
        [2, 2],
        [1, 0],
      ],
      [3, 2],
      'int32',
    );
    return tf.gather(source('gather')([3, 4]), indices);
  });
  await onBoth('gather along columns', () => {
    const columns = tf.tensor1d([2, 0, 2], 'int32');
    return withGradients([source('gather')([4, 3])], (x) => tf.gather(x, columns, 1));
  });
  await onBoth('gather integers', () =>
    tf.gather(tf.tensor1d([7, 8, 9], 'int32'), tf.tensor1d([2, 0], 'int32')),
  );
  await useBackend('wasm');
  const table = tf.zeros([3, 2]);
  const before = tf.memory().numTensors;
  const dataIds = tf.backend().numDataIds();
  for (const index of [3, -1]) {
    const indices = tf.tensor1d([0, index], 'int32');
    assert.throws(() => tf.gather(table, indices), new RegExp(`index value ${index} is not in`));
    indices.dispose();
  }
  assert.equal(tf.memory().numTensors, before);
  assert.equal(tf.backend().numDataIds(), dataIds);
});

test('unsortedSegmentSum drops ids out of range and keeps integers exact', async () => {
  await onBoth('segments', () => {
    const ids = tf.tensor1d([2, 0, -1, 2, 9, 1], 'int32');
    return tf.unsortedSegmentSum(source('segments')([6, 5]), ids, 4);
  });
  await useBackend('wasm');
  const sum = tf.unsortedSegmentSum(
    tf.tensor1d([2 ** 24 + 1, 2, 5], 'int32'),
    tf.tensor1d([1, 1, 0], 'int32'),
    3,
  );
  assert.deepEqual([...(await sum.data())], [5, 2 ** 24 + 3, 0]);
});

test('einsum: products, batches, outer products, sums', async () => {
  const cases: [string, number[][]][] = [
    [
      'ij,jk->ik',
      [
        [3, 4],
        [4, 5],
      ],
    ],
    [
      'ij,kj->ki',
      [
        [3, 4],
        [5, 4],
      ],
    ],
    [
      'bij,bjk->bik',
      [
        [2, 3, 4],
        [2, 4, 5],
      ],
    ],
    ['i,j->ij', [[3], [4]]],
    ['ij->ji', [[3, 4]]],
    ['ij->j', [[3, 4]]],
    [
      'ij,ij->',
      [
        [3, 4],
        [3, 4],
      ],
    ],
  ];
  for (const [equation, shapes] of cases) {
    await onBoth(`einsum ${equation}`, () => {
      const next = source('einsum');
      return tf.einsum(equation, ...shapes.map(next));
    });
  }
});

test('tile, sum and mean over rows, and casts: values and gradients', async () => {
  const tiles: [number[], number[]][] = [
    [[5], [3]],
    [
      [1, 9],
      [7, 1],
    ],
    [
      [4, 1],
      [1, 6],
    ],
    [
      [2, 3, 2],
      [2, 1, 3],
    ],
    [
      [1, 2, 1, 5],
      [3, 2, 2, 1],
    ],
  ];
  for (const [shape, reps] of tiles) {
    const gradients = () => withGradients([source('tile')(shape)], (x) => tf.tile(x, reps));
    await onBoth(`tile [${shape}] [${reps}]`, gradients, 1e-5);
  }
  await onBoth('tile integers', () => tf.tile(tf.tensor2d([1, 2, 3, 4], [2, 2], 'int32'), [2, 3]));
  await onBoth('tile booleans', () => tf.tile(tf.tensor1d([true, false], 'bool'), [3]));
  for (const shape of [[7], [5, 37], [3, 4, 6], [2, 3, 4, 5]]) {
    for (let axes = 1; axes <= shape.length; axes++) {
      for (const keepDims of [true, false]) {
        const axis = Array.from({ length: axes }, (_, i) => i);
        for (const reduce of [tf.sum, tf.mean]) {
          const gradients = () => withGradients([source('reduce')(shape)], (x) => reduce(x, axis, keepDims));
          await onBoth(`${reduce.name} [${shape}] over ${axis}`, gradients, 1e-5);
        }
      }
    }
  }
  await onBoth('mean of integers', () => tf.mean(tf.tensor2d([1, 2, 3, 5], [2, 2], 'int32'), 0));
  await onBoth('sum over columns', () => tf.sum(source('reduce')([4, 5]), 1));
  await onBoth('cast', () => {
    const x = tf.tensor1d([0, 1.5, -2.5]);
    return [x.cast('float32'), x.cast('int32'), x.cast('bool'), x.clone()].map((y) => y.add(0));
  });
});

test('a clone shares the data of a tensor and outlives it', async () => {
  await useBackend('wasm');
  const original = tf.tensor1d([1, 2]);
  const clone = original.clone();
  original.dispose();
  const other = tf.tensor1d([8, 9]);
  assert.deepEqual([...(await clone.data())], [1, 2]);
  tf.dispose([clone, other]);
});
