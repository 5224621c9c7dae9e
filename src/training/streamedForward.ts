/** A forward pass whose rows are read from a stream, a batch at a time. */

import type { Forward, Step } from '../core/types.js';

/** The batches of a stream, read into the table that a forward pass takes its rows from. */
export interface BatchStream {
  /** Replaces the rows of the table by the next batch. */
  fill(): Promise<void>;
  /** Leaves out the first batches. */
  skip(batches: number): Promise<void>;
}

/** `forward`, whose table gets the next batch before each step. */
export function streamedForward<S extends Step>(
  forward: Forward<S>,
  { fill, skip }: BatchStream,
): Forward<S> {
  const read = async () => {
    // After the present step: the loop draws ahead within `tf.tidy`, which would dispose of tensors that a source makes.
    await undefined;
    await fill();
    await forward.begin();
  };
  return {
    ...forward,
    begin() {
      const reading = read();
      // A training that ends early does not wait for it.
      reading.catch(() => {});
      return reading;
    },
    skip,
  };
}
