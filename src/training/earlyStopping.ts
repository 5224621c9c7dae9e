/** Early stopping that can restore the best weights. */

import { resolveOptions } from '../core/options.js';
import { choice, flag, integer, number, text } from '../core/rules.js';
import type { Resumable } from './callbackState.js';
import { type Callback, type Training, type TrainingCallback, unknownMonitor } from './callbacks.js';

/** Options of `earlyStopping`. */
export interface EarlyStoppingOptions {
  /** Key of the history to monitor. Default `'loss'`. */
  readonly monitor?: string | undefined;
  /** Smallest change that counts as an improvement. Default 0, at least 0. */
  readonly minDelta?: number | undefined;
  /** Number of reports without improvement after which training stops. Default 1, at least 1. */
  readonly patience?: number | undefined;
  /** Whether lower (`'min'`, default) or higher (`'max'`) is better. */
  readonly mode?: 'min' | 'max' | undefined;
  /** Whether to restore the weights of the best report at the end. Default false. */
  readonly restoreBestWeights?: boolean | undefined;
}

const stoppingDefaults: Required<EarlyStoppingOptions> = {
  monitor: 'loss',
  minDelta: 0,
  patience: 1,
  mode: 'min',
  restoreBestWeights: false,
};

/**
 * Stops training when a value of the history no longer improves, and can restore the best weights (which
 * `tf.callbacks.earlyStopping` cannot). Throws `OptionError` for a wrong option, and the training throws it in the first
 * report for a key that the history does not have.
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): TrainingCallback {
  const { monitor, minDelta, patience, mode, restoreBestWeights } = resolveOptions<
    Required<EarlyStoppingOptions>
  >('earlyStopping', options, stoppingDefaults, {
    monitor: text('a key of the history', { empty: true }),
    minDelta: number(0),
    patience: integer(1),
    mode: choice('min', 'max'),
    restoreBestWeights: flag,
  });
  let training: Training | undefined;
  let best = Number.POSITIVE_INFINITY;
  let waited = 0;
  let weights: Float32Array[] | undefined;
  const quiet = async () => {};
  const callback: Callback & Required<Resumable> = {
    setParams(params) {
      training = params.training as Training;
    },
    setModel() {},
    async onTrainBegin() {
      best = Number.POSITIVE_INFINITY;
      waited = 0;
      weights = undefined;
    },
    async onEpochEnd(_, logs) {
      const value = logs[monitor];
      if (typeof value !== 'number') {
        throw unknownMonitor('earlyStopping', monitor, logs);
      }
      const cost = mode === 'min' ? value : -value;
      if (cost < best - minDelta) {
        best = cost;
        waited = 0;
        if (restoreBestWeights) weights = await training?.snapshot();
      } else if (++waited >= patience) {
        training?.stop();
      }
    },
    async onTrainEnd() {
      if (weights) training?.restore(weights);
      weights = undefined;
    },
    state: () => ({ best, waited, weights }),
    restore(state) {
      ({ best, waited, weights } = state as { best: number; waited: number; weights?: Float32Array[] });
    },
    onEpochBegin: quiet,
    onBatchBegin: quiet,
    onBatchEnd: quiet,
  };
  return callback as unknown as TrainingCallback;
}
