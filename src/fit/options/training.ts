/** Options of the training: length, batches, optimizer, callbacks. */

import type { OptionRows } from '../../core/options.js';
import { callable, either, hasMethods, integer, listOf, number, orNull, positive } from '../../core/rules.js';
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
   * Peak learning rate of Adam, above 0: it falls to 0 along half a cosine, or is constant with an `nEpochs`. Or a function
   * from the fraction done (0 to 1) to the rate, a finite number of at least 0 (else the fit throws `OptionError`). Default
   * 0.01. Ignored with a user-supplied `optimizer`.
   */
  learningRate: number | ((done: number) => number);
  /** A user-supplied `tf.Optimizer`, with its own learning rate. Default null: Adam with a beta2 of 0.95. */
  optimizer: Optimizer | null;
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
    default: 0.01,
    rule: either(positive, callable),
    help: "peak of Adam's rate, which falls to 0 (constant with `nEpochs`); or a function of the part done",
  },
  optimizer: {
    default: null,
    rule: orNull(hasMethods('a tf.Optimizer', 'applyGradients', 'getConfig')),
    help: 'a `tf.Optimizer`; null: Adam that forgets squared gradients fast (beta2 0.95)',
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
