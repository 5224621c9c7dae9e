/** Statistics of the columns of a table, from a sample of rows: location, spread, and what 32 bits would lose. */

import { DataError } from '../core/errors.js';
import type { Matrix, RowFrame } from '../core/types.js';
import type { Source } from './rows.js';

/** Distance from 0, in spreads, at which 32 bits leave a column some thousand distinct values. */
export const farFromZero = 2 ** 12;
/** Size of the sample: about this many values, within these numbers of rows. */
const sampleSize = 2 ** 18;
const fewestSampled = 64;
const mostSampled = 256;
/** Share of the distinct integers of a column that 32 bits must keep distinct. */
const minKept = 0.75;

/** Statistics of each column, after shift and scale if there is a frame. */
export interface ColumnStats {
  /** Median of the distinct values. */
  readonly median: Float64Array;
  /** Interquartile range of the distinct values; 0 for one value. */
  readonly spread: Float64Array;
  /** 1 for columns with a value that 32 bits change. */
  readonly inexact: Uint8Array;
  /** Distinct values of each column of integers, and how many of them 32 bits keep; 0 and 0 for other columns. */
  readonly integers: readonly (readonly [found: number, kept: number])[];
  /** The largest spread. */
  readonly widest: number;
}

/** Computes the statistics from at most 256 rows, evenly spaced. */
export function columnStats(source: Source, rows: number, columns: number, frame?: RowFrame): ColumnStats {
  const most = Math.min(mostSampled, Math.max(fewestSampled, Math.floor(sampleSize / columns)));
  const count = Math.min(rows, most);
  const row = new Float64Array(columns);
  const sample = new Float64Array(columns * count);
  const inexact = new Uint8Array(columns);
  const fraction = new Uint8Array(columns);
  for (let i = 0; i < count; i++) {
    source.fill(Math.floor(((i + 0.5) * rows) / count), row, 0);
    for (let c = 0; c < columns; c++) {
      const value = frame ? (row[c]! - frame.shift[c]!) * frame.scale : row[c]!;
      sample[c * count + i] = value;
      if (!Number.isInteger(row[c])) fraction[c] = 1;
      if (Math.fround(value) !== value) inexact[c] = 1;
    }
  }
  const median = new Float64Array(columns);
  const spread = new Float64Array(columns);
  const integers: [number, number][] = [];
  let widest = 0;
  for (let c = 0; c < columns; c++) {
    // Distinct values only, so that many zeros or one marker of missing values do not dominate.
    const values = sample.subarray(c * count, (c + 1) * count).sort();
    let kept = 0;
    for (const value of values) if (kept === 0 || value !== values[kept - 1]) values[kept++] = value;
    median[c] = values[kept >> 1]!;
    integers.push(fraction[c] ? [0, 0] : [kept, new Set(Float32Array.from(values.subarray(0, kept))).size]);
    spread[c] = values[Math.ceil((kept - 1) * 0.75)]! - values[Math.floor((kept - 1) * 0.25)]!;
    if (spread[c]! > widest) widest = spread[c]!;
  }
  return { median, spread, inexact, integers, widest };
}

/** Throws `DataError` for a column of integers of which 32 bits lose many, though its median is near 0. */
export function checkIntegers(
  { spread, integers, widest }: ColumnStats,
  caller: string,
  columnwise: boolean,
): void {
  for (const [c, [found, kept]] of integers.entries()) {
    if (kept >= minKept * found || (!columnwise && spread[c]! * farFromZero < widest)) continue;
    throw new DataError(
      `${caller}: expected columns that 32-bit numbers can hold, got column ${c}, of which they keep ${kept} of ${found} ` +
        'distinct integers; split it into several columns, such as days and milliseconds',
    );
  }
}

/**
 * Throws `DataError` for distances whose differences are so small, relative to their size, that 32 bits lose their order.
 * There are `lists` lists of `width` distances each; `fill` writes one of them.
 */
export function checkDistances(
  fill: (list: number, into: Float64Array) => void,
  [lists, width]: Matrix['shape'],
  caller: string,
): void {
  const list = new Float64Array(width);
  const count = Math.min(lists, Math.max(mostSampled, Math.floor(sampleSize / 64 / width)));
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  let inexact = false;
  for (let i = 0; i < count; i++) {
    fill(Math.floor(((i + 0.5) * lists) / count), list);
    for (const value of list) {
      // Neither a row's distance from itself nor rows that are not connected.
      if (!(value > 0 && value < Number.POSITIVE_INFINITY)) continue;
      if (value < least) least = value;
      if (value > most) most = value;
      if (Math.fround(value) !== value) inexact = true;
    }
  }
  if (!inexact || !(most > least) || least < farFromZero * (most - least)) return;
  throw new DataError(
    `${caller}: expected distances that 32-bit numbers can hold, got ${least} to ${most}; ` +
      'subtract a constant from the distances between different rows',
  );
}
