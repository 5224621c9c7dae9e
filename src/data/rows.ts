/** Opens a table in any accepted form, and reads it row by row in 64 bits. */

import { DataError, describe } from '../core/errors.js';
import { isA } from '../core/realms.js';
import type { Tensor } from '../core/tf.js';
import {
  type DimsInput,
  type FlatInput,
  type Form,
  isDims,
  isFlat,
  isNumberArray,
  isTensor,
  type MatrixInput,
  type NestedNumbers,
  type NumberArray,
  type TypedArray,
} from './forms.js';
import { checkBounds, offsetsOf, rowMajor, stridesOf } from './strides.js';

export type {
  DimsInput,
  FlatInput,
  Form,
  MatrixInput,
  NestedNumbers,
  NumberArray,
  TypedArray,
} from './forms.js';

/** A table in the memory of the caller. */
export interface Source {
  readonly shape: readonly number[];
  readonly form: Form;
  /** The whole table, if it is one row-major typed array of numbers. */
  readonly whole?: NumberArray;
  /** Writes one row, flat, into `target` from index `at` on. Throws `DataError` for entries that are not numbers. */
  fill(row: number, target: Float32Array | Float64Array, at: number): void;
}

/**
 * Opens a table. `caller` is named in messages; with `nullable`, null is read as NaN. Throws `DataError` for anything
 * but a table.
 */
export async function openRows(input: MatrixInput, caller: string, nullable = false): Promise<Source> {
  if (isTensor(input)) {
    checkTensor(input, caller);
    return openFlat({ data: await input.data<'float32'>(), shape: input.shape }, caller, 'tensor', nullable);
  }
  if (isDims(input)) return openFlat(dimsOf(input, await valuesOf(input), caller), caller, 'flat', nullable);
  return openArrays(input, caller, nullable);
}

/** As `openRows`, synchronously. Also throws `DataError` for a tensor that can only be read asynchronously (WebGPU). */
export function openRowsSync(input: MatrixInput, caller: string, nullable = false): Source {
  if (isTensor(input)) {
    checkTensor(input, caller);
    return openFlat({ data: readSync(input, caller), shape: input.shape }, caller, 'tensor', nullable);
  }
  if (isDims(input)) {
    if (isOnDevice(input)) throw unreadable(caller);
    return openFlat(dimsOf(input, input.data, caller), caller, 'flat', nullable);
  }
  return openArrays(input, caller, nullable);
}

function openArrays(
  input: Exclude<MatrixInput, Tensor | DimsInput>,
  caller: string,
  nullable: boolean,
): Source {
  if (isFlat(input)) return openFlat(input, caller, 'flat', nullable);
  if (!Array.isArray(input)) {
    if (typeof input === 'object' && input !== null && Symbol.asyncIterator in input) {
      throw new DataError(
        `${caller}: expected rows in memory, got a source of rows, which is read block by block; ` +
          'pass await collectRows(source), or some of its rows',
      );
    }
    throw new DataError(
      `${caller}: expected number[][], an array of typed arrays, { data, shape } or a tensor, got ${describe(input)}; ` +
        'collect the values in one of these forms',
    );
  }
  if (input.length === 0) return { shape: [0, 0], form: 'arrays', fill: () => {} };
  if (ArrayBuffer.isView(input[0])) return typedSource(input as readonly TypedArray[], caller);
  return nestedSource(input as NestedNumbers, caller, nullable);
}

function checkTensor(tensor: Tensor, caller: string): void {
  if (tensor.isDisposed) {
    throw new DataError(
      `${caller}: expected a live tensor, got a disposed one; dispose of it after this call`,
    );
  }
  if (tensor.dtype === 'string' || tensor.dtype === 'complex64') {
    throw new DataError(
      `${caller}: expected a numeric tensor, got dtype ${tensor.dtype}; cast it to float32`,
    );
  }
}

function readSync(tensor: Tensor, caller: string): Float32Array {
  try {
    return tensor.dataSync<'float32'>();
  } catch (cause) {
    throw unreadable(caller, cause);
  }
}

function unreadable(caller: string, cause?: unknown): DataError {
  return new DataError(
    `${caller}: expected a tensor that can be read synchronously, got one whose backend cannot do that; ` +
      'pass { data: await tensor.data(), shape: tensor.shape }',
    { cause },
  );
}

type DeviceTensor = DimsInput & { readonly location?: unknown; getData?(): Promise<unknown> };

/** Whether the values of a tensor of another library are on another device. */
function isOnDevice({ location, getData }: DeviceTensor): boolean {
  return location !== undefined && location !== 'cpu' && getData !== undefined;
}

async function valuesOf(tensor: DeviceTensor): Promise<unknown> {
  return isOnDevice(tensor) ? tensor.getData?.() : tensor.data;
}

function dimsOf(tensor: DimsInput & { readonly type?: unknown }, data: unknown, caller: string): FlatInput {
  const halves = tensor.type === 'float16' && isA('Uint16Array', data);
  if (halves || !(ArrayBuffer.isView(data) || Array.isArray(data))) {
    throw new DataError(
      `${caller}: expected a numeric tensor, got one of type ${String(tensor.type)}; convert it to float32`,
    );
  }
  return { data: data as TypedArray, shape: tensor.dims };
}

/**
 * A number or bigint as a number; with `nullable`, NaN for null. Throws `DataError` for anything else; `where` begins
 * its message with what is expected, and where.
 */
export function numberOf(value: unknown, where: () => string, nullable = false): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw new DataError(`${where()}, got ${value}n, beyond 2^53; subtract a common base first`);
  }
  if (nullable && (value === null || value === undefined)) return Number.NaN;
  throw new DataError(`${where()}, got ${describe(value)}; convert, fill or drop such values first`);
}

/** Opens a flat array with a shape. Throws as `openRows` does. */
export function openFlat(input: FlatInput, caller: string, form: Form = 'flat', nullable = false): Source {
  const { data } = input;
  const shape = Array.from(input.shape, Number);
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) {
      throw new DataError(
        `${caller}: expected a shape of integers of at least 0, got [${shape.join(', ')}]; give the length of each axis`,
      );
    }
  }
  const columns = shape.slice(1).reduce((product, size) => product * size, 1);
  if (isA('DataView', data)) {
    throw new DataError(`${caller}: expected an array of numbers, got a DataView object; pass a typed array`);
  }
  const strides = stridesOf(input, caller);
  const { offset = 0 } = input;
  if (strides === undefined && offset === 0) {
    const length = (shape[0] ?? 0) * columns;
    if (shape.length > 1 && data.length !== length) {
      throw new DataError(
        `${caller}: expected ${length} values for shape [${shape.join(', ')}], got ${data.length}; correct data or shape`,
      );
    }
    if (isNumberArray(data)) {
      const fill: Source['fill'] = (row, target, at) =>
        target.set(data.subarray(row * columns, (row + 1) * columns), at);
      return { shape, form, whole: data, fill };
    }
  }
  const steps = strides ?? rowMajor(shape);
  checkBounds(data.length, offset, shape, steps, caller);
  const offsets = offsetsOf(shape.slice(1), steps.slice(1));
  return {
    shape,
    form,
    fill(row, target, at) {
      const start = offset + row * (steps[0] ?? 1);
      for (let c = 0; c < columns; c++) {
        const where = () => `${caller}: expected a number at row ${row}, column ${c}`;
        target[at + c] = numberOf(data[start + offsets[c]!], where, nullable);
      }
    },
  };
}

function typedSource(rows: readonly TypedArray[], caller: string): Source {
  const columns = rows[0]!.length;
  return {
    shape: [rows.length, columns],
    form: 'typedRows',
    fill(i, target, at) {
      const row = rows[i];
      if (row === undefined || !ArrayBuffer.isView(row) || row.length !== columns) {
        const length = (row as TypedArray | undefined)?.length;
        throw raggedError(caller, columns, length === undefined ? describe(row) : `${length}`, `row ${i}`);
      }
      if (isNumberArray(row)) target.set(row, at);
      else
        row.forEach((value, c) => {
          target[at + c] = numberOf(value, () => `${caller}: expected a number at row ${i}[${c}]`);
        });
    },
  };
}

function raggedError(caller: string, columns: number, got: string, where: string): DataError {
  return new DataError(
    `${caller}: expected ${columns} values as in row 0, got ${got} in ${where}; make all rows equally long`,
  );
}

function nestedSource(rows: NestedNumbers, caller: string, nullable: boolean): Source {
  const shape: number[] = [];
  for (let level: unknown = rows; Array.isArray(level); level = level[0]) shape.push(level.length);
  let target: Float32Array | Float64Array = new Float32Array(0);
  let at = 0;
  const fill = (level: unknown, depth: number, path: string) => {
    if (!Array.isArray(level) || level.length !== shape[depth]) {
      throw raggedError(
        caller,
        shape[depth]!,
        Array.isArray(level) ? `${level.length}` : describe(level),
        path,
      );
    }
    if (depth + 1 < shape.length) {
      for (let i = 0; i < level.length; i++) fill(level[i], depth + 1, `${path}[${i}]`);
      return;
    }
    for (let i = 0; i < level.length; i++) {
      const value: unknown = level[i];
      if (typeof value === 'number') target[at++] = value;
      else target[at++] = numberOf(value, () => `${caller}: expected a number at ${path}[${i}]`, nullable);
    }
  };
  return {
    shape,
    form: 'arrays',
    fill(row, into, start) {
      target = into;
      at = start;
      fill(rows[row], 1, `row ${row}`);
    },
  };
}
