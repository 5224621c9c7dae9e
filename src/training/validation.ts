/** Losses on held-out rows. */

import { type Pauses, pausesFor } from '../core/pauses.js';
import * as tf from '../core/tf.js';
import type { Forward, Step } from '../core/types.js';

/** One loss on held-out rows. */
export interface Evaluation {
  /** Name in the history, such as `valUmap`. */
  readonly name: string;
  /** Embeds batches of held-out rows in inference mode; `batches` of them are evaluated. */
  readonly forward: Forward;
  readonly batches: number;
  /** Mean loss over the pairs of a batch, or over its rows where it has no pairs. Called inside `tf.tidy`. */
  compute(step: Step): tf.Tensor;
}

/** Returns the mean of each loss over all its batches, by name. Pauses before a batch where one is due. */
export async function validate(
  evaluations: readonly Evaluation[],
  pauses: Pauses = pausesFor(),
): Promise<Record<string, number>> {
  const means: Record<string, number> = {};
  for (const { name, forward, batches, compute } of evaluations) {
    let sum = 0;
    let weight = 0;
    for (let i = 0; i < batches; i++) {
      await pauses.take();
      await forward.begin();
      let size = 0;
      const mean = await readScalar(() => {
        const step = forward.apply({ done: 1, ahead: false });
        size = step.batch.pairCount || step.batch.rowCount;
        return compute(step);
      });
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
