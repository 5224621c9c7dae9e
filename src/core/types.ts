/** The records that the stages hand to each other. Shapes only: nothing here runs. */
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
 * What rows of a size or place that 32 bits cannot hold are turned into before they are cast: (row - shift) * scale, in
 * 64 bits.
 */
export interface RowFrame {
  /** One number a column; 0 for columns that stay where they are. */
  readonly shift: Float64Array;
  /** A power of 2. */
  readonly scale: number;
}

/**
 * The `k` nearest neighbours of every row, nearest first. Column 0 is the row itself at distance 0, so `k`
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
 * Weighted graph as a coordinate list sorted by head, then tail. It is symmetric: an undirected edge stands
 * twice, as (i, j) and as (j, i).
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
  /** Fills the list with what as many calls of `integer` would give. */
  integers(list: Int32Array, below: number): void;
  /** Standard normal. */
  normal(): number;
  /** An independent stream; the same name always gives the same stream, whatever was drawn before. */
  fork(name: string): Random;
  /** A seed for a TensorFlow.js op: positive, and never the same twice from one stream. */
  tfSeed(): number;
  /** Where the stream is, as plain data. */
  state(): RandomState;
  /** Goes on from where `state` was taken. */
  restore(state: RandomState): void;
}

/** Four words of the generator, and a normal number that is drawn but not given out yet, if there is one. */
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

/** A caller's own metric: takes two rows. */
export type DistanceFunction = (a: Float32Array, b: Float32Array) => number;

/** One way to find nearest neighbours. */
export interface NeighborProvider {
  readonly name: string;
  search(data: Matrix, query: NeighborQuery): Promise<Knn>;
}

export interface NeighborQuery {
  /** Neighbours a row, itself included; 2 ≤ k ≤ rows. */
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
  /** Data rows to encode; the first `rowCount` entries count. */
  readonly rows: Int32Array;
  rowCount: number;
  /** Positive pairs, as positions in `rows`; the first `pairCount` entries count. */
  readonly heads: Int32Array;
  readonly tails: Int32Array;
  pairCount: number;
  /**
   * Most tails that were drawn with one head; absent for 0. A head that is new to the batch is followed by those of its
   * tails that are new too.
   */
  readonly tailsPerHead?: number;
  /** Weight of each positive pair; absent when pairs were drawn in proportion to their weight. */
  readonly pairWeights?: Float32Array;
}

/** Gives training batches. `next` returns the same record every time, with new contents. */
export interface Sampler {
  next(): Batch;
}

/** What training changes: a network, a table of points, a single number. */
export interface Trainable {
  /** Variables that the optimizer changes, always in the same order. */
  variables(): Variable[];
  /** All values to save and to put back, always in the same order: the variables, and moving averages and their like. */
  weights(): Variable[];
  /** Name of a learning rate of its own, for `Schedule.rate`. Default: the common one. */
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
  /** Takes rows of a table by itself, where that is quicker than `apply` to a tensor of them. */
  readonly reader?: RowReader;
}

/** A network that reads the rows it is trained on from a table, and so can begin with them before they are used. */
export interface RowReader {
  readonly table: Matrix;
  /** Begins to fetch the first `count` of `rows`; returns at once. */
  fetch(rows: Int32Array, count: number): void;
  /**
   * Applies the network, in training, to the rows fetched last. `meanwhile` is called when its gradient is taken, once
   * other threads are at work on it.
   */
  apply(meanwhile?: () => void): Tensor;
}

/** Some rows of a table: row `i` of the view is row `rows[i]` of `matrix`. */
export interface RowView {
  readonly matrix: Matrix;
  readonly rows: Int32Array;
}

/** What a loss sees of one step. Tensors belong to the training loop; a loss must not dispose them. */
export interface Step {
  readonly batch: Batch;
  /** The embedding of the batch's rows, `[rowCount, nComponents]`, differentiable with respect to what is trained. */
  readonly z: Tensor2D;
  /** The batch's rows in data space: row `i` is that of `z[i]`. */
  readonly input: RowView;
  /** Part of the training that is done, from 0 to below 1. */
  readonly done: number;
}

/** How far a step is, and whether the next batch may be drawn during it. */
export interface StepPlace {
  /** See `Step.done`. */
  readonly done: number;
  /** False for a step after which state may be saved: then nothing is drawn for the next one yet. */
  readonly ahead: boolean;
}

/**
 * Turns the next batch into an embedding: rows through an encoder, points of a table, two views of an image. The training
 * loop knows no other way to come by `Step.z`. A forward pass that gives its losses more than a `Step` says so by `S`.
 */
export interface Forward<S extends Step = Step> {
  /** What it trains. */
  readonly trained: readonly Trainable[];
  /** Draws the next batch and begins to fetch its rows. Returns a promise only where they come from elsewhere. */
  begin(): void | Promise<void>;
  /** The batch begun last, embedded. Called inside `tf.tidy`; the result is differentiated afterwards. */
  apply(place: StepPlace): S;
}

/** One addend of the training loss. Adding a loss touches nothing else. */
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
  /** What this loss trains besides what the forward pass does: a decoder, a temperature. */
  readonly trained?: readonly Trainable[];
}

/** Applies gradients. The list of variables must keep its order from step to step. */
export interface Optimizer {
  /**
   * One step, at a learning rate per variable. Each gradient element is clipped to [-clipValue, clipValue] first.
   */
  step(
    variables: readonly Variable[],
    gradients: readonly Tensor[],
    rates: readonly number[],
    clipValue: number,
  ): void;
  /** What it remembers, on the host, for saving; undefined for an optimizer that does not tell. */
  state(): Promise<OptimizerState | undefined>;
  /** Takes a state back; undefined forgets everything. */
  restore(state: OptimizerState | undefined): Promise<void>;
  dispose(): void;
}

/**
 * What an optimizer remembers. Adam: steps taken, and for each variable its shape and both moments, alternating in `values`.
 * A `tf.Optimizer`: its `getWeights()` and variables of its own, a shape for each of `values`.
 */
export interface OptimizerState {
  readonly kind: 'adam' | 'tf';
  readonly taken: number;
  readonly shapes: readonly (readonly number[])[];
  readonly values: readonly Float32Array[];
}

/** Learning rates over a training. */
export interface Schedule {
  /** Rate of a step, from 0 on, for the variables of a `group` (see `Trainable`); without one, the common rate. */
  rate(step: number, group?: string): number;
  /** Called with each report, for schedules that follow the loss. */
  report?(progress: Progress): void;
  /** What it has learned from reports, as plain data. */
  state?(): unknown;
  /** Goes on from a state. */
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
  /** Learning rate of the last step, by the option `learningRate`; an `optimizer` of the caller's has its own. */
  readonly learningRate: number;
}
