/**
 * What the default encoder is trained on: the rows along their principal axes, on a scale that a few rows far outside
 * do not change.
 */

import { blockOf, inBlocks, type Pauses, pausesFor, type Work, whole } from '../core/pauses.js';
import * as tf from '../core/tf.js';
import type { Matrix, Random } from '../core/types.js';
import { takeRows } from '../data/matrix.js';
import { type Pca, pcaInParts } from '../math/pca.js';
import { encode } from './encode.js';

/** Rows -> (row - mean) P / scale, with orthonormal columns of P; then what lies far outside is drawn nearer. */
export interface Projection {
  readonly mean: Float32Array;
  /** P transposed: one component a row, components x columns. */
  readonly components: Matrix;
  readonly scale: number;
  /** Bends of each component, see `bend`. Absent where none of the rows was far outside. */
  readonly bends?: Int32Array;
}

/** Rows that the principal axes and the scale are found from. */
const SAMPLED_ROWS = 5000;
/** Most columns the default encoder is trained on; wider rows are projected on as many principal components. */
const TRAINED_COLUMNS = 64;
/**
 * A row so many times as far from the mean as the median row takes no part in the axes and their scale, nor does a
 * cell.
 */
const FAR = 10;
/** Rows that the middle and the spread of each column are found from. */
const SPREAD_ROWS = 512;
/**
 * Where a value lies beyond this, in units of the scale, values beyond `LIMIT` are drawn nearer; else all stay as
 * they are.
 */
const BEYOND = 20;
const LIMIT = 10;
/** Slope behind the first bend; behind each further one it is a tenth. */
const SLOPE = 1 / 30;

/** A projection, the rows behind it, and a line on those far outside, if there are any. */
export interface Projected {
  readonly projection: Projection;
  readonly rows: Matrix;
  readonly remark: string | undefined;
}

/**
 * Finds the principal axes of (a sample of) the rows, and the scale that gives the projected values unit mean square.
 * A bad cell, a sentinel for missing values or a heavy tail would shrink all other rows to a point. So rows far outside
 * are left out, the scale of a component that is mostly made of them is that of its middle half, and what lies beyond
 * `LIMIT` in the end is drawn nearer.
 */
export async function projectionOf(matrix: Matrix, random: Random, pauses = pausesFor()): Promise<Projected> {
  // Only what the axes span matters: at 1e-2, MNIST's lose a ten-millionth of the variance.
  const search = { random: random.fork('projection'), tolerance: 1e-2 };
  const axes = await pauses.run(nearAxesInParts(matrix, TRAINED_COLUMNS, search));
  const components = axes.variance.length;
  let variance = 0;
  for (const v of axes.variance) variance += v / components;
  const scale = variance > 0 ? Math.sqrt(variance) : 1;
  const rows = await projectRows(matrix, { ...axes, scale }, pauses);
  const share = await pauses.run(robustShare(rows, axes, scale));
  if (share < 1) for (let i = 0; i < rows.data.length; i++) rows.data[i]! /= share;
  const bends = bendsOf(rows);
  const remark = bends && remarkOn(matrix, rows, axes.mean);
  if (bends) bendRows(rows, bends);
  return {
    projection: {
      mean: axes.mean,
      components: axes.components,
      scale: scale * share,
      ...(bends && { bends }),
    },
    rows,
    remark,
  };
}

/** Principal axes, as many as there are up to `most`, of (a sample of) the rows without those far outside. */
export function* nearAxesInParts(
  matrix: Matrix,
  most: number,
  search: { readonly random: Random; readonly tolerance?: number },
): Work<Pca> {
  const sample = (yield* nearRowsInParts(matrix)) ?? matrix;
  const components = Math.min(most, ...sample.shape);
  return yield* pcaInParts(sample, { ...search, components, sampleRows: SAMPLED_ROWS });
}

/** Rows that are projected at once: few, so that the event loop need not wait, and large buffers are not left behind. */
const PROJECTED = 1024;

/** The rows as a network behind the projection takes them. */
export async function projectRows(
  matrix: Matrix,
  { mean, components, scale, bends }: Projection,
  pauses?: Pauses,
): Promise<Matrix> {
  const [count, columns] = components.shape;
  const projection = {
    inputShape: [columns],
    outputShape: [count],
    apply(rows: tf.Tensor) {
      const axes = tf.tensor2d(components.data, [count, columns]);
      return tf.div(tf.matMul(tf.sub(rows, mean) as tf.Tensor2D, axes, false, true), scale);
    },
  };
  const projected = await encode(projection, matrix, { batchSize: PROJECTED, pauses });
  if (bends) bendRows(projected, bends);
  return projected;
}

/**
 * Draws a value nearer that lies beyond `LIMIT`: from there on the slope is 1/30, from 10 `LIMIT` on 1/300, and so
 * on, with as many bends as `count`; behind ten times the last bend it is 0. So a power of ten more adds 0.3 `LIMIT`,
 * and different values stay different as far as the rows reach that the bends were made for.
 */
export function bend(value: number, count: number): number {
  const size = Math.abs(value);
  let bent = Math.min(size, bendAt(0));
  for (let i = 0; i < count && size > bendAt(i); i++) {
    bent += slopeBehind(i) * (Math.min(size, bendAt(i + 1)) - bendAt(i));
  }
  return Math.sign(value) * bent;
}

/** Where the i-th bend is, from 0. */
export function bendAt(i: number): number {
  return LIMIT * 10 ** i;
}

/** Slope behind the i-th bend. */
export function slopeBehind(i: number): number {
  return SLOPE * 10 ** -i;
}

function bendRows({ data, shape: [, columns] }: Matrix, bends: Int32Array): void {
  for (let i = 0; i < data.length; i++) {
    if (Math.abs(data[i]!) > LIMIT) data[i] = bend(data[i]!, bends[i % columns]!);
  }
}

/**
 * How many bends each component needs, so that the last one lies within a tenth of its largest value; none at all:
 * undefined.
 */
function bendsOf({ data, shape: [, columns] }: Matrix): Int32Array | undefined {
  if (!data.some((value) => Math.abs(value) > BEYOND)) return undefined;
  const bends = new Int32Array(columns);
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i]!);
    if (size <= LIMIT) continue;
    const c = i % columns;
    while (bendAt(bends[c]!) < size) bends[c]!++;
  }
  return bends;
}

/**
 * (A sample of) the rows without what lies far outside; undefined if nothing does. Cells far outside get the middle
 * of their column, so that a table with a bad cell in every other row is still one; then rows that lie far outside
 * are left out. The mean is taken anew without them until no more are found. Where half of the rows are equal, there
 * is no measure of what is a far row.
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

/** Up to `most` row numbers, evenly spread. */
function strided(rows: number, most: number): Int32Array {
  const step = Math.max(1, rows / most);
  return Int32Array.from({ length: Math.min(rows, most) }, (_, i) => Math.floor(i * step));
}

/**
 * Some rows with cells far outside replaced by the middle of their column; undefined if there is none. A cell is far
 * outside that is `FAR` times as far from the middle as usual in its column, and would by itself put a row `FAR`
 * times as far out as usual.
 */
function* withoutFarCells(matrix: Matrix, rows: Int32Array): Work<Matrix | undefined> {
  const columns = matrix.shape[1];
  const { middle, spread } = yield* columnSpreads(matrix);
  const positive = spread.filter((value) => value > 0).sort();
  if (positive.length === 0) return undefined;
  // The length of a usual row, by the column that is in the middle: a few columns must not decide.
  const usual = positive[positive.length >> 1]! * Math.sqrt(positive.length);
  const limit = spread.map((value) => FAR * Math.max(value, usual));
  let cleaned: Matrix | undefined;
  for (let i = 0; i < rows.length; i++) {
    if (i % blockOf(columns) === 0) yield;
    const at = rows[i]! * columns;
    for (let c = 0; c < columns; c++) {
      if (Math.abs(matrix.data[at + c]! - middle[c]!) <= limit[c]!) continue;
      cleaned ??= takeRows(matrix, rows);
      cleaned.data[i * columns + c] = middle[c]!;
    }
  }
  return cleaned;
}

/**
 * Of each column the median, and the deviation by the median distance from it: for a normal distribution 1.4826 times
 * that. Where more than half of the values are equal it is made of the others: for zeros and ones, the same as the
 * deviation.
 */
function* columnSpreads({
  data,
  shape: [rows, columns],
}: Matrix): Work<{ middle: Float64Array; spread: Float64Array }> {
  const some = strided(rows, SPREAD_ROWS);
  const middle = new Float64Array(columns);
  const spread = new Float64Array(columns);
  const values = new Float32Array(some.length);
  for (let c = 0; c < columns; c++) {
    if (c % 64 === 0) yield;
    for (let i = 0; i < some.length; i++) values[i] = data[some[i]! * columns + c]!;
    values.sort();
    const half = values[values.length >> 1]!;
    const distances = values.map((value) => Math.abs(value - half)).sort();
    const others = distances.subarray(distances.findIndex((distance) => distance > 0));
    middle[c] = half;
    const median = distances[distances.length >> 1]!;
    if (median > 0) spread[c] = 1.4826 * median;
    else if (distances.at(-1)! > 0)
      spread[c] = others[others.length >> 1]! * Math.sqrt(others.length / distances.length);
  }
  return { middle, spread };
}

/** As {@link nearRowsInParts}, at once. */
export const nearRows = whole(nearRowsInParts);

/** Squared distance of each of some rows from their mean. */
function* squaresAboutMean({ data, shape: [, columns] }: Matrix, some: Int32Array): Work<Float64Array> {
  const mean = new Float64Array(columns);
  const squares = new Float64Array(some.length);
  yield* inBlocks(some.length, blockOf(columns), (from, to) => {
    for (let i = from; i < to; i++) {
      const at = some[i]! * columns;
      for (let c = 0; c < columns; c++) mean[c]! += data[at + c]! / some.length;
    }
  });
  yield* inBlocks(some.length, blockOf(columns), (from, to) => {
    for (let i = from; i < to; i++) {
      const at = some[i]! * columns;
      for (let c = 0; c < columns; c++) squares[i]! += (data[at + c]! - mean[c]!) ** 2;
    }
  });
  return squares;
}

/** A component whose deviation is so many times that of its middle half is mostly made of what lies outside. */
const TAILED = 10;
/** The scale is changed if it is so many times too large. */
const TOO_LARGE = 3;

/** What the scale is to be multiplied by: 1, or below 1/3 where components are mostly made of what lies outside. */
function* robustShare(
  { data, shape: [rows, columns] }: Matrix,
  { variance }: Pca,
  scale: number,
): Work<number> {
  const step = Math.max(1, rows / SAMPLED_ROWS);
  const values = new Float32Array(Math.min(rows, SAMPLED_ROWS));
  let plain = 0;
  let robust = 0;
  for (let c = 0; c < columns; c++) {
    for (let i = 0; i < values.length; i++) values[i] = data[Math.floor(i * step) * columns + c]!;
    values.sort();
    const middle = values[values.length >> 1]!;
    const spread = values.map((value) => Math.abs(value - middle)).sort()[values.length >> 1]!;
    const mean = variance[c]! / scale ** 2;
    // The deviation of a normal distribution is 1.4826 times its median distance from the median.
    const middling = (1.4826 * spread) ** 2;
    plain += mean;
    robust += middling > 0 && mean > TAILED ** 2 * middling ? middling : mean;
    yield;
  }
  const share = Math.sqrt(robust / plain);
  return share < 1 / TOO_LARGE ? share : 1;
}

/** Names the rows beyond `BEYOND`, each with the column in which it is farthest from the mean. */
function remarkOn({ data, shape: [, columns] }: Matrix, rows: Matrix, mean: Float32Array): string {
  const [count, components] = rows.shape;
  const far: number[] = [];
  for (let row = 0; row < count; row++) {
    const values = rows.data.subarray(row * components, (row + 1) * components);
    if (values.some((value) => Math.abs(value) > BEYOND)) far.push(row);
  }
  const named = far.slice(0, 3).map((row) => {
    const values = data.subarray(row * columns, (row + 1) * columns);
    let most = 0;
    values.forEach((value, c) => {
      if (Math.abs(value - mean[c]!) > Math.abs(values[most]! - mean[most]!)) most = c;
    });
    return `row ${row} (column ${most}: ${values[most]})`;
  });
  const more = far.length > named.length ? ` and ${far.length - named.length} more` : '';
  return `data: ${named.join(', ')}${more} far outside; the encoder draws what lies beyond ${LIMIT} deviations nearer`;
}
