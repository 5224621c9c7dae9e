/** The estimator's options, one by one, and what a fit does with them. `test/checks` holds what all estimators must do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../../src/backend/choose.js';
import { DataError, DivergedError, OptionError } from '../../../src/core/errors.js';
import type { Edges } from '../../../src/core/types.js';
import { type ParametricUMAPOptions, parametricUmapDefaults } from '../../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../../src/estimators/umap/parametricUmap.js';
import type { FitInputs } from '../../../src/fit/inputs.js';
import { knnAccuracy, trustworthiness } from '../../../src/metrics/scores.js';
import { refusals, sums } from '../../features/feature.js';
import { assertFinite, saying } from '../../helpers/assert.js';
import { logged } from '../../helpers/child.js';
import { groups } from '../../helpers/data.js';
import { digits, greys } from '../../helpers/fixtures.js';
import { brief, parametricUmap, quick } from '../../subjects/parametricUmap.js';

await useBackend();

const assertRefused = refusals(parametricUmap);
const assertSum = sums(parametricUmap);

type Options = Partial<ParametricUMAPOptions>;

const rows = groups();

/** Everything that a fit on the three groups leaves to be seen. */
async function outcome(options: Options, y?: number[], inputs: FitInputs = {}) {
  const umap = new ParametricUMAP({ ...quick, ...options });
  const map = await umap.fitTransform(rows, y, inputs);
  const { graph, curve, history } = umap;
  umap.dispose();
  return { map, graph, curve, history };
}

const plain = await outcome({});

/** A value of each option that must change the map of the plain fit; `elsewhere` where it takes more than that. */
const acting: { readonly [K in keyof ParametricUMAPOptions]: ParametricUMAPOptions[K] | 'elsewhere' } = {
  nNeighbors: 8,
  metric: 'manhattan',
  metricParams: 'elsewhere', // with minkowski, below
  neighbors: 'elsewhere', // finds the same neighbors: test/neighbors
  localConnectivity: 3,
  setOpMixRatio: 0.1,
  disconnectionDistance: 0.9,
  parametricEmbedding: false,
  nonParametric: 'elsewhere', // with parametricEmbedding: false: test/estimators/umap/nonParametric
  nComponents: 3,
  minDist: 0.8,
  spread: 3,
  a: 'elsewhere', // with b, below
  b: 'elsewhere',
  init: 'pca',
  encoder: 'elsewhere', // test/features/encoders
  dims: 'elsewhere',
  parametricReconstruction: 'elsewhere', // test/features/reconstruction
  decoder: 'elsewhere',
  parametricReconstructionLossFn: 'elsewhere',
  parametricReconstructionLossWeight: 'elsewhere',
  autoencoderLoss: 'elsewhere',
  reconstructionValidation: 'elsewhere',
  globalCorrelationLossWeight: 5,
  landmarkLossFn: 'elsewhere', // test/features/landmarks
  landmarkLossWeight: 'elsewhere',
  targetMetric: 'elsewhere', // test/features/supervision
  targetWeight: 'elsewhere',
  targetNNeighbors: 'elsewhere',
  classifier: 'elsewhere',
  classifierLossWeight: 'elsewhere',
  batchSize: 20,
  nEpochs: 9,
  nTrainingEpochs: 2,
  lossReportFrequency: 'elsewhere', // below
  negativeSampleRate: 2,
  repulsionStrength: 0.1,
  learningRate: 0.001,
  learningRateDecay: 'linear',
  warmUp: 0.5,
  optimizer: tf.train.sgd(0.1),
  momentum: 'elsewhere', // test/estimators/umap/optimizers
  weightDecay: 0.1,
  inputNoise: 3,
  clipValue: 1e-5,
  callbacks: 'elsewhere', // test/features/callbacks and test/checks/failure
  seed: 'another',
  backend: 'elsewhere', // test/backend/choose
  verbose: 'elsewhere',
  checkpoint: 'elsewhere', // test/features/checkpoints
};

test('every option acts, or is tested elsewhere', async () => {
  assert.deepEqual(Object.keys(acting), Object.keys(parametricUmapDefaults));
  for (const [name, value] of Object.entries(acting)) {
    if (value === 'elsewhere') continue;
    const { map } = await outcome({ [name]: value });
    assert.notDeepEqual(map, plain.map, name);
    assertFinite(map.flat());
  }
});

test('options that act together act', async () => {
  const differs = (options: Options) => outcome(options).then(({ map }) => map);
  const minkowski = await differs({ metric: 'minkowski', metricParams: { p: 3 } });
  assert.notDeepEqual(minkowski, await differs({ metric: 'minkowski', metricParams: { p: 1 } }));
  assert.deepEqual(await differs({ metric: 'minkowski', metricParams: { p: 2 } }), plain.map);
  const { curve, map } = await outcome({ a: 0.5, b: 1.2 });
  assert.deepEqual(curve, { a: 0.5, b: 1.2 });
  assert.notDeepEqual(map, plain.map);
  const own = (x: Float32Array, y: Float32Array) => Math.hypot(...x.map((value, i) => value - y[i]!));
  assert.deepEqual((await outcome({ metric: own })).graph.head, plain.graph.head);
});

test('reports and passes are as many as were asked for', async () => {
  const reports = async (options: Options) => (await outcome(options)).history.loss!.length;
  assert.equal(await reports({}), 10);
  assert.equal(await reports({ lossReportFrequency: 4 }), 4);
  assert.equal(await reports({ lossReportFrequency: 4, nTrainingEpochs: 3 }), 12);
  assert.equal(await reports({ nEpochs: 1, batchSize: 1000 }), 1, 'no more than there are steps');
});

test('a learning rate of one’s own goes from 0 to 1', async () => {
  const asked: number[] = [];
  const learningRate = (done: number) => {
    asked.push(done);
    return 0.01 * (1 - done);
  };
  const umap = new ParametricUMAP({ ...quick, learningRate });
  const rates: number[] = [];
  for await (const progress of umap.steps(rows)) rates.push(progress.learningRate);
  assert.equal(asked[0], 0);
  assert.ok(asked.every((done) => done >= 0 && done < 1));
  assert.ok(rates.every((rate, i) => rate > 0 && (i === 0 || rate < rates[i - 1]!)));
  umap.dispose();
});

test('conflicting options are refused with both values', () => {
  const refused = (options: Options, ...parts: (string | RegExp)[]) =>
    assert.throws(() => new ParametricUMAP(options), saying(OptionError, 'ParametricUMAP', ...parts));
  refused({ minDist: 2 }, 'minDist 2', 'spread 1');
  refused({ a: 1 }, 'a 1', 'b null');
  refused({ b: 1 }, 'a null', 'b 1');
  refused({ nComponents: 101 }, 'from 1 to 100', 'got 101');
  refused({ nNeighbors: 1 }, 'nNeighbors', 'got 1');
  refused({ setOpMixRatio: 1.5 }, 'setOpMixRatio', 'got 1.5');
  refused({ targetMetric: 'cosine' as never }, "'categorical', 'euclidean'", 'cosine');
  refused({ neighbors: 'annoy' as never }, "'nndescent'", 'annoy');
  refused({ encoder: {} as never }, 'encoder', 'tf.LayersModel');
  refused({ optimizer: 'adamw' as never }, 'optimizer', "'adam', 'sgd'", 'tf.Optimizer', 'adamw');
  refused({ callbacks: ['stop'] as never }, 'callbacks');
  refused({ dims: [8, 0] }, 'dims');
  refused({ init: 'circle' as never }, 'init', "'spectral'", 'circle');
});

test('what the Python original has and this has not is refused by name', () => {
  for (const [name, advice] of [
    ['densmap', 'densMAP is not offered'],
    ['dens_lambda', 'densMAP'],
    ['output_dens', 'densMAP'],
    ['output_metric', 'Euclidean'],
    ['outputMetric', 'Euclidean'],
    ['random_state', "'seed'"],
    ['keras_fit_kwargs', "'callbacks'"],
    ['precomputed_knn', 'knn'],
    ['unique', 'drop them'],
    ['transform_mode', 'graph'],
    ['n_jobs', 'threads'],
    ['low_memory', 'memory'],
    ['parametric_embedding', 'parametric'],
    ['transform_seed', 'deterministic'],
    ['target_metric_kwds', 'targetMetric'],
    ['tqdm_kwds', "'verbose'"],
    ['min_dist', "'minDist'"],
    ['n_components', "'nComponents'"],
    ['global_correlation_loss_weight', "'globalCorrelationLossWeight'"],
  ]) {
    const options = { [name!]: 1 } as Options;
    assert.throws(() => new ParametricUMAP(options), saying(OptionError, `'${name}'`, advice!));
  }
});

function assertGraph({ head, tail, weight, vertices }: Edges, golden: (typeof digits.cases)[number]) {
  assert.equal(vertices, 300);
  assert.deepEqual([...head], golden.rows);
  assert.deepEqual([...tail], golden.cols);
  golden.weights.forEach((wanted, edge) => {
    // The golden distances are rounded.
    assert.ok(Math.abs(weight[edge]! - wanted) < 1e-5, `edge ${edge}: ${weight[edge]} for ${wanted}`);
  });
}

test('the graph is the one of umap-learn, from rows, neighbors or distances', async () => {
  for (const golden of digits.cases) {
    const { k, localConnectivity, setOpMixRatio, metric } = golden as (typeof digits.cases)[number] &
      Pick<ParametricUMAPOptions, 'localConnectivity' | 'setOpMixRatio' | 'metric'>;
    const options = { ...brief, nNeighbors: k, localConnectivity, setOpMixRatio, metric, nEpochs: 1 };
    const knn = { indices: golden.knnIndices, distances: golden.knnDistances };
    const given = await new ParametricUMAP(options).fit(digits.X, null, { knn });
    assertGraph(given.graph, golden);
    given.dispose();
  }
  const [golden] = digits.cases;
  const distances = digits.X.map((a) => digits.X.map((b) => Math.hypot(...a.map((v, c) => v - b[c]!))));
  const options = { ...brief, nEpochs: 1, metric: 'precomputed' };
  const table = await new ParametricUMAP(options).fit(digits.X, null, { distances });
  const searched = await new ParametricUMAP({ ...brief, nEpochs: 1 }).fit(digits.X);
  assert.deepEqual(table.graph, searched.graph);
  assert.equal(searched.graph.head.length, golden!.rows.length);
  table.dispose();
  searched.dispose();
});

test('neighbors and distances that do not fit are refused before training', async () => {
  const knn = { indices: digits.cases[0]!.knnIndices, distances: digits.cases[0]!.knnDistances };
  const square = greys.map(() => greys.map(() => 1));
  const precomputed = { metric: 'precomputed' };
  await assertRefused(
    { inputs: { knn, distances: square } },
    saying(OptionError, 'knn', 'distances', 'both'),
  );
  await assertRefused({ inputs: { distances: square } }, saying(OptionError, 'distances', "'euclidean'"));
  await assertRefused({ options: precomputed }, saying(OptionError, 'precomputed', 'distances'));
  await assertRefused(
    { options: precomputed, inputs: { distances: square.slice(1) } },
    saying(DataError, '300 x 300', '299 x 300'),
  );
  await assertRefused(
    { options: precomputed, inputs: { distances: square.map((row) => row.map(() => -1)) } },
    saying(DataError, '-1'),
  );
  await assertRefused({ options: { nNeighbors: 20 }, inputs: { knn } }, saying(DataError, '19', '15'));
  await assertRefused({ X: greys.slice(1), inputs: { knn } }, saying(DataError, '299', '300'));
  await assertRefused({ options: { nNeighbors: 301 } }, saying(DataError, '301', '300'));
  await assertRefused({ options: { metric: 'nonsense' } }, saying(OptionError, 'nonsense'));
});

test('a first layout is taken up, and refused where it does not fit', async () => {
  const layouts = await Promise.all(
    (['spectral', 'pca', 'random'] as const).map(async (init) => (await outcome({ init })).map),
  );
  assert.notDeepEqual(layouts[0], layouts[1]);
  assert.notDeepEqual(layouts[1], layouts[2]);
  // 30 to the right and left of 0: a short training does not undo that.
  const init = rows.map((_, i) => [i % 2 === 0 ? 30 : -30, 0]);
  const copy = structuredClone(init);
  const { map } = await outcome({ init, learningRate: 1e-9 });
  assert.ok(map.some(([x]) => x! > 3) && map.some(([x]) => x! < -3));
  assert.deepEqual(init, copy);
  const wrong: [unknown, ...(string | RegExp)[]][] = [
    [init.slice(1), '59', '60'],
    [init.map(([x]) => [x]), '60 x 1', '60 x 2'],
    [init.map(() => [Number.POSITIVE_INFINITY, 0]), 'Infinity'],
    [[], 'init'],
  ];
  for (const [places, ...parts] of wrong) {
    const options = { ...quick, init: places as number[][] };
    await assertRefused({ options, X: rows }, saying(DataError, 'init', ...parts));
  }
});

test('the correlation term is in the history and in the sum, and raises the correlation', async () => {
  const { history } = await outcome({ globalCorrelationLossWeight: 4 });
  assertSum(history, { correlation: 4 });
  assert.ok(history.correlation!.every((value) => value >= -1.001 && value <= 1.001));
  const watched = await outcome({ globalCorrelationLossWeight: 1e-6 });
  assert.ok(history.correlation!.at(-1)! < watched.history.correlation!.at(-1)!);
});

test('a user-supplied optimizer is used, and not disposed', async () => {
  const before = tf.memory().numTensors;
  const optimizer = tf.train.adam(0.05);
  const { map } = await outcome({ optimizer });
  assert.notDeepEqual(map, plain.map);
  const memory = await optimizer.getWeights();
  assert.equal(memory.length, 17, 'the steps taken, and two moments for each of eight weights');
  assert.ok(memory.every(({ tensor }) => !tensor.isDisposed));
  tf.dispose(memory[0]!.tensor);
  optimizer.dispose();
  assert.equal(tf.memory().numTensors, before);
});

test('training that diverges is an error, keeps the last good weights and can continue', async () => {
  // In plain JavaScript, where a gradient of NaN is not clipped away and gets into the optimizer's memory.
  const active = tf.getBackend();
  let steps = 0;
  let sick = Number.POSITIVE_INFINITY;
  const umap = new ParametricUMAP({
    ...quick,
    backend: 'cpu',
    nEpochs: 10,
    landmarkLossFn: (target, found) =>
      tf.mul(tf.mean(tf.squaredDifference(target, found)), ++steps >= sick ? Number.NaN : 1),
  });
  const places = { landmarkPositions: rows.map((_, i) => [i % 3, 0]) };
  await umap.fit(rows, null, places);
  const perFit = steps;
  const tensors = tf.memory().numTensors;
  sick = perFit + Math.floor(0.75 * perFit);
  let good = await umap.transform(rows);
  const fail = async () => {
    for await (const _ of umap.steps(rows, null, places)) good = await umap.transform(rows);
  };
  await assert.rejects(fail(), saying(DivergedError, 'landmark NaN', 'lower learningRate'));
  assert.deepEqual(await umap.transform(rows), good);
  assertFinite(good.flat());
  const { loss } = umap.history;
  assert.ok(loss!.every(Number.isFinite));
  assert.equal(loss!.length, 10 + 7);
  assert.ok(tf.memory().numTensors <= tensors);
  sick = Number.POSITIVE_INFINITY;
  await umap.fit(rows, null, places);
  assertFinite((await umap.transform(rows)).flat());
  umap.dispose();
  await tf.setBackend(active);
});

test('a fit that diverges in its first report leaves an estimator that is not fitted', async () => {
  const before = tf.memory().numTensors;
  const landmarkLossFn = (_: tf.Tensor, found: tf.Tensor) => tf.mul(found, Number.NaN);
  const umap = new ParametricUMAP({ ...quick, landmarkLossFn });
  const places = { landmarkPositions: rows.map(() => [0, 0]) };
  await assert.rejects(umap.fit(rows, null, places), DivergedError);
  assert.equal(tf.memory().numTensors, before);
  await assert.rejects(umap.transform(rows), /got one that is not; call fit first/);
});

test('verbose prints on stderr, in one line, which backend and which search it took, and why', async () => {
  const text = await logged(() => outcome({ verbose: true }));
  const first = text.split('\n')[0]!;
  assert.match(first, /backend: \S+/);
  assert.match(first, /neighbors: .*exact/);
  assert.match(text, /100 ?%/);
});

test('the encoder is an ordinary model that maps raw rows', async () => {
  const umap = await new ParametricUMAP({ ...brief }).fit(greys);
  const predicted = tf.tidy(() => (umap.encoder.predict(tf.tensor2d(greys)) as tf.Tensor2D).arraySync());
  const map = await umap.transform(greys);
  predicted.flat().forEach((value, i) => {
    assert.ok(Math.abs(value - map.flat()[i]!) < 1e-4);
  });
  umap.dispose();
});

test('an abort ends the first layout too', async () => {
  const before = tf.memory().numTensors;
  const controller = new AbortController();
  const umap = new ParametricUMAP();
  const timer = setTimeout(() => controller.abort(new Error('enough')), 60);
  await assert.rejects(umap.fit(digits.X, null, { signal: controller.signal }), /enough/);
  clearTimeout(timer);
  assert.equal(tf.memory().numTensors, before);
});

test('with nothing but defaults, a map of digits keeps neighbors and tells digits apart', async () => {
  const before = tf.memory().numTensors;
  const original = Math.random;
  Math.random = () => {
    throw new Error('Math.random was called');
  };
  let map: Float32Array;
  try {
    const umap = await new ParametricUMAP().fit(digits.X);
    map = (await umap.transform({ data: Float32Array.from(digits.X.flat()), shape: [300, 64] })).data;
    umap.dispose();
  } finally {
    Math.random = original;
  }
  assert.equal(tf.memory().numTensors, before);
  const X = { data: Float32Array.from(digits.X.flat()), shape: [300, 64] as const };
  const Z = { data: map, shape: [300, 2] as const };
  const trust = trustworthiness(X, Z);
  const part = (from: number, to: number) => ({
    data: map.subarray(2 * from, 2 * to),
    shape: [to - from, 2] as const,
  });
  const labels = Int32Array.from(digits.y);
  const accuracy = knnAccuracy({
    train: part(0, 200),
    trainLabels: labels.subarray(0, 200),
    test: part(200, 300),
    testLabels: labels.subarray(200),
  });
  // With seeds 1 to 5: 0.983 to 0.987, and 0.95 to 0.97.
  assert.ok(trust > 0.975, `trustworthiness ${trust}`);
  assert.ok(accuracy > 0.9, `accuracy ${accuracy}`);
});

test('an encoder that starts from one point for all rows learns: coincident points are pushed apart', async () => {
  const zeros = { kernelInitializer: 'zeros' } as const;
  const { dense } = tf.layers;
  const starts = [
    [dense({ units: 2, inputShape: [64], ...zeros })],
    [
      dense({
        ...{ units: 16, inputShape: [64], activation: 'relu' },
        kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
      }),
      dense({ units: 2, ...zeros }),
    ],
  ];
  for (const layers of starts) {
    const encoder = tf.sequential({ layers });
    const umap = new ParametricUMAP({ ...brief, batchSize: 120, nEpochs: 20, encoder });
    const map = await umap.fitTransform(greys.slice(0, 120));
    const places = new Set(map.map(String)).size;
    assert.ok(places > 100, `${places} different places`);
    umap.dispose();
    encoder.dispose();
  }
});
