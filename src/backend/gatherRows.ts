/** Rows of a table on the host, gathered into a tensor. */
import type { Tensor } from '../core/tf.js';
import * as tf from '../core/tf.js';
import type { Matrix } from '../core/types.js';
import { activeWorkshop } from './wasm/module.js';

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
 * The same, copied once, into the memory of WebAssembly: the first `count` of `rows` of a table, which must have them, as a tensor `[count, ...shape]`. Undefined when
 * the active backend is not WebAssembly with our kernels, or `shape` is not as large as a row.
 */
export function hostRows(
  table: Matrix,
  rows: Int32Array,
  count: number,
  shape: readonly number[],
): Tensor | undefined {
  const shop = activeWorkshop();
  if (shop === undefined || tf.util.sizeFromShape([...shape]) !== table.shape[1]) return undefined;
  const out = shop.backend.makeOutput([count, ...shape], 'float32');
  copyRows(table, rows, count, shop.backend.typedArrayFromHeap(out) as Float32Array);
  return tf.engine().makeTensorFromTensorInfo(out);
}

/** Up to so many columns a loop is quicker than a view for each row. */
const FEW = 100;

/** to[i] = table[rows[i]] for i below `count`. */
export function copyRows(
  { data, shape: [, columns] }: Matrix,
  rows: Int32Array,
  count: number,
  to: Float32Array,
): void {
  if (columns > FEW) {
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
