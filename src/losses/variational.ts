/**
 * The loss of a variational autoencoder (Kingma and Welling, 2014), in nats: reconstruction and KL divergence, both summed over
 * the values of a row and averaged over the rows.
 */

import { gatherRows } from '../backend/gatherRows.js';
import * as tf from '../core/tf.js';
import type { LossTerm, Network } from '../core/types.js';
import type { Likelihood, VarianceParameter } from '../networks/variational/decoder.js';
import type { Posterior, VariationalStep } from '../networks/variational/step.js';
import { LOG_2PI, type Prior, standardNormal } from '../networks/variational/vampPrior.js';
import type { KlWeight } from './klWeight.js';

export interface ReconstructionNatsOptions {
  /** From latent points to standardized rows, or to logits. */
  readonly decoder: Network;
  readonly likelihood: Likelihood;
  /** Log-variances of `learnedGaussian`. */
  readonly logVariance?: VarianceParameter | undefined;
  /** Whether the decoder behaves as in training. Default true. */
  readonly training?: boolean;
}

/**
 * -log p(x | z) of the batch's rows, as the decoder's space has them. `gaussian` is without its constant, half of log 2 pi for
 * each value: half the sum of squared errors.
 */
export function reconstructionNats(options: ReconstructionNatsOptions): LossTerm<VariationalStep> {
  const { decoder, likelihood, logVariance, training = true } = options;
  return {
    name: 'reconstruction',
    weight: 1,
    trained: logVariance ? [decoder, logVariance] : [decoder],
    compute({ batch, input, z }) {
      const target = gatherRows(input.matrix, input.rows, batch.rowCount, decoder.outputShape);
      const prediction = decoder.apply(z, training);
      return tf.mean(rowNats(likelihood, target, prediction, logVariance?.variable)) as tf.Scalar;
    },
  };
}

/** -log p(x | z) for each row, `[rows]`; `gaussian` without its constant. Differentiable in all but the target. */
export function rowNats(
  likelihood: Likelihood,
  target: tf.Tensor,
  prediction: tf.Tensor,
  logVariance?: tf.Tensor,
): tf.Tensor1D {
  const [x, y] = [target, prediction].map((rows) => tf.reshape(rows, [rows.shape[0]!, -1])) as [
    tf.Tensor2D,
    tf.Tensor2D,
  ];
  if (likelihood === 'bernoulli') return bernoulliNats(x, y);
  if (likelihood === 'gaussian' || !logVariance) return gaussianNats(x, y);
  return learnedGaussianNats(x, y, tf.reshape(logVariance, [-1]));
}

/** What `rowNats` leaves out of the negative log-density, for rows of `columns` values. */
export function omittedConstant(likelihood: Likelihood, columns: number): number {
  return likelihood === 'gaussian' ? (columns * LOG_2PI) / 2 : 0;
}

/** Half the squared error. The gradient is the error. */
function gaussianNats(target: tf.Tensor2D, prediction: tf.Tensor2D): tf.Tensor1D {
  return perRow(prediction, (values) => {
    const error = tf.sub(values, target);
    return [tf.mul(tf.sum(tf.square(error), 1), 0.5), error];
  });
}

/** max(r, 0) - r x + log(1 + exp(-|r|)) for logits r, which cannot overflow. The gradient is sigmoid(r) - x. */
function bernoulliNats(target: tf.Tensor2D, logits: tf.Tensor2D): tf.Tensor1D {
  return perRow(logits, (r) => {
    const beyond = tf.log1p(tf.exp(tf.neg(tf.abs(r))));
    const costs = tf.add(tf.sub(tf.relu(r), tf.mul(r, target)), beyond);
    return [tf.sum(costs, 1), tf.sub(tf.sigmoid(r), target)];
  });
}

/** Half of (error² / variance + log variance + log 2 pi). */
function learnedGaussianNats(
  target: tf.Tensor2D,
  prediction: tf.Tensor2D,
  logVariance: tf.Tensor1D,
): tf.Tensor1D {
  const compute = tf.customGrad((...given: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [values, logs, save] = given as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const precision = tf.exp(tf.neg(logs));
    const error = tf.sub(values, target);
    const weighted = tf.mul(error, precision);
    const squares = tf.mul(error, weighted);
    save([weighted, squares]);
    const value = tf.mul(tf.add(tf.sum(squares, 1), tf.sum(tf.add(logs, LOG_2PI))), 0.5);
    return {
      value,
      gradFunc(dy, [slope, half]) {
        const column = tf.expandDims(dy as tf.Tensor, 1);
        return [tf.mul(column, slope!), tf.sum(tf.mul(column, tf.mul(tf.sub(1, half!), 0.5)), 0)];
      },
    };
  });
  return compute(prediction, logVariance) as tf.Tensor1D;
}

/** A value for each row, from a function that also gives its gradient, elementwise. */
function perRow(
  input: tf.Tensor2D,
  evaluate: (values: tf.Tensor) => [value: tf.Tensor, gradient: tf.Tensor],
): tf.Tensor1D {
  const compute = tf.customGrad((...given: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [values, save] = given as [tf.Tensor, tf.GradSaveFunc];
    const [value, gradient] = evaluate(values);
    save([gradient]);
    return { value, gradFunc: (dy, saved) => tf.mul(tf.expandDims(dy as tf.Tensor, 1), saved[0]!) };
  });
  return compute(input) as tf.Tensor1D;
}

export interface KlDivergenceOptions {
  /** The prior; undefined for N(0, I). */
  readonly prior?: Prior | undefined;
  /** Whether there is no flow: then the divergence from N(0, I) is exact, and known for each dimension. */
  readonly analytic: boolean;
  /** Factor of the term in the total. */
  readonly weight: KlWeight;
  /**
   * Nats per dimension that cost nothing (Kingma et al. 2016). Without a flow each dimension has its own, else they are
   * counted together. Default 0.
   */
  readonly freeBits?: number;
}

/** The divergence of the posterior from the prior. The value is without the weight. */
export function klDivergence(options: KlDivergenceOptions): LossTerm<VariationalStep> {
  const { prior, analytic, weight, freeBits = 0 } = options;
  let now = weight.at(0);
  return {
    name: 'kl',
    // The loop reads it after `compute`.
    get weight() {
      return now;
    },
    trained: prior?.trained ?? [],
    compute({ posterior, z, done }) {
      const dimensions = z.shape[1];
      const each =
        analytic && !prior ? tf.mean(normalKl(posterior), 0) : tf.mean(estimatedKl(posterior, z, prior));
      const total = tf.sum(each) as tf.Scalar;
      now = weight.at(done);
      // WebGPU cannot be read at once; there the reports are observed.
      if (weight.observe && tf.getBackend() !== 'webgpu') weight.observe(total.dataSync<'float32'>()[0]!);
      if (freeBits === 0) return total;
      return tf.sum(tf.maximum(each, freeBits * (each.rank === 0 ? dimensions : 1))) as tf.Scalar;
    },
  };
}

/** KL(N(mean, variance) || N(0, 1)) of each row and dimension. */
export function normalKl({ mean, logVariance }: Pick<Posterior, 'mean' | 'logVariance'>): tf.Tensor2D {
  const squares = tf.add(tf.square(mean), tf.exp(logVariance));
  return tf.mul(tf.sub(tf.sub(squares, logVariance), 1), 0.5) as tf.Tensor2D;
}

/**
 * An estimate of the divergence of each row by one sample, without bias. From N(0, I) it is
 *
 *     KL(q0 || p) + (|z|² - |z0|²) / 2 - logScale
 *
 * for the Gaussian q0 before the flow and its sample z0, so that only what the flow changes is random. The plain estimate,
 * `sampleKl`, has so much noise that on small images training gives up a dimension. From another prior there is only that one.
 */
export function estimatedKl(posterior: Posterior, z: tf.Tensor2D, prior?: Prior): tf.Tensor1D {
  if (prior) return sampleKl(posterior, z, prior);
  const farther = tf.mul(tf.sum(tf.sub(tf.square(z), tf.square(posterior.z0)), 1), 0.5);
  return tf.add(tf.sum(normalKl(posterior), 1), tf.sub(farther, posterior.logScale)) as tf.Tensor1D;
}

/** log q(z | x) - log p(z) of the very sample, as the weights of importance sampling need it. */
export function sampleKl(posterior: Posterior, z: tf.Tensor2D, prior: Prior = standardNormal): tf.Tensor1D {
  return tf.sub(logPosterior(posterior), prior.logDensity(z)) as tf.Tensor1D;
}

/** log q(z | x) of the sample, for each row: -(epsilon² + logVariance + log 2 pi) / 2, summed, - logScale. */
export function logPosterior({ epsilon, logVariance, logScale }: Posterior): tf.Tensor1D {
  const halves = tf.sum(tf.add(tf.square(epsilon), logVariance), 1);
  const constant = epsilon.shape[1] * LOG_2PI;
  return tf.sub(tf.mul(tf.add(halves, constant), -0.5), logScale) as tf.Tensor1D;
}
