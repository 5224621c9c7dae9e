/** How well do places on a map tell labels apart? */
import { DataError, OptionError } from '../core/errors.js';
import { type OptionRules, resolveOptions } from '../core/options.js';
import { anything } from '../core/rules.js';
import type { MatrixInput } from '../data/matrix.js';
import { readLabels, readTable, readTables, type ScoreLabels } from './data.js';
import { mostFrequent, nearestRows, squaredDistance } from './ranks.js';

/** What `knnAccuracy` takes. */
export interface KnnAccuracyInput {
  /** Rows on the map whose labels vote. */
  readonly train: MatrixInput;
  /** One label per row of `train`. */
  readonly trainLabels: ScoreLabels;
  /** Rows on the map whose labels are guessed; as wide as `train`. */
  readonly test: MatrixInput;
  /** The true labels, one per row of `test`. */
  readonly testLabels: ScoreLabels;
  /** Neighbours that vote, default 5: from 1 to the rows of `train`. */
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
  nNeighbors: "the neighbours that vote are called 'k'",
};

/**
 * Share of `test` rows whose label is the most frequent among their `k` nearest rows of `train` (Euclidean):
 * how well a nearest-neighbour classifier does on the map. Of equally frequent labels the smallest counts, as
 * in scikit-learn's `KNeighborsClassifier`; equal distances are taken in the order of the rows.
 *
 * - `train`, `test`: rows in any form that estimators take.
 * - `trainLabels`, `testLabels`: a number or a word a row, all of one kind. -1 is a label like any other here; a row
 *   whose label is not known (null, NaN) has to be left out.
 * - `k`, default 5: from 1 to the rows of `train`.
 *
 * Throws `DataError` for tables and labels that do not match, `OptionError` for unknown options and `k` out of range.
 */
export function knnAccuracy(input: KnnAccuracyInput): number {
  const who = 'knnAccuracy';
  const given = resolveOptions<typeof accuracyDefaults>(
    who,
    input,
    accuracyDefaults,
    accuracyRules,
    accuracyRenamed,
  ) as Required<KnnAccuracyInput>;
  const { k } = given;
  const [train, test] = readTables(who, ['train', given.train], ['test', given.test]);
  const [trainLabels, testLabels] = readLabels(who, [
    ['trainLabels', given.trainLabels, train.shape[0]],
    ['testLabels', given.testLabels, test.shape[0]],
  ]) as [Int32Array, Int32Array];
  if (train.shape[1] !== test.shape[1]) {
    throw new DataError(
      `${who}: train and test must have the same columns (train=${train.shape[1]}, test=${test.shape[1]})`,
    );
  }
  if (!(Number.isInteger(k) && k >= 1 && k <= train.shape[0])) {
    throw new OptionError(
      `${who}: k must be a whole number from 1 to the rows of train (k=${k}, rows=${train.shape[0]})`,
    );
  }
  const near = nearestRows(test, train, k, false);
  const votes = new Int32Array(k);
  let correct = 0;
  for (let i = 0; i < testLabels.length; i++) {
    for (let place = 0; place < k; place++) votes[place] = trainLabels[near[i * k + place]!]!;
    if (mostFrequent(votes.sort()) === testLabels[i]) correct++;
  }
  return correct / testLabels.length;
}

/**
 * Mean silhouette of labelled points, in [-1, 1]: with a the mean Euclidean distance of a point to the others
 * of its label and b that to the nearest other label, (b - a) / max(a, b), 0 for a label with one point
 * (Rousseeuw, 1987; as in scikit-learn).
 *
 * - `points`: rows in any form that estimators take.
 * - `labels`: a number or a word a row, all of one kind; at least 2 and fewer than rows different ones. -1 is a label
 *   like any other here; a row whose label is not known (null, NaN) has to be left out.
 *
 * Throws `DataError` for labels that do not match. The time grows with the square of the rows.
 */
export function silhouette(points: MatrixInput, labels: ScoreLabels): number {
  const who = 'silhouette';
  const table = readTable(who, 'points', points);
  const rows = table.shape[0];
  const [groups] = readLabels(who, [['labels', labels, rows]]) as [Int32Array];
  const distinct = groups.reduce((most, group) => Math.max(most, group + 1), 0);
  if (distinct < 2 || distinct >= rows) {
    throw new DataError(
      `${who}: there must be at least 2 and fewer than rows different labels (labels=${distinct}, rows=${rows})`,
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
