/** Parametric neighbour embeddings: the public names. Files, plots and the like are in `parametric-umap/node`. */

export {
  type Artifact,
  fromFiles,
  type LoadedArtifact,
  type ReadFile,
  toFiles,
} from './artifact/artifact.js';
export {
  ArtifactError,
  DataError,
  DivergedError,
  NotFittedError,
  OptionError,
  UnavailableError,
} from './core/errors.js';
/** TensorFlow.js as this package uses it, its core and its layers: `tf.sequential`, `tf.layers`, `tf.train`, … */
export * as tf from './core/tf.js';
export type { Edges, Knn, Matrix, Progress, RowFrame } from './core/types.js';
export type {
  DimsInput,
  FlatInput,
  MatrixInput,
  NestedNumbers,
  SameForm,
  TypedArray,
} from './data/matrix.js';
export type { Label, Targets } from './data/targets.js';
export { load } from './estimators/load.js';
export type { AddLandmarksOptions, LandmarkPositions } from './estimators/umap/landmarks.js';
export { type ParametricUMAPOptions, parametricUmapDefaults } from './estimators/umap/options.js';
export { ParametricUMAP, type SaveOptions, type TransformOptions } from './estimators/umap/parametricUmap.js';
export type { FitInputs } from './estimators/umap/prepare.js';
export type { ScoreLabels } from './metrics/data.js';
export {
  type DistanceCorrelationOptions,
  distanceCorrelation,
  type KnnAccuracyInput,
  knnAccuracy,
  knnRecall,
  type NeighborIds,
  silhouette,
  type TrustworthinessOptions,
  trustworthiness,
} from './metrics/scores.js';
export {
  type EarlyStoppingOptions,
  earlyStopping,
  type Training,
  type TrainingCallback,
} from './training/callbacks.js';
