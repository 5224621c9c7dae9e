/** Parametric neighbour embeddings: the public names. Files, plots and the like are in `parametric-umap/node`. */

export { type Artifact, fromFiles, type LoadedArtifact, type ReadFile, toFiles } from './artifact.js';
export {
  type EarlyStoppingOptions,
  earlyStopping,
  type Training,
  type TrainingCallback,
} from './callbacks.js';
export {
  ArtifactError,
  DataError,
  DivergedError,
  NotFittedError,
  OptionError,
  UnavailableError,
} from './errors.js';
export type { FitInputs } from './fitting.js';
export type { AddLandmarksOptions, LandmarkPositions } from './landmarks.js';
export type { DimsInput, FlatInput, MatrixInput, NestedNumbers, SameForm, TypedArray } from './matrix.js';
export {
  type KnnAccuracyInput,
  knnAccuracy,
  knnRecall,
  type NeighborIds,
  silhouette,
  type TrustworthinessOptions,
  trustworthiness,
} from './metrics.js';
export { ParametricUMAP, type SaveOptions, type TransformOptions } from './parametricUmap.js';
export { type ParametricUMAPOptions, parametricUmapDefaults } from './parametricUmapOptions.js';
export type { ScoreLabels } from './scoreData.js';
export type { Label, Targets } from './targets.js';
export * as tf from './tf.js';
export type { Edges, Knn, Matrix, Progress, RowFrame } from './types.js';
