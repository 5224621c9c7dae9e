/** Scores of how well an embedding separates labels. */
import { DataError, OptionError } from '../core/errors.js';
import { type OptionRules, resolveOptions } from '../core/options.js';
import { anything } from '../core/rules.js';
import type { MatrixInput } from '../data/matrix.js';
import { readLabels, readTable, readTables, type ScoreLabels } from './data.js';
import { mostFrequent, nearestRows, squaredDistance } from './ranks.js';

/** What `knnAccuracy` takes. */
export interface KnnAccuracyInput {
  /** Embedded rows whose labels vote. */
  readonly train: MatrixInput;
  /** One label per row of `train`. */
  readonly trainLabels: ScoreLabels;
  /** Embedded rows whose labels are predicted, with as many columns as `train`. */
  readonly test: MatrixInput;
  /** The true labels, one per row of `test`. */
  readonly testLabels: ScoreLabels;
  /** Number of neighbors that vote, from 1 to the rows of `train`. Default 5. */
  readonly k?: number;
}

const accuracyDefaults: Partial<KnnAccuracyInput> & { readonly k: number } = {
  train: undefined,
  trainLabels: undefined,
  test: undefined,
  testLabels: undefined,
  k: 5,
};
const accuracyRules: OptionRules<KnnAccuracyInput> = {
  train: anything,
  trainLabels: anything,
  test: anything,
  testLabels: anything,
  k: anything,
};
const accuracyRenamed: Readonly<Record<string, string>> = {
  nNeighbors: "the neighbors that vote are called 'k'",
};

/**
 * Accuracy of a nearest-neighbor classifier on an embedding, in [0, 1]: the share of `test` rows whose label is the most
 * frequent one among their `k` nearest rows of `train` (Euclidean). Of equally frequent labels the smallest is predicted,
 * as in scikit-learn's `KNeighborsClassifier`; equal distances are ordered by row.
 *
 * `train` and `test` are rows in any form that estimators take. `trainLabels` and `testLabels` hold one number or string
 * per row; -1 is an ordinary label here, and rows of unknown label (null, NaN) have to be left out. `k` is at least 1 and
 * at most the rows of `train`, default 5.
 *
 * Throws `DataError` for tables and labels that do not match, `OptionError` for unknown options and `k` out of range.
 */
export function knnAccuracy(input: KnnAccuracyInput): number {
  const caller = 'knnAccuracy';
  const given = resolveOptions<typeof accuracyDefaults>(
    caller,
    input,
    accuracyDefaults,
    accuracyRules,
    accuracyRenamed,
  ) as Required<KnnAccuracyInput>;
  const { k } = given;
  const [train, test] = readTables(caller, ['train', given.train], ['test', given.test]);
  const [trainLabels, testLabels] = readLabels(caller, [
    ['trainLabels', given.trainLabels, train.shape[0]],
    ['testLabels', given.testLabels, test.shape[0]],
  ]) as [Int32Array, Int32Array];
  if (train.shape[1] !== test.shape[1]) {
    throw new DataError(
      `${caller}: expected as many columns of test as of train (train=${train.shape[1]}), got test=${test.shape[1]}; ` +
        'embed both with the same model',
    );
  }
  if (!(Number.isInteger(k) && k >= 1 && k <= train.shape[0])) {
    throw new OptionError(
      `${caller}: k: expected an integer from 1 to the rows of train (rows=${train.shape[0]}), got k=${k}; lower k`,
    );
  }
  const near = nearestRows(test, train, k, false);
  const votes = new Int32Array(k);
  let correct = 0;
  for (let i = 0; i < testLabels.length; i++) {
    for (let rank = 0; rank < k; rank++) votes[rank] = trainLabels[near[i * k + rank]!]!;
    if (mostFrequent(votes.sort()) === testLabels[i]) correct++;
  }
  return correct / testLabels.length;
}

/**
 * Mean silhouette of labeled points, in [-1, 1] (Rousseeuw, 1987; as in scikit-learn). The silhouette of a point is
 * (b - a) / max(a, b), where a is its mean Euclidean distance to the other points of its label and b the smallest mean
 * distance to the points of another label; it is 0 for a label with one point.
 *
 * `points` are rows in any form that estimators take. `labels` holds one number or string per row, with at least 2 and
 * fewer than n distinct ones; -1 is an ordinary label here, and rows of unknown label (null, NaN) have to be left out.
 *
 * Throws `DataError` for labels that do not match. The time grows with the square of the number of rows.
 */
export function silhouette(points: MatrixInput, labels: ScoreLabels): number {
  const caller = 'silhouette';
  const table = readTable(caller, 'points', points);
  const rows = table.shape[0];
  const [groups] = readLabels(caller, [['labels', labels, rows]]) as [Int32Array];
  const distinct = groups.reduce((most, group) => Math.max(most, group + 1), 0);
  if (distinct < 2 || distinct >= rows) {
    throw new DataError(
      `${caller}: expected at least 2 and fewer than ${rows} (rows) distinct labels, got ${distinct}; ` +
        'give a label per cluster',
    );
  }
  const sizes = new Int32Array(distinct);
  for (const group of groups) sizes[group]!++;
  const sums = new Float64Array(distinct);
  let total = 0;
  for (let i = 0; i < rows; i++) {
    const own = groups[i]!;
    if (sizes[own] === 1) continue;
    sums.fill(0);
    for (let j = 0; j < rows; j++) sums[groups[j]!]! += Math.sqrt(squaredDistance(table, i, table, j));
    let other = Number.POSITIVE_INFINITY;
    for (let group = 0; group < sums.length; group++) {
      if (group !== own) other = Math.min(other, sums[group]! / sizes[group]!);
    }
    const within = sums[own]! / (sizes[own]! - 1);
    if (Math.max(within, other) > 0) total += (other - within) / Math.max(within, other);
  }
  return total / rows;
}
