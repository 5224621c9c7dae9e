/** A variational autoencoder whose posterior may have an inverse autoregressive flow, after CompressionVAE (Frenzel 2020). */

import type { Artifact, LoadedArtifact } from '../../artifact/artifact.js';
import { loadModel, saveModel } from '../../artifact/model.js';
import { useBackend } from '../../backend/choose.js';
import type * as tf from '../../core/tf.js';
import type { Progress, RowFrame } from '../../core/types.js';
import type { MatrixInput, RowsInput, SameForm } from '../../data/matrix.js';
import type { Targets } from '../../data/targets.js';
import { type RunInputs, resolveInputs, runInputRules } from '../../fit/inputs.js';
import type { Fitted } from '../../fit/records.js';
import { embedRows, reconstructRows } from '../apply.js';
import { checkReadTwice } from '../applyToSource.js';
import { type Estimator, lifecycle, type SaveOptions, type TransformOptions } from '../estimator.js';
import { fitSteps } from '../fitSteps.js';
import { type OnnxOptions, onnxOf } from '../onnx.js';
import { saveOptions } from '../savedOptions.js';
import { restoreVae, vaeArtifact } from './artifact.js';
import {
  bounds,
  type DensityOptions,
  drawLatent,
  likelihoods,
  type Posteriors,
  posteriors,
  type SampleOptions,
} from './densities.js';
import { readVaeRows } from './inputs.js';
import { withLogdir } from './logdir.js';
import type { CompressionVAEOptions, GivenCompressionVAEOptions } from './options.js';
import { prepareVae, type VaeLearned } from './prepare.js';
import { resolveVaeOptions } from './rules.js';

/** Rows of any length have been checked by then. */
const anyRows = (): void => {};

/**
 * Compresses rows to a few latent values, from which a decoder gives rows back, and new rows can be drawn.
 *
 * ```js
 * const vae = new CompressionVAE({ dimLatent: 2 });
 * const z = await vae.fitTransform(rows);
 * const again = await vae.inverseTransform(z);
 * ```
 */
export class CompressionVAE implements Estimator<CompressionVAEOptions, RunInputs> {
  /** Complete, checked, frozen; `new CompressionVAE(other.options)` makes an equal estimator. */
  readonly options: Readonly<CompressionVAEOptions>;
  readonly #life = lifecycle<Fitted<VaeLearned>>('CompressionVAE');

  /** Throws `OptionError` for an unknown option or a value out of range. */
  constructor(options: GivenCompressionVAEOptions = {}) {
    this.options = resolveVaeOptions(options);
  }

  /** The trained encoder: a `tf.LayersModel` from rows to the latent space. Throws `NotFittedError` before `fit`. */
  get encoder(): tf.LayersModel {
    return this.#life.require('encoder').encoder.model;
  }

  /** The trained decoder: a `tf.LayersModel` from the latent space to rows. Throws `NotFittedError` before `fit`. */
  get decoder(): tf.LayersModel {
    return this.#life.require('decoder').decoder!.model;
  }

  /** Shift and scale of rows that 32-bit floats cannot represent; undefined for other rows. Throws `NotFittedError`. */
  get rowFrame(): RowFrame | undefined {
    return this.#life.require('rowFrame').frame;
  }

  /**
   * Losses in nats per row, one value per test: `loss` is `reconstruction` plus the weighted `kl`; on held-out rows, with
   * weight 1, `valLoss`, `valReconstruction`, `valKl`, and `activeDimensions`. Grows over later fits.
   */
  get history(): Readonly<Record<string, readonly number[]>> {
    return this.#life.require('history').history;
  }

  /**
   * Learns X. Training ends when tests on held-out rows have converged, or after `numSteps` more gradient steps; the weights
   * of the best test are kept. A second call continues to train the same networks. If it throws, the estimator is unchanged.
   * Errors: `DataError`, `OptionError`, `UnavailableError`, `DivergedError` (which keeps the last good weights), and the reason
   * of an aborted `signal`. Targets are checked, but nothing learns from them.
   */
  async fit(X: RowsInput, y?: Targets | null, inputs: RunInputs = {}): Promise<this> {
    for await (const _ of this.steps(X, y, inputs));
    return this;
  }

  /** `fit`, then the embedding of the same rows, in the form they came in. */
  async fitTransform<X extends RowsInput>(
    X: X,
    y?: Targets | null,
    inputs: RunInputs = {},
  ): Promise<SameForm<X>> {
    checkReadTwice(X);
    await this.fit(X, y, inputs);
    return this.transform(X);
  }

  /**
   * `fit` as a stream: yields a `Progress` at each test. Leaving the loop early (`break`) ends training there and keeps what
   * was learned.
   */
  async *steps(
    X: RowsInput,
    y?: Targets | null,
    inputs: RunInputs = {},
  ): AsyncGenerator<Progress, void, void> {
    const { options, inputs: given } = await withLogdir(this.options, resolveInputs(inputs, runInputRules));
    yield* fitSteps(this.#life, options, given, async (context, earlier) => {
      const rows = await readVaeRows(X, y, given, options, earlier, context);
      return prepareVae(rows, options, earlier, context);
    });
  }

  /**
   * Embeds rows, in the form they came in: the mean of each posterior, moved by the flow. Throws `NotFittedError`, or
   * `DataError` for rows of another width.
   */
  async transform<X extends RowsInput>(X: X, options: TransformOptions = {}): Promise<SameForm<X>> {
    return embedRows(this.#life.require('transform'), X, options, anyRows);
  }

  /** The decoder's rows for positions in the latent space, in data space. Throws `NotFittedError`, `DataError`. */
  async inverseTransform<Z extends RowsInput>(Z: Z, options: TransformOptions = {}): Promise<SameForm<Z>> {
    return reconstructRows(this.#life.require('inverseTransform'), Z, options);
  }

  /**
   * The evidence lower bound on log p(x) of each row, in nats, by samples of its posterior. With `'bernoulli'` it is the logarithm
   * of a probability, else of a density of rows in data space. Throws `NotFittedError`, `DataError`, `OptionError`.
   */
  async elbo(X: MatrixInput, options: DensityOptions = {}): Promise<Float64Array> {
    return bounds(this.#life.require('elbo'), X, this.options, options);
  }

  /**
   * log p(x) of each row, in nats, by importance sampling (Burda et al. 2016): a bound that rises to the truth with the number of
   * samples. Default 100 samples. What it refers to and throws is as with `elbo`.
   */
  async logLikelihood(X: MatrixInput, options: DensityOptions = {}): Promise<Float64Array> {
    return likelihoods(this.#life.require('logLikelihood'), X, this.options, options);
  }

  /**
   * Mean and variance of the posterior of each row, in the latent space: exact without a flow, else estimated by samples (default
   * 100). `transform` gives the mean of the Gaussian moved by the flow, which is near this mean but not equal to it. Throws
   * as `transform` does.
   */
  async posterior<X extends MatrixInput>(
    X: X,
    options: DensityOptions = {},
  ): Promise<Posteriors<SameForm<X>>> {
    return posteriors(this.#life.require('posterior'), X, this.options, options);
  }

  /**
   * Draws `count` new rows: latent points of the prior through the decoder, without the noise of the likelihood. The draws
   * depend on `seed`, by default that of the estimator. Throws `NotFittedError`, `OptionError`.
   */
  async sample(count: number, options: SampleOptions = {}): Promise<number[][]> {
    const fitted = this.#life.require('sample');
    return reconstructRows(
      fitted,
      await drawLatent(fitted, count, { seed: this.options.seed, ...options }),
      {},
    );
  }

  /**
   * Saves the model as a directory (a path or a `file:` URL): a manifest, and each network as TensorFlow.js `model.json` with
   * its weights. The data are not needed to load it. Callbacks and a user-supplied optimizer are not saved. Throws
   * `ArtifactError`, `NotFittedError`.
   */
  async save(path: string | URL, options: SaveOptions = {}): Promise<void> {
    await saveModel(path, await this.toArtifact(options));
  }

  /** What `save` writes, as plain records for `toFiles`. */
  async toArtifact(options: SaveOptions = {}): Promise<Artifact> {
    saveOptions(options);
    return vaeArtifact(this.options, this.#life.require('save'));
  }

  /**
   * A part of the fitted model as the bytes of an `.onnx` file, for ONNX Runtime and other engines: the encoder unless `part` says
   * otherwise. The number of rows is free, and rows that need a `rowFrame` are taken as 64-bit floats and framed within. The metadata
   * name the classes of a classifier. Throws `NotFittedError` for a part that was not fitted, and `OptionError` for layers that have no form in ONNX.
   */
  async toONNX(options: OnnxOptions = {}): Promise<Uint8Array> {
    return onnxOf('CompressionVAE', this.#life.require('toONNX'), options);
  }

  /**
   * Loads a saved model: it gives the same embeddings to the last bit, and `fit` continues its training. `overrides` replaces
   * options, and supplies callbacks. Throws `ArtifactError` for a model that is incomplete, damaged or of another estimator,
   * and `OptionError` for a wrong override.
   */
  static async load(path: string | URL, overrides: GivenCompressionVAEOptions = {}): Promise<CompressionVAE> {
    return CompressionVAE.fromArtifact(await loadModel(path, 'CompressionVAE'), overrides);
  }

  /** Same as `load`, for the result of `fromFiles`. */
  static async fromArtifact(
    artifact: LoadedArtifact,
    overrides: GivenCompressionVAEOptions = {},
  ): Promise<CompressionVAE> {
    const { options, restore } = restoreVae(artifact, overrides);
    const estimator = new CompressionVAE(options);
    const { name: backend } = await useBackend(estimator.options.backend);
    estimator.#life.commit({ ...(await restore(estimator.options)), backend });
    return estimator;
  }

  /**
   * Frees the networks and forgets the fit. User-supplied networks are not freed. A fit that is running throws
   * `NotFittedError` at its next report.
   */
  dispose(): void {
    this.#life.dispose();
  }

  /** The original's name of `fit`. */
  train(X: RowsInput, y?: Targets | null, inputs: RunInputs = {}): Promise<this> {
    return this.fit(X, y, inputs);
  }

  /** The original's name of `transform`. */
  embed<X extends RowsInput>(X: X, options: TransformOptions = {}): Promise<SameForm<X>> {
    return this.transform(X, options);
  }

  /** The original's name of `inverseTransform`. */
  decode<Z extends RowsInput>(Z: Z, options: TransformOptions = {}): Promise<SameForm<Z>> {
    return this.inverseTransform(Z, options);
  }

  /** Python's name of `fitTransform`. */
  fit_transform<X extends RowsInput>(X: X, y?: Targets | null, inputs: RunInputs = {}): Promise<SameForm<X>> {
    return this.fitTransform(X, y, inputs);
  }

  /** Python's name of `inverseTransform`. */
  inverse_transform<Z extends RowsInput>(Z: Z, options: TransformOptions = {}): Promise<SameForm<Z>> {
    return this.inverseTransform(Z, options);
  }
}
