/** What `y` may be, and how it is read. */
import { DataError, describe } from './errors.js';
import type { TypedArray } from './matrix.js';

/** A class of a row: a number or a word; null, undefined and -1 mean "unknown". */
export type Label = number | string | null | undefined;

/** One label or one target value a row. */
export type Targets = readonly Label[] | TypedArray;

export interface Classes {
  /** Class of each row as an index into `names`; -1 is unknown. */
  readonly ids: Int32Array;
  /** The labels, sorted: numbers by value, words by code unit. */
  readonly names: readonly (number | string)[];
}

/**
 * Reads categorical labels. `known` are the classes of an earlier fit, which keep their indices.
 * Throws `DataError` for a wrong length, labels of mixed kinds, and labels that are neither numbers nor words.
 */
export function readClasses(y: Targets, rows: number, known: readonly (number | string)[] = []): Classes {
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

/** Reads continuous targets, one number a row. Throws `DataError` for a wrong length or anything else. */
export function readValues(y: Targets, rows: number): Float32Array {
  checkLength(y, rows);
  return Float32Array.from(y as ArrayLike<Label>, (value, i) => {
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw new DataError(
      `fit: y must hold finite numbers for a continuous targetMetric; got ${describe(value)} at row ${i}`,
    );
  });
}

function isUnknown(label: Label): label is null | undefined | -1 {
  return label === null || label === undefined || label === -1;
}

/** Throws `DataError` unless there is one target a row. */
export function checkLength(y: Targets, rows: number): void {
  const length = Array.isArray(y) || ArrayBuffer.isView(y) ? y.length : undefined;
  if (length === rows) return;
  throw new DataError(
    `fit: y must have one entry a row (${rows}); got ${length === undefined ? describe(y) : `${length} entries`}`,
  );
}
