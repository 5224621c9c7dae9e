/** The test of a variational autoencoder on held-out rows. */

import * as tf from '../../core/tf.js';
import type { Matrix, Network, Random } from '../../core/types.js';
import { everyRowSampler } from '../../data/sampler.js';
import type { FitContext } from '../../fit/records.js';
import { klWeightOf } from '../../losses/klWeight.js';
import { klDivergence, reconstructionNats } from '../../losses/variational.js';
import type { DecoderParts, Likelihood } from '../../networks/variational/decoder.js';
import type { VariationalHead } from '../../networks/variational/encoder.js';
import type { Prior } from '../../networks/variational/vampPrior.js';
import { variationalForward } from '../../training/variationalForward.js';

/** The networks of a variational autoencoder, as they are used. */
export interface VaeParts {
  readonly trunk: Network;
  readonly head: VariationalHead;
  readonly decoding: DecoderParts;
  readonly likelihood: Likelihood;
  /** Undefined for the standard normal. */
  readonly prior: Prior | undefined;
}

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
  { trunk, head, decoding, likelihood, prior }: VaeParts,
  { held, batchSize, random }: TestRows,
  { pauses, log }: Pick<FitContext, 'pauses' | 'log'>,
): () => Promise<Record<string, number>> {
  if (!held) return async () => ({});
  const [count] = held.shape;
  const size = Math.min(batchSize, count);
  const { core, logVariance } = decoding;
  const reconstruction = reconstructionNats({ decoder: core, likelihood, logVariance, training: false });
  const analytic = head.flowLength === 0;
  const divergence = klDivergence({ prior, analytic, weight: klWeightOf(1, head.dimensions) });
  let without = 0;
  return async () => {
    const forward = variationalForward({
      ...{ trunk, head, matrix: held, training: false, random },
      sampler: everyRowSampler(count, size),
    });
    const sums = new Float64Array(2 + 2 * head.dimensions);
    for (let start = 0; start < count; start += size) {
      await pauses.take();
      await forward.begin();
      const values = await readTensor(() => {
        const step = forward.apply({ done: 1, ahead: false });
        const rows = step.batch.rowCount;
        const nats = [reconstruction, divergence].map((term) => tf.mul(term.compute(step), rows));
        const { mean } = step.posterior;
        return tf.concat([tf.stack(nats), tf.sum(mean, 0), tf.sum(tf.square(mean), 0)]);
      });
      values.forEach((value, i) => {
        sums[i]! += value / count;
      });
    }
    const [valReconstruction, valKl, ...moments] = sums as unknown as [number, number, ...number[]];
    const means = moments.slice(0, head.dimensions);
    const variances = means.map((mean, j) => moments[head.dimensions + j]! - mean ** 2);
    const activeDimensions = variances.filter((variance) => variance > ACTIVE).length;
    without = activeDimensions === 0 ? without + 1 : 0;
    if (without === PATIENCE) {
      log(
        'the posterior has collapsed: no latent dimension depends on the rows; lower klWeight, let it rise (warmUp), or set freeBits',
      );
    }
    return { valLoss: valReconstruction + valKl, valReconstruction, valKl, activeDimensions };
  };
}

async function readTensor(compute: () => tf.Tensor): Promise<Float32Array> {
  const tensor = tf.tidy(compute);
  try {
    return await tensor.data<'float32'>();
  } finally {
    tensor.dispose();
  }
}
