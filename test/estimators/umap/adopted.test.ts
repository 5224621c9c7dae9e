/** `ParametricUMAP.fromLayersModel`: an encoder from elsewhere embeds rows, is trained further, saved and loaded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { ParametricUMAP } from '../../../src/index.js';
import { groups } from '../../helpers/data.js';
import { withDirectory } from '../../helpers/files.js';
import { quick } from '../../subjects/parametricUmap.js';

const rows = groups();
const width = rows[0]!.length;

function dense(inputs: number, outputs: number): tf.LayersModel {
  const layers = [
    tf.layers.dense({ units: 12, activation: 'relu', inputShape: [inputs] }),
    tf.layers.dense({ units: outputs }),
  ];
  return tf.sequential({ layers });
}

const predicted = (model: tf.LayersModel, x: number[][]) =>
  tf.tidy(() => (model.predict(tf.tensor2d(x)) as tf.Tensor2D).arraySync());

test('an encoder from elsewhere embeds rows at once, and its decoder gives rows back', async () => {
  const [encoder, decoder] = [dense(width, 3), dense(3, width)];
  const umap = await ParametricUMAP.fromLayersModel(encoder, { decoder });
  assert.equal(umap.options.nComponents, 3);
  const map = await umap.transform(rows);
  for (const [found, expected] of [
    [map, predicted(encoder, rows)],
    [await umap.inverseTransform(map), predicted(decoder, map)],
  ] as const) {
    for (const [i, row] of expected.entries()) {
      for (const [c, value] of row.entries()) assert.ok(Math.abs(found[i]![c]! - value) < 1e-5);
    }
  }
  assert.deepEqual(umap.history, {});
  await assert.rejects(async () => umap.graph, { name: 'NotFittedError' });
  umap.dispose();
  assert.equal(predicted(encoder, rows).length, rows.length, 'the models stay the caller’s');
  encoder.dispose();
  decoder.dispose();
});

test('fit goes on training it, and a saved one gives the same embedding', async () => {
  const encoder = dense(width, 2);
  const umap = await ParametricUMAP.fromLayersModel(encoder, quick);
  const before = predicted(encoder, rows);
  await umap.fit(rows);
  const after = await umap.transform(rows);
  assert.notDeepEqual(before, after);
  assert.equal(umap.encoder, encoder);
  assert.ok(umap.history.loss!.length > 0);
  await withDirectory(async (directory) => {
    const fresh = await ParametricUMAP.fromLayersModel(encoder);
    for (const [i, each] of [umap, fresh].entries()) {
      await each.save(`${directory}/model${i}`);
      const loaded = await ParametricUMAP.load(`${directory}/model${i}`);
      assert.deepEqual(await loaded.transform(rows), after);
      loaded.dispose();
    }
    fresh.dispose();
  });
  umap.dispose();
  encoder.dispose();
});

test('labels and a classifier may come with the later fit', async () => {
  const encoder = dense(width, 2);
  const umap = await ParametricUMAP.fromLayersModel(encoder, { ...quick, classifier: true });
  await assert.rejects(umap.predict(rows), { name: 'NotFittedError' });
  await umap.fit(
    rows,
    rows.map((_, i) => (i % 2 ? 'odd' : 'even')),
  );
  assert.deepEqual([...umap.classes].sort(), ['even', 'odd']);
  assert.equal((await umap.predict(rows)).length, rows.length);
  umap.dispose();
  encoder.dispose();
});

test('models and options that do not fit together are refused, and no tensor is left', async () => {
  const encoder = dense(width, 2);
  const other = dense(3, width);
  const image = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [4, 3] })] });
  const { numTensors } = tf.memory();
  for (const [model, options, message] of [
    [encoder, { nComponents: 5 }, /nComponents: expected 2, as the encoder gives, got 5/],
    [encoder, { encoder: other }, /options\.encoder: expected nothing/],
    [encoder, { parametricEmbedding: false }, /parametricEmbedding: expected true/],
    [encoder, { decoder: other }, /decoder: expected a model from \[2\] to \[\d+\], got one from \[3\]/],
    [image, {}, /encoder: expected an output of one axis, got \[4, 2\]/],
    [encoder, { nNeighbours: 3 }, /nNeighbours/],
  ] as const) {
    await assert.rejects(ParametricUMAP.fromLayersModel(model, options as object), {
      name: 'OptionError',
      message,
    });
  }
  assert.equal(tf.memory().numTensors, numTensors);
  for (const model of [encoder, other, image]) model.dispose();
});
