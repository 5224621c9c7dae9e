/** A learning rate that falls when a loss no longer improves, the end of a training that has converged, and its best weights. */

import type { Schedule } from '../core/types.js';
import type { Training, TrainingCallback } from './callbacks.js';
import type { Kept } from './train.js';

export interface PlateauOptions {
  /** First learning rate. */
  readonly rate: number;
  /** Whether all of it acts. If not, the rate stays, and the last weights are kept. */
  readonly falls: boolean;
  /** Reports in the window, at least 2. */
  readonly window: number;
  /** What the rate is divided by, above 1. */
  readonly factor: number;
  /** The training ends when the rate is at most this. */
  readonly least: number;
  /** Takes a line when the rate falls or the training ends. */
  log(line: string): void;
}

/** What the plateau rule remembers. */
interface Memory {
  rate: number;
  /** The losses of this training. */
  losses: number[];
  best: number;
  weights: readonly Float32Array[] | undefined;
}

/** The three parts that a training needs of it. */
export interface Plateau {
  readonly schedule: Schedule;
  /** Looks at each report, and sets the best weights at the end. */
  readonly watch: TrainingCallback;
  /** For checkpoints. */
  readonly kept: Kept;
}

/**
 * The rule of CompressionVAE, on `valLoss`, whose best weights are kept, or without held-out rows on `loss`, which a weight that
 * changes in training makes no measure of the best: the rate is divided by `factor` where, of the last `window` losses, all are worse than the first.
 * Then the window starts anew, so that one rise does not count twice, as it does in the original.
 */
export function plateau({ rate, falls, window, factor, least, log }: PlateauOptions): Plateau {
  const start = (): Memory => ({ rate, losses: [], best: Number.POSITIVE_INFINITY, weights: undefined });
  let memory = start();
  let training: Training;
  const lower = () => {
    memory.rate /= factor;
    memory.losses = [];
    if (memory.rate > least) return log(`learning rate: ${memory.rate}, since tests no longer improve`);
    log('converged: tests no longer improve at the least learning rate');
    training.stop();
  };
  return {
    schedule: { rate: () => memory.rate },
    watch: {
      setParams: (params: Readonly<Record<string, unknown>>) => {
        training = params.training as Training;
      },
      setModel() {},
      async onEpochEnd(_: number, logs: unknown) {
        if (!falls) return;
        const { valLoss, loss = Number.NaN } = logs as Readonly<Record<string, number>>;
        memory.losses.push(valLoss ?? loss);
        if (valLoss !== undefined && valLoss < memory.best) {
          memory.best = valLoss;
          memory.weights = await training.snapshot();
        }
        const last = memory.losses.slice(-window);
        if (last.length === window && last.slice(1).every((value) => value > last[0]!)) lower();
      },
      async onTrainEnd() {
        if (memory.weights) training.restore(memory.weights);
        memory = start();
      },
    } as unknown as TrainingCallback,
    kept: {
      state: () => ({ ...memory, losses: [...memory.losses] }),
      restore: (state: unknown) => {
        memory = { ...(state as Memory) };
      },
    },
  };
}
