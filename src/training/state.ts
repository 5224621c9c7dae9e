/** Where a training is, as plain data: enough to go on with the same bits. */

import type { Streams } from '../core/random.js';
import type { OptimizerState, Progress, RandomState, Step } from '../core/types.js';
import { readWeights, type TrainOptions, trainedBy, writeWeights } from './train.js';

/** Taken at a report, when no batch is drawn ahead and all losses have been read. */
export interface TrainState {
  /** Gradient steps done. */
  readonly step: number;
  /** Reports done. */
  readonly reports: number;
  /** All weights of what is trained, in the order of `trainedBy`. */
  readonly weights: readonly Float32Array[];
  /** Undefined for an optimizer that does not tell. */
  readonly optimizer: OptimizerState | undefined;
  /** The random streams, by name. */
  readonly streams: Readonly<Record<string, RandomState>>;
  /** Of the schedule; undefined where it has none. */
  readonly schedule: unknown;
}

/** The state of a training at the report `progress`, before the consumer asks for the next one. */
export async function trainState<S extends Step>(
  { forward, terms, optimizer, schedule }: TrainOptions<S>,
  streams: Streams,
  { step, epoch }: Progress,
): Promise<TrainState> {
  return {
    step,
    reports: epoch + 1,
    weights: await readWeights(trainedBy(forward, terms)),
    optimizer: await optimizer.state(),
    streams: streams.state(),
    schedule: schedule.state?.(),
  };
}

/**
 * Brings a training that was prepared anew (same data, options and seed) to a state. Hand `{ step, reports }` to `train` as
 * `from`, and it goes on with the bits of a training that was never interrupted.
 */
export async function restoreTraining<S extends Step>(
  { forward, terms, optimizer, schedule }: TrainOptions<S>,
  streams: Streams,
  state: TrainState,
): Promise<void> {
  writeWeights(trainedBy(forward, terms), state.weights);
  await optimizer.restore(state.optimizer);
  streams.restore(state.streams);
  schedule.restore?.(state.schedule);
}
