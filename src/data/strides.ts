/** Memory layout of flat arrays: where the entry of an index is. */

import { DataError, describe } from '../core/errors.js';
import { isA } from '../core/realms.js';

/**
 * Shape and memory layout of a flat array. The default is row-major. `stride` (or `strides`) and `offset` give any other
 * layout, as in ndarray and @stdlib/ndarray. `fortranOrder: true` (or `order: 'column-major'`) means that the first axis
 * varies fastest, as in npyjs. Strides take precedence over the order.
 */
export interface Layout {
  /** Length of each axis; the first one counts rows. */
  readonly shape: AxisNumbers;
  /** For each axis, how many entries of `data` lie between one index and the next. Default: row-major. */
  readonly stride?: AxisNumbers | undefined;
  /** Another name for `stride`. */
  readonly strides?: AxisNumbers | undefined;
  /** Index in `data` of the first entry. Default 0. */
  readonly offset?: number | undefined;
  /** Column-major, where no strides are given. Default false. */
  readonly fortranOrder?: boolean | undefined;
  /** Another name for `fortranOrder`, as in NumPy's files. */
  readonly fortran_order?: boolean | undefined;
  /** `'row-major'` or `'C'` (default), `'column-major'` or `'F'`. Used where no strides are given. */
  readonly order?: unknown;
}

/** One number per axis. */
export type AxisNumbers =
  | readonly number[]
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** Whether it may hold one number per axis. */
export function isAxisNumbers(value: unknown): value is AxisNumbers {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !isA('DataView', value));
}

const columnMajor: Readonly<Record<string, boolean>> = {
  'row-major': false,
  C: false,
  c: false,
  'column-major': true,
  F: true,
  f: true,
};

/** The strides, given or by the order; undefined for row-major. Throws `DataError` for strides that fit no axes. */
export function stridesOf(input: Layout, caller: string): readonly number[] | undefined {
  const shape = Array.from(input.shape, Number);
  const given: unknown = input.stride ?? input.strides;
  if (given === undefined || given === null) {
    return isColumnMajor(input, caller) ? rowMajor(shape.reverse()).reverse() : undefined;
  }
  const strides = isAxisNumbers(given) ? Array.from(given, Number) : undefined;
  const whole = (value: unknown) => Number.isInteger(value);
  if (strides === undefined || strides.length !== shape.length || !strides.every(whole)) {
    throw new DataError(
      `${caller}: expected one integer stride per axis (${shape.length}), got [${String(given)}]; ` +
        'correct the strides, or leave them out for row-major data',
    );
  }
  const usual = rowMajor(shape);
  return strides.every((stride, axis) => stride === usual[axis]) ? undefined : strides;
}

function isColumnMajor({ fortranOrder, fortran_order, order }: Layout, caller: string): boolean {
  if (fortranOrder === true || fortran_order === true) return true;
  if (order === undefined || order === null) return false;
  if (typeof order === 'string' && Object.hasOwn(columnMajor, order)) return columnMajor[order]!;
  throw new DataError(
    `${caller}: expected order 'row-major' ('C') or 'column-major' ('F'), got ${describe(order)}; ` +
      'for another order give strides',
  );
}

/** The strides of a row-major array: the last axis varies fastest. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** Throws `DataError` where offset and strides lead outside the data. */
export function checkBounds(
  length: number,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
  caller: string,
): void {
  if (shape.includes(0)) return;
  let lowest = offset;
  let highest = offset;
  for (const [axis, stride] of strides.entries()) {
    const reach = stride * (shape[axis]! - 1);
    if (reach < 0) lowest += reach;
    else highest += reach;
  }
  if (Number.isInteger(offset) && lowest >= 0 && highest < length) return;
  throw new DataError(
    `${caller}: expected offset and strides within the data (0 to ${length - 1}), got ${lowest} to ${highest}; ` +
      'correct offset, strides or shape',
  );
}

/** The offset of each entry of a row from the first one. */
export function offsetsOf(shape: readonly number[], strides: readonly number[]): Int32Array {
  let offsets = [0];
  for (const [axis, size] of shape.entries()) {
    const step = strides[axis]!;
    offsets = offsets.flatMap((offset) => Array.from({ length: size }, (_, i) => offset + i * step));
  }
  return Int32Array.from(offsets);
}
