/** One sample of the posterior. */

import * as tf from '../../core/tf.js';
import type { Random } from '../../core/types.js';
import type { VariationalHead } from './encoder.js';
import type { Gaussian } from './posterior.js';
import type { Posterior } from './step.js';

/** Samples the posterior of rows, whose trunk outputs are `h`, with normal numbers of the stream. */
export function samplePosterior(
  head: VariationalHead,
  h: tf.Tensor,
  { mean, logVariance }: Gaussian,
  random: Random,
): { readonly z: tf.Tensor2D; readonly posterior: Posterior } {
  const values = Float32Array.from({ length: mean.size }, () => random.normal());
  const epsilon = tf.tensor2d(values, mean.shape);
  const z0 = tf.add(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), epsilon)) as tf.Tensor2D;
  const { z, logScale } = head.transform(h, z0);
  return { z, posterior: { mean, logVariance, epsilon, z0, logScale } };
}
