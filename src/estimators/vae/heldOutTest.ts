/** The test of a variational autoencoder on held-out rows. */

import type { Matrix, Random } from '../../core/types.js';
import type { FitContext } from '../../fit/records.js';
import { elboOf, type VariationalModel } from '../../training/variationalEvaluation.js';

/** What the test reads. */
interface TestRows {
  /** As the trunk takes rows; undefined for no test. */
  readonly held: Matrix | undefined;
  /** Rows at once. */
  readonly batchSize: number;
  readonly random: Random;
}

/** A latent dimension is active where the mean of the posterior varies by more than this over the rows (Burda et al. 2016). */
const ACTIVE = 0.01;

/** Tests without any active dimension after which a collapse is reported: the first ones may be before any learning. */
const PATIENCE = 5;

/**
 * A function that tests all held-out rows, with one sample of the posterior each, which is the same in every test. It gives
 * `valReconstruction` and `valKl` in nats per row, their sum `valLoss`, which is the negative variational bound whatever the
 * weight of the KL divergence in training, and `activeDimensions`.
 */
export function heldOutTest(
  model: VariationalModel,
  { held, batchSize, random }: TestRows,
  { pauses, log }: Pick<FitContext, 'pauses' | 'log'>,
): () => Promise<Record<string, number>> {
  if (!held) return async () => ({});
  let without = 0;
  return async () => {
    const { reconstruction, kl, means } = await elboOf({ model, matrix: held, batchSize, random, pauses });
    const activeDimensions = means.variance.filter((variance) => variance > ACTIVE).length;
    without = activeDimensions === 0 ? without + 1 : 0;
    if (without === PATIENCE) {
      log(
        'the posterior has collapsed: no latent dimension depends on the rows; lower klWeight, let it rise (warmUp), or set freeBits',
      );
    }
    return { valLoss: reconstruction + kl, valReconstruction: reconstruction, valKl: kl, activeDimensions };
  };
}
