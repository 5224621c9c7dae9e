/** Validates input rows and converts them to a `Matrix`, and results back to the form of the input. */

import { DataError } from '../core/errors.js';
import { blockOf, type Work, whole } from '../core/pauses.js';
import { asFloat32, isA } from '../core/realms.js';
import type { Tensor, Tensor2D } from '../core/tf.js';
import type { Matrix, RowFrame } from '../core/types.js';
import type { RowSource, RowsInput } from './rowSource.js';
import {
  type DimsInput,
  type FlatInput,
  type Form,
  type MatrixInput,
  type NestedNumbers,
  openRows,
  openRowsSync,
  type Source,
  type TypedArray,
} from './rows.js';

export type { DimsInput, FlatInput, Form, MatrixInput, NestedNumbers, RowsInput, TypedArray };

/** The type of a result for an input of type `X`: of a source of rows, a source of results. */
export type SameForm<X> =
  X extends AsyncIterable<unknown>
    ? RowSource<Matrix>
    : X extends Tensor
      ? Tensor2D
      : X extends FlatInput | DimsInput
        ? Matrix
        : X extends readonly TypedArray[]
          ? Float32Array[]
          : number[][];

/** Rows as a matrix, and what is needed to give results in the form of the input. */
export interface InputRows {
  readonly matrix: Matrix;
  /** Shape of one input row: `[784]`, or `[28, 28, 1]`. */
  readonly rowShape: readonly number[];
  readonly form: Form;
}

/** A row-major table of 64-bit numbers. */
export interface Matrix64 {
  readonly data: Float64Array;
  readonly shape: readonly [rows: number, columns: number];
}

export interface ToMatrixOptions {
  /** Accept NaN and null, both as NaN. Default false. */
  readonly allowNaN?: boolean;
  /** Skip the check for values that are not finite; call `checkFinite` later. Default false. */
  readonly unchecked?: boolean;
  /** Shift and scale to apply to the rows, in 64 bits. Default: none. */
  readonly frame?: RowFrame | undefined;
}

/**
 * Validates rows and converts them to a `Matrix`. A flat `Float32Array` is not copied. `caller` is named in messages.
 * Throws `DataError`, with row and column, for no rows, no columns, ragged rows and entries that are not numbers; and for
 * NaN (unless `allowNaN`) and infinite values, unless `unchecked`.
 */
export async function toMatrix(
  input: MatrixInput,
  caller: string,
  options: ToMatrixOptions = {},
): Promise<InputRows> {
  return (await matrixAndSource(input, caller, options)).entered;
}

/** As `toMatrix`, synchronously. Throws `DataError` for a tensor that can only be read asynchronously (WebGPU). */
export function toMatrixSync(input: MatrixInput, caller: string, options: ToMatrixOptions = {}): InputRows {
  return enteredFrom(openRowsSync(input, caller, options.allowNaN), caller, options);
}

/** As `toMatrix`; also returns the source, from which the rows can be read again in 64 bits. */
export async function matrixAndSource(
  input: MatrixInput,
  caller: string,
  options: ToMatrixOptions = {},
): Promise<{ entered: InputRows; source: Source }> {
  const source = await openRows(input, caller, options.allowNaN);
  return { entered: enteredFrom(source, caller, options), source };
}

/** As `matrixAndSource`, synchronously. Throws as `toMatrixSync` does. */
export function matrixAndSourceSync(
  input: MatrixInput,
  caller: string,
  options: ToMatrixOptions = {},
): { entered: InputRows; source: Source } {
  const source = openRowsSync(input, caller, options.allowNaN);
  return { entered: enteredFrom(source, caller, options), source };
}

function enteredFrom(
  source: Source,
  caller: string,
  { allowNaN = false, unchecked = false, frame }: ToMatrixOptions,
): InputRows {
  const { shape, form } = source;
  if (shape.length < 2) {
    throw new DataError(
      `${caller}: expected rows (2 axes or more), got ${shape.length} axis; wrap one row as [row]`,
    );
  }
  const rows = shape[0]!;
  const rowShape = shape.slice(1);
  const columns = rowShape.reduce((product, size) => product * size, 1);
  if (rows === 0) throw new DataError(`${caller}: expected at least 1 row, got 0; pass a table with rows`);
  if (columns === 0) {
    throw new DataError(`${caller}: expected at least 1 column, got 0; pass rows with numbers`);
  }
  const matrix: Matrix = { data: cast(source, rows, columns, frame), shape: [rows, columns] };
  if (!unchecked) checkFinite(matrix, caller, allowNaN);
  return { matrix, rowShape, form };
}

/** The table in 32 bits; with a frame, shifted and scaled in 64 bits first. */
export function cast(source: Source, rows: number, columns: number, frame?: RowFrame): Float32Array {
  const { whole } = source;
  if (!frame && whole && isA('Float32Array', whole)) return asFloat32(whole);
  const values = new Float32Array(rows * columns);
  if (!frame) {
    if (whole) values.set(whole);
    else for (let row = 0; row < rows; row++) source.fill(row, values, row * columns);
    return values;
  }
  const { shift, scale } = frame;
  // The caller checks that the width is that of the frame.
  const wide = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    source.fill(row, wide, 0);
    for (let c = 0; c < columns; c++) values[row * columns + c] = (wide[c]! - (shift[c] ?? 0)) * scale;
  }
  return values;
}

/** As `toMatrix`. Also throws `DataError` unless rows have `columns` values, in any row shape. */
export async function toMatrixOfWidth(
  input: MatrixInput,
  columns: number,
  caller: string,
  options: ToMatrixOptions = {},
): Promise<InputRows> {
  const entered = await toMatrix(input, caller, options);
  const [, found] = entered.matrix.shape;
  if (found !== columns) {
    throw new DataError(
      `${caller}: expected ${columns} values per row, as fitted, got ${found} (row shape [${entered.rowShape.join(', ')}]); ` +
        'pass rows with the columns of the fit',
    );
  }
  return entered;
}

/** A copy of some rows of a table, by index. */
export function takeRows({ data, shape: [, columns] }: Matrix, rows: ArrayLike<number>): Matrix {
  const some = new Float32Array(rows.length * columns);
  for (let i = 0; i < rows.length; i++) {
    some.set(data.subarray(rows[i]! * columns, (rows[i]! + 1) * columns), i * columns);
  }
  return { data: some, shape: [rows.length, columns] };
}

/** Eight independent partial sums, so that no addition waits for the previous one. */
function sumOf(values: Float32Array, start: number, end: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let e = 0;
  let f = 0;
  let g = 0;
  let h = 0;
  let i = start;
  for (; i + 8 <= end; i += 8) {
    a += values[i]!;
    b += values[i + 1]!;
    c += values[i + 2]!;
    d += values[i + 3]!;
    e += values[i + 4]!;
    f += values[i + 5]!;
    g += values[i + 6]!;
    h += values[i + 7]!;
  }
  for (; i < end; i++) a += values[i]!;
  return a + b + c + d + e + f + g + h;
}

/** Throws `DataError`, with row and column, for the first value that is not finite; NaN may be allowed. */
export function* checkFiniteInParts(
  { data: values, shape: [, columns] }: Matrix,
  caller: string,
  allowNaN = false,
): Work<void> {
  // A sum is finite only if every addend is, so the slow search runs only where there is such a value.
  for (let start = 0; start < values.length; start += 4096) {
    const end = Math.min(start + 4096, values.length);
    if (start % blockOf(1) === 0) yield;
    if (Number.isFinite(sumOf(values, start, end))) continue;
    for (let i = start; i < end; i++) {
      if (Number.isFinite(values[i]!) || (allowNaN && Number.isNaN(values[i]!))) continue;
      throw new DataError(
        `${caller}: expected finite 32-bit numbers, got ${values[i]} at row ${Math.floor(i / columns)}, column ${i % columns}; ` +
          'drop or fill such values first',
      );
    }
  }
}

/** As {@link checkFiniteInParts}, at once. */
export const checkFinite = whole(checkFiniteInParts);

/**
 * A matrix in the form of an input. `rowShape` restores rows with more than one axis. `makeTensor` is passed in, so that
 * this file does not load TensorFlow.js.
 */
export function toInputForm(
  { data, shape: [rows, columns] }: Matrix | Matrix64,
  form: Form,
  makeTensor: (data: Float32Array, shape: number[]) => Tensor,
  rowShape?: readonly number[],
): unknown {
  const shape = [rows, ...(rowShape ?? [columns])];
  if (form === 'arrays') return nest(data, shape, 0, 0, data.length);
  const values = data instanceof Float32Array ? data : Float32Array.from(data);
  if (form === 'flat') return { data: values, shape };
  if (form === 'tensor') return makeTensor(values, shape);
  return Array.from({ length: rows }, (_, i) => values.slice(i * columns, (i + 1) * columns));
}

function nest(
  data: Float32Array | Float64Array,
  shape: readonly number[],
  axis: number,
  from: number,
  to: number,
): NestedNumbers {
  if (axis === shape.length - 1) return Array.from(data.subarray(from, to));
  const size = (to - from) / shape[axis]!;
  return Array.from({ length: shape[axis]! }, (_, i) =>
    nest(data, shape, axis + 1, from + i * size, from + (i + 1) * size),
  );
}
