/** What the scores of a map take: rows in any form, labels of either kind, a metric as estimators take it. */

import { DataError, describe } from '../core/errors.js';
import type { Distance, DistanceFunction, Matrix } from '../core/types.js';
import { enterFramedNow, type FrameRules } from '../data/frame.js';
import { rulesOfMetric } from '../data/frameRules.js';
import { enterNow, type MatrixInput, type TypedArray } from '../data/matrix.js';
import { numberOf } from '../data/rows.js';
import { checkMetricData, distanceFor, metricName } from '../math/distance.js';

/** One label a row: numbers or words, all of one kind. Unknown labels have no place in a score. */
export type ScoreLabels =
  | readonly number[]
  | readonly bigint[]
  | readonly string[]
  | readonly (number | bigint | string)[]
  | TypedArray;

/**
 * Rows of numbers, centered and scaled in 64 bits where 32 bits cannot hold them and the metric allows it. Throws
 * `DataError` for whatever estimators refuse, naming the score and the argument.
 */
export function readTable(
  who: string,
  what: string,
  rows: MatrixInput,
  metric: string | DistanceFunction | Distance = 'euclidean',
): Matrix {
  return enterFramedNow(rows, `${who}: ${what}`, rulesFor(metric)).matrix;
}

/** Two tables whose rows are compared with each other: both in the frame of the first. */
export function readTables(
  who: string,
  [what, rows]: readonly [string, MatrixInput],
  [otherWhat, otherRows]: readonly [string, MatrixInput],
): [Matrix, Matrix] {
  const { matrix, frame } = enterFramedNow(rows, `${who}: ${what}`, rulesFor('euclidean'));
  return [matrix, enterNow(otherRows, `${who}: ${otherWhat}`, { frame }).matrix];
}

function rulesFor(metric: string | DistanceFunction | Distance): FrameRules {
  if (metric !== 'precomputed') return rulesOfMetric(metric, false);
  const noShift = 'from all distances but the diagonal: ranks stay the same';
  return { noShift, noScale: undefined, columnwise: true };
}

/** Throws `DataError` unless both tables hold the same number of rows. */
export function checkEqualRows(who: string, data: Matrix, embedding: Matrix): void {
  if (data.shape[0] === embedding.shape[0]) return;
  throw new DataError(
    `${who}: data and embedding must have the same rows (data=${data.shape[0]}, embedding=${embedding.shape[0]})`,
  );
}

/** Lists of labels by their name in messages, and the rows that each is for. */
export type LabelLists = readonly (readonly [what: string, labels: ScoreLabels, rows: number])[];

/**
 * The labels of each list as places in the order of all labels: numbers by value, words by code unit, as scikit-learn
 * sorts them. Throws `DataError` for a wrong length, for labels that are neither numbers nor words, and for both kinds.
 */
export function readLabels(who: string, lists: LabelLists): Int32Array[] {
  let kind: string | undefined;
  const distinct = new Set<number | string>();
  for (const [what, labels, rows] of lists) {
    const length = Array.isArray(labels) || ArrayBuffer.isView(labels) ? labels.length : undefined;
    if (length !== rows) {
      const got = length === undefined ? describe(labels) : `labels=${length}`;
      throw new DataError(`${who}: ${what} must hold one label a row (${got}, rows=${rows})`);
    }
    for (let row = 0; row < rows; row++) {
      const label = plainLabel(
        labels[row],
        () => `${who}: ${what}: whole numbers up to 2^53 expected at row ${row}`,
      );
      if (typeof label !== 'string' && !(typeof label === 'number' && Number.isFinite(label))) {
        throw new DataError(
          `${who}: ${what}: a number or a word expected at row ${row}, got ${describe(label)}; ` +
            'leave out rows whose label is not known',
        );
      }
      kind ??= typeof label;
      if (typeof label !== kind) {
        throw new DataError(
          `${who}: ${what}: labels of one kind expected, got ${describe(label)} at row ${row} after ${kind}s; ` +
            'make all of them numbers, or all words',
        );
      }
      distinct.add(label);
    }
  }
  const sorted = [...distinct].sort((a, b) => (a < b ? -1 : 1));
  const places = new Map(sorted.map((label, place) => [label, place]));
  return lists.map(([, labels]) =>
    Int32Array.from(
      labels as ArrayLike<number | bigint | string>,
      (label) => places.get(typeof label === 'bigint' ? Number(label) : label)!,
    ),
  );
}

/** A whole number of 64 bits as a number; anything else as it is. */
function plainLabel(label: unknown, where: () => string): unknown {
  return typeof label === 'bigint' ? numberOf(label, where) : label;
}

/**
 * The metric of a score as a function on flat rows, checked against the data; undefined for Euclidean distances, which
 * have a faster way. With `'precomputed'` the data are the distances themselves, n x n. A function with five parameters
 * takes flat tables and offsets.
 */
export function readDistance(
  who: string,
  metric: string | DistanceFunction | Distance | undefined,
  params: Readonly<Record<string, unknown>>,
  data: Matrix,
): Distance | undefined {
  if (typeof metric === 'function') {
    return metric.length > 2 ? (metric as Distance) : distanceFor(metric as DistanceFunction);
  }
  if (metric === 'precomputed') return tableOf(who, data);
  if (metric === undefined || metricName(metric) === 'euclidean') return undefined;
  const distance = distanceFor(metric, params);
  checkMetricData(metric, data, params);
  return distance;
}

/** Reads distances from a table of them: row i starts at i times the columns. */
function tableOf(who: string, { shape: [rows, columns] }: Matrix): Distance {
  if (rows !== columns) {
    throw new DataError(
      `${who}: data: a table of all distances (n x n) expected with distance 'precomputed', got ${rows} x ${columns}; ` +
        'give the name of a metric for rows',
    );
  }
  return (table, offsetA, _, offsetB) => table[offsetA + offsetB / columns]!;
}
