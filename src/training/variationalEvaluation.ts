/**
 * The evidence lower bound and the log-likelihood of rows under a variational autoencoder, with all constants. So they are
 * logarithms of densities: of rows in data space, with the log-determinant of the standardization.
 */

import { gatherRows } from '../backend/gatherRows.js';
import { type Pauses, pausesFor } from '../core/pauses.js';
import type { PartDone } from '../core/stages.js';
import * as tf from '../core/tf.js';
import type { Matrix, Network, Random } from '../core/types.js';
import { estimatedKl, omittedConstant, rowNats, sampleKl } from '../losses/variational.js';
import type { Likelihood, VarianceParameter } from '../networks/variational/decoder.js';
import type { VariationalHead } from '../networks/variational/encoder.js';
import { samplePosterior } from '../networks/variational/sample.js';
import type { Prior } from '../networks/variational/vampPrior.js';

export interface VariationalModel {
  readonly trunk: Network;
  readonly head: VariationalHead;
  /** From latent points to standardized rows, or to logits. */
  readonly decoder: Network;
  readonly likelihood: Likelihood;
  /** Log-variances of `learnedGaussian`. */
  readonly logVariance?: VarianceParameter | undefined;
  /** Undefined for N(0, I). Give a mixture as `fixed()`, so that its components are not computed for every batch. */
  readonly prior?: Prior | undefined;
}

export interface VariationalEvaluationOptions {
  readonly model: VariationalModel;
  /** Rows as the trunk takes them. */
  readonly matrix: Matrix;
  /** The same rows as the decoder compares them. Default: `matrix`. */
  readonly data?: Matrix;
  /** Stream of the samples. A fork of it is used, so that every evaluation draws the same numbers. */
  readonly random: Random;
  /** Samples of the posterior for each row. Default 1. */
  readonly samples?: number;
  /** Rows times samples that are decoded together. Default 1024. */
  readonly batchSize?: number;
  /** Logarithm of how much standardizing shrinks volumes (`logDeterminantOf`), for densities in data space. Default 0. */
  readonly logDeterminant?: number;
  /** When to yield to the event loop. Default: between batches, at most every 40 ms. */
  readonly pauses?: Pauses;
  /** Takes the share that is done, from 0 to 1. Default: nobody is told. */
  readonly progress?: PartDone;
}

/** Bounds of rows and what they consist of, in nats. */
export interface Elbo {
  /** The bound of each row. */
  readonly elbo: Float64Array;
  /** Mean over the rows of -log p(x | z), without what `reconstructionNats` leaves out. */
  readonly reconstruction: number;
  /** Mean over the rows of the divergence of the posterior from the prior. */
  readonly kl: number;
  /** Mean and variance over the rows of the posterior's mean, before the flow, in each dimension. */
  readonly means: { readonly mean: Float64Array; readonly variance: Float64Array };
}

/**
 * The evidence lower bound: the mean over the samples of log p(x | z) - KL. The divergence is exact where there is no flow and
 * the prior is N(0, I), else estimated by the same samples (`estimatedKl`).
 */
export async function elboOf(options: VariationalEvaluationOptions): Promise<Elbo> {
  const { model, samples = 1, logDeterminant = 0 } = options;
  const [rows, columns] = (options.data ?? options.matrix).shape;
  const constant = omittedConstant(model.likelihood, columns) - logDeterminant;
  const elbo = new Float64Array(rows);
  const moments = runningMoments(model.head.dimensions);
  let reconstruction = 0;
  let kl = 0;
  for await (const batch of batches(options, estimatedKl)) {
    for (let i = 0; i < batch.nats.length; i++) {
      reconstruction += batch.nats[i]!;
      kl += batch.kl[i]!;
      elbo[batch.start + (i % batch.count)]! -= (batch.nats[i]! + batch.kl[i]!) / samples;
    }
    if (batch.first) moments.add(batch.means);
  }
  for (let i = 0; i < rows; i++) elbo[i]! -= constant;
  const total = Math.max(1, rows * samples);
  return { elbo, reconstruction: reconstruction / total, kl: kl / total, means: moments.take() };
}

/**
 * log p(x) of each row by importance sampling (Burda, Grosse and Salakhutdinov, 2016): the logarithm of the mean over the samples
 * of p(x | z) p(z) / q(z | x). It is a lower bound on average, which rises to the truth with the number of samples.
 */
export async function importanceLogLikelihood(options: VariationalEvaluationOptions): Promise<Float64Array> {
  const { model, samples = 1, logDeterminant = 0 } = options;
  const [rows, columns] = (options.data ?? options.matrix).shape;
  const constant = omittedConstant(model.likelihood, columns) - logDeterminant + Math.log(samples);
  // Sums of exp(weight - largest) so far, and the largest weights.
  const largest = new Float64Array(rows).fill(Number.NEGATIVE_INFINITY);
  const sums = new Float64Array(rows);
  for await (const { start, count, nats, kl } of batches(options, sampleKl)) {
    for (let i = 0; i < nats.length; i++) {
      const row = start + (i % count);
      const weight = -nats[i]! - kl[i]!;
      const most = Math.max(largest[row]!, weight);
      sums[row] = sums[row]! * Math.exp(largest[row]! - most) + Math.exp(weight - most);
      largest[row] = most;
    }
  }
  return largest.map((value, row) => value + Math.log(sums[row]!) - constant);
}

/** One or more samples of some consecutive rows: value `i` of a list is of row `start + i % count`. */
interface EvaluatedBatch {
  readonly start: number;
  readonly count: number;
  /** Whether the rows occur for the first time. */
  readonly first: boolean;
  /** -log p(x | z), without what `rowNats` leaves out. */
  readonly nats: Float32Array;
  /** The divergence of each row, as `klOf` gives it. */
  readonly kl: Float32Array;
  /** Means of the posterior, `count` rows. */
  readonly means: Float32Array;
}

/** Default of `VariationalEvaluationOptions.batchSize`. */
const BATCH = 1024;

async function* batches(
  options: VariationalEvaluationOptions,
  klOf: typeof estimatedKl,
): AsyncGenerator<EvaluatedBatch> {
  const { model, matrix, data = matrix, samples = 1, batchSize = BATCH, progress } = options;
  const { pauses = pausesFor() } = options;
  const { trunk, head } = model;
  const random = options.random.fork('evaluation');
  const rows = matrix.shape[0];
  for (let start = 0; start < rows; start += batchSize) {
    const count = Math.min(batchSize, rows - start);
    const numbers = Int32Array.from({ length: count }, (_, i) => start + i);
    await pauses.take();
    const encoded = tf.tidy(() => {
      const h = trunk.apply(gatherRows(matrix, numbers, count, trunk.inputShape), false);
      const { mean, logVariance } = head.distribution(h);
      return [h, mean, logVariance, gatherRows(data, numbers, count, model.decoder.outputShape)];
    }) as Encoded;
    try {
      const means = await read(encoded[1]);
      const most = Math.max(1, Math.floor(batchSize / count));
      for (let done = 0; done < samples; ) {
        await pauses.take();
        const copies = Math.min(most, samples - done);
        const results = tf.tidy(() => evaluate(model, encoded, copies, random, klOf));
        try {
          const [nats, kl] = (await Promise.all(results.map(read))) as [Float32Array, Float32Array];
          yield { start, count, first: done === 0, nats, kl, means };
        } finally {
          tf.dispose(results);
        }
        done += copies;
        progress?.((start + (count * done) / samples) / rows);
      }
    } finally {
      tf.dispose(encoded);
    }
  }
}

/** Outputs of the trunk, mean and log-variance of the posterior, and the rows to compare with. */
type Encoded = [h: tf.Tensor2D, mean: tf.Tensor2D, logVariance: tf.Tensor2D, target: tf.Tensor];

/** Negative log-likelihoods and divergences of so many samples of each row. */
function evaluate(
  { head, decoder, likelihood, logVariance, prior }: VariationalModel,
  encoded: Encoded,
  copies: number,
  random: Random,
  klOf: typeof estimatedKl,
): [nats: tf.Tensor1D, kl: tf.Tensor1D] {
  const repeated = copies === 1 ? encoded : encoded.map((tensor) => repeat(tensor, copies));
  const [h, mean, logs, target] = repeated as Encoded;
  const { z, posterior } = samplePosterior(head, h, { mean, logVariance: logs }, random);
  const nats = rowNats(likelihood, target, decoder.apply(z, false), logVariance?.variable);
  return [nats, klOf(posterior, z, prior)];
}

/** All rows, `copies` times one after another. */
function repeat(tensor: tf.Tensor, copies: number): tf.Tensor {
  return tf.tile(tensor, [copies, ...tensor.shape.slice(1).map(() => 1)]);
}

async function read(tensor: tf.Tensor): Promise<Float32Array> {
  return Float32Array.from(await tensor.data<'float32'>());
}

/** Mean and variance of each column, added up row by row (Welford, 1962). */
function runningMoments(columns: number) {
  const mean = new Float64Array(columns);
  const squares = new Float64Array(columns);
  let count = 0;
  return {
    add(rows: Float32Array) {
      for (let at = 0; at < rows.length; at += columns) {
        count++;
        for (let c = 0; c < columns; c++) {
          const difference = rows[at + c]! - mean[c]!;
          mean[c]! += difference / count;
          squares[c]! += difference * (rows[at + c]! - mean[c]!);
        }
      }
    },
    take: () => ({ mean, variance: squares.map((sum) => sum / Math.max(1, count)) }),
  };
}
