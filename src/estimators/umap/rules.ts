/** What the options of `ParametricUMAP` may be, one by one and together. */

import { OptionError } from '../../core/errors.js';
import {
  callable,
  either,
  flag,
  having,
  listOf,
  oneOf,
  orNull,
  type Rule,
  real,
  resolveOptions,
  whole,
} from '../../core/options.js';
import { callbackRule } from '../../training/callbacks.js';
import { type GivenUMAPOptions, type ParametricUMAPOptions, parametricUmapDefaults } from './options.js';

const text: Rule = (value) => (typeof value === 'string' && value !== '' ? undefined : 'a name');
const object: Rule = (value) => (typeof value === 'object' && value !== null ? undefined : 'an object');
const model: Rule = (value) => {
  const { inputs, outputs } = (value ?? {}) as Record<string, unknown>;
  const complete = Array.isArray(inputs) && Array.isArray(outputs);
  return (
    having('a tf.LayersModel', 'apply')(value) ?? (complete ? undefined : 'a tf.LayersModel, not a layer')
  );
};

export const parametricUmapRules: { readonly [K in keyof ParametricUMAPOptions]: Rule } = {
  nNeighbors: whole(2),
  metric: either(text, callable),
  metricParams: object,
  neighbors: oneOf('auto', 'exact', 'nndescent', 'hnsw', 'usearch'),
  localConnectivity: real(0),
  setOpMixRatio: real(0, 1),
  disconnectionDistance: orNull(real(0, Number.POSITIVE_INFINITY, { above: true })),
  nComponents: whole(1, 100),
  minDist: real(0),
  spread: real(0, Number.POSITIVE_INFINITY, { above: true }),
  a: orNull(real(0, Number.POSITIVE_INFINITY, { above: true })),
  b: orNull(real(0, Number.POSITIVE_INFINITY, { above: true })),
  init: either(oneOf('spectral', 'pca', 'random'), object),
  encoder: orNull(model),
  dims: orNull(listOf(whole(1))),
  parametricReconstruction: flag,
  decoder: orNull(model),
  parametricReconstructionLossFn: orNull(callable),
  parametricReconstructionLossWeight: real(0),
  autoencoderLoss: flag,
  reconstructionValidation: orNull(object),
  globalCorrelationLossWeight: real(0),
  landmarkLossFn: orNull(callable),
  landmarkLossWeight: real(0),
  targetMetric: (value) =>
    value === 'l1' || value === 'l2'
      ? `'categorical' or 'euclidean'; for one number a row, ${value} is 'euclidean'`
      : oneOf('categorical', 'euclidean')(value),
  targetWeight: real(0, 1),
  targetNNeighbors: orNull(whole(2)),
  classifier: either(flag, model),
  classifierLossWeight: real(0),
  batchSize: orNull(whole(1)),
  nEpochs: orNull(whole(1)),
  nTrainingEpochs: whole(1),
  lossReportFrequency: whole(1),
  negativeSampleRate: real(0),
  repulsionStrength: real(0),
  learningRate: either(real(0, Number.POSITIVE_INFINITY, { above: true }), callable),
  optimizer: orNull(having('a tf.Optimizer', 'applyGradients', 'getConfig')),
  inputNoise: orNull(real(0)),
  clipValue: real(0, Number.POSITIVE_INFINITY, { above: true }),
  callbacks: listOf(callbackRule),
  seed: either(whole(Number.MIN_SAFE_INTEGER), text),
  backend: oneOf('auto', 'tensorflow', 'webgpu', 'wasm', 'cpu'),
  verbose: flag,
};

/** What names of the Python original and of umap-js became. */
const renamed: Readonly<Record<string, string>> = {
  randomState: "the seed is called 'seed'",
  kerasFitKwargs: "callbacks are given as 'callbacks', epochs as 'nTrainingEpochs'",
  metricKwds: "the metric's arguments are called 'metricParams'",
  precomputedKnn: 'neighbours found elsewhere go to fit(X, y, { knn: { indices, distances } })',
  precomputedDistances: 'a distance matrix goes to fit(X, y, { distances })',
  parametricEmbedding: 'the embedding is always parametric here',
  nJobs: 'threads are chosen by the library',
  lowMemory: "memory is linear in the rows; 'neighbors' picks the search",
  forceApproximationAlgorithm: "use neighbors: 'nndescent'",
  angularRpForest: "the search suits itself to the 'metric'",
  transformSeed: 'transform is deterministic',
  transformQueueSize: 'transform is one pass through the encoder',
  outputMetric: 'the map is Euclidean; no other output metric is offered',
  densmap: 'densMAP is not offered',
  densLambda: 'densMAP is not offered',
  densFrac: 'densMAP is not offered',
  densVarShift: 'densMAP is not offered',
  outputDens: 'densMAP is not offered',
  unique: 'duplicate rows are kept; drop them before fit',
  transformMode: "the graph of a fitted estimator is its property 'graph'",
  targetMetricKwds: "give 'targetMetric' by name",
  // Of umap-js.
  random: "the seed is called 'seed', a whole number or a text; no generator is taken",
  distanceFn: "the distance is called 'metric', a name or a function of two rows",
  tqdmKwds: "progress is shown by 'verbose', or read from steps()",
};

/** Completes, checks and freezes. Throws `OptionError` for an unknown option or a value out of range. */
export function resolveUmapOptions(given: GivenUMAPOptions): Readonly<ParametricUMAPOptions> {
  const options = resolveOptions(
    'ParametricUMAP',
    given,
    parametricUmapDefaults,
    parametricUmapRules,
    renamed,
  );
  checkTogether(options);
  return Object.freeze(options);
}

/** Conditions between options. */
function checkTogether(options: ParametricUMAPOptions): void {
  const { minDist, spread, a, b } = options;
  if (minDist > spread) {
    throw new OptionError(
      `ParametricUMAP: minDist must be at most spread; got minDist ${minDist}, spread ${spread}`,
    );
  }
  if ((a === null) !== (b === null)) {
    throw new OptionError(`ParametricUMAP: a and b go together; got a ${a}, b ${b}`);
  }
  if (options.parametricReconstruction) return;
  for (const name of ofReconstruction) {
    if (!options[name]) continue;
    throw new OptionError(`ParametricUMAP: ${name} acts only with parametricReconstruction: true; set it`);
  }
}

const ofReconstruction = [
  'decoder',
  'parametricReconstructionLossFn',
  'autoencoderLoss',
  'reconstructionValidation',
] as const;
