/** What `y` may be, and how it is read. */
import { DataError, describe } from '../core/errors.js';
import type { Tensor } from '../core/tf.js';
import type { WideMatrix } from './matrix.js';
import {
  type DimsInput,
  type FlatInput,
  type MatrixInput,
  type NumberArray,
  numberOf,
  openRows,
  type TypedArray,
} from './rows.js';

/** A class of a row: a number or a word; null, undefined and -1 mean "unknown". */
export type Label = number | string | null | undefined;

/**
 * One label or one target value a row. For `targetMetric: 'euclidean'` also several target values a row, in any form
 * that rows may have; a row with null or NaN among them, or null itself, has an unknown target.
 */
export type Targets =
  | readonly (Label | bigint)[]
  | TypedArray
  | readonly (readonly (number | null | undefined)[] | null | undefined)[]
  | readonly TypedArray[]
  | FlatInput
  | DimsInput
  | Tensor;

/** One target a row, as it was given. */
export type TargetList = readonly Label[] | NumberArray;

/** `y` once it has been looked at: one target a row, or a table of them with NaN for what is not known. */
export type EnteredTargets = TargetList | WideMatrix;

export interface Classes {
  /** Class of each row as an index into `names`; -1 is unknown. */
  readonly ids: Int32Array;
  /** The labels, sorted: numbers by value, words by code unit. */
  readonly names: readonly (number | string)[];
}

/** Finds out what form `y` has. Throws `DataError` for another number of rows, and for what is not a target. */
export async function enterTargets(y: Targets, rows: number): Promise<EnteredTargets> {
  if (!Array.isArray(y) && !ArrayBuffer.isView(y)) {
    if (typeof y !== 'object' || y === null || !('shape' in y || 'dims' in y)) checkLength(y, rows);
    return readTable(y as FlatInput | DimsInput | Tensor, rows);
  }
  checkLength(y, rows);
  if (Array.isArray(y)) {
    const several = (y as readonly unknown[]).find((entry) => typeof entry === 'object' && entry !== null);
    if (Array.isArray(several) || ArrayBuffer.isView(several)) {
      const unknown = new Array<null>((several as ArrayLike<unknown>).length).fill(null);
      // Plain rows, so that a null among them can be told from a row of bytes.
      const filled = (y as readonly (ArrayLike<number> | null | undefined)[]).map((row) =>
        row === null || row === undefined ? unknown : ArrayBuffer.isView(row) ? Array.from(row) : row,
      );
      return readTable(filled as unknown as MatrixInput, rows);
    }
  }
  const list = y as ArrayLike<Label | bigint>;
  for (let i = 0; i < rows; i++) {
    if (typeof list[i] !== 'bigint') continue;
    const where = (row: number) => () => `fit: y must hold whole numbers up to 2^53, at row ${row}`;
    return Array.from(list, (label, row) =>
      typeof label === 'bigint' ? numberOf(label, where(row)) : label,
    );
  }
  return y as TargetList;
}

async function readTable(y: MatrixInput, rows: number): Promise<EnteredTargets> {
  const { shape, fill } = await openRows(y, 'fit: y', true);
  if (shape[0] !== rows) {
    throw new DataError(`fit: y must have one entry a row (${rows}); got ${shape[0]} entries`);
  }
  const columns = shape.slice(1).reduce((product, size) => product * size, 1);
  const data = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) fill(row, data, row * columns);
  return columns === 1
    ? Array.from(data, (value) => (Number.isNaN(value) ? null : value))
    : { data, shape: [rows, columns] };
}

/** Whether there are several targets a row. */
export function isTable(y: EnteredTargets): y is WideMatrix {
  return typeof y === 'object' && y !== null && 'shape' in y && !ArrayBuffer.isView(y);
}

/**
 * Reads categorical labels. `known` are the classes of an earlier fit, which keep their indices.
 * Throws `DataError` for a wrong length, labels of mixed kinds, and labels that are neither numbers nor words.
 */
export function readClasses(
  y: EnteredTargets,
  rows: number,
  known: readonly (number | string)[] = [],
): Classes {
  if (isTable(y)) {
    throw new DataError(
      `fit: expected one label a row, got ${y.shape[1]} columns; for numbers on a scale set targetMetric: 'euclidean'`,
    );
  }
  checkLength(y, rows);
  const kinds = new Set<string>();
  const found = new Set<number | string>();
  for (let i = 0; i < y.length; i++) {
    const label = y[i];
    if (isUnknown(label)) continue;
    if (typeof label !== 'string' && !(typeof label === 'number' && Number.isFinite(label))) {
      throw new DataError(`fit: y must hold numbers, words or null; got ${describe(label)} at row ${i}`);
    }
    kinds.add(typeof label);
    found.add(label);
  }
  for (const name of known) kinds.add(typeof name);
  if (kinds.size > 1) throw new DataError('fit: y must hold labels of one kind; got numbers and words');
  const fresh = [...found].filter((name) => !known.includes(name));
  const names = [...known, ...fresh.sort((a, b) => (a < b ? -1 : 1))];
  const index = new Map(names.map((name, i) => [name, i]));
  const ids = Int32Array.from(y as ArrayLike<Label>, (label) => (isUnknown(label) ? -1 : index.get(label)!));
  return { ids, names };
}

/**
 * Reads continuous targets, one number or more a row; a row whose target is not known holds NaN in every column.
 * Throws `DataError` for a wrong length, and for what is neither a finite number nor null, undefined or NaN.
 */
export function readValues(y: EnteredTargets, rows: number): WideMatrix {
  const table = isTable(y);
  if (!table) checkLength(y, rows);
  const columns = table ? y.shape[1] : 1;
  const list: ArrayLike<Label> = table ? y.data : y;
  const data = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    for (let i = start; i < start + columns; i++) {
      const value = list[i] ?? Number.NaN;
      if (
        typeof value !== 'number' ||
        value === Number.POSITIVE_INFINITY ||
        value === Number.NEGATIVE_INFINITY
      ) {
        throw new DataError(
          'fit: y must hold finite numbers for a continuous targetMetric (null for unknown); ' +
            `got ${describe(value)} at row ${row}`,
        );
      }
      data[i] = value;
    }
    if (data.subarray(start, start + columns).some(Number.isNaN))
      data.fill(Number.NaN, start, start + columns);
  }
  return { data, shape: [rows, columns] };
}

function isUnknown(label: Label): label is null | undefined | -1 {
  return label === null || label === undefined || label === -1;
}

/** Throws `DataError` unless there is one target a row. */
function checkLength(y: unknown, rows: number): void {
  const length =
    Array.isArray(y) || ArrayBuffer.isView(y) ? (y as unknown as ArrayLike<unknown>).length : undefined;
  if (length === rows) return;
  throw new DataError(
    `fit: y must have one entry a row (${rows}); got ${length === undefined ? describe(y) : `${length} entries`}`,
  );
}
