/** Callbacks: those of TensorFlow.js, and objects with any of their methods. */

import { giveModel } from '../backend/copies.js';
import { OptionError } from '../core/errors.js';
import type { Rule } from '../core/rules.js';
import * as tf from '../core/tf.js';
import type { Edges, Matrix, Progress } from '../core/types.js';
import { callbackStates, type Resumable, restoreCallbacks } from './callbackState.js';
import type { StageReader } from './stages.js';

/** What a training shows its callbacks, and how they control it: the value `training` that `setParams` gets. */
export interface Training {
  /** Number of rows that are trained on: those of X without held-out ones, then landmarks that are kept from earlier fits. */
  readonly rows: number;
  /** Gradient steps done, as of the last report. */
  readonly step: number;
  /** The last report: losses with those of held-out rows, learning rates, learned numbers. Undefined before the first. */
  readonly progress?: Progress | undefined;
  /** The weighted graph of these rows; undefined where there is none. */
  readonly edges?: Edges | undefined;
  /**
   * Similarity of two points of the embedding by their squared distance, above 0, as the loss takes it; it may depend on
   * learned `numbers`. Undefined where the estimator has none.
   */
  readonly similarity?: ((squaredDistance: number, numbers: LearnedNumbers) => number) | undefined;
  /** Whether `similarity` is for positions scaled to length 1, as the cosine is. Default false. */
  readonly unitLength?: boolean | undefined;
  /**
   * Current positions of some of the rows, by number, one after another; by default of all of them. The encoder works as after
   * training: without dropout and noise. Only during the fit. Throws `OptionError` for row numbers that are not there.
   */
  embed(rows?: Int32Array): Promise<Matrix>;
  /** Current values of learned numbers that are no networks. */
  numbers(): Promise<LearnedNumbers>;
  /** Current weights of all networks, as they are after training. Only during the fit. */
  weights(): Promise<readonly NamedWeights[]>;
  /** Ends training after the current report. */
  stop(): void;
  /** Copies all weights being trained. */
  snapshot(): Promise<Float32Array[]>;
  /** Sets all weights being trained to a result of `snapshot`. */
  restore(weights: readonly Float32Array[]): void;
}

/** Values of learned numbers by name, such as `Z` and `temperature`. */
export type LearnedNumbers = Readonly<Record<string, number>>;

/** One array of weights. */
export interface NamedWeights {
  /** Network, layer and weight: `encoder/dense0/kernel`. The same for every estimator of these options. */
  readonly name: string;
  /** Its shape, such as `[64, 100]`. */
  readonly shape: readonly number[];
  /** A copy of its values, in row-major order. */
  readonly values: Float32Array;
}

type Setters = Pick<tf.CustomCallback, 'setParams' | 'setModel'>;

/** A callback that holds something for the time of a fit, such as a listener. */
export interface Ending {
  /** Called last, however the fit ends: also by an error, by an aborted signal, and before training began. It should not throw. */
  onFitEnd?(): void;
}

/**
 * A `tf.CustomCallback`, a `tf.callbacks.earlyStopping(...)`, any other `tf.Callback`, or an object with any of their
 * methods; each may have `onStage` and `onFitEnd` too, and `state` with `restore` to go on after an interruption. (The type names only two methods of the former, so that TypeScript infers the
 * arguments of the latter.)
 */
export type TrainingCallback = (Setters | (tf.CustomCallbackArgs & Partial<Setters>)) &
  StageReader &
  Ending &
  Resumable;

/** The part of `tf.BaseCallback` that training calls. */
export interface Callback {
  setParams(params: Record<string, unknown>): void;
  setModel(model: tf.LayersModel): void;
  onTrainBegin(logs: Logs): Promise<void>;
  onTrainEnd(logs: Logs): Promise<void>;
  onEpochBegin(epoch: number, logs: Logs): Promise<void>;
  onEpochEnd(epoch: number, logs: Logs): Promise<void>;
  onBatchBegin(batch: number, logs: Logs): Promise<void>;
  onBatchEnd(batch: number, logs: Logs): Promise<void>;
}

export type Logs = Record<string, number | tf.Scalar>;

const moments = [
  'onTrainBegin',
  'onTrainEnd',
  'onEpochBegin',
  'onEpochEnd',
  'onBatchBegin',
  'onBatchEnd',
] as const;
const methods = [...moments, 'setParams', 'setModel'] as const;

/** An object with at least one method of a callback, and nothing but functions under their names. */
export const callbackRule: Rule = {
  kind: 'object',
  text: `a callback: an object with ${moments.join(', ')}, onStage, onFitEnd, setParams or setModel`,
  accepts: (value) => {
    if (typeof value !== 'object' || value === null) return false;
    const given = [...methods, 'onYield', 'onStage', 'onFitEnd'].map(
      (name) => (value as Record<string, unknown>)[name],
    );
    const present = given.filter((method) => method !== undefined && method !== null);
    return present.length > 0 && present.every((method) => typeof method === 'function');
  },
  bad: [null, 0, 'log', true, () => {}, {}, { onEpochEnded: () => {} }, { onEpochEnd: 3 }],
};

/** What a `CallbackRunner` and its callbacks remember, as plain data. */
export interface CallbacksState {
  /** Batches since the last report. */
  readonly batch: number;
  /** Steps, as of the last report. */
  readonly steps: number;
  readonly stopped: boolean;
  /** See `callbackStates`. */
  readonly states: readonly unknown[];
}

export interface CallbackRunner {
  /** Begins; with `from`, goes on after that many reports. */
  begin(from?: { readonly reports: number; readonly state: CallbacksState }): Promise<void>;
  /** One gradient step: an `onBatchEnd` with the total loss as a scalar. */
  step(step: number, rows: number, loss: tf.Scalar): Promise<void>;
  /** One report: an `onEpochEnd` with every loss by name. */
  report(progress: Progress): Promise<void>;
  end(): Promise<void>;
  /** Whether a callback asked to stop. */
  stopped(): boolean;
  /** For `begin` of another process. */
  state(): CallbacksState;
}

/**
 * Runs the callbacks of a training. An "epoch" is a report, as in the Python original. `setParams` gets `params`; `model` is
 * the encoder, and setting its `stopTraining` ends the training.
 */
export function runCallbacks(
  callbacks: readonly TrainingCallback[],
  model: tf.LayersModel,
  params: { epochs: number; steps: number },
  training: Omit<Training, 'stop' | 'step' | 'progress'>,
): CallbackRunner {
  let stop = false;
  // `tf.Sequential` throws for this property while it is not compiled, so callbacks get an object that overrides it.
  const watched: tf.LayersModel = Object.create(model, { stopTraining: { value: false, writable: true } });
  let steps = 0;
  let latest: Progress | undefined;
  const control: Training = {
    ...training,
    get step() {
      return steps;
    },
    get progress() {
      return latest;
    },
    stop: () => (stop = true),
  };
  const list = callbacks.map(asCallback);
  const each = async (call: (callback: Callback) => Promise<void>) => {
    for (const callback of list) await call(callback);
  };
  let epoch = 0;
  let batch = 0;
  return {
    async begin(from) {
      watched.stopTraining = false;
      for (const callback of list) {
        callback.setParams({ ...params, training: control });
        giveModel(callback, watched);
      }
      await each((callback) => callback.onTrainBegin({}));
      if (from) {
        restoreCallbacks(callbacks, from.state.states);
        ({ batch, steps, stopped: stop } = from.state);
      }
      await each((callback) => callback.onEpochBegin(from?.reports ?? 0, {}));
    },
    async step(_, rows, loss) {
      for (const callback of list) {
        await callback.onBatchBegin(batch, { batch, size: rows });
        // A tf.CustomCallback disposes of the scalars that it reads, but not of others.
        const own = tf.keep(tf.clone(loss));
        try {
          await callback.onBatchEnd(batch, { batch, size: rows, loss: own });
        } finally {
          own.dispose();
        }
      }
      batch++;
    },
    async report(progress) {
      epoch = progress.epoch;
      steps = progress.step;
      latest = progress;
      batch = 0;
      for (const callback of list) checkMonitor(callback, logsOf(progress));
      await each((callback) => callback.onEpochEnd(epoch, logsOf(progress)));
      const last = progress.epoch + 1 === progress.epochs;
      if (!last && !stop) await each((callback) => callback.onEpochBegin(epoch + 1, {}));
    },
    end: () => each((callback) => callback.onTrainEnd({})),
    stopped: () => stop || watched.stopTraining,
    state: () => ({
      ...{ batch, steps, stopped: stop || watched.stopTraining },
      states: callbackStates(callbacks),
    }),
  };
}

/** The losses of a report; held-out ones also have their Keras names, such as `val_loss` for `valLoss`. */
function logsOf({ losses }: Progress): Logs {
  const logs: Logs = { ...losses };
  for (const [name, value] of Object.entries(losses)) {
    if (/^val[A-Z]/.test(name)) logs[`val_${name.charAt(3).toLowerCase()}${name.slice(4)}`] = value;
  }
  return logs;
}

/** Throws for a `tf.callbacks.earlyStopping` on an unknown key, which would never stop and would warn at every report. */
function checkMonitor(callback: Callback, logs: Logs): void {
  const { monitor, monitorFunc } = callback as Callback & { monitor?: unknown; monitorFunc?: unknown };
  if (typeof monitorFunc !== 'function' || typeof monitor !== 'string' || monitor in logs) return;
  throw unknownMonitor('callbacks: earlyStopping', monitor, logs);
}

export function unknownMonitor(caller: string, monitor: string, logs: Logs): OptionError {
  return new OptionError(
    `${caller}: monitor: expected one of ${Object.keys(logs).join(', ')}, got '${monitor}'` +
      (/^val/.test(monitor)
        ? '; held-out rows (validation) give valLoss and the main loss on them, such as valUmap'
        : ''),
  );
}

function asCallback(given: TrainingCallback): Callback {
  const callback = given as Partial<Callback> & tf.CustomCallbackArgs;
  if (methods.every((name) => typeof callback[name] === 'function')) return callback as Callback;
  const functions = [...moments, 'onYield' as const].flatMap((name) => {
    const method = callback[name] as ((...values: unknown[]) => unknown) | undefined | null;
    return method ? [[name, method.bind(given)]] : [];
  });
  const { nowFunc, nextFrameFunc } = callback;
  const whole: unknown = new tf.CustomCallback({ nowFunc, nextFrameFunc, ...Object.fromEntries(functions) });
  // A tf.CustomCallback ignores these two.
  return Object.assign(whole as Callback, {
    setParams: (params: Record<string, unknown>) => callback.setParams?.(params),
    setModel: (model: tf.LayersModel) => callback.setModel?.(model),
  });
}
