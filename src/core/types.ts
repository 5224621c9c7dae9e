/** The records that the stages hand to each other. Shapes only: nothing here runs. */
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
   * Tails that were drawn with a head, at most; absent for 0. A head that is new to the batch is followed by those of its
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

/** A network that is trained: any `tf.LayersModel`, ours or the caller's. */
export interface Network {
  readonly model: LayersModel;
  /** Shape of one input row. */
  readonly inputShape: readonly number[];
  /** Shape of one output row. */
  readonly outputShape: readonly number[];
  /** Applies the network to `[rows, ...inputShape]`. */
  apply(x: Tensor, training: boolean): Tensor;
  /** Takes rows of a table by itself, where that is quicker than `apply` to a tensor of them. */
  readonly reader?: RowReader;
  /** Trainable variables, always in the same order. */
  variables(): Variable[];
  dispose(): void;
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

/** What a loss sees of one step. Tensors belong to the loop; a term must not dispose them. */
export interface Step {
  readonly batch: Batch;
  /** The embedding of its rows, `[rowCount, nComponents]`, differentiable with respect to the encoder. */
  readonly z: Tensor2D;
}

/** One addend of the training loss. Adding a loss touches nothing else. */
export interface LossTerm {
  /** Name in the history, such as `umap` or `reconstruction`. */
  readonly name: string;
  readonly weight: number;
  /** Unweighted value. Runs inside `tf.tidy` and is differentiated, when the batch may be the next one's. */
  compute(step: Step): Scalar;
  /** Networks besides the encoder that this loss trains. */
  readonly networks?: readonly Network[];
}

/** Applies gradients. The list of variables must keep its order from step to step. */
export interface Optimizer {
  /** One step. Each gradient element is clipped to [-clipValue, clipValue] first. */
  step(
    variables: readonly Variable[],
    gradients: readonly Tensor[],
    learningRate: number,
    clipValue: number,
  ): void;
  /** Its memory on the host, for saving; undefined when it has none of ours. */
  state(): Promise<AdamState | undefined>;
  /** Takes a memory back; undefined forgets everything. */
  restore(state: AdamState | undefined): void;
  dispose(): void;
}

/** Adam's memory: steps taken, and for each variable its shape and both moments, alternating in `values`. */
export interface AdamState {
  readonly taken: number;
  readonly shapes: readonly (readonly number[])[];
  readonly values: readonly Float32Array[];
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
