/** What callbacks remember over a training, so that an interrupted one can go on. */

import { OptionError } from '../core/errors.js';

/** A callback that remembers something over a training. With both methods, it goes on after an interruption. */
export interface Resumable {
  /** What it remembers: plain data, with typed arrays where there are many numbers. */
  state?(): unknown;
  /** Brings back what `state` gave, in another process; called after `onTrainBegin`. */
  restore?(state: unknown): void;
}

/** The states of those callbacks that have one, in order. */
export function callbackStates(callbacks: readonly object[]): unknown[] {
  return callbacks.flatMap((callback) => {
    const memory = memoryOf(callback);
    return memory ? [memory.state()] : [];
  });
}

/** Restores states. Throws `OptionError` where there are more or fewer callbacks with a state. */
export function restoreCallbacks(callbacks: readonly object[], states: readonly unknown[]): void {
  const memories = callbacks.flatMap((callback) => memoryOf(callback) ?? []);
  if (memories.length !== states.length) {
    throw new OptionError(
      `fit: resume: callbacks: expected ${states.length} with a state, as in the interrupted training, got ${memories.length}; ` +
        'give the same ones in the same order',
    );
  }
  for (const [i, memory] of memories.entries()) memory.restore(states[i]);
}

function memoryOf(callback: object): Required<Resumable> | undefined {
  const { state, restore } = callback as { readonly state?: unknown; readonly restore?: unknown };
  if (typeof state === 'function' && typeof restore === 'function') {
    return {
      state: () => state.call(callback) as unknown,
      restore: (value) => void restore.call(callback, value),
    };
  }
  return isEarlyStopping(callback) ? memoryOfEarlyStopping(callback) : undefined;
}

/** The memory of a `tf.callbacks.earlyStopping`, whose class is not exported. */
interface EarlyStopping {
  wait: number;
  stoppedEpoch: number;
  best: number;
}

function isEarlyStopping(callback: object): callback is EarlyStopping {
  const { monitorFunc, wait, best } = callback as Partial<EarlyStopping> & { monitorFunc?: unknown };
  return (
    typeof monitorFunc === 'function' &&
    'stoppedEpoch' in callback &&
    // Undefined before `onTrainBegin`.
    [wait, best].every((value) => value === undefined || typeof value === 'number')
  );
}

function memoryOfEarlyStopping(callback: EarlyStopping): Required<Resumable> {
  return {
    state: () => ({ wait: callback.wait, stoppedEpoch: callback.stoppedEpoch, best: callback.best }),
    restore(state) {
      const { wait, stoppedEpoch, best } = state as EarlyStopping;
      Object.assign(callback, { wait, stoppedEpoch, best });
    },
  };
}
