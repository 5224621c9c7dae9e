/** The options of `CompressionVAE`. */

import { defaultsOf, type OptionRows, rulesOf } from '../../core/options.js';
import {
  callable,
  choice,
  either,
  flag,
  integer,
  listOf,
  number,
  object,
  orNull,
  positive,
} from '../../core/rules.js';
import type { LayersModel } from '../../core/tf.js';
import { fitRows } from '../../fit/options/fitOptions.js';
import { layersModel } from '../../fit/options/layersModel.js';
import { placeRule, type RunOptions, runRows } from '../../fit/options/run.js';
import type { TrainingOptions } from '../../fit/options/training.js';
import type { KlWeightOption } from '../../losses/klWeight.js';
import type { Likelihood } from '../../networks/variational/decoder.js';
import type { KernelInitializer } from '../../networks/variational/initialize.js';

/** All options of `CompressionVAE`; `compressionVaeDefaults` holds their defaults. */
export interface CompressionVAEOptions
  extends RunOptions,
    Pick<TrainingOptions, 'optimizer' | 'momentum' | 'weightDecay' | 'clipValue' | 'callbacks'> {
  /** Latent dimensions: the width of the embedding. Default 2, from 1 to 1,024. */
  dimLatent: number;
  /**
   * Layers of the inverse autoregressive flow (Kingma et al. 2016), which lets the posterior of a row take other shapes than
   * a Gaussian with independent coordinates. 0 is a plain VAE. Default 5, from 0 to 64.
   */
  iafFlowLength: number;
  /** Units of the hidden layers of the default encoder; the decoder has them in reverse order. Default null: by `defaultWidths`. */
  cellsEncoder: readonly number[] | null;
  /**
   * How kernels start: `'orthogonal'`, `'lecun_normal'`, or `'truncated_normal'` with a variance of 2 / inputs, not 1 as in
   * the original, where no training survives it. Default `'orthogonal'`.
   */
  initializer: KernelInitializer;
  /** Model from a row to features, of any width, on which the posterior is put; `dispose` does not free it. Default null: dense layers. */
  encoder: LayersModel | null;
  /**
   * Model from `dimLatent` values to a row: standardized values, or with `'bernoulli'` logits. `dispose` does not free it.
   * Default null: dense layers.
   */
  decoder: LayersModel | null;
  /** Shape of one row for the encoder, such as `[28, 28, 1]`; flat rows are reshaped. Default null: as in X. */
  dims: readonly number[] | null;
  /**
   * Whether each column is shifted and scaled to mean 0 and deviation 1 over the training rows. It is part of the saved model.
   * Default true. With `'bernoulli'` rows are used as they are.
   */
  featureNormalization: boolean;
  /**
   * Likelihood of a row under the decoder: `'gaussian'` with variance 1 in standardized columns, `'learnedGaussian'` with a
   * learned variance for each column, `'bernoulli'` for values in [0, 1]. Default `'auto'`: `'bernoulli'` where all values of X
   * are in [0, 1], else `'gaussian'`.
   */
  likelihood: 'auto' | Likelihood;
  /**
   * Weight of the KL divergence: a number of at least 0; `{ warmUp, to }`, a rise from 0 to `to` (default 1) over the first part
   * `warmUp`, in (0, 1], of `numSteps`; or `{ target }`, a divergence in nats per latent dimension, above 0, that the weight is
   * controlled for. Default 1, the variational bound.
   */
  klWeight: KlWeightOption;
  /** Nats per latent dimension that cost nothing, so that the posterior does not collapse early. Default 0, at least 0. */
  freeBits: number;
  /**
   * Prior of the latent space: standard `'normal'`, or `'vamp'`, the mean posterior of learned pseudo-rows (Tomczak and
   * Welling 2018). Default `'normal'`.
   */
  prior: 'normal' | 'vamp';
  /** Pseudo-rows of `'vamp'`, which start as rows of X. Default 500, at least 1. */
  pseudoInputs: number;
  /** Probability that a hidden unit is kept in training, in (0, 1]. Default 1; the original's 0.75 costs reconstructions and neighbors. */
  dropoutKeepProb: number;
  /** Rows per gradient step, at least 1. Default 64. */
  batchSize: number;
  /** Held-out rows that are evaluated at once, at least 1. Default 1,000. */
  batchSizeTest: number;
  /** Share of X to train on; the rest is held out, for schedule and convergence. Default 0.9, in (0, 1]; 1 holds nothing out. */
  trainValidSplit: number;
  /**
   * First learning rate, above 0; or a function from the fraction of `numSteps` done (0 to 1) to the rate, with which
   * `lrScheduling` does not act. Default 0.001. Ignored with a `tf.Optimizer`.
   */
  learningRate: number | ((done: number) => number);
  /** Most gradient steps of a fit, at least 1. Default 50,000; training ends sooner once it has converged. */
  numSteps: number;
  /** Gradient steps between two tests on the held-out rows. Default null: 50, or more where tests would take most of the time. At least 1. */
  testEvery: number | null;
  /**
   * Whether the learning rate falls when tests no longer improve, training ends when it has fallen enough, and the weights of the
   * best test are kept. If not, there are `numSteps` steps at one rate, and the last weights are kept. Default true.
   */
  lrScheduling: boolean;
  /** Tests in the window: the rate falls where all but the first of the last so many are worse than the first. Default 5, at least 2. */
  lrSchedulingSteps: number;
  /** What the rate is divided by. Default 5, above 1. */
  lrSchedulingFactor: number;
  /** Training ends when the rate is at most this. Default 0.00001, at least 0. */
  lrSchedulingMin: number;
  /**
   * Directory of the run, as a path or a `file:` URL: the same as `checkpoint: { path: logdir }`, and `fit` goes on from what it
   * finds there unless it is given `resume: false`. It may be moved, and nothing in it is deleted. Default null: none.
   */
  logdir: string | URL | null;
  /** Whether `logdir` also gets event files for TensorBoard, as the callback `tensorboard(logdir)` writes them. Default false. */
  tbLogging: boolean;
}

/** Options of the constructor: any of them; undefined means the default. */
export type GivenCompressionVAEOptions = {
  readonly [K in keyof CompressionVAEOptions]?: CompressionVAEOptions[K] | undefined;
};

const { optimizer, momentum, weightDecay, clipValue, callbacks, dims } = fitRows;

/** One row per option, in the order of the table in the docs. */
export const compressionVaeRows: OptionRows<CompressionVAEOptions> = {
  dimLatent: { default: 2, rule: integer(1, 1024), help: 'latent dimensions, 1 to 1024' },
  iafFlowLength: {
    default: 5,
    rule: integer(0, 64),
    help: 'layers of the inverse autoregressive flow; 0: a plain VAE',
  },
  cellsEncoder: {
    default: null,
    rule: orNull(listOf(integer(1))),
    help: 'units of the hidden layers of the encoder, in reverse those of the decoder; null: by the number of columns',
  },
  likelihood: {
    default: 'auto',
    rule: choice('auto', 'gaussian', 'learnedGaussian', 'bernoulli'),
    help: "of a row under the decoder: `'gaussian'`, `'learnedGaussian'` (its variance), `'bernoulli'`; `'auto'`: `'bernoulli'` for values in [0, 1], else `'gaussian'`",
  },
  klWeight: {
    default: 1,
    rule: either(number(0), object('{ warmUp } or { target }')),
    help: 'weight of the KL divergence: a number, `{ warmUp: 0.2 }`, or `{ target: 1.5 }` nats per dimension',
  },
  freeBits: { default: 0, rule: number(0), help: 'nats per latent dimension that cost nothing' },
  prior: {
    default: 'normal',
    rule: choice('normal', 'vamp'),
    help: "`'normal'`, or `'vamp'`: the mean posterior of learned pseudo-rows",
  },
  pseudoInputs: { default: 500, rule: integer(1), help: "pseudo-rows of `'vamp'`" },
  featureNormalization: {
    default: true,
    rule: flag,
    help: "columns are scaled to mean 0 and deviation 1; not with `'bernoulli'`",
  },
  initializer: {
    default: 'orthogonal',
    rule: choice('orthogonal', 'truncated_normal', 'lecun_normal'),
    help: "how kernels start: `'orthogonal'`, `'truncated_normal'`, `'lecun_normal'`",
  },
  encoder: {
    default: null,
    rule: orNull(layersModel),
    help: 'your own network from a row to features; null: dense layers',
  },
  decoder: {
    default: null,
    rule: orNull(layersModel),
    help: 'your own network from the embedding to a row; null: dense layers',
  },
  dims,
  dropoutKeepProb: {
    default: 1,
    rule: number(0, 1, { above: true }),
    help: 'probability that a hidden unit is kept in training',
  },
  batchSize: { default: 64, rule: integer(1), help: 'rows per gradient step' },
  batchSizeTest: { default: 1000, rule: integer(1), help: 'held-out rows that are evaluated at once' },
  trainValidSplit: {
    default: 0.9,
    rule: number(0, 1, { above: true }),
    help: 'share of the rows to train on; 1: none are held out',
  },
  learningRate: {
    default: 1e-3,
    rule: either(positive, callable),
    help: 'first learning rate, or a function of the part done',
  },
  numSteps: { default: 50000, rule: integer(1), help: 'most gradient steps of a fit' },
  testEvery: {
    default: null,
    rule: orNull(integer(1)),
    help: 'gradient steps between tests on held-out rows; null: 50, more for many held-out rows',
  },
  lrScheduling: {
    default: true,
    rule: flag,
    help: 'the learning rate falls when tests no longer improve, training ends when it is low, the best weights are kept',
  },
  lrSchedulingSteps: { default: 5, rule: integer(2), help: 'tests that are looked at for that' },
  lrSchedulingFactor: {
    default: 5,
    rule: number(1, Number.POSITIVE_INFINITY, { above: true }),
    help: 'what the learning rate is divided by',
  },
  lrSchedulingMin: { default: 1e-5, rule: number(0), help: 'learning rate at which training ends' },
  optimizer,
  momentum,
  weightDecay,
  clipValue: { ...clipValue, default: 1000 },
  callbacks,
  ...runRows,
  logdir: {
    default: null,
    rule: orNull(placeRule),
    help: 'directory of checkpoints that a later `fit` of the same goes on from by itself; null: none',
  },
  tbLogging: { default: false, rule: flag, help: '`logdir` gets event files for TensorBoard' },
};

/** Values for options left out. */
export const compressionVaeDefaults: Readonly<CompressionVAEOptions> = defaultsOf(compressionVaeRows);

export const compressionVaeRules = rulesOf(compressionVaeRows);
