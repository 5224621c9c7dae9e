/** Losses on rows that take no part in training. */

import { gatherRows } from '../backend/gatherRows.js';
import { type Pauses, pausesFor } from '../core/pauses.js';
import * as tf from '../core/tf.js';
import type { Matrix, Network, Sampler, Step } from '../core/types.js';

/** One loss on held-out rows. */
export interface Evaluation {
  /** Name in the history, such as `valUmap`. */
  readonly name: string;
  /** Batches of held-out rows, of which `batches` are taken. */
  readonly sampler: Sampler;
  readonly batches: number;
  /** Mean loss over the pairs of a batch, or over its rows where it has no pairs. Called inside `tf.tidy`. */
  compute(step: Step): tf.Tensor;
}

export interface ValidationOptions {
  /** Held-out rows as the encoder takes them. */
  readonly matrix: Matrix;
  readonly encoder: Network;
  readonly evaluations: readonly Evaluation[];
  /** When to let the event loop in. Default: before a batch, where it is time for it. */
  readonly pauses?: Pauses;
}

/** Evaluates each loss in inference mode. Returns its mean over all batches, by name. */
export async function validate({
  matrix,
  encoder,
  evaluations,
  pauses = pausesFor(),
}: ValidationOptions): Promise<Record<string, number>> {
  const means: Record<string, number> = {};
  for (const { name, sampler, batches, compute } of evaluations) {
    let sum = 0;
    let weight = 0;
    for (let i = 0; i < batches; i++) {
      await pauses.take();
      const batch = sampler.next();
      const mean = await readScalar(() => {
        const x = gatherRows(matrix, batch.rows, batch.rowCount, encoder.inputShape);
        return compute({ batch, z: encoder.apply(x, false) as tf.Tensor2D });
      });
      const size = batch.pairCount || batch.rowCount;
      sum += mean * size;
      weight += size;
    }
    means[name] = sum / weight;
  }
  return means;
}

async function readScalar(compute: () => tf.Tensor): Promise<number> {
  const scalar = tf.tidy(compute);
  try {
    return (await scalar.data())[0]!;
  } finally {
    scalar.dispose();
  }
}
