/** The options of contrastive embeddings, one by one. `test/checks` holds what all estimators must do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../../src/backend/choose.js';
import { OptionError } from '../../../src/core/errors.js';
import {
  type ContrastiveOptions,
  contrastiveDefaults,
  contrastiveRows,
  type GivenContrastiveOptions,
} from '../../../src/estimators/contrastive/options.js';
import { CNE, ContrastiveEmbedding } from '../../../src/index.js';
import { assertFinite, saying } from '../../helpers/assert.js';
import { groups } from '../../helpers/data.js';
import { useThreads } from '../../helpers/threads.js';
import { contrastiveEmbedding } from '../../subjects/contrastiveEmbedding.js';

await useBackend();
useThreads(1);

const rows = groups();

async function mapOf(options: GivenContrastiveOptions): Promise<number[][]> {
  const embedding = new ContrastiveEmbedding({ ...contrastiveEmbedding.quick, ...options });
  const map = await embedding.fitTransform(rows);
  embedding.dispose();
  return map;
}

/** A value of each option that must change the map of the plain fit; `elsewhere` where it takes more than that. */
const acting: { readonly [K in keyof ContrastiveOptions]: ContrastiveOptions[K] | 'elsewhere' } = {
  lossMode: 'neg',
  similarity: 'cosine',
  parametric: false,
  nNeighbors: 8,
  nComponents: 3,
  negativeSamples: 7,
  negativesFrom: 'all',
  excludeNeighbors: true,
  s: 1,
  zBar: 'elsewhere', // with lossMode, below
  negSpec: 'elsewhere',
  inceSpec: 3,
  earlyExaggeration: 'elsewhere', // test/estimators/contrastive/spectrum
  temperature: 2,
  learnTemperature: 'elsewhere', // with similarity, below
  normalization: 'elsewhere', // with lossMode, below
  nEpochs: 9,
  batchSize: 20,
  lossReportFrequency: 'elsewhere', // below
  metric: 'manhattan',
  metricParams: 'elsewhere', // test/estimators/umap
  neighbors: 'elsewhere', // finds the same neighbors: test/neighbors
  localConnectivity: 3,
  setOpMixRatio: 0.1,
  disconnectionDistance: 0.9,
  init: 'elsewhere', // without a network, below
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
  learningRate: 0.001,
  learningRateDecay: 'linear',
  warmUp: 0.5,
  optimizer: tf.train.sgd(0.1),
  momentum: 'elsewhere', // with optimizer, below
  weightDecay: 0.1,
  inputNoise: 3,
  clipValue: 1e-5,
  callbacks: 'elsewhere', // test/features/callbacks and test/checks/failure
  seed: 'another',
  backend: 'elsewhere', // test/backend/choose
  verbose: 'elsewhere',
  checkpoint: 'elsewhere', // test/estimators/umap
};

test('every option acts, or is tested elsewhere', async () => {
  assert.deepEqual(Object.keys(acting).sort(), Object.keys(contrastiveDefaults).sort());
  const plain = await mapOf({});
  for (const [name, value] of Object.entries(acting)) {
    if (value === 'elsewhere') continue;
    const map = await mapOf({ [name]: value });
    assert.notDeepEqual(map, plain, name);
    assertFinite(map.flat());
  }
});

test("the decay 'auto' is what the table says, with nEpochs too", async () => {
  const { learningRateDecay } = contrastiveRows;
  assert.match(learningRateDecay.help, /`'auto'`: `'cosine'`$/);
  for (const nEpochs of [null, 4]) {
    const map = await mapOf({ nEpochs });
    assert.deepEqual(map, await mapOf({ nEpochs, learningRateDecay: 'cosine' }));
  }
});

test('inputs of CNE.fit are refused with where they go', async () => {
  for (const [name, advice] of [
    ['init', 'option init'],
    ['graph', "'knn'"],
  ] as const) {
    await assert.rejects(
      new ContrastiveEmbedding().fit(rows, null, { [name]: rows } as object),
      saying(OptionError, `'${name}'`, advice),
    );
  }
});

test('options that act together act', async () => {
  const differ = async (options: GivenContrastiveOptions, ...others: GivenContrastiveOptions[]) => {
    const plain = await mapOf(options);
    for (const other of others) {
      const map = await mapOf({ ...options, ...other });
      assert.notDeepEqual(map, plain, JSON.stringify(other));
      assertFinite(map.flat());
    }
  };
  await differ({ lossMode: 'neg' }, { zBar: 100 }, { negSpec: 5 }, { s: 0 }, { negativeSamples: 'full' });
  await differ({ lossMode: 'nce' }, { normalization: 0.01 });
  await differ({ similarity: 'cosine' }, { learnTemperature: true }, { temperature: 0.1 });
  await differ({ optimizer: 'sgd', learningRate: 1 }, { momentum: 0.9 });
  await differ({ parametric: false }, { init: 'spectral' }, { init: 'pca' });
});

test('reports are as many as were asked for', async () => {
  for (const [options, reports] of [
    [{}, 10],
    [{ lossReportFrequency: 4 }, 4],
  ] as const) {
    const embedding = new ContrastiveEmbedding({ ...contrastiveEmbedding.quick, ...options });
    await embedding.fit(rows);
    assert.equal(embedding.history.loss!.length, reports);
    embedding.dispose();
  }
});

test('CNE is the same class', () => {
  assert.equal(CNE, ContrastiveEmbedding);
});

const refused = (options: object, ...parts: (string | RegExp)[]) =>
  assert.throws(
    () => new ContrastiveEmbedding(options as GivenContrastiveOptions),
    saying(OptionError, 'ContrastiveEmbedding', ...parts),
    JSON.stringify(options),
  );

test('combinations without meaning are refused by name', () => {
  refused({ lossMode: 'umap', similarity: 'cosine' }, 'similarity', "'umap'", "'cosine'", "'neg'");
  refused({ lossMode: 'neg', s: 1, zBar: 3 }, 's and zBar', 'got 2');
  refused({ lossMode: 'neg', zBar: 3, negSpec: 1 }, 'zBar and negSpec', 'got 2');
  refused({ s: 1, inceSpec: 2 }, 's and inceSpec', 'got 2');
  for (const lossMode of ['nce', 'umap']) {
    refused({ lossMode, s: 0 }, 's:', `'${lossMode}'`, "'neg' or 'infonce'", 'no spectrum');
  }
  refused({ lossMode: 'neg', inceSpec: 1 }, 'inceSpec', "'infonce'", "got 'neg'", 'negSpec');
  for (const lossMode of ['infonce', 'infonceAlt']) {
    refused({ lossMode, negSpec: 1 }, 'negSpec', "'neg'", `got '${lossMode}'`, 'inceSpec');
    refused({ lossMode, zBar: 1 }, 'zBar', "'neg'", `got '${lossMode}'`, 'inceSpec');
  }
  refused({ learnTemperature: true }, 'learnTemperature', "'cosine'", "'cauchy'");
  for (const lossMode of ['neg', 'infonce', 'infonceAlt', 'umap']) {
    refused({ lossMode, normalization: 1 }, 'normalization', "'nce'", `got '${lossMode}'`);
  }
  refused({ negativeSamples: 'full', negativesFrom: 'all' }, 'negativeSamples', "'all'", "'full'");
  refused({ momentum: 0.9 }, 'momentum', "optimizer: 'sgd'", 'Adam');
  refused({ parametric: false, inputNoise: 1 }, 'inputNoise', 'parametric: true');
});

test('values out of range are refused with the range and the value', () => {
  refused({ lossMode: 'tsne' }, 'lossMode', "'infonce'", 'tsne');
  refused({ similarity: 'gauss' }, 'similarity', "'cauchy', 'cosine'", 'gauss');
  for (const value of [-0.5, 0, Number.NaN]) {
    refused({ temperature: value }, 'temperature', `got ${value}`);
    refused({ lossMode: 'nce', normalization: value }, 'normalization', `got ${value}`);
    refused({ lossMode: 'neg', zBar: value }, 'zBar', `got ${value}`);
    refused({ lossMode: 'neg', negSpec: value }, 'negSpec', `got ${value}`);
    refused({ inceSpec: value }, 'inceSpec', `got ${value}`);
  }
  refused({ s: 11 }, 's:', 'got 11');
  refused({ s: Number.POSITIVE_INFINITY }, 's:', 'got Infinity');
  for (const value of [0, -1, 2.5, 'all'])
    refused({ negativeSamples: value }, 'negativeSamples', String(value));
  refused({ negativesFrom: 'elsewhere' }, 'negativesFrom', "'batch', 'all'", 'elsewhere');
  refused({ nComponents: 1025 }, 'nComponents', 'got 1025');
});

test('names of contrastive-ne are refused with the name here', () => {
  for (const [name, ...advice] of [
    ['k', "'nNeighbors'", '16'],
    ['model', "'encoder'"],
    ['embd_dim', "'nComponents'"],
    ['embdDim', "'nComponents'"],
    ['anneal_lr', "'learningRateDecay'"],
    ['lr_min_factor', "'learningRate'"],
    ['lr_decay_rate', "'learningRateDecay'", "'learningRate'"],
    ['lrDecayEpochs', "'learningRateDecay'"],
    ['eps', 'not needed', '1 / (1 + d²)'],
    ['clamp_low', 'not needed', 'finite'],
    ['clampHigh', 'not needed', 'finite'],
    ['base_temperature', "'temperature'"],
    ['spec_param', "'negSpec'"],
    ['clip_grad', "'clipValue'"],
    ['learn_temp', "'learnTemperature'"],
    ['Z', "'normalization'"],
    ['noise_in_estimator', "'negSpec'"],
    ['warmup_epochs', "'warmUp'"],
    ['warmup_lr', "'warmUp'"],
    ['loss_aggregation', 'mean'],
    ['force_resample', 'every step'],
    ['callback', "'callbacks'"],
    ['save_freq', "'embeddingLog'"],
    ['print_freq_epoch', "'verbose'"],
    ['print_freq_iteration', "'verbose'"],
    ['device', "'backend'"],
    ['data_on_gpu', "'backend'"],
    ['use_keops', "'neighbors'"],
    ['random_state', "'seed'"],
    ['loss_mode', "'lossMode'"],
    ['n_epochs', "'nEpochs'"],
    ['negative_samples', "'negativeSamples'"],
    ['Z_bar', "'zBar'"],
    ['neg_spec', "'negSpec'"],
    ['ince_spec', "'inceSpec'"],
    ['early_exaggeration', "'earlyExaggeration'"],
    ['batch_size', "'batchSize'"],
    ['weight_decay', "'weightDecay'"],
  ]) {
    refused({ [name!]: 1 }, `'${name}'`, ...advice);
  }
});

test('too few rows for the neighbors are refused before training', async () => {
  const before = tf.memory().numTensors;
  const embedding = new ContrastiveEmbedding({ nNeighbors: 16 });
  await assert.rejects(embedding.fit(rows.slice(0, 10)), /nNeighbors.*16.*10/s);
  assert.equal(tf.memory().numTensors, before);
});
