/** Two views of the same things through an encoder: the forward pass of self-supervised learning. */

import { gatherRows } from '../backend/gatherRows.js';
import { DataError } from '../core/errors.js';
import type * as tf from '../core/tf.js';
import type { Batch, Forward, Matrix, Network } from '../core/types.js';
import type { PairReader } from '../data/pairs.js';
import { rowSize } from '../networks/network.js';
import { readAhead } from './streamedForward.js';

export interface PairsForwardOptions {
  readonly reader: PairReader;
  readonly encoder: Network;
  /**
   * Whether rows of both views are heads of pairs, as in SimCLR (Chen et al. 2020): each pair is listed twice, as (i, j) and
   * as (j, i). Otherwise only those of the first view. Default true.
   */
  readonly symmetric?: boolean;
  /** Whether layers behave as in training (dropout, batch statistics). Default true. */
  readonly training?: boolean;
}

/**
 * Each batch of a reader, encoded once: b pairs are rows 0 to b - 1, the first view, and b to 2b - 1, the second. Both views
 * pass the encoder as one batch, so that batch statistics are those of both. Close the reader after the training. Throws
 * `DataError` if rows have another number of values than the encoder takes.
 */
export function pairsForward(options: PairsForwardOptions): Forward {
  const { reader, encoder, symmetric = true, training = true } = options;
  checkWidth(reader, encoder);
  let views: Matrix | undefined;
  let batch = batchOf(0, symmetric);
  const read = async () => {
    // Undefined after the last batch: the loop draws one more.
    const next = await reader.next();
    if (next === undefined) return;
    views = next;
    if (batch.rowCount !== next.shape[0]) batch = batchOf(next.shape[0] / 2, symmetric);
  };
  return {
    trained: [encoder],
    begin: () => readAhead(read),
    apply({ done }) {
      const matrix = views!;
      const { rows, rowCount } = batch;
      const z = encoder.apply(gatherRows(matrix, rows, rowCount, encoder.inputShape), training);
      return { batch, z: z as tf.Tensor2D, input: { matrix, rows }, done };
    },
    async skip(batches) {
      for (let i = 0; i < batches; i++) await reader.next();
    },
  };
}

/** The pairs of a batch of `count`. */
function batchOf(count: number, symmetric: boolean): Batch {
  const pairCount = symmetric ? 2 * count : count;
  return {
    rows: Int32Array.from({ length: 2 * count }, (_, i) => i),
    rowCount: 2 * count,
    heads: Int32Array.from({ length: pairCount }, (_, i) => i),
    tails: Int32Array.from({ length: pairCount }, (_, i) => (i + count) % (2 * count)),
    pairCount,
  };
}

function checkWidth({ rowShape }: PairReader, { inputShape }: Network): void {
  const expected = rowSize(inputShape);
  const found = rowSize(rowShape);
  if (found === expected) return;
  throw new DataError(
    `pairs: expected ${expected} values per row, as the encoder takes ([${inputShape.join(', ')}]), got ${found} ` +
      `([${rowShape.join(', ')}]); give both one shape`,
  );
}
