/** Records that the stages of a fit share. Types only, no code. */
import type { PartDone } from './stages.js';
import type { LayersModel, Scalar, Tensor, Tensor2D, Variable } from './tf.js';

/** Row-major table of 32-bit floats: row `i` is `data.subarray(i * columns, (i + 1) * columns)`. */
export interface Matrix {
  /** All values, row after row: rows * columns of them. */
  readonly data: Float32Array;
  /** Number of rows, then of columns. */
  readonly shape: readonly [rows: number, columns: number];
}

/**
 * Shift and scale of rows that 32-bit floats cannot represent: such rows become (row - shift) * scale, computed in 64 bits,
 * before they are cast.
 */
export interface RowFrame {
  /** One number per column; 0 for columns that are not shifted. */
  readonly shift: Float64Array;
  /** A power of 2. */
  readonly scale: number;
}

/**
 * The `k` nearest neighbors of every row, nearest first. Column 0 is the row itself at distance 0, so `k`
 * counts the row and its `k - 1` nearest others, as in umap-learn. Flat, `rows * k` long.
 */
export interface Knn {
  /** Row numbers of the neighbors, `k` per row. */
  readonly indices: Int32Array;
  /** Distances to these neighbors, in the same order. */
  readonly distances: Float32Array;
  /** Number of rows. */
  readonly rows: number;
  /** Neighbors per row, the row itself included. */
  readonly k: number;
}

/**
 * Weighted graph as a coordinate list sorted by head, then tail. It is symmetric: an undirected edge is
 * listed twice, as (i, j) and as (j, i).
 */
export interface Edges {
  /** Row number of the first end of each edge. */
  readonly head: Int32Array;
  /** Row number of the second end of each edge. */
  readonly tail: Int32Array;
  /** Membership strengths in (0, 1]. */
  readonly weight: Float32Array;
  /** Number of rows, with or without edges. */
  readonly vertices: number;
}

/** A seeded stream of numbers. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform 32-bit unsigned integer: the fast path for hot loops. */
  uint32(): number;
  /** Uniform integer in [0, below). */
  integer(below: number): number;
  /** Fills the list with the numbers that as many calls of `integer` would return. */
  integers(list: Int32Array, below: number): void;
  /** Standard normal. */
  normal(): number;
  /** An independent stream; the same name always gives the same stream, whatever was drawn before. */
  fork(name: string): Random;
  /** A seed for a TensorFlow.js operation: positive, and never the same twice from one stream. */
  tfSeed(): number;
  /** State of the stream, as plain data. */
  state(): RandomState;
  /** Sets the stream back to a state. */
  restore(state: RandomState): void;
}

/** The four words of the generator, and the second number of the last Box-Muller pair while it is unused. */
export interface RandomState {
  readonly words: readonly number[];
  readonly normal: number | null;
}

/** Distance between the `columns` numbers at `offsetA` in `a` and those at `offsetB` in `b`. */
export type Distance = (
  a: Float32Array,
  offsetA: number,
  b: Float32Array,
  offsetB: number,
  columns: number,
) => number;

/** A user-supplied metric: the distance between two rows. */
export type DistanceFunction = (a: Float32Array, b: Float32Array) => number;

/** A method of nearest-neighbor search. */
export interface NeighborProvider {
  readonly name: string;
  search(data: Matrix, query: NeighborQuery): Promise<Knn>;
}

export interface NeighborQuery {
  /** Neighbors per row, itself included; 2 ≤ k ≤ rows. */
  readonly k: number;
  readonly metric: string | DistanceFunction;
  /** Extra arguments of the metric, such as `{ p: 3 }` for minkowski. */
  readonly metricParams?: Readonly<Record<string, unknown>>;
  readonly random: Random;
  readonly signal?: AbortSignal;
  /** Takes the part of the search that is done, from 0 to 1. */
  readonly progress?: PartDone;
}

/** Rows to encode in one training step, and the pairs among them. Refilled in place by its sampler. */
export interface Batch {
  /** Numbers of the rows to encode; only the first `rowCount` entries are valid. */
  readonly rows: Int32Array;
  rowCount: number;
  /** Positive pairs, as positions in `rows`; only the first `pairCount` entries are valid. */
  readonly heads: Int32Array;
  readonly tails: Int32Array;
  pairCount: number;
  /**
   * Most tails that were drawn with one head. Where a head was added to the batch, those of its tails that were not in the
   * batch yet are the next entries of `rows`. Default 0.
   */
  readonly tailsPerHead?: number;
  /** Weight of each positive pair. Default: equal weights, for pairs drawn in proportion to their weight. */
  readonly pairWeights?: Float32Array;
  /**
   * Positions in `rows` of rows that were drawn uniformly from all rows of the data, for negative sampling; only the first
   * `candidateCount` entries are valid. Default: negatives are drawn from the whole batch.
   */
  readonly candidates?: Int32Array;
  /** Number of valid entries of `candidates`. */
  candidateCount?: number;
}

/** A source of training batches. `next` returns the same record every time, with new contents. */
export interface Sampler {
  next(): Batch;
}

/** Something that is trained: a network, a table of points, a single number. */
export interface Trainable {
  /** Variables that the optimizer updates, always in the same order. */
  variables(): Variable[];
  /** All values to save and restore, always in the same order: the variables, and such as moving averages. */
  weights(): Variable[];
  /** Name of a separate learning rate, for `Schedule.rate`. Default: the common rate. */
  readonly group?: string;
  /** Frees the values. */
  dispose(): void;
}

/** A network that is trained: any `tf.LayersModel`, a default or a user-supplied one. */
export interface Network extends Trainable {
  readonly model: LayersModel;
  /** Shape of one input row. */
  readonly inputShape: readonly number[];
  /** Shape of one output row. */
  readonly outputShape: readonly number[];
  /** Applies the network to `[rows, ...inputShape]`. */
  apply(x: Tensor, training: boolean): Tensor;
  /** Reads rows of a table directly, where that is faster than `apply` to a tensor of them. */
  readonly reader?: RowReader;
}

/** Reads the training rows of a network from a table, so that it can prefetch them. */
export interface RowReader {
  readonly table: Matrix;
  /** Begins to fetch the first `count` of `rows`; returns at once. */
  fetch(rows: Int32Array, count: number): void;
  /**
   * Applies the network, in training, to the rows fetched last. `meanwhile` is called during the backward pass,
   * once other threads have started to work on it.
   */
  apply(meanwhile?: () => void): Tensor;
}

/** Some rows of a table: row `i` of the view is row `rows[i]` of `matrix`. */
export interface RowView {
  readonly matrix: Matrix;
  readonly rows: Int32Array;
}

/** Input of the losses in one step. Tensors belong to the training loop; a loss must not dispose of them. */
export interface Step {
  readonly batch: Batch;
  /** The embedding of the batch's rows, `[rowCount, nComponents]`, differentiable with respect to what is trained. */
  readonly z: Tensor2D;
  /** The batch's rows in data space: row `i` is embedded at `z[i]`. */
  readonly input: RowView;
  /** Fraction of the training that is done, in [0, 1). */
  readonly done: number;
}

/** Progress at a step, and whether the next batch may be drawn during it. */
export interface StepContext {
  /** See `Step.done`. */
  readonly done: number;
  /** False for a step after which state may be saved: then the next batch is not drawn yet. */
  readonly ahead: boolean;
}

/**
 * Turns the next batch into an embedding: rows through an encoder, points of a table, two views of an image. The training
 * loop gets `Step.z` from it alone. `S` is the type of the step, for a forward pass whose losses need more than a `Step`.
 */
export interface Forward<S extends Step = Step> {
  /** What is trained. */
  readonly trained: readonly Trainable[];
  /** Draws the next batch and begins to fetch its rows. Returns a promise only where fetching is asynchronous. */
  begin(): void | Promise<void>;
  /** Embeds the batch that `begin` drew last. Called inside `tf.tidy`; the result is differentiated afterwards. */
  apply(context: StepContext): S;
  /**
   * Leaves out the first batches, which an interrupted training has used. Undefined where all that draws batches is a random
   * stream, which is restored.
   */
  skip?(batches: number): Promise<void>;
}

/** One term of the training loss. */
export interface LossTerm<S extends Step = Step> {
  /** Name in the history, such as `umap` or `reconstruction`. */
  readonly name: string;
  readonly weight: number;
  /**
   * Returns the unweighted loss. Called inside `tf.tidy`; the result is differentiated afterwards. Read everything you need
   * from `batch` and `input` before returning: their arrays are reused and may already hold the next batch while gradients are
   * computed.
   */
  compute(step: S): Scalar;
  /** What this loss trains beside the forward pass: a decoder, a temperature. */
  readonly trained?: readonly Trainable[];
}

/** Applies gradients. The order of the variables must be the same in every step. */
export interface Optimizer {
  /**
   * One step, with a learning rate per variable. Each gradient element is clipped to [-clipValue, clipValue] first.
   */
  step(
    variables: readonly Variable[],
    gradients: readonly Tensor[],
    rates: readonly number[],
    clipValue: number,
  ): void;
  /** State to save, on the host; undefined for an optimizer whose state cannot be read. */
  state(): Promise<OptimizerState | undefined>;
  /** Restores a state; undefined resets the optimizer. */
  restore(state: OptimizerState | undefined): Promise<void>;
  dispose(): void;
}

/**
 * State of an optimizer. Adam: steps taken, and for each variable its shape and both moments, alternating in `values`.
 * SGD: steps taken, and for each variable its shape and its velocity; no variables without momentum. A `tf.Optimizer`: the
 * values of `getWeights()` and of its other variables, with a shape for each of `values`.
 */
export interface OptimizerState {
  readonly kind: 'adam' | 'sgd' | 'tf';
  readonly taken: number;
  readonly shapes: readonly (readonly number[])[];
  readonly values: readonly Float32Array[];
}

/** Learning rates over a training. */
export interface Schedule {
  /** Rate of a step, from 0 on, for the variables of a `group` (see `Trainable`); without one, the common rate. */
  rate(step: number, group?: string): number;
  /** Called with each report, for schedules that depend on the loss. */
  report?(progress: Progress): void;
  /** State that depends on the reports, as plain data. */
  state?(): unknown;
  /** Restores a state. */
  restore?(state: unknown): void;
}

/** One report of training: means over the steps since the last report. */
export interface Progress {
  /** Report number, from 0. */
  readonly epoch: number;
  /** Reports in all. */
  readonly epochs: number;
  /** Gradient steps done. */
  readonly step: number;
  /** Gradient steps in all. */
  readonly steps: number;
  /** `loss` (weighted total) and each term by name. */
  readonly losses: Readonly<Record<string, number>>;
  /** Learning rate of the last step, by the option `learningRate`; a user-supplied `optimizer` has its own rate. */
  readonly learningRate: number;
  /** Rates of that step in groups of variables that have another one, such as `decoder`. Undefined where none has. */
  readonly learningRates?: Readonly<Record<string, number>>;
  /** Other numbers in force, such as a learned temperature. Undefined for estimators that have none. */
  readonly numbers?: Readonly<Record<string, number>>;
}
