/** Contrastive neighbor embeddings, from t-SNE to UMAP (Damrich, Böhm, Hamprecht and Kobak 2023). */

import type { Artifact, LoadedArtifact } from '../../artifact/artifact.js';
import { loadModel, saveModel } from '../../artifact/model.js';
import { useBackend } from '../../backend/choose.js';
import type * as tf from '../../core/tf.js';
import type { Edges, Matrix, Progress, RowFrame } from '../../core/types.js';
import type { MatrixInput, RowsInput, SameForm } from '../../data/matrix.js';
import { isPairSource, type PairSource } from '../../data/pairs.js';
import type { Targets } from '../../data/targets.js';
import { readFit } from '../../fit/heldOut.js';
import { resolveInputs } from '../../fit/inputs.js';
import type { AddLandmarksOptions, Landmarks } from '../../fit/landmarks.js';
import { checkPointInputs } from '../../fit/options/points.js';
import type { Fitted } from '../../fit/records.js';
import { checkMetricData } from '../../math/distance.js';
import { embedFitted, embedRows, predictLabels, predictProbabilities, reconstructRows } from '../apply.js';
import { checkReadTwice } from '../applyToSource.js';
import { type Estimator, graphOf, lifecycle, type SaveOptions, type TransformOptions } from '../estimator.js';
import { fitSteps } from '../fitSteps.js';
import { keptLandmarks } from '../landmarks.js';
import { type OnnxOptions, onnxOf } from '../onnx.js';
import { saveOptions } from '../savedOptions.js';
import { contrastiveArtifact, restoreContrastive } from './artifact.js';
import { type ContrastiveInputs, checkPairs, checkRows, inputRules, pairsAreNoRows } from './inputs.js';
import { numbersOf } from './loss.js';
import type { ContrastiveOptions, GivenContrastiveOptions } from './options.js';
import { prepareOnPairs } from './pairs.js';
import { type ContrastiveLearned, prepareContrastive } from './prepare.js';
import { resolveContrastiveOptions } from './rules.js';

/**
 * Embeds rows by a contrastive loss, so that neighbors are similar and other rows are not: with a network, or with a point for
 * each row (`parametric: false`). `lossMode` and `s` choose a place on the spectrum from t-SNE to UMAP.
 *
 * ```js
 * const embedding = new ContrastiveEmbedding({ lossMode: 'neg', s: 0.5 });
 * const map = await embedding.fitTransform(rows);
 * const more = await embedding.transform(newRows);
 * ```
 */
export class ContrastiveEmbedding implements Estimator<ContrastiveOptions, ContrastiveInputs> {
  /** Complete, checked, frozen; `new ContrastiveEmbedding(other.options)` makes an equal estimator. */
  readonly options: Readonly<ContrastiveOptions>;
  readonly #life = lifecycle<Fitted<ContrastiveLearned>>('ContrastiveEmbedding');
  #landmarks: Landmarks | undefined;

  /** Throws `OptionError` for an unknown option or a value out of range. */
  constructor(options: GivenContrastiveOptions = {}) {
    this.options = resolveContrastiveOptions(options);
  }

  /**
   * The trained encoder: a `tf.LayersModel` from raw rows to the embedding; where there is a `rowFrame`, from rows in that
   * frame. With `parametric: false`, an embedding layer from row numbers to points. Throws `NotFittedError` before `fit`.
   */
  get encoder(): tf.LayersModel {
    return this.#life.require('encoder').encoder.model;
  }

  /**
   * Shift and scale of rows that 32-bit floats cannot represent (timestamps, values of 1e19): the networks get
   * (row - shift) * scale, computed in 64 bits. All methods apply it; only code that calls `encoder` has to do so itself.
   * Undefined for other rows, the usual case. Throws `NotFittedError` before `fit`.
   */
  get rowFrame(): RowFrame | undefined {
    return this.#life.require('rowFrame').frame;
  }

  /** Losses by name, one value per report: `loss` is the weighted total. Grows over later fits. */
  get history(): Readonly<Record<string, readonly number[]>> {
    return this.#life.require('history').history;
  }

  /** The weighted neighbor graph of the last fit. Throws `NotFittedError` for a model that was saved without it. */
  get graph(): Edges {
    return graphOf(this.#life.require('graph'));
  }

  /**
   * What the loss has learned beside the embedding: `normalization` (Z of `'nce'`) and `temperature`. Empty for other losses.
   * Throws `NotFittedError` before `fit`.
   */
  async learnedNumbers(): Promise<Readonly<Record<string, number>>> {
    return numbersOf(this.#life.require('learnedNumbers').numbers);
  }

  /**
   * Learns the embedding of X. A second call continues to train the same networks, on the new rows. If it throws, the
   * estimator is unchanged. Errors: `DataError`, `OptionError`, `UnavailableError`, `DivergedError` (which keeps the
   * last good weights), and the reason of an aborted `signal`.
   *
   * `y` holds a label or target value per row, or several values (see the option `targetMetric`); null is unknown, and so
   * is -1 among labels and NaN among values.
   *
   * In place of rows, X may be batches of positive pairs, two views of the same things (see `PairSource`): self-supervised
   * learning, with `inputs.steps` batches, of which the other rows are the negatives.
   */
  async fit(X: RowsInput | PairSource, y?: Targets | null, inputs: ContrastiveInputs = {}): Promise<this> {
    for await (const _ of this.steps(X, y, inputs));
    return this;
  }

  /** `fit`, then the embedding of the same rows, in the form they came in. */
  async fitTransform<X extends RowsInput>(
    X: X,
    y?: Targets | null,
    inputs: ContrastiveInputs = {},
  ): Promise<SameForm<X>> {
    if (isPairSource(X)) throw pairsAreNoRows();
    checkReadTwice(X);
    await this.fit(X, y, inputs);
    return embedFitted(this.#life.require('fitTransform'), X, this.#checkRadians, inputs.sampleRows);
  }

  /**
   * `fit` as a stream: yields a `Progress` at each report. Leaving the loop early (`break`) ends training there
   * and keeps what was learned.
   */
  async *steps(
    X: RowsInput | PairSource,
    y?: Targets | null,
    inputs: ContrastiveInputs = {},
  ): AsyncGenerator<Progress, void, void> {
    const { options } = this;
    const given = resolveInputs(inputs, inputRules);
    if (isPairSource(X)) {
      const steps = checkPairs(X, y, given, options);
      yield* fitSteps(this.#life, options, given, (context, earlier) =>
        prepareOnPairs(X, steps, options, earlier, context),
      );
      return;
    }
    checkRows(given);
    if (!options.parametric) checkPointInputs('ContrastiveEmbedding', 'parametric', given);
    const kept = given.landmarkPositions === undefined ? this.#landmarks : undefined;
    const landmarkLossWeight = given.landmarkLossWeight ?? kept?.weight;
    yield* fitSteps(this.#life, options, given, async (context, earlier) => {
      const rows = await readFit(X, y ?? undefined, given, kept, options, earlier, context);
      return prepareContrastive(rows, options, earlier, { ...given, landmarkLossWeight }, context);
    });
  }

  /** Embeds rows, in the form they came in. Throws `NotFittedError`, or `DataError` for rows of another width. */
  async transform<X extends RowsInput>(X: X, options: TransformOptions = {}): Promise<SameForm<X>> {
    return embedRows(this.#life.require('transform'), X, options, this.#checkRadians);
  }

  /**
   * Gives rows, in data space and in the shape of the fitted rows, for positions in the embedding. Throws `NotFittedError`
   * without `parametricReconstruction`, and `DataError` for positions of another width.
   */
  async inverseTransform<Z extends RowsInput>(Z: Z, options: TransformOptions = {}): Promise<SameForm<Z>> {
    return reconstructRows(this.#life.require('inverseTransform'), Z, options);
  }

  /** The most likely label of each row. Throws `NotFittedError` without a trained `classifier`. */
  async predict(X: MatrixInput, options: TransformOptions = {}): Promise<(number | string)[]> {
    return predictLabels(this.#life.require('predict'), X, options, this.#checkRadians);
  }

  /** Probability of each class for each row, columns in the order of `classes`. Throws as `predict` does. */
  async predictProba(X: MatrixInput, options: TransformOptions = {}): Promise<number[][]> {
    return predictProbabilities(this.#life.require('predictProba'), X, options, this.#checkRadians);
  }

  /** The labels that the classifier predicts. Throws `NotFittedError` before `fit`. */
  get classes(): readonly (number | string)[] {
    return this.#life.require('classes').classNames;
  }

  /**
   * Keeps some rows of X as landmarks: later fits also train on them, and keep them near their positions at the start of the
   * fit, until `removeLandmarks`. Throws `NotFittedError`, `OptionError`, `DataError`.
   */
  async addLandmarks(X: MatrixInput, options: AddLandmarksOptions = {}): Promise<void> {
    const fitted = this.#life.require('addLandmarks');
    this.#landmarks = await keptLandmarks(fitted, X, options, this.options);
  }

  /** Lets later fits move the embedding freely again. */
  removeLandmarks(): void {
    this.#landmarks = undefined;
  }

  /**
   * Saves the model as a directory (a path or a `file:` URL): a manifest, and each network as ordinary TensorFlow.js
   * `model.json` with its weights. Written to a new directory and renamed, so that an interrupted save leaves an older model intact.
   * Functions (a custom metric or loss), callbacks and a user-supplied optimizer are not saved. Throws `ArtifactError`,
   * `NotFittedError`.
   */
  async save(path: string | URL, options: SaveOptions = {}): Promise<void> {
    await saveModel(path, await this.toArtifact(options));
  }

  /** What `save` writes, as plain records for `toFiles`. */
  toArtifact(options: SaveOptions = {}): Promise<Artifact> {
    const { includeGraph } = saveOptions(options);
    return contrastiveArtifact(this.options, this.#life.require('save'), this.#landmarks, includeGraph);
  }

  /**
   * A part of the fitted model as the bytes of an `.onnx` file, for ONNX Runtime and other engines: the encoder unless `part` says
   * otherwise. The number of rows is free, and rows that need a `rowFrame` are taken as 64-bit floats and framed within. The metadata
   * name the classes of a classifier. Throws `NotFittedError` for a part that was not fitted, and `OptionError` for layers that have no form in ONNX.
   */
  async toONNX(options: OnnxOptions = {}): Promise<Uint8Array> {
    return onnxOf('ContrastiveEmbedding', this.#life.require('toONNX'), options);
  }

  /**
   * Loads a saved model: it gives the same embeddings to the last bit, and `fit` continues its training. `overrides` replaces
   * options, and supplies functions that could not be saved. Throws `ArtifactError` for a model that is incomplete, damaged
   * or of another estimator, and `OptionError` for a wrong override.
   */
  static async load(
    path: string | URL,
    overrides: GivenContrastiveOptions = {},
  ): Promise<ContrastiveEmbedding> {
    return ContrastiveEmbedding.fromArtifact(await loadModel(path, 'ContrastiveEmbedding'), overrides);
  }

  /** Same as `load`, for the result of `fromFiles`. */
  static async fromArtifact(
    artifact: LoadedArtifact,
    overrides: GivenContrastiveOptions = {},
  ): Promise<ContrastiveEmbedding> {
    const { options, restore } = restoreContrastive(artifact, overrides);
    const estimator = new ContrastiveEmbedding(options);
    const { name: backend } = await useBackend(estimator.options.backend);
    const { learned, landmarks } = await restore(estimator.options);
    estimator.#life.commit({ ...learned, backend });
    estimator.#landmarks = landmarks;
    return estimator;
  }

  /**
   * Frees the networks and forgets the fit. User-supplied networks are not freed. A fit that is running throws
   * `NotFittedError` at its next report.
   */
  dispose(): void {
    this.#life.dispose();
    this.#landmarks = undefined;
  }

  /** Python's name of `fitTransform`. */
  fit_transform<X extends RowsInput>(
    X: X,
    y?: Targets | null,
    inputs: ContrastiveInputs = {},
  ): Promise<SameForm<X>> {
    return this.fitTransform(X, y, inputs);
  }

  /** Python's name of `inverseTransform`. */
  inverse_transform<Z extends RowsInput>(Z: Z, options: TransformOptions = {}): Promise<SameForm<Z>> {
    return this.inverseTransform(Z, options);
  }

  /** Throws for new rows in degrees, as the fit does. */
  readonly #checkRadians = (rows: Matrix): void => {
    // With given neighbors, rows may be anything, and need not be two columns.
    if (this.options.metric === 'haversine' && rows.shape[1] === 2) checkMetricData('haversine', rows);
  };
}
