/** Where the entries of a table lie in a flat array. */

import { DataError } from '../core/errors.js';

/**
 * The axes of a flat array. Row-major, unless `stride` (or `strides`) and `offset` say where the entries lie, as in
 * ndarray and @stdlib/ndarray, or `fortranOrder: true` says that the first axis runs fastest, as in npyjs.
 */
export interface Layout {
  /** Length of each axis; the first one counts rows. */
  readonly shape: readonly number[];
  /** Places in the array from one index of an axis to the next, for each axis. Default: row-major. */
  readonly stride?: readonly number[] | undefined;
  /** Another name for `stride`. */
  readonly strides?: readonly number[] | undefined;
  /** Place of the first entry. Default 0. */
  readonly offset?: number | undefined;
  /** Column-major, where no strides are given. Default false. */
  readonly fortranOrder?: boolean | undefined;
}

/** Strides that are given and are not the row-major ones. */
export function stridesOf(input: Layout, who: string): readonly number[] | undefined {
  const { shape } = input;
  const given = input.stride ?? input.strides;
  const strides =
    given ?? (input.fortranOrder === true ? rowMajor([...shape].reverse()).reverse() : undefined);
  if (strides === undefined) return undefined;
  const whole = (value: unknown) => Number.isInteger(value);
  if (!Array.isArray(strides) || strides.length !== shape.length || !strides.every(whole)) {
    throw new DataError(
      `${who}: expected one whole stride an axis (${shape.length}), got [${String(strides)}]`,
    );
  }
  const usual = rowMajor(shape);
  return strides.every((stride, axis) => stride === usual[axis]) ? undefined : strides;
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
