/** Parametric UMAP: a neural network that draws the map (Sainburg, McInnes and Gentner 2021). */

import { type Artifact, fromFiles, type LoadedArtifact, toFiles } from '../../artifact/artifact.js';
import { holdBackend, returnTo, useBackend } from '../../backend/choose.js';
import { NotFittedError, OptionError } from '../../core/errors.js';
import { resolveOptions } from '../../core/options.js';
import { type Pauses, pausesFor } from '../../core/pauses.js';
import { createRandom } from '../../core/random.js';
import { flag, integer, orNull } from '../../core/rules.js';
import * as tf from '../../core/tf.js';
import type { Edges, Matrix, Progress, RowFrame } from '../../core/types.js';
import { unframe } from '../../data/frame.js';
import { type MatrixInput, type SameForm, toInputForm, toMatrixOfWidth } from '../../data/matrix.js';
import type { Targets } from '../../data/targets.js';
import type { Curve } from '../../math/curve.js';
import { checkMetricData } from '../../math/distance.js';
import { encode, softmax } from '../../networks/encode.js';
import { rowSize } from '../../networks/network.js';
import { progressBar } from '../../training/progressBar.js';
import { restoreUmap, umapArtifact } from './artifact.js';
import { withHeldOut } from './heldOut.js';
import {
  type AddLandmarksOptions,
  type Landmarks,
  pickLandmarks,
  resolveLandmarkOptions,
} from './landmarks.js';
import type { GivenUMAPOptions, ParametricUMAPOptions } from './options.js';
import { type FitInputs, prepareFit, resolveInputs } from './prepare.js';
import { readFitRows } from './rows.js';
import { resolveUmapOptions } from './rules.js';
import { type Fitted, learnedOf, runFit } from './run.js';

/** Options of methods that pass rows through a network. */
export interface TransformOptions {
  /**
   * Rows that go through the network at once, at most; bounds memory. Default null: as many as fit 32 MB in every layer.
   * Threads take 1,024 at most.
   */
  readonly batchSize?: number | null | undefined;
}

/** Options of `save` and `toArtifact`. */
export interface SaveOptions {
  /** Saves the neighbour graph too, for a look at it later; it is the largest part. Default true. */
  readonly includeGraph?: boolean | undefined;
}

/**
 * Learns a network that places rows on a map so that neighbours stay neighbours, for old rows and new ones.
 *
 * ```js
 * const umap = new ParametricUMAP({ nNeighbors: 15 });
 * const map = await umap.fitTransform(rows);
 * const more = await umap.transform(newRows);
 * ```
 */
export class ParametricUMAP {
  /** Complete, checked, frozen; `new ParametricUMAP(other.options)` makes an equal estimator. */
  readonly options: Readonly<ParametricUMAPOptions>;
  #fitted: Fitted | undefined;
  #landmarks: Landmarks | undefined;
  #busy = false;
  #disposed = false;

  /** Throws `OptionError` for an unknown option or a value out of range. */
  constructor(options: GivenUMAPOptions = {}) {
    this.options = resolveUmapOptions(options);
  }

  /**
   * The trained encoder: a `tf.LayersModel` from raw rows to the map; where there is a `rowFrame`, from rows in that
   * frame. Throws `NotFittedError` before `fit`.
   */
  get encoder(): tf.LayersModel {
    return this.#fit('encoder').encoder.model;
  }

  /**
   * What `fit` did in 64 bits to rows that 32-bit numbers cannot hold (timestamps, values of 1e19): the networks get
   * (row - shift) * scale. All methods do this by themselves; only who calls `encoder` has to. Undefined for rows
   * that 32 bits hold, which is nearly always. Throws `NotFittedError` before `fit`.
   */
  get rowFrame(): RowFrame | undefined {
    return this.#fit('rowFrame').frame;
  }

  /** Losses by name, one value a report: `loss` is the weighted total. Grows over later fits. */
  get history(): Readonly<Record<string, readonly number[]>> {
    return this.#fit('history').history;
  }

  /** The weighted neighbour graph that was drawn. */
  get graph(): Edges {
    const { edges } = this.#fit('graph');
    if (!edges)
      throw new NotFittedError('graph: this model was saved without its graph (includeGraph: false)');
    return edges;
  }

  /** Parameters a and b of the similarity 1 / (1 + a d^(2b)). */
  get curve(): Curve {
    return this.#fit('curve').curve;
  }

  /**
   * Learns the map of X. A second call goes on training the same networks, on the new rows. If it throws,
   * the estimator is as it was before. Errors: `DataError`, `OptionError`, `UnavailableError`, `DivergedError`
   * (which keeps the last good weights), and the reason of an aborted `signal`.
   *
   * `y` holds a label or target value a row, or several values (see the option `targetMetric`); null is unknown, and so
   * is -1 among labels and NaN among values.
   */
  async fit(X: MatrixInput, y?: Targets | null, inputs: FitInputs = {}): Promise<this> {
    for await (const _ of this.steps(X, y, inputs));
    return this;
  }

  /** `fit`, then the map of the same rows, in the form they came in. */
  async fitTransform<X extends MatrixInput>(
    X: X,
    y?: Targets | null,
    inputs: FitInputs = {},
  ): Promise<SameForm<X>> {
    await this.fit(X, y, inputs);
    return this.transform(X);
  }

  /**
   * `fit` as a stream: yields a `Progress` at each report. Leaving the loop early (`break`) ends training there
   * and keeps what was learned.
   */
  async *steps(
    X: MatrixInput,
    y?: Targets | null,
    inputs: FitInputs = {},
  ): AsyncGenerator<Progress, void, void> {
    const given = resolveInputs(inputs);
    this.#begin();
    const bar = this.options.verbose ? progressBar() : undefined;
    try {
      const { name: backend, reason } = await useBackend(this.options.backend);
      // The first thing said is the neighbour search: one line for both choices.
      let opening = `parametric-umap: backend: ${reason}; `;
      const say = (line: string) => {
        bar?.line(opening + line);
        opening = 'parametric-umap: ';
      };
      const kept = given.landmarkPositions === undefined ? this.#landmarks : undefined;
      const read = await readFitRows(X, y ?? undefined, given, kept, this.options, this.#fitted);
      const rows = await withHeldOut(read, given.validation, this.options);
      const landmarkLossWeight = given.landmarkLossWeight ?? kept?.weight;
      const settled = { ...given, landmarkLossWeight };
      const hold = () => holdBackend(backend);
      const prepared = await prepareFit(rows, this.options, this.#fitted, settled, say, hold);
      const keep = () => {
        this.#fitted = learnedOf(prepared, backend);
      };
      const { callbacks } = this.options;
      for await (const progress of runFit(prepared, { callbacks, backend, signal: given.signal }, keep)) {
        bar?.report(progress);
        yield progress;
        if (this.#disposed) throw new NotFittedError('fit: this estimator was disposed during its fit');
      }
    } finally {
      bar?.finish();
      this.#busy = false;
      if (this.#disposed) this.#free();
    }
  }

  /** Places rows on the map, in the form they came in. Throws `NotFittedError`, or `DataError` for another width. */
  async transform<X extends MatrixInput>(X: X, options: TransformOptions = {}): Promise<SameForm<X>> {
    const who = 'transform';
    const { encoder, frame, backend } = this.#fit(who);
    const batchSize = batchOf(options, who);
    await returnTo(backend);
    const { matrix, form } = await toMatrixOfWidth(X, rowSize(encoder.inputShape), who, {
      unchecked: true,
      frame,
    });
    this.#checkRadians(matrix);
    const pauses = pausesOn(backend);
    return toInputForm(
      await encode(encoder, matrix, { batchSize, who, pauses }),
      form,
      tf.tensor,
    ) as SameForm<X>;
  }

  /**
   * Gives rows, in data space and in the shape of the fitted rows, for places on the map. Throws
   * `NotFittedError` without `parametricReconstruction`, and `DataError` for places of another width.
   */
  async inverseTransform<Z extends MatrixInput>(Z: Z, options: TransformOptions = {}): Promise<SameForm<Z>> {
    const { decoder, reconstruction, rowShape, frame, backend } = this.#fit('inverseTransform');
    if (!decoder) {
      throw new NotFittedError('inverseTransform: a decoder wanted; fit with parametricReconstruction: true');
    }
    await returnTo(backend);
    const { matrix, form } = await toMatrixOfWidth(Z, this.options.nComponents, 'inverseTransform');
    const batchSize = batchOf(options, 'inverseTransform');
    const rows = await encode(decoder, matrix, { batchSize, pauses: pausesOn(backend) });
    if (reconstruction?.kind === 'logits') {
      for (let i = 0; i < rows.data.length; i++) rows.data[i] = 1 / (1 + Math.exp(-rows.data[i]!));
    }
    return toInputForm(frame ? unframe(rows, frame) : rows, form, tf.tensor, rowShape) as SameForm<Z>;
  }

  /** The most likely label of each row. Throws `NotFittedError` without a trained `classifier`. */
  async predict(X: MatrixInput, options: TransformOptions = {}): Promise<(number | string)[]> {
    const { classNames } = this.#fit('predict');
    const { data, shape } = await this.#probabilities(X, options, 'predict');
    const [rows, classes] = shape;
    return Array.from({ length: rows }, (_, i) => {
      const row = data.subarray(i * classes, (i + 1) * classes);
      return classNames[row.indexOf(Math.max(...row))]!;
    });
  }

  /** Probability of each class for each row, columns in the order of `classes`. Throws as `predict` does. */
  async predictProba(X: MatrixInput, options: TransformOptions = {}): Promise<number[][]> {
    const probabilities = await this.#probabilities(X, options, 'predictProba');
    return toInputForm(probabilities, 'arrays', tf.tensor) as number[][];
  }

  /** The labels that the classifier tells apart. */
  get classes(): readonly (number | string)[] {
    return this.#fit('classes').classNames;
  }

  /**
   * Keeps some rows of X as landmarks: later fits train on them too and hold them where the map has them when
   * the fit begins, until `removeLandmarks`. Throws `NotFittedError`, `OptionError`, `DataError`.
   */
  async addLandmarks(X: MatrixInput, options: AddLandmarksOptions = {}): Promise<void> {
    const { rowShape, optimizer, fits, frame } = this.#fit('addLandmarks');
    const { matrix } = await toMatrixOfWidth(X, rowSize(rowShape), 'addLandmarks', { frame });
    const wanted = resolveLandmarkOptions(options);
    const random = createRandom(this.options.seed).fork(`landmarks ${fits}`);
    this.#landmarks = pickLandmarks(matrix, wanted, this.options.landmarkLossWeight, random.integer);
    if (wanted.resetOptimizer) await optimizer.restore(undefined);
  }

  /** Lets later fits move the map freely again. */
  removeLandmarks(): void {
    this.#landmarks = undefined;
  }

  /**
   * Saves the model as a directory (a path or a `file:` URL): a manifest, and each network as ordinary TensorFlow.js `model.json` with its
   * weights. Written aside and renamed, so an interrupted save leaves an older model whole. Functions (a metric or
   * loss of one's own), callbacks and a caller's optimiser are not saved. Throws `ArtifactError`, `NotFittedError`.
   */
  async save(path: string | URL, options: SaveOptions = {}): Promise<void> {
    const files = await toFiles(await this.toArtifact(options));
    const { saveDirectory } = await import('../../artifact/directory.js');
    await saveDirectory(path, files);
  }

  /** What `save` writes, as plain records. */
  toArtifact(options: SaveOptions = {}): Promise<Artifact> {
    const defaults = { includeGraph: true };
    const { includeGraph } = resolveOptions<Required<SaveOptions>>('save', options, defaults, {
      includeGraph: flag,
    });
    return umapArtifact(this.options, this.#fit('save'), this.#landmarks, includeGraph);
  }

  /**
   * Loads a saved model: same map to the last bit, and `fit` goes on where it was. `overrides` replaces options,
   * and gives functions back that could not be saved. Throws `ArtifactError` for whatever is not a whole, sound
   * model of this kind, and `OptionError` for a wrong override.
   */
  static async load(path: string | URL, overrides: GivenUMAPOptions = {}): Promise<ParametricUMAP> {
    const { loadDirectory } = await import('../../artifact/directory.js');
    const artifact = await fromFiles(await loadDirectory(path), { kind: 'ParametricUMAP' });
    return ParametricUMAP.fromArtifact(artifact, overrides);
  }

  /** As `load`, from what `fromFiles` read. */
  static async fromArtifact(
    artifact: LoadedArtifact,
    overrides: GivenUMAPOptions = {},
  ): Promise<ParametricUMAP> {
    const { options, restore } = restoreUmap(artifact, overrides);
    const estimator = new ParametricUMAP(options);
    const { name: backend } = await useBackend(estimator.options.backend);
    const { fitted, landmarks } = await restore(estimator.options);
    estimator.#fitted = { ...fitted, backend };
    estimator.#landmarks = landmarks;
    return estimator;
  }

  /**
   * Frees the networks and forgets the fit. A caller's own encoder is left alone. During a fit it ends that fit,
   * which throws `NotFittedError` at its next report.
   */
  dispose(): void {
    this.#disposed = true;
    // A training under way still needs its networks, and frees them when it ends.
    if (!this.#busy) this.#free();
  }

  /** As Python calls `fitTransform`. */
  fit_transform<X extends MatrixInput>(
    X: X,
    y?: Targets | null,
    inputs: FitInputs = {},
  ): Promise<SameForm<X>> {
    return this.fitTransform(X, y, inputs);
  }

  /** As Python calls `inverseTransform`. */
  inverse_transform<Z extends MatrixInput>(Z: Z, options: TransformOptions = {}): Promise<SameForm<Z>> {
    return this.inverseTransform(Z, options);
  }

  async #probabilities(X: MatrixInput, options: TransformOptions, who: string): Promise<Matrix> {
    const { encoder, classifier, frame, backend } = this.#fit(who);
    if (!classifier)
      throw new NotFittedError(`${who}: a classifier wanted; fit with classifier: true and labels`);
    await returnTo(backend);
    const { matrix } = await toMatrixOfWidth(X, rowSize(encoder.inputShape), who, { unchecked: true, frame });
    this.#checkRadians(matrix);
    const batchSize = batchOf(options, who);
    const pauses = pausesOn(backend);
    const places = await encode(encoder, matrix, { batchSize, who, pauses });
    const logits = await encode(classifier, places, { batchSize, pauses });
    return softmax(logits);
  }

  /** New rows in degrees are refused as those of the fit are. */
  #checkRadians(matrix: Matrix): void {
    // With neighbors given, rows may be anything, and need not be two columns.
    if (this.options.metric === 'haversine' && matrix.shape[1] === 2) checkMetricData('haversine', matrix);
  }

  #begin(): void {
    if (this.#disposed) throw new NotFittedError('fit: this estimator was disposed; make a new one');
    if (this.#busy) {
      throw new OptionError('fit: this estimator is already fitting; wait for it, or use a second estimator');
    }
    this.#busy = true;
  }

  #free(): void {
    const { encoder, decoder, classifier, optimizer } = this.#fitted ?? {};
    for (const part of [encoder, decoder, classifier, optimizer]) part?.dispose();
    this.#fitted = undefined;
    this.#landmarks = undefined;
  }

  #fit(who: string): Fitted {
    if (this.#fitted && !this.#disposed) return this.#fitted;
    const why = this.#disposed ? 'this one was disposed' : 'this one is not; call fit first';
    throw new NotFittedError(`${who}: a fitted ParametricUMAP wanted; ${why}`);
  }
}

function batchOf(options: TransformOptions, who: string): number | null {
  const rules = { batchSize: orNull(integer(1)) };
  return resolveOptions<Required<TransformOptions>>(who, options, { batchSize: null }, rules).batchSize;
}

/** Pauses after which the backend is the active one again, should another estimator have made its own so meanwhile. */
function pausesOn(backend: string): Pauses {
  return pausesFor(undefined, () => holdBackend(backend));
}
