/** The options of `ParametricUMAP`: what each means, its default, its range. */

import type { LayersModel, Optimizer } from '../../core/tf.js';
import type { DistanceFunction } from '../../core/types.js';
import type { MatrixInput } from '../../data/matrix.js';
import type { LandmarkLoss } from '../../losses/landmark.js';
import type { ReconstructionLoss } from '../../losses/reconstruction.js';
import type { TrainingCallback } from '../../training/callbacks.js';

/** All options of `ParametricUMAP`; `parametricUmapDefaults` holds their defaults. */
export interface ParametricUMAPOptions {
  // The graph.
  /** Neighbours a row, itself included: small shows detail, large shows the whole. Default 15, at least 2. */
  nNeighbors: number;
  /**
   * Distance between rows: a name (`'euclidean'`, `'cosine'`, `'manhattan'`, …), a function of two rows, or
   * `'precomputed'` with a distance matrix in `fit(X, y, { distances })`. Default `'euclidean'`.
   */
  metric: string | DistanceFunction;
  /** Extra arguments of the metric, such as `{ p: 3 }` for minkowski. Default none. */
  metricParams: Readonly<Record<string, unknown>>;
  /**
   * How neighbours are found: `'exact'`, `'nndescent'`, `'hnsw'` (needs hnswlib-node), `'usearch'` (needs
   * usearch), or by size and metric. Default `'auto'`.
   */
  neighbors: 'auto' | 'exact' | 'nndescent' | 'hnsw' | 'usearch';
  /** Nearest neighbours taken to be fully connected to a row. Default 1; fractions interpolate. */
  localConnectivity: number;
  /** 1 for the fuzzy union of the rows' neighbourhoods, 0 for their intersection. Default 1, in [0, 1]. */
  setOpMixRatio: number;
  /**
   * Edges at least this long are cut. Default null: the metric's own (2 for cosine, 1 for jaccard, …, or none), which
   * counts as reached where 32 bits round just below it.
   */
  disconnectionDistance: number | null;

  // The map.
  /** Dimensions of the map. Default 2, from 1 to 100. */
  nComponents: number;
  /** Distance at which close points settle: small packs clusters. Default 0.1, in [0, spread]. */
  minDist: number;
  /** Scale of the map. Default 1, above 0. */
  spread: number;
  /** Curve parameters instead of `minDist` and `spread`; both or none. Default null. */
  a: number | null;
  /** See `a`. Default null. */
  b: number | null;

  /**
   * Layout that UMAP without a network goes over for 60 epochs and the encoder then learns roughly, before the
   * training proper: `'spectral'` (of the graph), `'pca'`, places of one's own (a row each), or `'random'` for no
   * such start. Acts on the first fit. Default `'spectral'`.
   */
  init: 'spectral' | 'pca' | 'random' | MatrixInput;

  // The networks.
  /** Encoder to train, one row in, `nComponents` out; stays the caller's. Default null: three dense layers of 100. */
  encoder: LayersModel | null;
  /** Shape of one row for the encoder, such as `[28, 28, 1]`; flat rows are reshaped. Default null: as X has it. */
  dims: readonly number[] | null;

  /** Trains a decoder too, so that `inverseTransform` gives rows for places on the map. Default false. */
  parametricReconstruction: boolean;
  /** Decoder to train, `nComponents` in, one row out; stays the caller's. Default null: three dense layers of 100. */
  decoder: LayersModel | null;
  /**
   * Loss of (rows, reconstructions). Default null: binary cross-entropy on logits when the data lie in [0, 1],
   * else the mean squared error in units of the data's variance. With a function of the caller's,
   * `inverseTransform` returns the decoder's output as it is. It must return a tensor of 32-bit floats, a scalar or a
   * value a row, computed from the reconstructions (else `OptionError`).
   */
  parametricReconstructionLossFn: ReconstructionLoss | null;
  /** Weight of the reconstruction loss. Default 1. */
  parametricReconstructionLossWeight: number;
  /** Lets the reconstruction loss teach the encoder as well. Default false. */
  autoencoderLoss: boolean;
  /** Held-out rows: `valLoss` (reconstruction alone) and `valUmap` join the history. Default null. */
  reconstructionValidation: MatrixInput | null;
  /** Weight of the correlation between distances in the data and on the map. Default 0. */
  globalCorrelationLossWeight: number;
  /**
   * Loss of (wanted, found) places of landmarks: a tensor of 32-bit floats, a scalar or a value a landmark, computed from
   * the found ones (else `OptionError`). Default null: mean Euclidean distance.
   */
  landmarkLossFn: LandmarkLoss | null;
  /** Weight of the landmark loss. Default 1. */
  landmarkLossWeight: number;

  // Labels.
  /**
   * `'categorical'` for labels, `'euclidean'` for numbers on a scale, one a row (for which every l_p metric is the same)
   * or several. Unknown are null, -1 among labels, and NaN among numbers: such rows are neither drawn together nor kept
   * apart. Among equal numbers, rows that are neighbors come first, then a random choice. Default `'categorical'`.
   */
  targetMetric: 'categorical' | 'euclidean';
  /** 0 leaves the graph to the rows, 1 to the targets. Default 0.5, in [0, 1]. */
  targetWeight: number;
  /** Neighbours among continuous targets. Default null: `nNeighbors`. */
  targetNNeighbors: number | null;
  /** Trains a classifier on the map with the labels of `y`, spread over the graph, or the caller's own (one logit a class). Default false. */
  classifier: boolean | LayersModel;
  /** Weight of the classifier's loss. Default 1. */
  classifierLossWeight: number;

  // The training.
  /** Edges a gradient step. Default null: min(rows, 1000). */
  batchSize: number | null;
  /**
   * Repeats of the heaviest edge in one pass, as in the original: a pass then takes sum(floor(nEpochs * weight))
   * / batchSize steps at a constant learning rate. Default null: as many steps as the number of rows needs, at
   * a learning rate that falls from its peak to 0.
   */
  nEpochs: number | null;
  /** Passes over the graph. Default 1. */
  nTrainingEpochs: number;
  /** Reports a pass. Default 10. */
  lossReportFrequency: number;
  /** Weight of the negative pairs of one edge. Default 5; 0 for attraction alone. */
  negativeSampleRate: number;
  /**
   * Factor on the cost of negative pairs (gamma in LargeVis, Tang et al. 2016): more of it spreads the map out, so that
   * rows lie beside more of their neighbours; much more tears clusters. Acts on the first layout too. Default 2, at least
   * 0; umap-learn's is 1.
   */
  repulsionStrength: number;
  /**
   * Peak learning rate of Adam: it falls to 0 along half a cosine, or stays constant with an `nEpochs`. Or a
   * schedule of one's own, from the fraction done (0 to 1) to the rate, a finite number of at least 0 (else the fit ends
   * there with an `OptionError`). Default 0.01. Without effect on an `optimizer` of the caller's.
   */
  learningRate: number | ((done: number) => number);
  /** A `tf.Optimizer` of one's own, at its own rate. Default null: Adam, with a beta2 of 0.95. */
  optimizer: Optimizer | null;
  /**
   * Noise on the encoder's inputs while it learns, as a share of the mean distance between neighbours: places of new
   * rows become more reliable, at a small cost for old ones. Default null: 0.3 up to 10,000 rows and
   * 0.3 √(10,000 / rows) above, 0 for an `encoder` of one's own.
   */
  inputNoise: number | null;
  /** Gradient elements are clipped to [-clipValue, clipValue]. Default 4. */
  clipValue: number;
  /**
   * TensorFlow.js callbacks, or objects with some of their methods: `{ onEpochEnd(report, logs) { … } }`. Default none.
   * Logs hold the losses of the history, held-out ones by Keras' names too (`val_loss`).
   */
  callbacks: readonly TrainingCallback[];

  // The run.
  /** Same seed, data, backend and machine: the same map to the last bit. Default 42. */
  seed: number | string;
  /** TensorFlow.js backend; `'auto'` keeps one you made active, else native if installed, else wasm. Default `'auto'`. */
  backend: 'auto' | 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';
  /** Says what is chosen and shows progress on stderr. Default false. */
  verbose: boolean;
}

/** Options as they are given: any of them, and undefined for one left out. */
export type GivenUMAPOptions = {
  readonly [K in keyof ParametricUMAPOptions]?: ParametricUMAPOptions[K] | undefined;
};

/** Values for options left out. */
export const parametricUmapDefaults: Readonly<ParametricUMAPOptions> = Object.freeze({
  nNeighbors: 15,
  metric: 'euclidean',
  metricParams: Object.freeze({}),
  neighbors: 'auto',
  localConnectivity: 1,
  setOpMixRatio: 1,
  disconnectionDistance: null,
  nComponents: 2,
  minDist: 0.1,
  spread: 1,
  a: null,
  b: null,
  init: 'spectral',
  encoder: null,
  dims: null,
  parametricReconstruction: false,
  decoder: null,
  parametricReconstructionLossFn: null,
  parametricReconstructionLossWeight: 1,
  autoencoderLoss: false,
  reconstructionValidation: null,
  globalCorrelationLossWeight: 0,
  landmarkLossFn: null,
  landmarkLossWeight: 1,
  targetMetric: 'categorical',
  targetWeight: 0.5,
  targetNNeighbors: null,
  classifier: false,
  classifierLossWeight: 1,
  batchSize: null,
  nEpochs: null,
  nTrainingEpochs: 1,
  lossReportFrequency: 10,
  negativeSampleRate: 5,
  repulsionStrength: 2,
  learningRate: 0.01,
  optimizer: null,
  inputNoise: null,
  clipValue: 4,
  callbacks: Object.freeze([]),
  seed: 42,
  backend: 'auto',
  verbose: false,
});
