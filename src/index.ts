/** Parametric neighbor embeddings: the public names. Files, plots and the like are in `parametric-umap/node`. */

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
export type { Stage } from './core/stages.js';
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
export type { BatchInput, PairBatch, PairSource } from './data/pairs.js';
export { collectRows } from './data/rowSample.js';
export { type KnownRows, type RowSource, type RowsInput, rowSource } from './data/rowSource.js';
export type { Label, Targets } from './data/targets.js';
export {
  ContrastiveEmbedding,
  ContrastiveEmbedding as CNE,
} from './estimators/contrastive/contrastiveEmbedding.js';
export type { ContrastiveInputs } from './estimators/contrastive/inputs.js';
export { type ContrastiveOptions, contrastiveDefaults } from './estimators/contrastive/options.js';
export type { Estimator, SaveOptions, TransformOptions } from './estimators/estimator.js';
export { load } from './estimators/load.js';
export type { OnnxOptions, OnnxScaling } from './estimators/onnx.js';
export { type ParametricUMAPOptions, parametricUmapDefaults } from './estimators/umap/options.js';
export { ParametricUMAP } from './estimators/umap/parametricUmap.js';
export { CompressionVAE } from './estimators/vae/compressionVae.js';
export type { DensityOptions, Posteriors, SampleOptions } from './estimators/vae/densities.js';
export { type CompressionVAEOptions, compressionVaeDefaults } from './estimators/vae/options.js';
export type { FitInputs, RunInputs } from './fit/inputs.js';
export type { AddLandmarksOptions, LandmarkPositions } from './fit/landmarks.js';
export type { CheckpointOptions } from './fit/options/run.js';
export type { KlTarget, KlWarmUp, KlWeightOption } from './losses/klWeight.js';
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
export type { Likelihood } from './networks/variational/decoder.js';
export type { KernelInitializer } from './networks/variational/initialize.js';
export type { Resumable } from './training/callbackState.js';
export type {
  LearnedNumbers,
  NamedWeights,
  Training,
  TrainingCallback,
} from './training/callbacks.js';
export { type EarlyStoppingOptions, earlyStopping } from './training/earlyStopping.js';
export {
  type EmbeddingLog,
  type EmbeddingLogOptions,
  type EmbeddingRecord,
  embeddingLog,
} from './training/embeddingLog.js';
export type { StageReader } from './training/stages.js';
