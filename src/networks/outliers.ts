/** Finds rows and cells that are far from all others, so that statistics can be computed without them. */

import { blockOf, inBlocks, type Work, whole } from '../core/pauses.js';
import type { Matrix } from '../core/types.js';
import { takeRows } from '../data/matrix.js';

/** Rows from which principal axes and scale are computed. */
export const SAMPLED_ROWS = 5000;
/** Rows from which the median and the spread of each column are computed. */
const SPREAD_ROWS = 512;
/** A row is an outlier beyond this many times the median distance from the mean; a cell likewise within its column. */
const FAR = 10;

/**
 * (A sample of) the rows without outliers; undefined if there are none. First, cells that are outliers are replaced
 * by the median of their column, so that a table with a bad cell in every other row is still usable. Then rows far
 * from the mean are removed, and the mean is recomputed, until none is left. Where half of the rows are equal, there
 * is no scale by which a row could be far.
 */
export function* nearRowsInParts(matrix: Matrix): Work<Matrix | undefined> {
  const [rows] = matrix.shape;
  const cleaned = yield* withoutFarCells(matrix, strided(rows, SAMPLED_ROWS));
  const from = cleaned ?? matrix;
  const sampled = cleaned
    ? Int32Array.from({ length: cleaned.shape[0] }, (_, i) => i)
    : strided(rows, SAMPLED_ROWS);
  let near = sampled;
  for (let found = true; found; ) {
    const squares = yield* squaresAboutMean(from, near);
    const median = squares.slice().sort()[near.length >> 1]!;
    if (median === 0) return cleaned;
    const kept = near.filter((_, i) => squares[i]! <= FAR ** 2 * median);
    found = kept.length < near.length;
    near = kept;
  }
  if (near.length === sampled.length || near.length < 2) return cleaned;
  return takeRows(from, near);
}

/** Up to `most` row numbers, evenly spaced. */
function strided(rows: number, most: number): Int32Array {
  const step = Math.max(1, rows / most);
  return Int32Array.from({ length: Math.min(rows, most) }, (_, i) => Math.floor(i * step));
}

/**
 * The given rows with outlier cells replaced by the median of their column; undefined if there are none. A cell is an
 * outlier if it is `FAR` times as far from the median as usual in its column, and if it alone would make the length
 * of its row `FAR` times that of a usual row.
 */
function* withoutFarCells(matrix: Matrix, rows: Int32Array): Work<Matrix | undefined> {
  const columns = matrix.shape[1];
  const { medians, spreads } = yield* columnSpreads(matrix);
  const positive = spreads.filter((value) => value > 0).sort();
  if (positive.length === 0) return undefined;
  // Length of a usual row, estimated from the median column, so that a few columns cannot dominate.
  const usual = positive[positive.length >> 1]! * Math.sqrt(positive.length);
  const limit = spreads.map((value) => FAR * Math.max(value, usual));
  let cleaned: Matrix | undefined;
  for (let i = 0; i < rows.length; i++) {
    if (i % blockOf(columns) === 0) yield;
    const at = rows[i]! * columns;
    for (let c = 0; c < columns; c++) {
      if (Math.abs(matrix.data[at + c]! - medians[c]!) <= limit[c]!) continue;
      cleaned ??= takeRows(matrix, rows);
      cleaned.data[i * columns + c] = medians[c]!;
    }
  }
  return cleaned;
}

/**
 * Median and spread of each column. The spread is 1.4826 times the median distance from the median, which for a normal
 * distribution is the standard deviation. If more than half of the values are equal, the others alone determine it; for
 * zeros and ones it is again the standard deviation.
 */
function* columnSpreads({
  data,
  shape: [rows, columns],
}: Matrix): Work<{ medians: Float64Array; spreads: Float64Array }> {
  const sample = strided(rows, SPREAD_ROWS);
  const medians = new Float64Array(columns);
  const spreads = new Float64Array(columns);
  const values = new Float32Array(sample.length);
  for (let c = 0; c < columns; c++) {
    if (c % 64 === 0) yield;
    for (let i = 0; i < sample.length; i++) values[i] = data[sample[i]! * columns + c]!;
    values.sort();
    const median = values[values.length >> 1]!;
    const distances = values.map((value) => Math.abs(value - median)).sort();
    const nonzero = distances.subarray(distances.findIndex((distance) => distance > 0));
    medians[c] = median;
    const deviation = distances[distances.length >> 1]!;
    if (deviation > 0) spreads[c] = 1.4826 * deviation;
    else if (distances.at(-1)! > 0)
      spreads[c] = nonzero[nonzero.length >> 1]! * Math.sqrt(nonzero.length / distances.length);
  }
  return { medians, spreads };
}

/** As {@link nearRowsInParts}, at once. */
export const nearRows = whole(nearRowsInParts);

/** Squared distance of each sampled row from the mean of them all. */
function* squaresAboutMean({ data, shape: [, columns] }: Matrix, sample: Int32Array): Work<Float64Array> {
  const mean = new Float64Array(columns);
  const squares = new Float64Array(sample.length);
  yield* inBlocks(sample.length, blockOf(columns), (from, to) => {
    for (let i = from; i < to; i++) {
      const at = sample[i]! * columns;
      for (let c = 0; c < columns; c++) mean[c]! += data[at + c]! / sample.length;
    }
  });
  yield* inBlocks(sample.length, blockOf(columns), (from, to) => {
    for (let i = from; i < to; i++) {
      const at = sample[i]! * columns;
      for (let c = 0; c < columns; c++) squares[i]! += (data[at + c]! - mean[c]!) ** 2;
    }
  });
  return squares;
}
