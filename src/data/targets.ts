/** Parses the targets `y` of `fit`: class labels or continuous values. */
import { DataError, describe } from '../core/errors.js';
import type { Tensor } from '../core/tf.js';
import type { Matrix64 } from './matrix.js';
import {
  type DimsInput,
  type FlatInput,
  type MatrixInput,
  type NumberArray,
  numberOf,
  openRows,
  type TypedArray,
} from './rows.js';

/** A class label: a number or a string; null, undefined and -1 mean "unknown". */
export type Label = number | string | null | undefined;

/**
 * One label or target value per row. With `targetMetric: 'euclidean'` also several values per row, in any form that
 * rows may have. A row that is null, or contains null or NaN, has an unknown target.
 */
export type Targets =
  | readonly (Label | bigint)[]
  | TypedArray
  | readonly (readonly (number | null | undefined)[] | null | undefined)[]
  | readonly TypedArray[]
  | FlatInput
  | DimsInput
  | Tensor;

/** One target per row, as given. */
export type TargetList = readonly Label[] | NumberArray;

/** `y` after parsing: one target per row, or a table of several per row with NaN for unknown ones. */
export type ParsedTargets = TargetList | Matrix64;

export interface Classes {
  /** Class of each row as an index into `names`; -1 is unknown. */
  readonly ids: Int32Array;
  /** The labels, sorted: numbers by value, strings by code unit. */
  readonly names: readonly (number | string)[];
}

/** Recognizes the form of `y`. Throws `DataError` if the number of rows differs, or entries are not targets. */
export async function parseTargets(y: Targets, rows: number): Promise<ParsedTargets> {
  if (!Array.isArray(y) && !ArrayBuffer.isView(y)) {
    if (typeof y !== 'object' || y === null || !('shape' in y || 'dims' in y)) checkLength(y, rows);
    return readTable(y as FlatInput | DimsInput | Tensor, rows);
  }
  checkLength(y, rows);
  if (Array.isArray(y)) {
    const several = (y as readonly unknown[]).find((entry) => typeof entry === 'object' && entry !== null);
    if (Array.isArray(several) || ArrayBuffer.isView(several)) {
      const unknown = new Array<null>((several as ArrayLike<unknown>).length).fill(null);
      // Plain arrays, so that null entries can stand beside them.
      const filled = (y as readonly (ArrayLike<number> | null | undefined)[]).map((row) =>
        row === null || row === undefined ? unknown : ArrayBuffer.isView(row) ? Array.from(row) : row,
      );
      return readTable(filled as unknown as MatrixInput, rows);
    }
  }
  const list = y as ArrayLike<Label | bigint>;
  for (let i = 0; i < rows; i++) {
    if (typeof list[i] !== 'bigint') continue;
    const where = (row: number) => () => `fit: y: expected integers up to 2^53 at row ${row}`;
    return Array.from(list, (label, row) =>
      typeof label === 'bigint' ? numberOf(label, where(row)) : label,
    );
  }
  return y as TargetList;
}

async function readTable(y: MatrixInput, rows: number): Promise<ParsedTargets> {
  const { shape, fill } = await openRows(y, 'fit: y', true);
  if (shape[0] !== rows) throw lengthError(rows, `${shape[0]} entries`);
  const columns = shape.slice(1).reduce((product, size) => product * size, 1);
  const data = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) fill(row, data, row * columns);
  return columns === 1
    ? Array.from(data, (value) => (Number.isNaN(value) ? null : value))
    : { data, shape: [rows, columns] };
}

/** The targets of some rows, by index. */
export function takeTargets(y: ParsedTargets, rows: ArrayLike<number>): ParsedTargets {
  if (!isTable(y)) return Array.from(rows, (row) => y[row]);
  const columns = y.shape[1];
  const data = Float64Array.from(
    { length: rows.length * columns },
    (_, at) => y.data[rows[Math.floor(at / columns)]! * columns + (at % columns)]!,
  );
  return { data, shape: [rows.length, columns] };
}

/** Whether there are several targets per row. */
export function isTable(y: ParsedTargets): y is Matrix64 {
  return typeof y === 'object' && y !== null && 'shape' in y && !ArrayBuffer.isView(y);
}

/**
 * Reads class labels. `known` are the classes of an earlier fit, which keep their indices. Throws `DataError` for a wrong
 * length, for labels that are neither numbers nor strings, and for a mixture of both.
 */
export function readClasses(
  y: ParsedTargets,
  rows: number,
  known: readonly (number | string)[] = [],
): Classes {
  if (isTable(y)) {
    throw new DataError(
      `fit: y: expected one label per row, got ${y.shape[1]} columns; for continuous values set targetMetric: 'euclidean'`,
    );
  }
  checkLength(y, rows);
  const kinds = new Set<string>();
  const found = new Set<number | string>();
  for (let i = 0; i < y.length; i++) {
    const label = y[i];
    if (isUnknown(label)) continue;
    if (typeof label !== 'string' && !(typeof label === 'number' && Number.isFinite(label))) {
      throw new DataError(
        `fit: y: expected a number, a string or null, got ${describe(label)} at row ${i}; use null for unknown labels`,
      );
    }
    kinds.add(typeof label);
    found.add(label);
  }
  for (const name of known) kinds.add(typeof name);
  if (kinds.size > 1) {
    throw new DataError(
      'fit: y: expected labels of one type, got numbers and strings; make all labels numbers, or all strings',
    );
  }
  const added = [...found].filter((name) => !known.includes(name));
  const names = [...known, ...added.sort((a, b) => (a < b ? -1 : 1))];
  const index = new Map(names.map((name, i) => [name, i]));
  const ids = Int32Array.from(y as ArrayLike<Label>, (label) => (isUnknown(label) ? -1 : index.get(label)!));
  return { ids, names };
}

/**
 * Reads continuous targets, one or more numbers per row; a row whose target is unknown has NaN in every column.
 * Throws `DataError` for a wrong length, and for entries other than finite numbers, null, undefined and NaN.
 */
export function readValues(y: ParsedTargets, rows: number): Matrix64 {
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
          `fit: y: expected finite numbers for a continuous targetMetric, got ${describe(value)} at row ${row}; ` +
            'use null for unknown targets',
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

/** Throws `DataError` unless there is one target per row. */
function checkLength(y: unknown, rows: number): void {
  const length =
    Array.isArray(y) || ArrayBuffer.isView(y) ? (y as unknown as ArrayLike<unknown>).length : undefined;
  if (length === rows) return;
  throw lengthError(rows, length === undefined ? describe(y) : `${length} entries`);
}

function lengthError(rows: number, got: string): DataError {
  return new DataError(
    `fit: y: expected one entry per row (${rows}), got ${got}; give null for rows whose target is unknown`,
  );
}
