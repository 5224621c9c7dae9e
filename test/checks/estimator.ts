/**
 * The public surface of an estimator, as the tests use it. One place, so that the library's own interface can take
 * its place.
 */
import type {
  AddLandmarksOptions,
  Artifact,
  Edges,
  FitInputs,
  Label,
  LoadedArtifact,
  MatrixInput,
  Progress,
  RowsInput,
  SameForm,
  Targets,
  TransformOptions,
  tf,
} from '../../src/index.js';

/** Options by name, of any estimator. */
export type Options = Readonly<Record<string, unknown>>;

/** What every estimator has. */
export interface Estimator {
  readonly options: object;
  readonly history: Readonly<Record<string, readonly number[]>>;
  fit(X: RowsInput, y?: Targets | null, inputs?: FitInputs): Promise<this>;
  fitTransform<X extends RowsInput>(X: X, y?: Targets | null, inputs?: FitInputs): Promise<SameForm<X>>;
  fit_transform<X extends RowsInput>(X: X, y?: Targets | null, inputs?: FitInputs): Promise<SameForm<X>>;
  steps(X: RowsInput, y?: Targets | null, inputs?: FitInputs): AsyncGenerator<Progress, void, void>;
  transform<X extends RowsInput>(X: X, options?: TransformOptions): Promise<SameForm<X>>;
  inverseTransform<Z extends RowsInput>(Z: Z, options?: TransformOptions): Promise<SameForm<Z>>;
  inverse_transform<Z extends RowsInput>(Z: Z, options?: TransformOptions): Promise<SameForm<Z>>;
  save(directory: string): Promise<void>;
  toArtifact(): Promise<Artifact>;
  dispose(): void;
}

/** What an estimator has besides, each by a trait of its subject. */
export interface FeaturedEstimator extends Estimator {
  /** By `parametric`. */
  readonly encoder: tf.LayersModel;
  /** By `needsGraph`. */
  readonly graph: Edges;
  /** By `supervised`. */
  readonly classes: readonly Label[];
  predict(X: MatrixInput, options?: TransformOptions): Promise<Label[]>;
  predictProba(X: MatrixInput, options?: TransformOptions): Promise<number[][]>;
  /** By `landmarks`. */
  addLandmarks(X: MatrixInput, options?: AddLandmarksOptions): Promise<void>;
  removeLandmarks(): void;
}

/** How estimators are made: the constructor and the static methods of a class. */
export interface Makers {
  /** A new estimator with exactly these options. */
  create(options: Options): Estimator;
  load(directory: string): Promise<Estimator>;
  fromArtifact(artifact: LoadedArtifact, overrides?: Options): Promise<Estimator>;
}
