import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { fromFiles, type LoadedArtifact, toFiles } from '../../../src/artifact/artifact.js';
import { useBackend } from '../../../src/backend/choose.js';
import { ArtifactError, NotFittedError, OptionError } from '../../../src/core/errors.js';
import type { ParametricUMAPOptions } from '../../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../../src/estimators/umap/parametricUmap.js';
import { saying } from '../../helpers/assert.js';
import { groups } from '../../helpers/data.js';

await useBackend();

const rows = groups();
const labels = rows.map((_, i) => (i % 5 === 0 ? null : ['ash', 'elm', 'oak'][i % 3]!));
const quick: Partial<ParametricUMAPOptions> = {
  nNeighbors: 5,
  nEpochs: 2,
  lossReportFrequency: 3,
  init: 'random',
};

/** An artifact as it comes back from its files. */
async function reread(estimator: ParametricUMAP, includeGraph = true): Promise<LoadedArtifact> {
  const files = await toFiles(await estimator.toArtifact({ includeGraph }));
  return fromFiles(async (name) => files.get(name)!, { kind: 'ParametricUMAP' });
}

/** A model with everything that can be saved. */
async function everything(): Promise<ParametricUMAP> {
  const estimator = new ParametricUMAP({ ...quick, parametricReconstruction: true, classifier: true });
  await estimator.fit(rows, labels);
  await estimator.addLandmarks(rows, { indices: [3, 1, 20], y: labels, resetOptimizer: false });
  return estimator;
}

const whole = await everything();
const artifact = await reread(whole);

test('all that a fit leaves comes back', async () => {
  const before = tf.memory().numTensors;
  const loaded = await ParametricUMAP.fromArtifact(artifact);
  assert.deepEqual(loaded.options, whole.options);
  assert.deepEqual(loaded.history, whole.history);
  assert.deepEqual(loaded.curve, whole.curve);
  assert.deepEqual(loaded.classes, ['ash', 'elm', 'oak']);
  assert.deepEqual(loaded.graph, whole.graph);
  assert.deepEqual(await loaded.predictProba(rows), await whole.predictProba(rows));
  const map = await whole.transform(rows);
  assert.deepEqual(await loaded.transform(rows), map);
  assert.deepEqual(await loaded.inverseTransform(map), await whole.inverseTransform(map));
  // Landmarks too: the next fit of both is one.
  await loaded.fit(rows, labels);
  const twin = await everything();
  await twin.fit(rows, labels);
  assert.ok('landmark' in loaded.history);
  assert.deepEqual(await loaded.transform(rows), await twin.transform(rows));
  twin.dispose();
  loaded.dispose();
  assert.equal(tf.memory().numTensors, before);
});

test('the graph may be left out', async () => {
  const slim = await reread(whole, false);
  assert.equal(slim.graph, undefined);
  const loaded = await ParametricUMAP.fromArtifact(slim);
  assert.throws(() => loaded.graph, saying(NotFittedError, 'includeGraph'));
  await loaded.fit(rows, labels);
  assert.ok(loaded.graph.head.length > 0);
  loaded.dispose();
});

test('what was a function is given back at loading, and missed only where it is needed', async () => {
  let calls = 0;
  const metric = (a: Float32Array, b: Float32Array) => {
    calls++;
    return Math.abs(a[0]! - b[0]!) + Math.abs(a[1]! - b[1]!);
  };
  const estimator = new ParametricUMAP({
    ...quick,
    metric,
    parametricReconstruction: true,
    parametricReconstructionLossFn: (x, r) => tf.mean(tf.abs(tf.sub(x, r))),
    callbacks: [{ onTrainBegin: async () => {} }],
    reconstructionValidation: groups(20, 6, 'held out'),
  });
  const map = await estimator.fitTransform(rows);
  const saved = await reread(estimator);
  const bare = await ParametricUMAP.fromArtifact(saved);
  assert.deepEqual(await bare.transform(rows), map);
  assert.deepEqual(bare.options.callbacks, []);
  await assert.rejects(bare.fit(rows), saying(OptionError, 'parametricReconstructionLossFn'));
  assert.deepEqual(await bare.transform(rows), map);
  bare.dispose();
  const { parametricReconstructionLossFn } = estimator.options;
  const half = await ParametricUMAP.fromArtifact(saved, { parametricReconstructionLossFn });
  await assert.rejects(half.fit(rows), saying(OptionError, 'metric function', 'load(path, { metric })'));
  assert.deepEqual(await half.transform(rows), map);
  half.dispose();
  const loaded = await ParametricUMAP.fromArtifact(saved, {
    metric,
    parametricReconstructionLossFn,
  });
  calls = 0;
  await loaded.fit(rows);
  assert.ok(calls > 0);
  assert.ok('reconstruction' in loaded.history);
  loaded.dispose();
  estimator.dispose();
});

test('a user-supplied reconstruction loss that is missing at a later fit is an error, not dropped', async () => {
  const estimator = new ParametricUMAP({
    ...quick,
    parametricReconstruction: true,
    parametricReconstructionLossFn: (x, r) => tf.mean(tf.abs(tf.sub(x, r))),
  });
  await estimator.fit(rows);
  const loaded = await ParametricUMAP.fromArtifact(await reread(estimator));
  await assert.rejects(
    loaded.fit(rows),
    saying(OptionError, 'parametricReconstructionLossFn', 'load(path, { parametricReconstructionLossFn })'),
  );
  loaded.dispose();
  estimator.dispose();
});

test('options that are no plain data do not stand in the way of saving', async () => {
  const estimator = new ParametricUMAP({
    ...quick,
    init: rows.map((_, i) => [i, 0]),
    learningRate: () => 0.001,
    optimizer: tf.train.sgd(0.1),
    metricParams: {},
    landmarkLossFn: (x, r) => tf.mean(tf.abs(tf.sub(x, r))),
    dims: [2, 3],
  });
  const map = await estimator.fitTransform(rows);
  const loaded = await ParametricUMAP.fromArtifact(await reread(estimator));
  assert.deepEqual(await loaded.transform(rows), map);
  assert.deepEqual(loaded.options.dims, [2, 3]);
  await loaded.fit(rows);
  loaded.dispose();
  estimator.dispose();
});

test('options may be overridden at loading, and wrong ones are refused', async () => {
  const before = tf.memory().numTensors;
  const loaded = await ParametricUMAP.fromArtifact(artifact, { learningRate: 0.5, verbose: false });
  assert.equal(loaded.options.learningRate, 0.5);
  assert.equal(loaded.options.nNeighbors, 5);
  loaded.dispose();
  const wrong = (overrides: object) => ParametricUMAP.fromArtifact(artifact, overrides);
  await assert.rejects(wrong({ learningRate: -1 }), saying(OptionError, 'learningRate'));
  await assert.rejects(wrong({ learning_rate: 1 }), saying(OptionError, "'learningRate'"));
  await assert.rejects(
    wrong({ nComponents: 3 }),
    saying(OptionError, 'load: nComponents: expected 2', 'got 3'),
  );
  assert.equal(tf.memory().numTensors, before);
});

test('saved options that this version does not know are a damaged model', async () => {
  const before = tf.memory().numTensors;
  for (const [name, value] of [
    ['nonsense', 1],
    ['nNeighbors', 'many'],
  ] as const) {
    const options = { ...artifact.options, ...Object.fromEntries([[name, value]]) };
    const load = ParametricUMAP.fromArtifact({ ...artifact, options });
    await assert.rejects(load, saying(ArtifactError, 'options', name));
  }
  assert.equal(tf.memory().numTensors, before);
});

/** Ways to damage a model: the place, what is put there (undefined: nothing), and what the complaint names. */
const damages: readonly (readonly [place: string, change: (whole: Loose, old: Loose) => unknown, RegExp])[] =
  [
    ['state.curve', () => undefined, /state\.curve/],
    ['state.curve', () => ({ a: 'x', b: 1 }), /state\.curve\.a/],
    ['state.curve', () => ({ a: 1, b: Number.POSITIVE_INFINITY }), /state\.curve\.b/],
    ['state.rowShape', () => undefined, /rowShape/],
    ['state.rowShape', () => [7], /encoder: expected 7/],
    ['state.rowShape', () => [-6, -1], /rowShape/],
    ['state.rowShape', () => [3, 2, 2], /encoder: expected 12/],
    ['state.fits', () => 1.5, /fits/],
    ['state.history', () => ({ loss: ['low'] }), /history\.loss/],
    ['state.history', () => [1], /history/],
    ['state.classNames', () => [{}, 1, 2], /label/],
    ['state.classNames', () => ['ash', 'elm'], /classifier/],
    ['state.reconstruction', () => ({ kind: 'magic' }), /reconstruction\.kind.*magic/],
    ['state.reconstruction', () => ({ kind: 'squared' }), /variance/],
    ['networks.encoder', () => undefined, /expected an encoder, got none/],
    ['networks.encoder', (whole) => whole.networks!.decoder, /encoder: expected 6/],
    ['networks.classifier', (whole) => whole.networks!.encoder, /classifier: expected 2/],
    ['tables.optimizer.arrays.moment3', () => undefined, /moment3/],
    ['tables.optimizer.state.shapes', (_, old) => [[1, 1], ...Object.values(old).slice(1)], /moment0/],
    ['tables.optimizer.state.taken', () => -1, /taken/],
    ['tables.projection.arrays.mean', () => undefined, /mean/],
    ['tables.projection.state.scale', () => null, /scale/],
    ['tables.landmarks.arrays.rows', () => undefined, /landmarks.* 0 /],
    ['tables.landmarks.state.y', () => ['ash', 'elm'], /landmarks\.y.*3.*2/],
    ['tables.landmarks.state.weight', () => 'much', /weight/],
  ];

/** An artifact, loosely, so that damage can be done. */
interface Loose {
  [key: string]: Loose;
}

function damaged(place: string, change: (whole: Loose, old: Loose) => unknown): LoadedArtifact {
  const whole = structuredClone(artifact) as unknown as Loose;
  const path = place.split('.');
  const last = path.pop()!;
  const parent = path.reduce((at, key) => at[key]!, whole);
  const value = change(whole, parent[last]!);
  if (value === undefined) delete parent[last];
  else parent[last] = value as Loose;
  return whole as unknown as LoadedArtifact;
}

test('a damaged model is refused by the name of what is wrong, and leaves no tensor behind', async () => {
  const before = tf.memory().numTensors;
  for (const [place, change, message] of damages) {
    const load = ParametricUMAP.fromArtifact(damaged(place, change));
    await assert.rejects(load, saying(ArtifactError, message), place);
    assert.equal(tf.memory().numTensors, before, place);
  }
});

test('a model that was not fitted cannot be saved', async () => {
  await assert.rejects(async () => new ParametricUMAP().toArtifact(), saying(NotFittedError, 'save'));
});
