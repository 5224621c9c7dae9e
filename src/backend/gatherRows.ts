/** Gathers rows of a table on the host into a tensor. */
import type { Tensor } from '../core/tf.js';
import * as tf from '../core/tf.js';
import type { Matrix } from '../core/types.js';
import { activeKernels } from './wasm/module.js';

/** Copies the given rows of a table into one tensor, `[count, ...shape]`. */
export function gatherRows(
  matrix: Matrix,
  rows: Int32Array,
  count: number,
  shape: readonly number[],
): Tensor {
  const direct = hostRows(matrix, rows, count, shape);
  if (direct !== undefined) return direct;
  const gathered = new Float32Array(count * matrix.shape[1]);
  copyRows(matrix, rows, count, gathered);
  return tf.tensor(gathered, [count, ...shape]);
}

/**
 * As `gatherRows`, with a single copy, straight into the memory of WebAssembly. Row numbers must be in range.
 * Undefined if the active backend is not WebAssembly with our kernels, or if `shape` has not as many values as a row.
 */
export function hostRows(
  table: Matrix,
  rows: Int32Array,
  count: number,
  shape: readonly number[],
): Tensor | undefined {
  const kernels = activeKernels();
  if (kernels === undefined || tf.util.sizeFromShape([...shape]) !== table.shape[1]) return undefined;
  const out = kernels.backend.makeOutput([count, ...shape], 'float32');
  copyRows(table, rows, count, kernels.backend.typedArrayFromHeap(out) as Float32Array);
  return tf.engine().makeTensorFromTensorInfo(out);
}

/** Up to this many columns a loop is faster than a view per row. */
const MAX_LOOP_COLUMNS = 100;

/** to[i] = table[rows[i]] for i below `count`. */
export function copyRows(
  { data, shape: [, columns] }: Matrix,
  rows: Int32Array,
  count: number,
  to: Float32Array,
): void {
  if (columns > MAX_LOOP_COLUMNS) {
    for (let i = 0; i < count; i++) {
      const from = rows[i]! * columns;
      to.set(data.subarray(from, from + columns), i * columns);
    }
    return;
  }
  for (let i = 0, at = 0; i < count; i++) {
    const from = rows[i]! * columns;
    for (let c = 0; c < columns; c++) to[at++] = data[from + c]!;
  }
}
