/** The door: whatever a caller holds becomes a `Matrix`, checked once, and goes out in the form it came in. */

import { DataError } from '../core/errors.js';
import { asFloat32, isA } from '../core/realms.js';
import type { Tensor, Tensor2D } from '../core/tf.js';
import type { Matrix, RowFrame } from '../core/types.js';
import {
  type DimsInput,
  type FlatInput,
  type Form,
  type MatrixInput,
  type NestedNumbers,
  openRows,
  openRowsNow,
  type Source,
  type TypedArray,
} from './rows.js';

export type { DimsInput, FlatInput, Form, MatrixInput, NestedNumbers, TypedArray };

/** What goes out for an input of type `X`: the same kind. */
export type SameForm<X> = X extends Tensor
  ? Tensor2D
  : X extends FlatInput | DimsInput
    ? Matrix
    : X extends readonly TypedArray[]
      ? Float32Array[]
      : number[][];

export interface Entered {
  readonly matrix: Matrix;
  /** Shape of one row as it came in: `[784]`, or `[28, 28, 1]`. */
  readonly rowShape: readonly number[];
  readonly form: Form;
}

/** A table of 64-bit numbers. */
export interface WideMatrix {
  readonly data: Float64Array;
  readonly shape: readonly [rows: number, columns: number];
}

export interface EnterOptions {
  /** NaN and null are let in, both as NaN. */
  readonly allowNaN?: boolean;
  /** Values that are not finite are not looked for; `checkFinite` is still to be called. */
  readonly unchecked?: boolean;
  /** What is taken off the rows, and by what they are multiplied, in 64 bits. */
  readonly frame?: RowFrame | undefined;
}

/**
 * Checks rows and turns them into a flat `Matrix`; nothing is copied when they already are one.
 * Throws `DataError` for no rows, no columns, ragged rows, what is not a number, NaN (unless `allowNaN`) and infinite
 * values, naming the place; with `unchecked` not for the last two.
 */
export async function enter(input: MatrixInput, who: string, options: EnterOptions = {}): Promise<Entered> {
  return (await enterSource(input, who, options)).entered;
}

/** As `enter`, at once. Throws `DataError` for a tensor whose backend can only be read by a promise, as WebGPU. */
export function enterNow(input: MatrixInput, who: string, options: EnterOptions = {}): Entered {
  return enteredFrom(openRowsNow(input, who, options.allowNaN), who, options);
}

/** As `enter`, with the rows as the caller holds them. */
export async function enterSource(
  input: MatrixInput,
  who: string,
  options: EnterOptions = {},
): Promise<{ entered: Entered; source: Source }> {
  const source = await openRows(input, who, options.allowNaN);
  return { entered: enteredFrom(source, who, options), source };
}

/** As `enterSource`, at once. Throws as `enterNow` does. */
export function enterSourceNow(
  input: MatrixInput,
  who: string,
  options: EnterOptions = {},
): { entered: Entered; source: Source } {
  const source = openRowsNow(input, who, options.allowNaN);
  return { entered: enteredFrom(source, who, options), source };
}

function enteredFrom(
  source: Source,
  who: string,
  { allowNaN = false, unchecked = false, frame }: EnterOptions,
): Entered {
  const { shape, form } = source;
  if (shape.length < 2) {
    throw new DataError(
      `${who}: rows wanted (2 axes or more), got ${shape.length} axis; wrap one row as [row]`,
    );
  }
  const rows = shape[0]!;
  const rowShape = shape.slice(1);
  const columns = rowShape.reduce((product, size) => product * size, 1);
  if (rows === 0) throw new DataError(`${who}: at least 1 row wanted, got 0`);
  if (columns === 0) throw new DataError(`${who}: at least 1 column wanted, got 0`);
  const matrix: Matrix = { data: cast(source, rows, columns, frame), shape: [rows, columns] };
  if (!unchecked) checkFinite(matrix, who, allowNaN);
  return { matrix, rowShape, form };
}

/** The table in 32 bits, in its frame if it has one. */
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
  // Another width than the frame's is for the caller to refuse.
  const wide = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    source.fill(row, wide, 0);
    for (let c = 0; c < columns; c++) values[row * columns + c] = (wide[c]! - (shift[c] ?? 0)) * scale;
  }
  return values;
}

/** As `enter`, and the rows must be `columns` wide (in any row shape). */
export async function enterWidth(
  input: MatrixInput,
  columns: number,
  who: string,
  options: EnterOptions = {},
): Promise<Entered> {
  const entered = await enter(input, who, options);
  const [, found] = entered.matrix.shape;
  if (found !== columns) {
    throw new DataError(
      `${who}: rows of ${columns} values wanted (as fitted), got rows of ${found} (shape [${entered.rowShape.join(', ')}])`,
    );
  }
  return entered;
}

/** Some rows of a table, in a table of their own. */
export function takeRows({ data, shape: [, columns] }: Matrix, rows: ArrayLike<number>): Matrix {
  const some = new Float32Array(rows.length * columns);
  for (let i = 0; i < rows.length; i++) {
    some.set(data.subarray(rows[i]! * columns, (rows[i]! + 1) * columns), i * columns);
  }
  return { data: some, shape: [rows.length, columns] };
}

/** In eight sums side by side, so that no addition waits for the one before. */
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

/** Throws `DataError` that names the first value which is not finite; NaN may be allowed. */
export function checkFinite(
  { data: values, shape: [, columns] }: Matrix,
  who: string,
  allowNaN = false,
): void {
  // A sum is finite only if every addend is; the slow search for the place runs only when there is one.
  for (let start = 0; start < values.length; start += 4096) {
    const end = Math.min(start + 4096, values.length);
    if (Number.isFinite(sumOf(values, start, end))) continue;
    for (let i = start; i < end; i++) {
      if (Number.isFinite(values[i]!) || (allowNaN && Number.isNaN(values[i]!))) continue;
      throw new DataError(
        `${who}: finite 32-bit numbers wanted, got ${values[i]} at row ${Math.floor(i / columns)}, column ${i % columns}; ` +
          'drop or fill such values first',
      );
    }
  }
}

/**
 * Sends a matrix out in the given form; `rowShape` nests each row again when it has more than one axis.
 * Tensors are made by `makeTensor`, so that this file needs no TensorFlow.js.
 */
export function leave(
  { data, shape: [rows, columns] }: Matrix | WideMatrix,
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
