/**
 * Forward and backward pass of a stack of dense layers, one part of the batch at a time, in memory that threads share.
 * Any thread can take any part: the result does not depend on which one does.
 */

import {
  type DenseGradients,
  type DenseKernels,
  type DenseLayer,
  type DenseLayout,
  type DenseTable,
  PARTS,
} from './layout.js';

/** What a thread needs for a pass over one part. */
export interface DensePass {
  readonly run: DenseKernels;
  readonly layers: readonly DenseLayer[];
  readonly layout: DenseLayout;
  /** Address of the input rows. */
  readonly inputs: number;
  /** Rows of the whole batch. */
  readonly rows: number;
  /** Number of this thread. */
  readonly thread: number;
  /** Whether products with zeros may be skipped; not if a weight is not finite. */
  readonly skipZeros: boolean;
}

/** First row of a part, and its number of rows. */
function rowsOf(part: number, rows: number): readonly [start: number, count: number] {
  const start = Math.floor((part * rows) / PARTS);
  return [start, Math.floor(((part + 1) * rows) / PARTS) - start];
}

/** Gathers the rows of a part from the table, and adds noise from position `noiseStart` of the ring on. */
export function gatherPart(
  { run, layers, layout, inputs, rows }: DensePass,
  { table, noise, ring }: DenseTable,
  part: number,
  noiseStart: number,
): void {
  const columns = layers[0]!.inputs;
  const [first, count] = rowsOf(part, rows);
  run.fetchRows(
    ...[table, columns, layout.indices + 4 * first, count, noise],
    ...[ring, ring && (noiseStart + first * columns) % ring, inputs + 4 * first * columns],
  );
}

/** Whether the input rows of a part are finite. */
export function finitePart({ run, layers, inputs, rows }: DensePass, part: number): boolean {
  const columns = layers[0]!.inputs;
  const [start, count] = rowsOf(part, rows);
  return run.areFinite(inputs + 4 * start * columns, count * columns) !== 0;
}

/** A matrix product C[m, n] = A[m, k] B[k, n] (+ bias) (then ReLU); addresses in bytes. */
interface Product {
  readonly sizes: readonly [m: number, n: number, k: number];
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly bias?: number;
  readonly relu?: boolean;
}

/** Columns of B from which on skipping zeros of A pays: finding them costs the same for any number of columns. */
const MIN_SPARSE_COLUMNS = 32;

function multiply({ run, skipZeros }: DensePass, scratch: number, product: Product): void {
  const { sizes, a, b, c, bias = 0, relu = false } = product;
  const [m, n, k] = sizes;
  if (skipZeros && n >= MIN_SPARSE_COLUMNS && run.isSparse(a, m * k)) {
    run.sparseProduct(m, n, k, a, b, c, bias, Number(relu), scratch);
  } else {
    run.gemm(m, n, k, a, 4 * k, 4, b, 4 * n, 4, c, bias, Number(relu), 0, scratch);
  }
}

/** Forward pass of the rows of a part through all layers. */
export function forwardPart(pass: DensePass, part: number): void {
  const { layers, layout, rows, thread } = pass;
  const { weights, activations } = layout;
  const scratch = layout.scratch + thread * layout.scratchBytes;
  const [start, count] = rowsOf(part, rows);
  if (count === 0) return;
  layers.forEach(({ inputs, outputs, bias, relu }, l) => {
    multiply(pass, scratch, {
      sizes: [count, outputs, inputs],
      a: (l === 0 ? pass.inputs : activations[l]!) + 4 * start * inputs,
      b: weights[l]!,
      c: activations[l + 1]! + 4 * start * outputs,
      bias: bias ? weights[l]! + 4 * inputs * outputs : 0,
      relu,
    });
  });
}

/**
 * Backward pass of a part, from `outputGradient` and the activations of the forward pass: its contribution to the
 * gradient of every weight and, with `gradients` of `inputs`, the gradient of its input rows.
 */
export function backwardPart(pass: DensePass, part: number, gradients: DenseGradients): void {
  const { run, layers, layout, rows, thread } = pass;
  const { weights, transposed, activations } = layout;
  const scratch = layout.scratch + thread * layout.scratchBytes;
  const [start, count] = rowsOf(part, rows);
  const dyTransposed = scratch + layout.transposedGradient;
  const own = layout.gradients + 4 * part * layout.weightCount - weights[0]!;
  let dy = layout.outputGradient + 4 * start * layers.at(-1)!.outputs;
  for (let l = layers.length - 1; l >= 0; l--) {
    const { inputs, outputs, bias, relu } = layers[l]!;
    if (relu) run.reluGradient(dy, activations[l + 1]! + 4 * start * outputs, count * outputs);
    // dW^T = dy^T x, db = sum of dy over rows.
    const x = activations[l]! + 4 * start * inputs;
    const gradient = own + weights[l]!;
    run.transpose(dy, count, outputs, dyTransposed);
    multiply(pass, scratch, { sizes: [outputs, inputs, count], a: dyTransposed, b: x, c: gradient });
    if (bias) run.columnSums(dy, count, outputs, gradient + 4 * inputs * outputs, 1);
    if (l === 0 && gradients !== 'inputs') return;
    // dx = dy W^T.
    const dx = l === 0 ? layout.inputGradient + 4 * start * inputs : scratch + layout.layerGradients[l % 2]!;
    multiply(pass, scratch, { sizes: [count, inputs, outputs], a: dy, b: transposed[l]!, c: dx });
    dy = dx;
  }
}
