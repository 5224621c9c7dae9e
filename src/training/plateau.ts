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
  /** Reports of the training. */
  readonly reports: number;
  /** What a report costs, with the part of the training done; undefined for one that cannot be compared. */
  cost(losses: Readonly<Record<string, number>>, done: number): number | undefined;
  /** Takes a line when the rate falls or the training ends. */
  log(line: string): void;
}

/** What the plateau rule remembers. */
interface Memory {
  rate: number;
  /** The costs of this training since the rate was set. */
  costs: number[];
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
 * The rule of CompressionVAE: the rate is divided by `factor` where, of the last `window` costs, all are worse than the first. Then the
 * window starts anew, so that one rise does not count twice, as it does in the original. The weights of the best test on held-out rows
 * are kept; without such rows the last ones are.
 */
export function plateau(options: PlateauOptions): Plateau {
  const { rate, falls, window, factor, least, reports, cost, log } = options;
  const start = (): Memory => ({ rate, costs: [], best: Number.POSITIVE_INFINITY, weights: undefined });
  let memory = start();
  let training: Training;
  const lower = () => {
    memory.rate /= factor;
    memory.costs = [];
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
      async onEpochEnd(epoch: number, logs: unknown) {
        if (!falls) return;
        const losses = logs as Readonly<Record<string, number>>;
        const found = cost(losses, (epoch + 1) / reports);
        if (found === undefined) return;
        memory.costs.push(found);
        if (losses.valLoss !== undefined && found < memory.best) {
          memory.best = found;
          memory.weights = await training.snapshot();
        }
        const last = memory.costs.slice(-window);
        if (last.length === window && last.slice(1).every((value) => value > last[0]!)) lower();
      },
      async onTrainEnd() {
        if (memory.weights) training.restore(memory.weights);
        memory = start();
      },
    } as unknown as TrainingCallback,
    kept: {
      state: () => ({ ...memory, costs: [...memory.costs] }),
      restore: (state: unknown) => {
        memory = { ...(state as Memory) };
      },
    },
  };
}
