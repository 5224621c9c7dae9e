import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../src/core/random.js';
import type { Matrix } from '../../src/core/types.js';
import { pca } from '../../src/math/pca.js';
import { encode } from '../../src/networks/encode.js';
import { bendingUnits, foldEncoder } from '../../src/networks/fold.js';
import { mlp } from '../../src/networks/mlp.js';
import { networkOf } from '../../src/networks/network.js';
import { type Projection, projectRows } from '../../src/networks/projection.js';
import { readWeights } from '../../src/training/train.js';
import { farthest } from '../helpers/assert.js';

await tf.setBackend('cpu');

const random = createRandom('fold');
/** 40 rows in a three-dimensional plane of six dimensions, far from 0. */
const plane = Array.from({ length: 3 }, () => Array.from({ length: 6 }, () => random.normal()));
const matrix: Matrix = {
  data: Float32Array.from(
    Array.from({ length: 40 }, () => {
      const at = [random.normal(), random.normal(), random.normal()];
      return plane[0]!.map((_, c) => 5 + at.reduce((sum, t, axis) => sum + t * plane[axis]![c]!, 0));
    }).flat(),
  ),
  shape: [40, 6],
};

function projectionOf(components: number): Projection {
  const axes = pca(matrix, { components, random: createRandom('pca') });
  return { mean: axes.mean, components: axes.components, scale: 2.5 };
}

function encoderOf(inputShape = [6]) {
  const model = mlp({
    inputShape,
    outputShape: [2],
    hidden: [8, 7],
    random: createRandom(4),
    name: 'encoder',
  });
  return networkOf(model, 'encoder', true);
}

test('projected rows are (row - mean) times the components, over the scale', async () => {
  const projection = projectionOf(2);
  const projected = await projectRows(matrix, projection);
  assert.deepEqual(projected.shape, [40, 2]);
  for (const [row, component] of [
    [0, 0],
    [17, 1],
    [39, 0],
  ] as const) {
    let wanted = 0;
    for (let c = 0; c < 6; c++) {
      const centered = matrix.data[6 * row + c]! - projection.mean[c]!;
      wanted += (centered * projection.components.data[6 * component + c]!) / 2.5;
    }
    assert.ok(Math.abs(projected.data[2 * row + component]! - wanted) < 1e-5);
  }
});

test('after folding, the encoder gives for rows what the trained network gives for projected rows', async () => {
  const projection = projectionOf(2);
  const encoder = encoderOf();
  const untrained = await encode(encoder, matrix, { batchSize: 40 });
  const folded = foldEncoder(encoder, projection, true, createRandom('start'));
  assert.deepEqual(folded.network.inputShape, [2]);
  // As if trained: the first layer's bias starts at 0.
  const first = folded.network.model.layers.find((layer) => layer.getClassName() === 'Dense')!;
  tf.tidy(() => {
    const [w, b] = first.getWeights();
    first.setWeights([w!, tf.add(b!, 0.3)]);
  });
  folded.fold();
  const inner = await encode(folded.network, await projectRows(matrix, projection), { batchSize: 40 });
  const outer = await encode(encoder, matrix, { batchSize: 40 });
  assert.ok(farthest(inner.data, outer.data) < 1e-5);
  assert.ok(farthest(untrained.data, outer.data) > 1e-2);
  folded.dispose();
  encoder.dispose();
});

test('unfolding starts from the weights of the encoder', async () => {
  const projection = projectionOf(3);
  const encoder = encoderOf();
  // The plane holds all rows, so nothing is lost on it.
  const before = await encode(encoder, matrix, { batchSize: 40 });
  const folded = foldEncoder(encoder, projection, false, createRandom('start'));
  const inner = await encode(folded.network, await projectRows(matrix, projection), { batchSize: 40 });
  assert.ok(farthest(before.data, inner.data) < 1e-4);
  folded.fold();
  const after = await encode(encoder, matrix, { batchSize: 40 });
  assert.ok(farthest(before.data, after.data) < 1e-4);
  folded.dispose();
  encoder.dispose();
});

test('a new first layer is seeded, and differs by seed', async () => {
  const projection = projectionOf(2);
  const encoder = encoderOf();
  const starts = ['one', 'one', 'two'].map((seed) =>
    foldEncoder(encoder, projection, true, createRandom(seed)),
  );
  const weights = [];
  for (const { network } of starts) weights.push(await readWeights([network]));
  assert.deepEqual(weights[0], weights[1]);
  assert.notDeepEqual(weights[0], weights[2]);
  for (const folded of starts) folded.dispose();
  encoder.dispose();
});

test('image-shaped rows fold as well, and later layers are the encoder’s own', async () => {
  const projection = projectionOf(3);
  const encoder = encoderOf([2, 3, 1]);
  const folded = foldEncoder(encoder, projection, true, createRandom('start'));
  folded.fold();
  const inner = await encode(folded.network, await projectRows(matrix, projection), { batchSize: 40 });
  const outer = await encode(encoder, matrix, { batchSize: 40 });
  assert.ok(farthest(inner.data, outer.data) < 1e-5);
  assert.equal(folded.network.model.layers.at(-1), encoder.model.layers.at(-1));
  folded.dispose();
  encoder.dispose();
});

test('folding in both directions leaks no tensor', () => {
  const before = tf.memory().numTensors;
  const encoder = encoderOf();
  const held = tf.memory().numTensors;
  for (const fresh of [true, false, false]) {
    const folded = foldEncoder(encoder, projectionOf(3), fresh, createRandom('start'));
    folded.fold();
    folded.dispose();
    assert.equal(tf.memory().numTensors, held);
  }
  encoder.dispose();
  assert.equal(tf.memory().numTensors, before);
});

test('a wide table is projected in parts, the last one short', async () => {
  const [rows, columns] = [2500, 2000];
  const random = createRandom('wide');
  const data = Float32Array.from({ length: rows * columns }, (_, i) => (i % 13) / 13);
  const components = Float32Array.from({ length: columns }, () => random.normal());
  const mean = new Float32Array(columns).fill(0.25);
  const parts = { mean, components: { data: components, shape: [1, columns] as const }, scale: 2 };
  const projected = await projectRows({ data, shape: [rows, columns] }, parts);
  assert.deepEqual(projected.shape, [rows, 1]);
  for (const row of [0, 2096, 2097, 2499]) {
    let wanted = 0;
    for (let c = 0; c < columns; c++) wanted += ((data[row * columns + c]! - mean[c]!) * components[c]!) / 2;
    assert.ok(
      Math.abs(projected.data[row]! - wanted) < 1e-3,
      `row ${row}: ${projected.data[row]}, not ${wanted}`,
    );
  }
});

test('the encoder compresses outliers as in the rows that it was trained on', async () => {
  // Bends at 10, 100, 1,000, ...: none in the first component, two in the second, four in the third.
  const projection: Projection = { ...projectionOf(3), bends: Int32Array.from([0, 2, 4]) };
  const far: Matrix = { data: matrix.data.slice(), shape: matrix.shape };
  for (const [row, times] of [
    [3, 40],
    [7, -700],
    [11, 30_000],
  ] as const) {
    for (let c = 0; c < 6; c++) far.data[6 * row + c]! *= times;
  }
  const model = mlp({
    ...{ inputShape: [6], outputShape: [2], random: createRandom(4), name: 'encoder' },
    hidden: [...bendingUnits(projection), 8, 7],
  });
  const encoder = networkOf(model, 'encoder', true);
  const folded = foldEncoder(encoder, projection, true, createRandom('start'));
  folded.fold();
  const bent = await projectRows(far, projection);
  const unbent = await projectRows(far, { ...projection, bends: undefined } as unknown as Projection);
  assert.ok(unbent.data.some((value) => Math.abs(value) > 1e4));
  const inner = await encode(folded.network, bent, { batchSize: 40 });
  const outer = await encode(encoder, far, { batchSize: 40 });
  assert.ok(farthest(inner.data, outer.data) < 1e-3, `${farthest(inner.data, outer.data)}`);
  // And back: a second fit begins with what the first has learned.
  const again = foldEncoder(encoder, projection, false, createRandom('again'));
  const same = await encode(again.network, bent, { batchSize: 40 });
  assert.ok(farthest(inner.data, same.data) < 1e-6);
  for (const { dispose } of [folded, again, encoder]) dispose();
});
