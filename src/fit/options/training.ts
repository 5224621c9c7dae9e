/** Options of the training: length, batches, optimizer, callbacks. */

import { OptionError } from '../../core/errors.js';
import type { OptionRows } from '../../core/options.js';
import {
  callable,
  choice,
  either,
  hasMethods,
  integer,
  listOf,
  number,
  orNull,
  positive,
  type Rule,
} from '../../core/rules.js';
import type { Optimizer } from '../../core/tf.js';
import { callbackRule, type TrainingCallback } from '../../training/callbacks.js';

export interface TrainingOptions {
  /** Edges per gradient step, at least 1. Default null: min(rows, 1000). */
  batchSize: number | null;
  /**
   * Repeats of the heaviest edge in one pass, as in the original: a pass then takes sum(floor(nEpochs * weight))
   * / batchSize steps at a constant learning rate. Default null: a number of steps that depends on the number of rows, at
   * a learning rate that falls from its peak to 0.
   */
  nEpochs: number | null;
  /** Passes over the graph. Default 1, at least 1. */
  nTrainingEpochs: number;
  /** Reports per pass. Default 10, at least 1. */
  lossReportFrequency: number;
  /**
   * Peak of the learning rate, above 0; `learningRateDecay` tells how it falls. Or a function from the fraction done (0 to 1)
   * to the rate, a finite number of at least 0 (else the fit throws `OptionError`). Default null: 0.01, or what suits points
   * where every row has one instead of a network. Ignored with a `tf.Optimizer`.
   */
  learningRate: number | ((done: number) => number) | null;
  /**
   * How the learning rate falls from its peak: along half a cosine to 0, linearly to 0, or not at all. Default `'auto'`:
   * `'cosine'`, or `'constant'` with an `nEpochs`. Refused with a function as `learningRate`, and with a `tf.Optimizer`.
   */
  learningRateDecay: 'auto' | 'cosine' | 'linear' | 'constant';
  /**
   * Fraction of the training in which the learning rate rises linearly to its peak, before it falls. Default 0, in [0, 1).
   * Refused with a function as `learningRate`, and with a `tf.Optimizer`.
   */
  warmUp: number;
  /**
   * `'adam'`, Adam with a beta2 of 0.95; `'sgd'`, stochastic gradient descent with `momentum`; or a `tf.Optimizer`, with its
   * own learning rate. Default null: Adam. Both of the former are saved with the model.
   */
  optimizer: 'adam' | 'sgd' | Optimizer | null;
  /** Share of its last move that a step of SGD repeats, in [0, 1). Default 0. Refused for another `optimizer`. */
  momentum: number;
  /**
   * Decoupled weight decay: each step first shrinks the kernels of layers by the learning rate times this. Default 0, at least
   * 0. Refused with a `tf.Optimizer`.
   */
  weightDecay: number;
  /**
   * Noise on the encoder's inputs in training, as a fraction of the mean distance between neighbors: embeddings of new rows
   * become more reliable, at a small cost for the fitted ones. Default null: 0.3 up to 10,000 rows and
   * 0.3 √(10,000 / rows) above, 0 for a user-supplied `encoder`. At least 0.
   */
  inputNoise: number | null;
  /** Gradient elements are clipped to [-clipValue, clipValue]. Default 4, above 0. */
  clipValue: number;
  /**
   * TensorFlow.js callbacks, or objects with some of their methods: `{ onEpochEnd(report, logs) { … } }`. Default none.
   * Logs contain the losses of the history; held-out ones also have their Keras names (`val_loss`). Stages before training are
   * reported by `onStage(stage, done)`.
   */
  callbacks: readonly TrainingCallback[];
}

/** Numbers from 0 to below 1. */
const share: Rule = {
  ...number(0, 1),
  text: 'a number of at least 0 and below 1',
  accepts: (value) => typeof value === 'number' && value >= 0 && value < 1,
  bad: [1, ...number(0, 1).bad],
};

export const trainingRows: OptionRows<TrainingOptions> = {
  batchSize: {
    default: null,
    rule: orNull(integer(1)),
    help: 'edges per step; null: min(rows, 1000); with fewer there are more steps, so that as many edges are seen',
  },
  nEpochs: {
    default: null,
    rule: orNull(integer(1)),
    help: 'repeats of the heaviest edge per pass, as in the original; null: steps by the number of rows',
  },
  nTrainingEpochs: {
    default: 1,
    rule: integer(1),
    help: 'passes over the graph',
  },
  lossReportFrequency: {
    default: 10,
    rule: integer(1),
    help: 'reports per pass',
  },
  learningRate: {
    default: null,
    rule: orNull(either(positive, callable)),
    help: 'peak of the learning rate, or a function of the part done; null: 0.01, more for points without a network',
  },
  learningRateDecay: {
    default: 'auto',
    rule: choice('auto', 'cosine', 'linear', 'constant'),
    help: "how the learning rate falls to 0; `'auto'`: `'cosine'`, `'constant'` with `nEpochs`",
  },
  warmUp: {
    default: 0,
    rule: share,
    help: 'fraction of the training in which the learning rate rises to its peak',
  },
  optimizer: {
    default: null,
    rule: orNull(either(choice('adam', 'sgd'), hasMethods('a tf.Optimizer', 'applyGradients', 'getConfig'))),
    help: "`'adam'`, `'sgd'`, or a `tf.Optimizer`; null: Adam that forgets squared gradients fast (beta2 0.95)",
  },
  momentum: {
    default: 0,
    rule: share,
    help: "momentum of `'sgd'`",
  },
  weightDecay: {
    default: 0,
    rule: number(0),
    help: 'each step shrinks the kernels of layers by the learning rate times this',
  },
  inputNoise: {
    default: null,
    rule: orNull(number(0)),
    help: 'noise on the inputs in training, in distances between neighbors: makes embeddings of new rows reliable; null: 0.3 up to 10,000 rows and 0.3 √(10,000 / rows) above, 0 for an `encoder` of your own',
  },
  clipValue: {
    default: 4,
    rule: positive,
    help: 'each element of a gradient is cut to ± this',
  },
  callbacks: {
    default: Object.freeze([]),
    rule: listOf(callbackRule),
    help: 'callbacks that read the training, and the stages before it',
  },
};

/** Options that are checked against each other. */
type Rates = Pick<
  TrainingOptions,
  'learningRate' | 'learningRateDecay' | 'warmUp' | 'optimizer' | 'momentum' | 'weightDecay'
>;

/** Throws `OptionError` for options of optimizer and learning rate that would not act beside others. */
export function checkTraining(caller: string, options: Rates): void {
  const refuse = (name: keyof Rates, expected: string, got: string) => {
    throw new OptionError(
      `${caller}: ${name}: expected ${expected}, without which it does not act, got ${got}; leave one of the two out`,
    );
  };
  const { learningRate, optimizer, momentum } = options;
  const supplied = typeof optimizer === 'object' && optimizer !== null;
  if (momentum > 0 && optimizer !== 'sgd') {
    refuse('momentum', "optimizer: 'sgd'", supplied ? 'a tf.Optimizer' : 'Adam');
  }
  for (const name of ['learningRateDecay', 'warmUp', 'weightDecay'] as const) {
    if (options[name] === trainingRows[name].default) continue;
    if (supplied) refuse(name, "optimizer: 'adam' or 'sgd'", 'a tf.Optimizer');
    if (name !== 'weightDecay' && typeof learningRate === 'function') {
      refuse(name, 'a number as learningRate', 'a function');
    }
  }
}
