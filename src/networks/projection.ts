/** Principal components as inputs of the default encoder, on a scale that a few outliers do not change. */

import { type Pauses, pausesFor, type Work } from '../core/pauses.js';
import type { PartDone } from '../core/stages.js';
import * as tf from '../core/tf.js';
import type { Matrix, Random } from '../core/types.js';
import { type Pca, pcaInParts } from '../math/pca.js';
import { encode } from './encode.js';
import { nearRowsInParts, SAMPLED_ROWS } from './outliers.js';

/** row -> (row - mean) P / scale, with orthonormal columns of P; then outlying values are compressed. */
export interface Projection {
  readonly mean: Float32Array;
  /** P transposed, one component per row: components x columns. */
  readonly components: Matrix;
  readonly scale: number;
  /** Number of bends of each component, see `bend`. Absent if the training rows have no outliers. */
  readonly bends?: Int32Array;
}

/** Most inputs of the default encoder in training; wider rows are projected onto this many principal components. */
const TRAINED_COLUMNS = 64;
/** Values beyond `LIMIT`, in units of the scale, are compressed if any value is beyond `OUTLIER`; else none is. */
const OUTLIER = 20;
const LIMIT = 10;
/** Slope after the first bend; each further bend divides it by ten. */
const SLOPE = 1 / 30;

/** About the share of the time that goes to the axes; the other goes to projecting the rows. */
const AXES_SHARE = 0.6;

/** A projection, the projected rows, and a warning that names outliers, if there are any. */
export interface Projected {
  readonly projection: Projection;
  readonly rows: Matrix;
  readonly remark: string | undefined;
}

/**
 * Computes the principal axes of (a sample of) the rows, and the scale that gives the projected values unit mean
 * square. A bad cell, a sentinel for missing values or a heavy tail would shrink all other rows to a point. So
 * outliers are left out, a component that they dominate counts with the spread of its middle half, and values beyond
 * `LIMIT` are compressed.
 */
export async function projectionOf(
  matrix: Matrix,
  random: Random,
  pauses = pausesFor(),
  progress: PartDone = () => {},
): Promise<Projected> {
  // Only the span of the axes matters: with tolerance 1e-2, those of MNIST lose a ten-millionth of the variance.
  const search = { random: random.fork('projection'), tolerance: 1e-2 };
  const axes = await pauses.run(nearAxesInParts(matrix, TRAINED_COLUMNS, search), (done) =>
    progress(AXES_SHARE * done),
  );
  progress(AXES_SHARE);
  const components = axes.variance.length;
  let variance = 0;
  for (const v of axes.variance) variance += v / components;
  const scale = variance > 0 ? Math.sqrt(variance) : 1;
  const rows = await projectRows(matrix, { ...axes, scale }, pauses, (done) =>
    progress(AXES_SHARE + (1 - AXES_SHARE) * done),
  );
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

/** Principal axes, at most `most`, of (a sample of) the rows without outliers. */
export function* nearAxesInParts(
  matrix: Matrix,
  most: number,
  search: { readonly random: Random; readonly tolerance?: number },
): Work<Pca> {
  const sample = (yield* nearRowsInParts(matrix)) ?? matrix;
  yield 0.2;
  const components = Math.min(most, ...sample.shape);
  return yield* pcaInParts(sample, { ...search, components, sampleRows: SAMPLED_ROWS });
}

/** Rows per batch: few, so that the event loop does not wait and no large buffers are allocated. */
const BATCH_ROWS = 1024;

/** Projects rows: the inputs of a network after the projection. */
export async function projectRows(
  matrix: Matrix,
  { mean, components, scale, bends }: Projection,
  pauses?: Pauses,
  progress?: PartDone,
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
  const projected = await encode(projection, matrix, { batchSize: BATCH_ROWS, pauses, progress });
  if (bends) bendRows(projected, bends);
  return projected;
}

/**
 * Compresses a value beyond `LIMIT`, piecewise linearly: from `LIMIT` on the slope is 1/30, from 10 `LIMIT` on 1/300,
 * and so on for `count` bends; beyond ten times the last bend it is 0. So another power of ten adds 0.3 `LIMIT`, and
 * different values stay different within the range of the data that the bends were computed from.
 */
export function bend(value: number, count: number): number {
  const size = Math.abs(value);
  let bent = Math.min(size, bendAt(0));
  for (let i = 0; i < count && size > bendAt(i); i++) {
    bent += slopeAfter(i) * (Math.min(size, bendAt(i + 1)) - bendAt(i));
  }
  return Math.sign(value) * bent;
}

/** Absolute value at which the i-th bend is, counted from 0. */
export function bendAt(i: number): number {
  return LIMIT * 10 ** i;
}

/** Slope after the i-th bend. */
export function slopeAfter(i: number): number {
  return SLOPE * 10 ** -i;
}

function bendRows({ data, shape: [, columns] }: Matrix, bends: Int32Array): void {
  for (let i = 0; i < data.length; i++) {
    if (Math.abs(data[i]!) > LIMIT) data[i] = bend(data[i]!, bends[i % columns]!);
  }
}

/**
 * Bends per component such that the largest value is at most ten times the last bend. Undefined if there are no
 * outliers.
 */
function bendsOf({ data, shape: [, columns] }: Matrix): Int32Array | undefined {
  if (!data.some((value) => Math.abs(value) > OUTLIER)) return undefined;
  const bends = new Int32Array(columns);
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i]!);
    if (size <= LIMIT) continue;
    const c = i % columns;
    while (bendAt(bends[c]!) < size) bends[c]!++;
  }
  return bends;
}

/** A component is dominated by outliers if its standard deviation is this many times that of its middle half. */
const HEAVY_TAILED = 10;
/** The scale is corrected if it is at least this many times too large. */
const TOO_LARGE = 3;

/** Factor by which to multiply the scale: 1, or below 1/3 if outliers dominate components. */
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
    const median = values[values.length >> 1]!;
    const spread = values.map((value) => Math.abs(value - median)).sort()[values.length >> 1]!;
    const mean = variance[c]! / scale ** 2;
    // The deviation of a normal distribution is 1.4826 times its median distance from the median.
    const robustSquare = (1.4826 * spread) ** 2;
    plain += mean;
    robust += robustSquare > 0 && mean > HEAVY_TAILED ** 2 * robustSquare ? robustSquare : mean;
    yield;
  }
  const share = Math.sqrt(robust / plain);
  return share < 1 / TOO_LARGE ? share : 1;
}

/** Names the rows with values beyond `OUTLIER`, each with the column in which it is farthest from the mean. */
function remarkOn({ data, shape: [, columns] }: Matrix, rows: Matrix, mean: Float32Array): string {
  const [count, components] = rows.shape;
  const far: number[] = [];
  for (let row = 0; row < count; row++) {
    const values = rows.data.subarray(row * components, (row + 1) * components);
    if (values.some((value) => Math.abs(value) > OUTLIER)) far.push(row);
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
  return `data: ${named.join(', ')}${more} far outside; the encoder compresses values beyond ${LIMIT} standard deviations`;
}
