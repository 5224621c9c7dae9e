/** A forward pass whose rows are read from a stream, a batch at a time. */

import type { Forward, Step } from '../core/types.js';

/** The batches of a stream, read into the table that a forward pass takes its rows from. */
export interface BatchStream {
  /** Replaces the rows of the table by the next batch. */
  fill(): Promise<void>;
  /** Leaves out the first batches. */
  skip(batches: number): Promise<void>;
}

/** Reads the next batch after the present step, for `Forward.begin`. */
export function readAhead(read: () => Promise<void>): Promise<void> {
  // The loop draws ahead within `tf.tidy`, which would dispose of tensors that a source makes.
  const reading = Promise.resolve().then(read);
  // A training that ends early does not wait for it.
  reading.catch(() => {});
  return reading;
}

/** `forward`, whose table gets the next batch before each step. */
export function streamedForward<S extends Step>(
  forward: Forward<S>,
  { fill, skip }: BatchStream,
): Forward<S> {
  const read = async () => {
    await fill();
    await forward.begin();
  };
  return { ...forward, begin: () => readAhead(read), skip };
}
