/** What a fitted variational autoencoder says about the probability of rows. */

import { holdBackend, returnTo } from '../../backend/choose.js';
import { describe, OptionError } from '../../core/errors.js';
import { resolveOptions } from '../../core/options.js';
import { type Pauses, pausesFor } from '../../core/pauses.js';
import { createRandom } from '../../core/random.js';
import { either, integer, text } from '../../core/rules.js';
import * as tf from '../../core/tf.js';
import type { Matrix, Random } from '../../core/types.js';
import { type MatrixInput, type SameForm, toInputForm, toMatrixOfWidth } from '../../data/matrix.js';
import type { Fitted } from '../../fit/records.js';
import { rowSize } from '../../networks/network.js';
import { decoderParts } from '../../networks/variational/decoder.js';
import { variationalParts } from '../../networks/variational/encoder.js';
import { samplePosterior } from '../../networks/variational/sample.js';
import { logDeterminantOf, standardizeRows } from '../../networks/variational/standardization.js';
import { sampleComponents } from '../../networks/variational/vampPrior.js';
import {
  elboOf,
  importanceLogLikelihood,
  type VariationalEvaluationOptions,
} from '../../training/variationalEvaluation.js';
import { checkUnit, outsideOf } from './inputs.js';
import type { CompressionVAEOptions } from './options.js';
import type { VaeLearned } from './prepare.js';

/** Options of `elbo`, `logLikelihood` and `posterior`. */
export interface DensityOptions {
  /** Samples of the posterior for each row, at least 1. Default 1 for `elbo`, 100 for the others. */
  readonly samples?: number | undefined;
}

/** Options of `sample`. */
export interface SampleOptions {
  /** Equal seeds draw equal rows. A whole number or a text. Default: the seed of the estimator. */
  readonly seed?: number | string | undefined;
}

/** Posteriors of rows, in the form that the rows came in: `dimLatent` values per row. */
export interface Posteriors<Form> {
  /** Means, in the latent space. */
  readonly mean: Form;
  /** Variances of each latent dimension, at least 0. */
  readonly variance: Form;
}

type Options = Pick<CompressionVAEOptions, 'seed'>;

/** Samples where the options give none. */
const SAMPLES = 100;

/** See `CompressionVAE.elbo`. */
export async function bounds(
  fitted: Fitted<VaeLearned>,
  X: MatrixInput,
  options: Options,
  given: DensityOptions,
): Promise<Float64Array> {
  const samples = samplesIn('elbo', given, 1);
  return evaluated(fitted, X, 'elbo', options, async (evaluation) => {
    return (await elboOf({ ...evaluation, samples })).elbo;
  });
}

/** See `CompressionVAE.logLikelihood`. */
export async function likelihoods(
  fitted: Fitted<VaeLearned>,
  X: MatrixInput,
  options: Options,
  given: DensityOptions,
): Promise<Float64Array> {
  const samples = samplesIn('logLikelihood', given, SAMPLES);
  return evaluated(fitted, X, 'logLikelihood', options, (evaluation) =>
    importanceLogLikelihood({ ...evaluation, samples }),
  );
}

/** Rows whose samples are drawn at once. */
const BATCH = 256;

/** See `CompressionVAE.posterior`. */
export async function posteriors<X extends MatrixInput>(
  fitted: Fitted<VaeLearned>,
  X: X,
  options: Options,
  given: DensityOptions,
): Promise<Posteriors<SameForm<X>>> {
  const samples = samplesIn('posterior', given, SAMPLES);
  const { form } = await toMatrixOfWidth(X, rowSize(fitted.rowShape), 'posterior', { frame: fitted.frame });
  return evaluated(fitted, X, 'posterior', options, async ({ model, matrix, random, pauses }) => {
    const { trunk, head } = model;
    const [rows, columns] = matrix.shape;
    const shape = [rows, head.dimensions] as const;
    const mean = { data: new Float32Array(rows * head.dimensions), shape };
    const variance = { data: new Float32Array(rows * head.dimensions), shape };
    for (let start = 0; start < rows; start += BATCH) {
      await pauses?.take();
      const count = Math.min(BATCH, rows - start);
      const block = matrix.data.subarray(start * columns, (start + count) * columns);
      const moments = tf.tidy(() => {
        const h = trunk.apply(tf.tensor(block.slice(), [count, ...trunk.inputShape]), false);
        const gaussian = head.distribution(h);
        if (head.flowLength === 0) return [gaussian.mean, tf.exp(gaussian.logVariance)];
        let first: tf.Tensor = tf.zerosLike(gaussian.mean);
        let second: tf.Tensor = tf.zerosLike(gaussian.mean);
        const { z: center } = head.transform(h, gaussian.mean);
        for (let s = 0; s < samples; s++) {
          const { z } = samplePosterior(head, h, gaussian, random);
          const moved = tf.sub(z, center);
          first = tf.add(first, tf.div(moved, samples));
          second = tf.add(second, tf.div(tf.square(moved), samples));
        }
        return [tf.add(center, first), tf.relu(tf.sub(second, tf.square(first)))];
      }) as [tf.Tensor, tf.Tensor];
      try {
        mean.data.set(await moments[0].data<'float32'>(), start * head.dimensions);
        variance.data.set(await moments[1].data<'float32'>(), start * head.dimensions);
      } finally {
        tf.dispose(moments);
      }
    }
    const formed = (table: Matrix) => toInputForm(table, form, tf.tensor) as SameForm<X>;
    return { mean: formed(mean), variance: formed(variance) };
  });
}

/** Latent points of the prior. */
export async function drawLatent(
  { prior, encoder, backend }: Fitted<VaeLearned>,
  count: number,
  given: SampleOptions,
): Promise<number[][]> {
  const positive = integer(1);
  if (!positive.accepts(count)) {
    throw new OptionError(
      `sample: count: expected ${positive.text}, got ${describe(count)}; say how many rows to draw`,
    );
  }
  const rules = { seed: either(integer(), text('a name')) };
  const { seed } = resolveOptions<{ seed: number | string }>('sample', given, { seed: 0 }, rules);
  const random = createRandom(seed).fork('sample');
  await returnTo(backend);
  const dimensions = rowSize(encoder.outputShape);
  const { data } = prior
    ? sampleComponents(await prior.components(), count, random)
    : { data: Float32Array.from({ length: count * dimensions }, () => random.normal()) };
  return Array.from({ length: count }, (_, i) => [...data.subarray(i * dimensions, (i + 1) * dimensions)]);
}

/** Reads rows, brings them to the networks' space and evaluates them there. */
async function evaluated<T>(
  fitted: Fitted<VaeLearned>,
  X: MatrixInput,
  caller: string,
  { seed }: Options,
  evaluate: (evaluation: Omit<VariationalEvaluationOptions, 'samples'>) => Promise<T>,
): Promise<T> {
  const { encoder, decoder, rowShape, frame, backend, likelihood, prior } = fitted;
  await returnTo(backend);
  const pauses: Pauses = pausesFor(undefined, () => holdBackend(backend));
  const { matrix } = await toMatrixOfWidth(X, rowSize(rowShape), caller, { frame });
  if (likelihood === 'bernoulli') checkUnit(caller, await pauses.run(outsideOf(matrix)));
  const { trunk, head, standardization } = variationalParts(encoder.model);
  const { core, logVariance } = decoderParts(decoder!.model);
  const statistics = await standardization?.statistics();
  const rows: Matrix = statistics
    ? { data: standardizeRows(matrix.data, statistics), shape: matrix.shape }
    : matrix;
  const fixed = prior?.fixed();
  const random: Random = createRandom(seed).fork(caller);
  try {
    return await evaluate({
      model: { trunk, head, decoder: core, likelihood, logVariance, prior: fixed },
      ...{ matrix: rows, random, pauses },
      logDeterminant:
        (statistics ? logDeterminantOf(statistics) : 0) +
        (frame ? rowSize(rowShape) * Math.log(frame.scale) : 0),
    });
  } finally {
    fixed?.dispose();
  }
}

function samplesIn(caller: string, given: DensityOptions, samples: number): number {
  return resolveOptions<Required<DensityOptions>>(caller, given, { samples }, { samples: integer(1) })
    .samples;
}
