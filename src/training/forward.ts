/** Rows through an encoder: the forward pass of every parametric embedding. */

import { gatherRows } from '../backend/gatherRows.js';
import type * as tf from '../core/tf.js';
import type { Batch, Forward, Matrix, Network, Sampler } from '../core/types.js';

export interface RowsForwardOptions {
  /** Rows as the encoder takes them. */
  readonly matrix: Matrix;
  /** The same rows in data space, for losses that compare with them. Default: `matrix`. */
  readonly data?: Matrix;
  readonly encoder: Network;
  readonly sampler: Sampler;
  /** Whether layers behave as in training (dropout, batch statistics). Default true. */
  readonly training?: boolean;
}

/** Each batch of the sampler, encoded once. */
export function rowsForward(options: RowsForwardOptions): Forward {
  const { matrix, data = matrix, encoder, sampler, training = true } = options;
  const reader = training && encoder.reader?.table === matrix ? encoder.reader : undefined;
  let batch: Batch;
  let drawn = false;
  const draw = () => {
    if (!drawn) batch = sampler.next();
    drawn = true;
  };
  return {
    trained: [encoder],
    begin() {
      draw();
      reader?.fetch(batch.rows, batch.rowCount);
      drawn = false;
    },
    apply({ done, ahead }) {
      const { rows, rowCount } = batch;
      // With a reader, the next batch is drawn while other threads compute the gradient.
      const z = reader
        ? reader.apply(ahead ? draw : undefined)
        : encoder.apply(gatherRows(matrix, rows, rowCount, encoder.inputShape), training);
      return { batch, z: z as tf.Tensor2D, input: { matrix: data, rows }, done };
    },
  };
}
