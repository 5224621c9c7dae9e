/** The forms in which callers hold tables of numbers, and how each is read, row by row, in 64 bits. */

import { DataError, describe } from '../core/errors.js';
import { isA } from '../core/realms.js';
import type { Tensor } from '../core/tf.js';
import {
  type AxisNumbers,
  checkReach,
  isAxisNumbers,
  type Layout,
  placesOf,
  rowMajor,
  stridesOf,
} from './strides.js';

/** Any of JavaScript's arrays of numbers. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Numbers nested to any depth: `number[][]` is rows, deeper is image-shaped rows. */
export type NestedNumbers = readonly (number | bigint | NestedNumbers)[];

/** Flat numbers with a shape, row-major unless strides or `fortranOrder` say otherwise. */
export interface FlatInput extends Layout {
  /** All values, row after row unless the layout says otherwise. */
  readonly data: TypedArray | readonly (number | bigint)[];
}

/** A tensor of onnxruntime or transformers.js. */
export interface DimsInput {
  /** The values, in a typed array. */
  readonly data: unknown;
  /** Length of each axis; the first one counts rows. */
  readonly dims: AxisNumbers;
}

/**
 * Rows of numbers: `number[][]` (deeper for image-shaped rows), an array of typed arrays, `{ data, shape }`,
 * `{ data, dims }`, or a tensor of TensorFlow.js. The first axis counts rows. Whole numbers of 64 bits (bigint) are
 * read as numbers, up to 2^53.
 */
export type MatrixInput = NestedNumbers | readonly TypedArray[] | FlatInput | DimsInput | Tensor;

/** How rows came in, so that they can go out alike. */
export type Form = 'arrays' | 'typedRows' | 'flat' | 'tensor';

/** A table as the caller holds it. */
export interface Source {
  readonly shape: readonly number[];
  readonly form: Form;
  /** The whole table, where it lies row-major in one typed array of numbers. */
  readonly whole?: NumberArray;
  /** Writes one row, flat, to a place in a table. Throws `DataError` for what is not a number. */
  fill(row: number, target: Float32Array | Float64Array, at: number): void;
}

export type NumberArray = Exclude<TypedArray, BigInt64Array | BigUint64Array>;

/** Finds out what a table is. Throws `DataError` for what is none. With `nullable`, null is read as NaN. */
export async function openRows(input: MatrixInput, who: string, nullable = false): Promise<Source> {
  if (isTensor(input)) {
    checkTensor(input, who);
    return openFlat({ data: await input.data<'float32'>(), shape: input.shape }, who, 'tensor', nullable);
  }
  if (isDims(input)) return openFlat(dimsOf(input, await valuesOf(input), who), who, 'flat', nullable);
  return openHeld(input, who, nullable);
}

/** As `openRows`, at once. Throws `DataError` too for a tensor that can only be read by a promise, as on WebGPU. */
export function openRowsNow(input: MatrixInput, who: string, nullable = false): Source {
  if (isTensor(input)) {
    checkTensor(input, who);
    return openFlat({ data: readNow(input, who), shape: input.shape }, who, 'tensor', nullable);
  }
  if (isDims(input)) {
    if (isFar(input)) throw unreadable(who);
    return openFlat(dimsOf(input, input.data, who), who, 'flat', nullable);
  }
  return openHeld(input, who, nullable);
}

function openHeld(input: Exclude<MatrixInput, Tensor | DimsInput>, who: string, nullable: boolean): Source {
  if (isFlat(input)) return openFlat(input, who, 'flat', nullable);
  if (!Array.isArray(input)) {
    throw new DataError(
      `${who}: number[][], an array of typed arrays, { data, shape } or a tensor wanted, got ${describe(input)}`,
    );
  }
  if (input.length === 0) return { shape: [0, 0], form: 'arrays', fill: () => {} };
  if (ArrayBuffer.isView(input[0])) return typedSource(input as readonly TypedArray[], who);
  return nestedSource(input as NestedNumbers, who, nullable);
}

function checkTensor(tensor: Tensor, who: string): void {
  if (tensor.isDisposed) {
    throw new DataError(`${who}: a tensor expected, got a disposed one; dispose of it after this call`);
  }
  if (tensor.dtype === 'string' || tensor.dtype === 'complex64') {
    throw new DataError(`${who}: a numeric tensor wanted, got dtype ${tensor.dtype}`);
  }
}

function readNow(tensor: Tensor, who: string): Float32Array {
  try {
    return tensor.dataSync<'float32'>();
  } catch (cause) {
    throw unreadable(who, cause);
  }
}

function unreadable(who: string, cause?: unknown): DataError {
  return new DataError(
    `${who}: a tensor that can be read at once expected, got one of a backend that cannot; ` +
      'pass { data: await tensor.data(), shape: tensor.shape }',
    { cause },
  );
}

function isTensor(input: unknown): input is Tensor {
  return typeof input === 'object' && input !== null && 'dataId' in input && 'shape' in input;
}

function isDims(input: unknown): input is DimsInput {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return false;
  return isAxisNumbers((input as Partial<DimsInput>).dims);
}

/** Whether it is flat numbers with their shape. */
export function isFlat(input: unknown): input is FlatInput {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return false;
  const { data, shape } = input as Partial<FlatInput>;
  return isAxisNumbers(shape) && (ArrayBuffer.isView(data) || Array.isArray(data));
}

type FarTensor = DimsInput & { readonly location?: unknown; getData?(): Promise<unknown> };

/** Whether a tensor of another library lies on another device. */
function isFar({ location, getData }: FarTensor): boolean {
  return location !== undefined && location !== 'cpu' && getData !== undefined;
}

async function valuesOf(tensor: FarTensor): Promise<unknown> {
  return isFar(tensor) ? tensor.getData?.() : tensor.data;
}

function dimsOf(tensor: DimsInput & { readonly type?: unknown }, data: unknown, who: string): FlatInput {
  const halves = tensor.type === 'float16' && isA('Uint16Array', data);
  if (halves || !(ArrayBuffer.isView(data) || Array.isArray(data))) {
    throw new DataError(
      `${who}: expected a numeric tensor, got one of type ${String(tensor.type)}; convert it to float32`,
    );
  }
  return { data: data as TypedArray, shape: tensor.dims };
}

/** A number, of one that may be a bigint; NaN for null, where that is allowed. */
export function numberOf(value: unknown, where: () => string, nullable = false): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw new DataError(`${where()}, got ${value}n, beyond 2^53; subtract a common base first`);
  }
  if (nullable && (value === null || value === undefined)) return Number.NaN;
  throw new DataError(`${where()}, got ${describe(value)}`);
}

/** The rows of flat numbers. Throws as `openRows` does. */
export function openFlat(input: FlatInput, who: string, form: Form = 'flat', nullable = false): Source {
  const { data } = input;
  const shape = Array.from(input.shape, Number);
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) {
      throw new DataError(`${who}: shape must hold whole numbers, got [${shape.join(', ')}]`);
    }
  }
  const columns = shape.slice(1).reduce((product, size) => product * size, 1);
  if (isA('DataView', data)) throw new DataError(`${who}: numbers wanted, got a DataView object`);
  const strides = stridesOf(input, who);
  const { offset = 0 } = input;
  if (strides === undefined && offset === 0) {
    const length = (shape[0] ?? 0) * columns;
    if (shape.length > 1 && data.length !== length) {
      throw new DataError(
        `${who}: shape [${shape.join(', ')}] wants ${length} values, data holds ${data.length}`,
      );
    }
    if (isNumberArray(data)) {
      const fill: Source['fill'] = (row, target, at) =>
        target.set(data.subarray(row * columns, (row + 1) * columns), at);
      return { shape, form, whole: data, fill };
    }
  }
  const steps = strides ?? rowMajor(shape);
  checkReach(data.length, offset, shape, steps, who);
  const places = placesOf(shape.slice(1), steps.slice(1));
  return {
    shape,
    form,
    fill(row, target, at) {
      const start = offset + row * (steps[0] ?? 1);
      for (let c = 0; c < columns; c++) {
        const where = () => `${who}: a number wanted at row ${row}, column ${c}`;
        target[at + c] = numberOf(data[start + places[c]!], where, nullable);
      }
    },
  };
}

function isNumberArray(data: unknown): data is NumberArray {
  return ArrayBuffer.isView(data) && !isA('BigInt64Array', data) && !isA('BigUint64Array', data);
}

function typedSource(rows: readonly TypedArray[], who: string): Source {
  const columns = rows[0]!.length;
  return {
    shape: [rows.length, columns],
    form: 'typedRows',
    fill(i, target, at) {
      const row = rows[i];
      if (row === undefined || !ArrayBuffer.isView(row) || row.length !== columns) {
        throw new DataError(
          `${who}: row 0 has ${columns} values, row ${i} has ${(row as TypedArray | undefined)?.length ?? describe(row)}`,
        );
      }
      if (isNumberArray(row)) target.set(row, at);
      else
        row.forEach((value, c) => {
          target[at + c] = numberOf(value, () => `${who}: a number wanted at row ${i}[${c}]`);
        });
    },
  };
}

function nestedSource(rows: NestedNumbers, who: string, nullable: boolean): Source {
  const shape: number[] = [];
  for (let level: unknown = rows; Array.isArray(level); level = level[0]) shape.push(level.length);
  let target: Float32Array | Float64Array = new Float32Array(0);
  let at = 0;
  const fill = (level: unknown, depth: number, path: string) => {
    if (!Array.isArray(level) || level.length !== shape[depth]) {
      const found = Array.isArray(level) ? `${level.length} values` : describe(level);
      throw new DataError(`${who}: row 0 has ${shape[depth]} values, ${path} has ${found}`);
    }
    if (depth + 1 < shape.length) {
      for (let i = 0; i < level.length; i++) fill(level[i], depth + 1, `${path}[${i}]`);
      return;
    }
    for (let i = 0; i < level.length; i++) {
      const value: unknown = level[i];
      if (typeof value === 'number') target[at++] = value;
      else target[at++] = numberOf(value, () => `${who}: a number wanted at ${path}[${i}]`, nullable);
    }
  };
  return {
    shape,
    form: 'arrays',
    fill(row, into, place) {
      target = into;
      at = place;
      fill(rows[row], 1, `row ${row}`);
    },
  };
}
