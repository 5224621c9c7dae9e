/** Principal component analysis: fit and projection. */

import { DataError, OptionError } from '../core/errors.js';
import { blockOf, inBlocks, type Work, whole } from '../core/pauses.js';
import { shuffle } from '../core/random.js';
import type { Matrix, Random } from '../core/types.js';
import { largestEigenpairs, type Operator } from './eigen.js';
import { addProductsInParts, columnsOf, rowsOf } from './products.js';

/** A fitted principal component analysis. */
export interface Pca {
  /** Mean of every column. */
  readonly mean: Float32Array;
  /** Orthonormal rows, components x columns, by decreasing variance. The entry of largest magnitude of each is positive. */
  readonly components: Matrix;
  /** Variance along each component (denominator rows - 1). */
  readonly variance: Float64Array;
  /** Sum of the variances of all columns: `variance[i] / totalVariance` is the explained share. */
  readonly totalVariance: number;
}

export interface PcaOptions {
  /** Number of components: at least 1, at most the rows used and at most the columns. */
  readonly components: number;
  /** Draws the sample of rows and the initial vectors. */
  readonly random: Random;
  /** Rows to fit on, drawn without replacement, at least 2. Default: all. 10,000 suffice for 64 components of images. */
  readonly sampleRows?: number;
  /** Largest accepted residual of a component, relative to its variance. Default 1e-6. */
  readonly tolerance?: number;
}

/** Up to this many columns the covariance matrix is built (32 MB); beyond, it is applied as products with the data. */
const widestCovariance = 2048;

/**
 * Principal components of the rows of a matrix: eigenvectors of the covariance matrix, computed by block Lanczos
 * iteration. With the default `tolerance`, variances agree with a full decomposition to about one part in a million.
 *
 * Throws `OptionError` for `components` or `sampleRows` out of range, `DataError` for fewer than 2 rows or
 * values that are not finite.
 */
export function* pcaInParts(
  matrix: Matrix,
  { components, random, sampleRows, tolerance = 1e-6 }: PcaOptions,
): Work<Pca> {
  const { data, rows, columns } = yield* sample(matrix, sampleRows, random);
  if (!(Number.isInteger(components) && components >= 1 && components <= Math.min(rows, columns))) {
    throw new OptionError(
      `pca: components: expected an integer from 1 to the rows (${rows}) and columns (${columns}) used, ` +
        `got ${components}; lower components`,
    );
  }
  const mean = yield* columnMeans(data, rows, columns);
  const totalVariance = (yield* squaresAbout(mean, data, rows, columns)) / (rows - 1);
  const operator =
    columns <= widestCovariance
      ? symmetricProduct(yield* covariance(data, rows, columns, mean), columns)
      : covarianceProduct(data, rows, columns, mean);
  const { values, vectors } = yield* largestEigenpairs(operator, columns, components, {
    random,
    tolerance,
    rounds: 60,
  });
  for (let i = 0; i < components; i++) fixSign(vectors.subarray(i * columns, (i + 1) * columns));
  return {
    mean: Float32Array.from(mean),
    components: { data: Float32Array.from(vectors), shape: [components, columns] },
    variance: values.map((value) => Math.max(0, value)),
    totalVariance,
  };
}

/** As {@link pcaInParts}, at once. */
export const pca = whole(pcaInParts);

/**
 * Projects the rows of a matrix onto fitted components: (x - mean) . component, rows x components. Throws `DataError`
 * when the number of columns is not that of the fit.
 */
export function* projectInParts(
  matrix: Matrix,
  { mean, components }: Pick<Pca, 'mean' | 'components'>,
): Work<Matrix> {
  const [rows, columns] = matrix.shape;
  const [count, width] = components.shape;
  if (columns !== width) {
    throw new DataError(
      `pca: expected ${width} columns, as fitted, got ${columns}; pass rows with the columns of the fit`,
    );
  }
  const projected = new Float32Array(rows * count);
  for (let i = 0; i < count; i++) {
    let shift = 0;
    for (let c = 0; c < columns; c++) shift += mean[c]! * components.data[i * columns + c]!;
    for (let row = 0; row < rows; row++) projected[row * count + i] = -shift;
  }
  yield* addProductsInParts(
    matrix.data,
    rowsOf(columns),
    rows,
    components.data,
    rowsOf(columns),
    count,
    columns,
    projected,
  );
  return { data: projected, shape: [rows, count] };
}

/** As {@link projectInParts}, at once. */
export const project = whole(projectInParts);

/** The rows to fit on: all, or a copy of a random sample, in their order. */
function* sample({ data, shape: [rows, columns] }: Matrix, sampleRows: number | undefined, random: Random) {
  if (data.length !== rows * columns || rows < 2) {
    throw new DataError(
      `pca: expected at least 2 rows and rows x columns values, got rows=${rows}, columns=${columns}, ` +
        `values=${data.length}; pass more rows, or correct the shape`,
    );
  }
  if (sampleRows !== undefined && !(Number.isInteger(sampleRows) && sampleRows >= 2)) {
    throw new OptionError(
      `pca: sampleRows: expected an integer of at least 2, got ${sampleRows}; leave it out to use all rows`,
    );
  }
  if (sampleRows === undefined || sampleRows >= rows) return { data, rows, columns };
  const drawn = shuffle(
    Int32Array.from({ length: rows }, (_, i) => i),
    random,
  )
    .subarray(0, sampleRows)
    .sort();
  const copy = new Float32Array(sampleRows * columns);
  yield* inBlocks(sampleRows, blockOf(columns), (from, to) => {
    for (let i = from; i < to; i++) {
      copy.set(data.subarray(drawn[i]! * columns, (drawn[i]! + 1) * columns), i * columns);
    }
  });
  return { data: copy, rows: sampleRows, columns };
}

function* columnMeans(data: Float32Array, rows: number, columns: number): Work<Float64Array> {
  const mean = new Float64Array(columns);
  yield* inBlocks(rows, blockOf(columns), (from, to) => {
    for (let i = from; i < to; i++) for (let c = 0; c < columns; c++) mean[c]! += data[i * columns + c]!;
  });
  for (let c = 0; c < columns; c++) {
    mean[c]! /= rows;
    if (!Number.isFinite(mean[c])) {
      throw new DataError(
        `pca: expected finite values, got a mean of ${mean[c]} in column ${c}; drop or fill such values first`,
      );
    }
  }
  return mean;
}

/** Sum of the squared distances of all rows from the mean. */
function* squaresAbout(mean: Float64Array, data: Float32Array, rows: number, columns: number): Work<number> {
  let total = 0;
  yield* inBlocks(rows, blockOf(columns), (from, to) => {
    let sum = total;
    for (let entry = from * columns, c = 0; entry < to * columns; entry++) {
      sum += (data[entry]! - mean[c]!) ** 2;
      if (++c === columns) c = 0;
    }
    total = sum;
  });
  return total;
}

/** (X'X - rows mean mean') / (rows - 1) */
function* covariance(
  data: Float32Array,
  rows: number,
  columns: number,
  mean: Float64Array,
): Work<Float64Array> {
  const matrix = new Float64Array(columns * columns);
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < columns; j++) matrix[i * columns + j] = -rows * mean[i]! * mean[j]!;
  }
  yield;
  const view = columnsOf(columns);
  yield* addProductsInParts(data, view, columns, data, view, columns, rows, matrix, true);
  yield* inBlocks(columns, 64, (from, to) => {
    for (let i = from; i < to; i++) {
      for (let j = i; j < columns; j++) {
        matrix[i * columns + j]! /= rows - 1;
        matrix[j * columns + i] = matrix[i * columns + j]!;
      }
    }
  });
  return matrix;
}

/** v -> C v for a symmetric matrix C. */
function symmetricProduct(matrix: Float64Array, size: number): Operator {
  return function* (vectors, count, out) {
    out.fill(0, 0, count * size);
    yield* addProductsInParts(vectors, rowsOf(size), count, matrix, rowsOf(size), size, size, out);
  };
}

/** v -> X'(X v - mean v) / (rows - 1): product with the covariance matrix, which is not built. */
function covarianceProduct(data: Float32Array, rows: number, columns: number, mean: Float64Array): Operator {
  return function* (vectors, count, out) {
    const scores = new Float64Array(rows * count);
    for (let i = 0; i < count; i++) {
      let shift = 0;
      for (let c = 0; c < columns; c++) shift += mean[c]! * vectors[i * columns + c]!;
      for (let row = 0; row < rows; row++) scores[row * count + i] = -shift;
    }
    yield* addProductsInParts(data, rowsOf(columns), rows, vectors, rowsOf(columns), count, columns, scores);
    // The scores of a component sum to 0, so the second product needs no centered X.
    out.fill(0, 0, count * columns);
    yield* addProductsInParts(scores, columnsOf(count), count, data, columnsOf(columns), columns, rows, out);
    for (let entry = 0; entry < count * columns; entry++) out[entry]! /= rows - 1;
  };
}

/** Makes the entry of largest magnitude positive, because the sign of an eigenvector is arbitrary. */
function fixSign(vector: Float64Array): void {
  let largest = 0;
  for (let i = 1; i < vector.length; i++) if (Math.abs(vector[i]!) > Math.abs(vector[largest]!)) largest = i;
  if (vector[largest]! >= 0) return;
  for (let i = 0; i < vector.length; i++) vector[i] = -vector[i]!;
}
