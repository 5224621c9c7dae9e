/** Where a training is, as plain data: enough to go on with the same bits. */

import { OptionError } from '../core/errors.js';
import type { Streams } from '../core/random.js';
import type { OptimizerState, RandomState, Step } from '../core/types.js';
import { type LoopState, readWeights, type TrainOptions, trainedBy, writeWeights } from './train.js';

/** Taken between two steps, when no batch is drawn ahead. */
export interface TrainState extends LoopState {
  /** All weights of what is trained, in the order of `trainedBy`. */
  readonly weights: readonly Float32Array[];
  /** Undefined for an optimizer that does not tell. */
  readonly optimizer: OptimizerState | undefined;
  /** The random streams, by name. */
  readonly streams: Readonly<Record<string, RandomState>>;
  /** Of the schedule; undefined where it has none. */
  readonly schedule: unknown;
  /** Of `TrainOptions.kept`; undefined where there is none. */
  readonly kept?: unknown;
}

/** The state of a training at `loop`: where its `saver` is called, or at a report before the consumer asks for the next one. */
export async function trainState<S extends Step>(
  { forward, terms, optimizer, schedule, kept }: TrainOptions<S>,
  streams: Streams,
  loop: LoopState,
): Promise<TrainState> {
  return {
    ...loop,
    weights: await readWeights(trainedBy(forward, terms)),
    optimizer: await optimizer.state(),
    streams: streams.state(),
    schedule: schedule.state?.(),
    kept: kept?.state(),
  };
}

/**
 * Brings a training that was prepared anew (same data, options and seed) to a state. Hand the state to `train` as `from`, and it
 * goes on with the bits of a training that was never interrupted. Throws `OptionError`, with nothing changed, for the weights of
 * another training.
 */
export async function restoreTraining<S extends Step>(
  { forward, terms, optimizer, schedule, kept }: TrainOptions<S>,
  streams: Streams,
  state: TrainState,
): Promise<void> {
  const sizes = trainedBy(forward, terms).flatMap((part) => part.weights().map(({ size }) => size));
  const saved = state.weights.map(({ length }) => length);
  if (`${sizes}` !== `${saved}`) {
    throw new OptionError(
      `fit: resume: expected a checkpoint with weights of ${sizes.join(', ')} numbers, got one with ${saved.join(', ')}; ` +
        'give the networks of the training that made it, or fit without resume',
    );
  }
  writeWeights(trainedBy(forward, terms), state.weights);
  await optimizer.restore(state.optimizer);
  streams.restore(state.streams);
  schedule.restore?.(state.schedule);
  await kept?.restore(state.kept);
  await forward.skip?.(state.step);
}
