/** Reads the arguments of scores: rows in any form, labels, and a metric. */

import { DataError, describe } from '../core/errors.js';
import type { Distance, DistanceFunction, Matrix } from '../core/types.js';
import { type FrameRules, toFramedMatrixSync } from '../data/frame.js';
import { rulesOfMetric } from '../data/frameRules.js';
import { type MatrixInput, type TypedArray, toMatrixSync } from '../data/matrix.js';
import { numberOf } from '../data/rows.js';
import { checkMetricData, distanceFor, metricName } from '../math/distance.js';

/** One label per row: all numbers or all strings. Rows of unknown label have to be left out. */
export type ScoreLabels =
  | readonly number[]
  | readonly bigint[]
  | readonly string[]
  | readonly (number | bigint | string)[]
  | TypedArray;

/**
 * Reads a table, centered and scaled in 64 bits where 32-bit numbers cannot represent it and the metric allows that.
 * Throws `DataError` for the same input as estimators; messages name the score (`caller`) and the argument (`what`).
 */
export function readTable(
  caller: string,
  what: string,
  rows: MatrixInput,
  metric: string | DistanceFunction | Distance = 'euclidean',
): Matrix {
  return toFramedMatrixSync(rows, `${caller}: ${what}`, rulesFor(metric)).matrix;
}

/** Reads two tables whose rows are compared with each other, both in the frame of the first. */
export function readTables(
  caller: string,
  [what, rows]: readonly [string, MatrixInput],
  [otherWhat, otherRows]: readonly [string, MatrixInput],
): [Matrix, Matrix] {
  const { matrix, frame } = toFramedMatrixSync(rows, `${caller}: ${what}`, rulesFor('euclidean'));
  return [matrix, toMatrixSync(otherRows, `${caller}: ${otherWhat}`, { frame }).matrix];
}

function rulesFor(metric: string | DistanceFunction | Distance): FrameRules {
  if (metric !== 'precomputed') return rulesOfMetric(metric, false);
  const noShift = 'from all distances but the diagonal: ranks stay the same';
  return { noShift, noScale: undefined, columnwise: true };
}

/** Throws `DataError` unless both tables hold the same number of rows. */
export function checkEqualRows(caller: string, data: Matrix, embedding: Matrix): void {
  if (data.shape[0] === embedding.shape[0]) return;
  throw new DataError(
    `${caller}: expected equally many rows of data and embedding, got data=${data.shape[0]}, ` +
      `embedding=${embedding.shape[0]}; pass the embedding of the same rows`,
  );
}

/** Lists of labels, with their name in messages and their number of rows. */
export type LabelLists = readonly (readonly [what: string, labels: ScoreLabels, rows: number])[];

/**
 * The labels of each list as indices into the sorted labels of all lists: numbers by value, strings by code unit, as
 * scikit-learn sorts them. Throws `DataError` for a wrong length, for labels that are neither numbers nor strings, and for
 * a mixture of both.
 */
export function readLabels(caller: string, lists: LabelLists): Int32Array[] {
  let kind: string | undefined;
  const distinct = new Set<number | string>();
  for (const [what, labels, rows] of lists) {
    const length = Array.isArray(labels) || ArrayBuffer.isView(labels) ? labels.length : undefined;
    if (length !== rows) {
      const got = length === undefined ? describe(labels) : `labels=${length}`;
      throw new DataError(
        `${caller}: ${what}: expected one label per row (rows=${rows}), got ${got}; pass the labels of the same rows`,
      );
    }
    for (let row = 0; row < rows; row++) {
      const label = plainLabel(
        labels[row],
        () => `${caller}: ${what}: expected integers up to 2^53 at row ${row}`,
      );
      if (typeof label !== 'string' && !(typeof label === 'number' && Number.isFinite(label))) {
        throw new DataError(
          `${caller}: ${what}: expected a number or a string at row ${row}, got ${describe(label)}; ` +
            'leave out rows whose label is not known',
        );
      }
      kind ??= typeof label;
      if (typeof label !== kind) {
        throw new DataError(
          `${caller}: ${what}: expected labels of one type, got ${describe(label)} at row ${row} after ${kind}s; ` +
            'make all of them numbers, or all strings',
        );
      }
      distinct.add(label);
    }
  }
  const sorted = [...distinct].sort((a, b) => (a < b ? -1 : 1));
  const indices = new Map(sorted.map((label, index) => [label, index]));
  return lists.map(([, labels]) =>
    Int32Array.from(
      labels as ArrayLike<number | bigint | string>,
      (label) => indices.get(typeof label === 'bigint' ? Number(label) : label)!,
    ),
  );
}

/** A bigint as a number; anything else unchanged. */
function plainLabel(label: unknown, where: () => string): unknown {
  return typeof label === 'bigint' ? numberOf(label, where) : label;
}

/**
 * The metric of a score as a function on flat tables, checked against the data; undefined for Euclidean distances, which
 * are computed faster. With `'precomputed'` the data are the distances, n x n. A function with more than two parameters is
 * taken to work on flat tables and offsets already.
 */
export function readDistance(
  caller: string,
  metric: string | DistanceFunction | Distance | undefined,
  params: Readonly<Record<string, unknown>>,
  data: Matrix,
): Distance | undefined {
  if (typeof metric === 'function') {
    return metric.length > 2 ? (metric as Distance) : distanceFor(metric as DistanceFunction);
  }
  if (metric === 'precomputed') return tableOf(caller, data);
  if (metric === undefined || metricName(metric) === 'euclidean') return undefined;
  const distance = distanceFor(metric, params);
  checkMetricData(metric, data, params);
  return distance;
}

/** Reads distances from a table of them: row i starts at i times the columns. */
function tableOf(caller: string, { shape: [rows, columns] }: Matrix): Distance {
  if (rows !== columns) {
    throw new DataError(
      `${caller}: data: expected all distances (n x n) with distance 'precomputed', got ${rows} x ${columns}; ` +
        'for rows give the name of a metric',
    );
  }
  return (table, offsetA, _, offsetB) => table[offsetA + offsetB / columns]!;
}
