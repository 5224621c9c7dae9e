/** Names of other libraries, and conditions between the options of `ContrastiveEmbedding`. */

import { OptionError } from '../../core/errors.js';
import { resolveOptions } from '../../core/options.js';
import { checkPoints } from '../../fit/options/points.js';
import { checkReconstruction } from '../../fit/options/reconstruction.js';
import { runRenamed } from '../../fit/options/run.js';
import { checkTraining } from '../../fit/options/training.js';
import {
  type ContrastiveOptions,
  contrastiveDefaults,
  contrastiveRules,
  type GivenContrastiveOptions,
} from './options.js';
import { checkSpectrum } from './spectrum.js';

const CALLER = 'ContrastiveEmbedding';

/** Options of contrastive-ne, and what to use here. */
const renamed: Readonly<Record<string, string>> = {
  ...runRenamed,
  k: "neighbors are called 'nNeighbors', which counts the row itself: k 15 is nNeighbors 16",
  model: "a network of your own is called 'encoder', and takes rows, not row numbers",
  embdDim: "dimensions of the embedding are called 'nComponents'",
  nEpoch: "passes over the edges are called 'nEpochs'",
  annealLr: "the decay of the rate is called 'learningRateDecay'",
  lrMinFactor: "give a function of the part done as 'learningRate'",
  lrDecayRate:
    "how the rate falls is called 'learningRateDecay'; or give a function of the part done as 'learningRate'",
  lrDecayEpochs: "the rate falls over the whole training; see 'learningRateDecay'",
  clipGrad: "gradient elements are cut at 'clipValue'",
  learnTemp: "a learned temperature is called 'learnTemperature'",
  Z: "the start of Z is called 'normalization'",
  baseTemperature: "there is one temperature, called 'temperature'",
  specParam: "the place on the spectrum is called 's', 'zBar', 'negSpec' or 'inceSpec'",
  eps: 'it is not needed: the similarity is 1 / (1 + d²), which is eps 1',
  clampLow: 'it is not needed: losses and gradients are finite without a cut',
  clampHigh: 'it is not needed: losses and gradients are finite without a cut',
  noiseInEstimator: "the place on the spectrum is called 's', 'zBar', 'negSpec' or 'inceSpec'",
  warmupEpochs: "warm-up is called 'warmUp', a share of the training",
  warmupLr: "the rate of the warm-up starts from 0; see 'warmUp'",
  lossAggregation: 'losses are means over the positive pairs',
  forceResample: 'negatives are drawn anew in every step',
  callback: "callbacks are called 'callbacks', a list",
  saveFreq: "callbacks choose their reports; see 'embeddingLog'",
  printFreqEpoch: "progress is shown by 'verbose', or read from steps()",
  printFreqIteration: "progress is shown by 'verbose', or read from steps()",
  device: "devices are called 'backend'",
  dataOnGpu: "devices are called 'backend'",
  useKeops: "the neighbor search is called 'neighbors'",
};

/** Completes, checks and freezes. Throws `OptionError` for an unknown option or a value out of range. */
export function resolveContrastiveOptions(given: GivenContrastiveOptions): Readonly<ContrastiveOptions> {
  const options = resolveOptions(CALLER, given, contrastiveDefaults, contrastiveRules, renamed);
  checkTogether(options);
  return Object.freeze(options);
}

/** Conditions between options. */
function checkTogether(options: ContrastiveOptions): void {
  const { lossMode, similarity, learnTemperature, normalization, negativeSamples } = options;
  if (lossMode === 'umap' && similarity === 'cosine') {
    throw new OptionError(
      `${CALLER}: similarity: expected 'cauchy' for lossMode 'umap', got 'cosine', which is no probability; ` +
        "use lossMode 'neg' or 'infonce'",
    );
  }
  if (learnTemperature && similarity !== 'cosine') {
    throw new OptionError(
      `${CALLER}: learnTemperature: expected similarity 'cosine', got '${similarity}', which has no temperature; ` +
        'leave learnTemperature out',
    );
  }
  if (normalization !== null && lossMode !== 'nce') {
    throw new OptionError(
      `${CALLER}: normalization: expected lossMode 'nce', which learns it, got '${lossMode}'; leave normalization out`,
    );
  }
  if (negativeSamples === 'full' && options.negativesFrom === 'all') {
    throw new OptionError(
      `${CALLER}: negativeSamples: expected a number with negativesFrom 'all', got 'full'; ` +
        'say how many rows to draw',
    );
  }
  checkSpectrum(CALLER, options);
  if (!options.parametric) checkPoints(CALLER, 'parametric', options);
  checkReconstruction(CALLER, options);
  checkTraining(CALLER, options);
}
