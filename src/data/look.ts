/** What a sample of a table says: where its columns lie, how wide they are, and what 32 bits would lose of them. */

import { DataError } from '../core/errors.js';
import type { Matrix, RowFrame } from '../core/types.js';
import type { Source } from './rows.js';

/** A column this many spreads from 0 keeps some thousand places in 32 bits. */
export const farAway = 2 ** 12;
/** Values that the columns are judged by, about, and rows, at least and at most. */
const sampleSize = 2 ** 18;
const fewestSampled = 64;
const mostSampled = 256;
/** Of the different whole numbers of a column, this share has to stay different. */
const mostKept = 0.75;

/** What a sample says of each column, in a frame if there is one. */
export interface Look {
  readonly middle: Float64Array;
  /** Width of the middle half of the distinct values; 0 for one value. */
  readonly spread: Float64Array;
  /** 1 where 32 bits change a value. */
  readonly inexact: Uint8Array;
  /** Different whole numbers of each column, and how many of them 32 bits keep; 0 and 0 for other columns. */
  readonly whole: readonly (readonly [found: number, kept: number])[];
  /** The largest spread. */
  readonly widest: number;
}

/** Looks at a sample of the rows. */
export function lookAt(source: Source, rows: number, columns: number, frame?: RowFrame): Look {
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
  const middle = new Float64Array(columns);
  const spread = new Float64Array(columns);
  const whole: [number, number][] = [];
  let widest = 0;
  for (let c = 0; c < columns; c++) {
    // Distinct values, so that many zeros, or one marker of a missing value, do not stand for the rest.
    const values = sample.subarray(c * count, (c + 1) * count).sort();
    let kept = 0;
    for (const value of values) if (kept === 0 || value !== values[kept - 1]) values[kept++] = value;
    middle[c] = values[kept >> 1]!;
    whole.push(fraction[c] ? [0, 0] : [kept, new Set(Float32Array.from(values.subarray(0, kept))).size]);
    spread[c] = values[Math.ceil((kept - 1) * 0.75)]! - values[Math.floor((kept - 1) * 0.25)]!;
    if (spread[c]! > widest) widest = spread[c]!;
  }
  return { middle, spread, inexact, whole, widest };
}

/** Throws `DataError` for a column of whole numbers of which 32 bits lose many, though its middle is near 0. */
export function checkWhole({ spread, whole, widest }: Look, who: string, columnwise: boolean): void {
  for (const [c, [found, kept]] of whole.entries()) {
    if (kept >= mostKept * found || (!columnwise && spread[c]! * farAway < widest)) continue;
    throw new DataError(
      `${who}: expected columns that 32-bit numbers can hold, got column ${c}, of which they keep ${kept} of ${found} ` +
        'different whole numbers; give its parts as columns, such as days and milliseconds',
    );
  }
}

/**
 * Throws `DataError` for distances that lie so near each other, for their size, that 32 bits lose which is the nearer.
 *
 * @param fill writes one of `lists` lists of distances, of `width` each.
 */
export function checkDistances(
  fill: (list: number, into: Float64Array) => void,
  [lists, width]: Matrix['shape'],
  who: string,
): void {
  const list = new Float64Array(width);
  const count = Math.min(lists, Math.max(mostSampled, Math.floor(sampleSize / 64 / width)));
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  let inexact = false;
  for (let i = 0; i < count; i++) {
    fill(Math.floor(((i + 0.5) * lists) / count), list);
    for (const value of list) {
      // A row's distance from itself, and rows that are not connected.
      if (!(value > 0 && value < Number.POSITIVE_INFINITY)) continue;
      if (value < least) least = value;
      if (value > most) most = value;
      if (Math.fround(value) !== value) inexact = true;
    }
  }
  if (!inexact || !(most > least) || least < farAway * (most - least)) return;
  throw new DataError(
    `${who}: expected distances that 32-bit numbers can hold, got ${least} to ${most}; ` +
      'subtract what all have in common from those between different rows',
  );
}
