/** Losses on rows that take no part in training. */

import { gatherRows } from '../backend/gatherRows.js';
import * as tf from '../core/tf.js';
import type { Batch, LossTerm, Matrix, Network, Sampler } from '../core/types.js';
import type { ReconstructionLoss } from '../losses/reconstruction.js';

export interface ValidationOptions {
  /** Held-out rows as the encoder takes them. */
  readonly matrix: Matrix;
  /** The same rows in data space. */
  readonly raw: Matrix;
  readonly encoder: Network;
  readonly decoder: Network;
  readonly lossFn: ReconstructionLoss;
  /** Edges of the held-out rows' own graph, and the loss on them. */
  readonly sampler: Sampler;
  readonly umap: LossTerm;
  /** Edge batches for the UMAP loss. */
  readonly batches: number;
}

/** Rows that are reconstructed at once. */
const CHUNK = 1000;

/**
 * Evaluates in inference mode: `valLoss` is the mean reconstruction loss alone, `valUmap` the mean UMAP loss on
 * the graph of the held-out rows.
 */
export async function validate(options: ValidationOptions): Promise<{ valLoss: number; valUmap: number }> {
  const { matrix, encoder, decoder, raw, lossFn, sampler, umap, batches } = options;
  const rows = matrix.shape[0];
  const everyRow = Int32Array.from({ length: rows }, (_, i) => i);
  let reconstruction = 0;
  for (let start = 0; start < rows; start += CHUNK) {
    const chunk = everyRow.subarray(start, start + CHUNK);
    const mean = await readScalar(() => {
      const z = encoder.apply(gatherRows(matrix, chunk, chunk.length, encoder.inputShape), false);
      const target = gatherRows(raw, chunk, chunk.length, decoder.outputShape);
      return tf.mean(lossFn(target, decoder.apply(z, false)));
    });
    reconstruction += (mean * chunk.length) / rows;
  }
  let pairs = 0;
  for (let i = 0; i < batches; i++) {
    const batch: Batch = sampler.next();
    pairs += await readScalar(() => {
      const x = gatherRows(matrix, batch.rows, batch.rowCount, encoder.inputShape);
      return umap.compute({ batch, z: encoder.apply(x, false) as tf.Tensor2D });
    });
  }
  return { valLoss: reconstruction, valUmap: pairs / batches };
}

async function readScalar(compute: () => tf.Tensor): Promise<number> {
  const scalar = tf.tidy(compute);
  try {
    return (await scalar.data())[0]!;
  } finally {
    scalar.dispose();
  }
}
