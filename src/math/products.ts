/** Inner products between all rows of two tables, computed in blocks: used by PCA and by trustworthiness. */
import { type Work, whole } from '../core/pauses.js';
import { bindProductsKernel, type ProductsKernel } from './productsKernel.js';

/** Rows per block. 64 rows of 784 columns take 400 kB, so two blocks fit into the cache of a core. */
export const blockRows = 64;
/** Columns that {@link addProducts} processes at a time. */
const slab = 1024;
/** Number of multiplications from which on the compiled kernel outweighs the time to instantiate it. */
const kernelThreshold = 2 ** 22;

/** A table in a flat array: entry (row, column) is at `start + row * rowStride + column * columnStride`. */
export interface View {
  readonly start: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** Allocates a packed block for rows of `columns` values. */
export function packedBlock(columns: number): Float64Array {
  return new Float64Array(blockRows * columns);
}

/**
 * Packs the first `count` rows (at most 64) of a view for {@link blockProducts}: groups of `lanes` rows, interleaved
 * column by column; missing rows are zero. `lanes` is 2 for a left block, 4 for a right one.
 */
export function packRows(
  data: Float32Array | Float64Array,
  { start, rowStride, columnStride }: View,
  count: number,
  columns: number,
  lanes: 2 | 4,
  packed: Float64Array,
): void {
  if (count < blockRows) packed.fill(0);
  for (let row = 0; row < count; row++) {
    const lane = row % lanes;
    let to = (row - lane) * columns + lane;
    let from = start + row * rowStride;
    for (let c = 0; c < columns; c++) {
      packed[to] = data[from]!;
      to += lanes;
      from += columnStride;
    }
  }
}

/**
 * Inner products of all rows of a left block with all rows of a right one: `out[i * 64 + j]`, for `i` below `rows`
 * rounded up to even and `j` below `others` rounded up to a multiple of 4. Sums are in double precision, in the order of
 * the columns.
 */
export function blockProducts(
  left: Float64Array,
  rows: number,
  right: Float64Array,
  others: number,
  columns: number,
  out: Float64Array,
): void {
  for (let i = 0; i < rows; i += 2) {
    const start = i * columns;
    const end = start + 2 * columns;
    for (let j = 0; j < others; j += 4) {
      // Eight sums and six factors fit into the registers of a core.
      let s00 = 0;
      let s01 = 0;
      let s02 = 0;
      let s03 = 0;
      let s10 = 0;
      let s11 = 0;
      let s12 = 0;
      let s13 = 0;
      let q = j * columns;
      for (let p = start; p < end; p += 2) {
        const x0 = left[p]!;
        const x1 = left[p + 1]!;
        const y0 = right[q]!;
        const y1 = right[q + 1]!;
        const y2 = right[q + 2]!;
        const y3 = right[q + 3]!;
        s00 += x0 * y0;
        s01 += x0 * y1;
        s02 += x0 * y2;
        s03 += x0 * y3;
        s10 += x1 * y0;
        s11 += x1 * y1;
        s12 += x1 * y2;
        s13 += x1 * y3;
        q += 4;
      }
      const upper = i * blockRows + j;
      const lower = upper + blockRows;
      out[upper] = s00;
      out[upper + 1] = s01;
      out[upper + 2] = s02;
      out[upper + 3] = s03;
      out[lower] = s10;
      out[lower + 1] = s11;
      out[lower + 2] = s12;
      out[lower + 3] = s13;
    }
  }
}

/**
 * Adds the inner product of every row of one view with every row of another: `out[i * rowsB + j]` grows by the sum over
 * `columns` of A(i, c) B(j, c). With `triangle`, both are the same view, and only blocks on or right of the diagonal are
 * computed. Large products use a compiled kernel where WebAssembly is allowed, and JavaScript otherwise or if `compiled`
 * is false; both give the same bits.
 */
export function* addProductsInParts(
  a: Float32Array | Float64Array,
  viewA: View,
  rowsA: number,
  b: Float32Array | Float64Array,
  viewB: View,
  rowsB: number,
  columns: number,
  out: Float32Array | Float64Array,
  triangle = false,
  compiled = true,
): Work<void> {
  const numbers = blockRows * Math.min(slab, columns);
  const large = compiled && rowsA * rowsB * columns >= kernelThreshold;
  const { left, right, products, multiply } =
    (large && bindProductsKernel(numbers, blockRows * blockRows)) || javascriptKernel(numbers);
  for (let first = 0; first < columns; first += slab) {
    const width = Math.min(slab, columns - first);
    for (let top = 0; top < rowsA; top += blockRows) {
      const height = Math.min(blockRows, rowsA - top);
      packRows(a, at(viewA, top, first), height, width, 2, left);
      yield;
      for (let side = triangle ? top : 0; side < rowsB; side += blockRows) {
        const others = Math.min(blockRows, rowsB - side);
        packRows(b, at(viewB, side, first), others, width, 4, right);
        multiply(height, others, width);
        addBlock(products, height, others, out, top * rowsB + side, rowsB);
        yield;
      }
    }
  }
}

/** As {@link addProductsInParts}, at once. */
export const addProducts = whole(addProductsInParts);

/** The kernel in JavaScript. */
function javascriptKernel(numbers: number): ProductsKernel {
  const left = new Float64Array(numbers);
  const right = new Float64Array(numbers);
  const products = new Float64Array(blockRows * blockRows);
  const multiply = (rows: number, others: number, columns: number) =>
    blockProducts(left, rows, right, others, columns, products);
  return { left, right, products, multiply };
}

function addBlock(
  products: Float64Array,
  height: number,
  others: number,
  out: Float32Array | Float64Array,
  start: number,
  stride: number,
): void {
  for (let i = 0; i < height; i++) {
    const row = start + i * stride;
    for (let j = 0; j < others; j++) out[row + j]! += products[i * blockRows + j]!;
  }
}

/** The rows of a flat row-major table. */
export function rowsOf(columns: number): View {
  return { start: 0, rowStride: columns, columnStride: 1 };
}

/** The columns of a flat row-major table, as rows. */
export function columnsOf(columns: number): View {
  return { start: 0, rowStride: 1, columnStride: columns };
}

/** The part of a view that starts at a row and column. */
export function at({ start, rowStride, columnStride }: View, row: number, column: number): View {
  return { start: start + row * rowStride + column * columnStride, rowStride, columnStride };
}
