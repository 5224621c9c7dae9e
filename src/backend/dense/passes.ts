/**
 * A stack of dense layers, forth and back, for one part of the rows at a time. It lies in memory that threads share,
 * and every thread can take any part: what a part gives does not depend on who computes it.
 */

/** y = x W + b, then ReLU or nothing. */
export interface DenseLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
  readonly relu: boolean;
}

/** Parts of a batch. Their gradients are added in order, so the number is one and the same for any number of threads. */
export const PARTS = 8;

/** A table of rows, and noise that is added to those taken from it, as they lie in memory before all else. */
export interface DenseTable {
  readonly table: number;
  /** Floats of noise to be read in a ring; 0 for none. Those of one row follow again behind the last. */
  readonly ring: number;
  readonly noise: number;
  /** Where the rest may begin. */
  readonly end: number;
}

/** Where everything begins, in bytes. */
export interface DensePlaces {
  /** Indices of the rows to take from the table. */
  readonly indices: number;
  /** For each layer, its kernel (inputs x outputs) and behind it its bias. */
  readonly weights: readonly number[];
  /** For each layer, its kernel transposed (outputs x inputs); then, for a moment, the gradient of the kernel. */
  readonly transposed: readonly number[];
  /** Floats of all weights. */
  readonly weightCount: number;
  /** PARTS times the gradients of all weights, and their sum: laid out as the weights, but each kernel transposed. */
  readonly gradients: number;
  readonly sum: number;
  /** The rows, and what each layer makes of them. */
  readonly values: readonly number[];
  /** Where the next rows may wait meanwhile; of no size if gradients are wanted, which need the last ones. */
  readonly waiting: number;
  /** The gradient of the last layer's values, and of the rows. */
  readonly outcome: number;
  readonly origin: number;
  /** For each thread: scratch for products, then tables of one part's rows: two of the widest layer's inputs, a turned one. */
  readonly threads: number;
  readonly threadBytes: number;
  readonly tables: readonly [number, number];
  readonly turned: number;
  readonly bytes: number;
}

/** The functions of `kernels/dense/index.ts`; pointers, sizes and flags are numbers. */
export type DenseKernels = Readonly<
  Record<
    'gemm' | 'sparseProduct' | 'transpose' | 'columnSums' | 'reluGradient' | 'fetchRows',
    (...numbers: number[]) => void
  > & {
    gemmScratch(): number;
    sparseScratch(terms: number): number;
    isSparse(values: number, count: number): number;
    areFinite(values: number, count: number): number;
  }
>;

/** How far back gradients go: nowhere, to the weights, or to the rows too. */
export type DenseReach = 'none' | 'weights' | 'rows';

/** What places are made for. */
export interface DenseRoom {
  readonly rows: number;
  readonly threads: number;
  readonly reach: DenseReach;
}

/** Lays everything out, after `from` bytes that are taken. */
export function layOut(
  layers: readonly DenseLayer[],
  { rows, threads, reach }: DenseRoom,
  run: DenseKernels,
  from: number,
): DensePlaces {
  let end = from;
  // Whole cache lines: threads that write beside each other would wait for each other.
  const take = (floats: number) => {
    const start = end;
    end += Math.ceil(floats / 16) * 64;
    return start;
  };
  const sizes = layers.map(({ inputs, outputs, bias }) => (inputs + Number(bias)) * outputs);
  const weightCount = sizes.reduce((sum, size) => sum + size);
  const first = take(weightCount);
  const indices = take(rows);
  const weights = sizes.map((_, l) => first + 4 * sizes.slice(0, l).reduce((sum, size) => sum + size, 0));
  const back = Number(reach !== 'none');
  const transposed = layers.map(({ inputs, outputs }) => take(back * inputs * outputs));
  const gradients = take(back * PARTS * weightCount);
  const sum = take(back * weightCount);
  const values = [layers[0]!.inputs, ...layers.map(({ outputs }) => outputs)].map((columns) =>
    take(rows * columns),
  );
  const waiting = take(back ? 0 : rows * layers[0]!.inputs);
  const outcome = take(back * rows * layers.at(-1)!.outputs);
  const origin = take(reach === 'rows' ? rows * layers[0]!.inputs : 0);
  const begin = end;
  const most = Math.ceil(rows / PARTS);
  // Sums of products have a term for each input, each output or each row.
  const terms = Math.max(most, ...layers.flatMap(({ inputs, outputs }) => [inputs, outputs]));
  take(Math.max(run.gemmScratch(), run.sparseScratch(terms)) / 4);
  // For gradients between layers: that of the last one's values has a place of its own.
  const table = back * most * Math.max(0, ...layers.slice(1).map(({ inputs }) => inputs));
  const tables = [take(table) - begin, take(table) - begin] as const;
  const turned = take(back * most * Math.max(...layers.map(({ outputs }) => outputs))) - begin;
  const threadBytes = end - begin;
  return {
    ...{
      indices,
      weights,
      transposed,
      weightCount,
      gradients,
      sum,
      values,
      waiting,
      outcome,
      origin,
      tables,
      turned,
    },
    ...{ threads: begin, threadBytes, bytes: begin + threads * threadBytes },
  };
}

/** What a thread computes with, and for how many rows in all. */
export interface DensePass {
  readonly run: DenseKernels;
  readonly layers: readonly DenseLayer[];
  readonly places: DensePlaces;
  /** Where the rows are. */
  readonly inputs: number;
  readonly rows: number;
  readonly thread: number;
  /** Whether zeros may be skipped. */
  readonly skip: boolean;
}

/** First row of a part, and how many it has. */
function rowsOf(part: number, rows: number): readonly [start: number, count: number] {
  const start = Math.floor((part * rows) / PARTS);
  return [start, Math.floor(((part + 1) * rows) / PARTS) - start];
}

/** The rows of a part from the table to the inputs, with noise from place `start` of the ring on. */
export function fetchPart(
  { run, layers, places, inputs, rows }: DensePass,
  { table, noise, ring }: DenseTable,
  part: number,
  start: number,
): void {
  const columns = layers[0]!.inputs;
  const [first, count] = rowsOf(part, rows);
  run.fetchRows(
    ...[table, columns, places.indices + 4 * first, count, noise],
    ...[ring, ring && (start + first * columns) % ring, inputs + 4 * first * columns],
  );
}

/** Whether the rows of a part are finite. */
export function finitePart({ run, layers, inputs, rows }: DensePass, part: number): boolean {
  const columns = layers[0]!.inputs;
  const [start, count] = rowsOf(part, rows);
  return run.areFinite(inputs + 4 * start * columns, count * columns) !== 0;
}

/** A product of a pass: C[m, n] = A[m, k] B[k, n] (+ bias) (then ReLU). */
interface Product {
  readonly sizes: readonly [m: number, n: number, k: number];
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly bias?: number;
  readonly relu?: boolean;
}

/** Columns of B from which on zeros of A are worth skipping: to find them costs as much for few. */
const WORTH_SKIPPING = 32;

function multiply({ run, skip }: DensePass, scratch: number, product: Product): void {
  const { sizes, a, b, c, bias = 0, relu = false } = product;
  const [m, n, k] = sizes;
  if (skip && n >= WORTH_SKIPPING && run.isSparse(a, m * k)) {
    run.sparseProduct(m, n, k, a, b, c, bias, Number(relu), scratch);
  } else {
    run.gemm(m, n, k, a, 4 * k, 4, b, 4 * n, 4, c, bias, Number(relu), 0, scratch);
  }
}

/** The rows of a part through all layers. */
export function forwardPart(pass: DensePass, part: number): void {
  const { layers, places, rows, thread } = pass;
  const { weights, values } = places;
  const scratch = places.threads + thread * places.threadBytes;
  const [start, count] = rowsOf(part, rows);
  if (count === 0) return;
  layers.forEach(({ inputs, outputs, bias, relu }, l) => {
    multiply(pass, scratch, {
      sizes: [count, outputs, inputs],
      a: (l === 0 ? pass.inputs : values[l]!) + 4 * start * inputs,
      b: weights[l]!,
      c: values[l + 1]! + 4 * start * outputs,
      bias: bias ? weights[l]! + 4 * inputs * outputs : 0,
      relu,
    });
  });
}

/**
 * This part's share of the gradient of every weight, from `outcome` and what the forward pass has left, and the gradient
 * of its rows if the reach is that far.
 */
export function backwardPart(pass: DensePass, part: number, reach: DenseReach): void {
  const { run, layers, places, rows, thread } = pass;
  const { weights, transposed, values } = places;
  const scratch = places.threads + thread * places.threadBytes;
  const [start, count] = rowsOf(part, rows);
  const turned = scratch + places.turned;
  const own = places.gradients + 4 * part * places.weightCount - weights[0]!;
  let slope = places.outcome + 4 * start * layers.at(-1)!.outputs;
  for (let l = layers.length - 1; l >= 0; l--) {
    const { inputs, outputs, bias, relu } = layers[l]!;
    if (relu) run.reluGradient(slope, values[l + 1]! + 4 * start * outputs, count * outputs);
    // dW^T = dy^T x, db = the sum of dy over rows.
    const x = values[l]! + 4 * start * inputs;
    const gradient = own + weights[l]!;
    run.transpose(slope, count, outputs, turned);
    multiply(pass, scratch, { sizes: [outputs, inputs, count], a: turned, b: x, c: gradient });
    if (bias) run.columnSums(slope, count, outputs, gradient + 4 * inputs * outputs, 1);
    if (l === 0 && reach !== 'rows') return;
    // dx = dy W^T.
    const next = l === 0 ? places.origin + 4 * start * inputs : scratch + places.tables[l % 2]!;
    multiply(pass, scratch, { sizes: [count, inputs, outputs], a: slope, b: transposed[l]!, c: next });
    slope = next;
  }
}
