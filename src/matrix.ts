/** The door: whatever a caller holds becomes a `Matrix`, checked once, and goes out in the form it came in. */

import { DataError, describe } from './errors.js';
import { asFloat32 } from './realms.js';
import type { Tensor, Tensor2D } from './tf.js';
import type { Matrix } from './types.js';

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** Numbers nested to any depth: `number[][]` is rows, deeper is image-shaped rows. */
export type NestedNumbers = readonly (number | NestedNumbers)[];

/** Flat numbers with a shape; row-major. */
export interface FlatInput {
  readonly data: TypedArray | readonly number[];
  readonly shape: readonly number[];
}

/**
 * Rows of numbers: `number[][]` (deeper for image-shaped rows), an array of typed arrays, `{ data, shape }`, or
 * a tensor. The first axis counts rows.
 */
export type MatrixInput = NestedNumbers | readonly TypedArray[] | FlatInput | Tensor;

/** What goes out for an input of type `X`: the same kind. */
export type SameForm<X> = X extends Tensor
  ? Tensor2D
  : X extends FlatInput
    ? Matrix
    : X extends readonly TypedArray[]
      ? Float32Array[]
      : number[][];

/** How rows came in, so that they can go out alike. */
export type Form = 'arrays' | 'typedRows' | 'flat' | 'tensor';

export interface Entered {
  readonly matrix: Matrix;
  /** Shape of one row as it came in: `[784]`, or `[28, 28, 1]`. */
  readonly rowShape: readonly number[];
  readonly form: Form;
}

interface EnterOptions {
  readonly allowNaN?: boolean;
  readonly unchecked?: boolean;
}

/**
 * Checks rows and turns them into a flat `Matrix`; nothing is copied when they already are one.
 * Throws `DataError` for no rows, no columns, ragged rows, NaN (unless `allowNaN`) and infinite values, naming
 * the place; with `unchecked` not for these, and `checkFinite` is still to be called.
 */
export async function enter(input: MatrixInput, who: string, options: EnterOptions = {}): Promise<Entered> {
  if (!isTensor(input)) return entered(flatten(input, who), who, options);
  checkTensor(input, who);
  const data = await input.data<'float32'>();
  return entered({ data, shape: input.shape, form: 'tensor' }, who, options);
}

/** As `enter`, at once. Throws `DataError` for a tensor whose backend can only be read by a promise, as WebGPU. */
export function enterNow(input: MatrixInput, who: string, options: EnterOptions = {}): Entered {
  if (!isTensor(input)) return entered(flatten(input, who), who, options);
  checkTensor(input, who);
  return entered({ data: readNow(input, who), shape: input.shape, form: 'tensor' }, who, options);
}

function readNow(tensor: Tensor, who: string): Float32Array {
  try {
    return tensor.dataSync<'float32'>();
  } catch (cause) {
    throw new DataError(
      `${who}: a tensor that can be read at once expected, got one of a backend that cannot; ` +
        'pass { data: await tensor.data(), shape: tensor.shape }',
      { cause },
    );
  }
}

function entered({ data, shape, form }: Flat, who: string, options: EnterOptions): Entered {
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
  if (data.length !== rows * columns) {
    throw new DataError(
      `${who}: shape [${shape.join(', ')}] wants ${rows * columns} values, data holds ${data.length}`,
    );
  }
  const values = asFloat32(data);
  const matrix: Matrix = { data: values, shape: [rows, columns] };
  if (!options.unchecked) checkFinite(matrix, who, options.allowNaN);
  return { matrix, rowShape, form };
}

/** As `enter`, and the rows must be `columns` wide (in any row shape). */
export async function enterWidth(
  input: MatrixInput,
  columns: number,
  who: string,
  options: { unchecked?: boolean } = {},
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

type Flat = { data: ArrayLike<number>; shape: readonly number[]; form: Form };

function checkTensor(tensor: Tensor, who: string): void {
  if (tensor.isDisposed) {
    throw new DataError(`${who}: a tensor expected, got a disposed one; dispose of it after this call`);
  }
  if (tensor.dtype === 'string' || tensor.dtype === 'complex64') {
    throw new DataError(`${who}: a numeric tensor wanted, got dtype ${tensor.dtype}`);
  }
}

function flatten(input: Exclude<MatrixInput, Tensor>, who: string): Flat {
  if (isFlat(input)) {
    for (const size of input.shape) {
      if (!Number.isInteger(size) || size < 0) {
        throw new DataError(`${who}: shape must hold whole numbers, got [${input.shape.join(', ')}]`);
      }
    }
    return { data: input.data, shape: input.shape, form: 'flat' };
  }
  if (!Array.isArray(input)) {
    throw new DataError(
      `${who}: number[][], an array of typed arrays, { data, shape } or a tensor wanted, got ${describe(input)}`,
    );
  }
  if (input.length === 0) return { data: [], shape: [0, 0], form: 'arrays' };
  if (ArrayBuffer.isView(input[0])) return flattenTypedRows(input as readonly TypedArray[], who);
  return flattenNested(input as NestedNumbers, who);
}

function flattenTypedRows(rows: readonly TypedArray[], who: string): Flat {
  const columns = rows[0]!.length;
  const data = new Float32Array(rows.length * columns);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (!ArrayBuffer.isView(row) || row.length !== columns) {
      throw new DataError(
        `${who}: row 0 has ${columns} values, row ${i} has ${row?.length ?? describe(row)}`,
      );
    }
    data.set(row, i * columns);
  }
  return { data, shape: [rows.length, columns], form: 'typedRows' };
}

function flattenNested(rows: NestedNumbers, who: string): Flat {
  const shape: number[] = [];
  for (let level: unknown = rows; Array.isArray(level); level = level[0]) shape.push(level.length);
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
  let at = 0;
  const fill = (level: unknown, depth: number, path: string) => {
    if (depth === shape.length) {
      if (typeof level !== 'number')
        throw new DataError(`${who}: a number wanted at ${path}, got ${describe(level)}`);
      data[at++] = level;
      return;
    }
    if (!Array.isArray(level) || level.length !== shape[depth]) {
      const found = Array.isArray(level) ? `${level.length} values` : describe(level);
      throw new DataError(`${who}: row 0 has ${shape[depth]} values, ${path} has ${found}`);
    }
    for (let i = 0; i < level.length; i++)
      fill(level[i], depth + 1, depth === 0 ? `row ${i}` : `${path}[${i}]`);
  };
  fill(rows, 0, 'rows');
  return { data, shape, form: 'arrays' };
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
  matrix: Matrix,
  form: Form,
  makeTensor: (data: Float32Array, shape: number[]) => Tensor,
  rowShape?: readonly number[],
): unknown {
  const [rows, columns] = matrix.shape;
  const shape = [rows, ...(rowShape ?? [columns])];
  if (form === 'flat') return { data: matrix.data, shape };
  if (form === 'tensor') return makeTensor(matrix.data, shape);
  if (form === 'typedRows') {
    return Array.from({ length: rows }, (_, i) => matrix.data.slice(i * columns, (i + 1) * columns));
  }
  return nest(matrix.data, shape, 0, 0, matrix.data.length);
}

function nest(
  data: Float32Array,
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

function isTensor(input: unknown): input is Tensor {
  return typeof input === 'object' && input !== null && 'dataId' in input && 'shape' in input;
}

function isFlat(input: unknown): input is FlatInput {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return false;
  const { data, shape } = input as Partial<FlatInput>;
  return Array.isArray(shape) && (ArrayBuffer.isView(data) || Array.isArray(data));
}
