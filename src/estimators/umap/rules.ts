/** Names of other libraries, and conditions between the options of `ParametricUMAP`. */

import { OptionError } from '../../core/errors.js';
import { resolveOptions } from '../../core/options.js';
import { checkPoints } from '../../fit/options/points.js';
import { checkReconstruction } from '../../fit/options/reconstruction.js';
import { runRenamed } from '../../fit/options/run.js';
import { checkTraining } from '../../fit/options/training.js';
import {
  type GivenUMAPOptions,
  type ParametricUMAPOptions,
  parametricUmapDefaults,
  parametricUmapRules,
} from './options.js';

/** Options of the Python original and of umap-js, and what to use here. */
const renamed: Readonly<Record<string, string>> = {
  ...runRenamed,
  kerasFitKwargs: "callbacks are given as 'callbacks', epochs as 'nTrainingEpochs'",
  metricKwds: "the metric's arguments are called 'metricParams'",
  precomputedKnn: 'neighbors found elsewhere go to fit(X, y, { knn: { indices, distances } })',
  precomputedDistances: 'a distance matrix goes to fit(X, y, { distances })',
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
      `ParametricUMAP: minDist: expected at most spread, got minDist ${minDist}, spread ${spread}; ` +
        'lower minDist or raise spread',
    );
  }
  if ((a === null) !== (b === null)) {
    throw new OptionError(
      `ParametricUMAP: a and b: expected both or none, got a ${a}, b ${b}; give both, or leave both out`,
    );
  }
  checkNonParametric(options);
  checkReconstruction('ParametricUMAP', options);
  checkTraining('ParametricUMAP', options);
}

/** Options of the training loop that `nonParametric: 'sgd'` does not have. */
const loopOnly = [
  'parametricReconstruction',
  'globalCorrelationLossWeight',
  'classifier',
  'optimizer',
  'learningRate',
  'learningRateDecay',
  'warmUp',
  'weightDecay',
  'batchSize',
  'clipValue',
  'landmarkLossFn',
  'landmarkLossWeight',
] as const satisfies readonly (keyof ParametricUMAPOptions)[];

function checkNonParametric(options: ParametricUMAPOptions): void {
  const { parametricEmbedding, nonParametric } = options;
  if (!parametricEmbedding) checkPoints('ParametricUMAP', 'parametricEmbedding', options);
  if (nonParametric !== 'sgd') return;
  if (parametricEmbedding) {
    throw new OptionError(
      "ParametricUMAP: nonParametric: expected parametricEmbedding: false, without which 'sgd' does not act, got true; " +
        'set it, or leave nonParametric out',
    );
  }
  for (const name of loopOnly) {
    if (options[name] === parametricUmapDefaults[name]) continue;
    throw new OptionError(
      `ParametricUMAP: ${name}: expected nonParametric: 'batches', got 'sgd', which has UMAP's loss and its own rates alone; ` +
        `leave ${name} out, or train in batches`,
    );
  }
}

/** Throws `OptionError` for landmarks, which have no part in the layout of `nonParametric: 'sgd'`. */
export function checkLandmarks({ nonParametric }: ParametricUMAPOptions, name: string): void {
  if (nonParametric !== 'sgd') return;
  throw new OptionError(
    `ParametricUMAP: ${name}: expected nonParametric: 'batches', got 'sgd', which moves all rows; ` +
      `leave ${name} out, or train in batches`,
  );
}
