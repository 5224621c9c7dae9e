/** Where the entries of a table lie in a flat array. */

import { DataError, describe } from '../core/errors.js';
import { isA } from '../core/realms.js';

/**
 * The axes of a flat array. Row-major, unless `stride` (or `strides`) and `offset` say where the entries lie, as in
 * ndarray and @stdlib/ndarray, or `fortranOrder: true` (or `order: 'column-major'`) says that the first axis runs fastest,
 * as in npyjs. Strides, where given, win over the order.
 */
export interface Layout {
  /** Length of each axis; the first one counts rows. */
  readonly shape: AxisNumbers;
  /** Places in the array from one index of an axis to the next, for each axis. Default: row-major. */
  readonly stride?: AxisNumbers | undefined;
  /** Another name for `stride`. */
  readonly strides?: AxisNumbers | undefined;
  /** Place of the first entry. Default 0. */
  readonly offset?: number | undefined;
  /** Column-major, where no strides are given. Default false. */
  readonly fortranOrder?: boolean | undefined;
  /** Another name for `fortranOrder`, as in NumPy's files. */
  readonly fortran_order?: boolean | undefined;
  /** The same in words: `'row-major'` or `'C'` (default), `'column-major'` or `'F'`. Read where no strides are given. */
  readonly order?: unknown;
}

/** One number an axis. */
export type AxisNumbers =
  | readonly number[]
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** Whether it may be one number an axis. */
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

/** Strides that are given, or follow from an order, and are not the row-major ones. */
export function stridesOf(input: Layout, who: string): readonly number[] | undefined {
  const shape = Array.from(input.shape, Number);
  const given: unknown = input.stride ?? input.strides;
  if (given === undefined || given === null) {
    return isColumnMajor(input, who) ? rowMajor(shape.reverse()).reverse() : undefined;
  }
  const strides = isAxisNumbers(given) ? Array.from(given, Number) : undefined;
  const whole = (value: unknown) => Number.isInteger(value);
  if (strides === undefined || strides.length !== shape.length || !strides.every(whole)) {
    throw new DataError(
      `${who}: expected one whole stride an axis (${shape.length}), got [${String(given)}]`,
    );
  }
  const usual = rowMajor(shape);
  return strides.every((stride, axis) => stride === usual[axis]) ? undefined : strides;
}

function isColumnMajor({ fortranOrder, fortran_order, order }: Layout, who: string): boolean {
  if (fortranOrder === true || fortran_order === true) return true;
  if (order === undefined || order === null) return false;
  if (typeof order === 'string' && Object.hasOwn(columnMajor, order)) return columnMajor[order]!;
  throw new DataError(
    `${who}: expected order 'row-major' ('C') or 'column-major' ('F'), got ${describe(order)}; give strides for another`,
  );
}

/** The strides of a table whose last axis runs fastest. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** Throws `DataError` where strides lead out of the data. */
export function checkReach(
  length: number,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
  who: string,
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
    `${who}: expected offset and strides within the data (0 to ${length - 1}), got ${lowest} to ${highest}`,
  );
}

/** Where the entries of one row lie from its first one on. */
export function placesOf(shape: readonly number[], strides: readonly number[]): Int32Array {
  let places = [0];
  for (const [axis, size] of shape.entries()) {
    const step = strides[axis]!;
    places = places.flatMap((place) => Array.from({ length: size }, (_, i) => place + i * step));
  }
  return Int32Array.from(places);
}
