/** How good is a map? Scores for embeddings and for neighbour tables. */
import { DataError, OptionError } from './errors.js';
import { mostFrequent, nearestRows, rankPenalty, spearman, squaredDistance } from './ranks.js';
import type { Distance, Knn, Matrix, Random } from './types.js';

/**
 * Trustworthiness of an embedding, in [0, 1]: 1 when every row's `nNeighbors` nearest in the map are also
 * near in the data (Venna and Kaski, 2001; as in scikit-learn). With r(i, j) the place of j among the rows
 * other than i by distance from i in the data, and N_i the k nearest of i in the map (Euclidean),
 *
 *     1 - 2 / (n k (2n - 3k - 1)) * sum over i, j in N_i of max(0, r(i, j) - k)
 *
 * Equal distances are taken in the order of their rows.
 *
 * - `data`, n rows; `embedding`, the same n rows, any width.
 * - `nNeighbors`, default 15: k, at least 1 and below n / 2.
 * - `distance`: metric of the data, default Euclidean. Euclidean distances are computed in blocks (about 6 s
 *   for 5,000 rows of 784); the time grows with the square of n, so give a sample of a large data set.
 *
 * Throws `DataError` for tables that do not match, `OptionError` for `nNeighbors` out of range.
 */
export function trustworthiness(
  data: Matrix,
  embedding: Matrix,
  { nNeighbors = 15, distance }: { nNeighbors?: number; distance?: Distance } = {},
): number {
  const who = 'trustworthiness';
  checkMatrix(who, 'data', data);
  checkMatrix(who, 'embedding', embedding);
  checkEqualRows(who, data, embedding);
  const rows = data.shape[0];
  if (!(Number.isInteger(nNeighbors) && nNeighbors >= 1 && nNeighbors < rows / 2)) {
    throw new OptionError(
      `${who}: nNeighbors must be a whole number from 1 to below rows / 2 ` +
        `(nNeighbors=${nNeighbors}, rows=${rows}); lower nNeighbors or give more rows`,
    );
  }
  const near = nearestRows(embedding, embedding, nNeighbors, true);
  const penalty = rankPenalty(data, near, nNeighbors, distance);
  return 1 - (2 / (rows * nNeighbors * (2 * rows - 3 * nNeighbors - 1))) * penalty;
}

/**
 * Share of `test` rows whose label is the most frequent among their `k` nearest rows of `train` (Euclidean):
 * how well a nearest-neighbour classifier does on the map. Of equally frequent labels the smallest counts, as
 * in scikit-learn's `KNeighborsClassifier`; equal distances are taken in the order of the rows.
 *
 * - `trainLabels`, `testLabels`: one whole number a row.
 * - `k`, default 5: from 1 to the rows of `train`.
 *
 * Throws `DataError` for tables and labels that do not match, `OptionError` for `k` out of range.
 */
export function knnAccuracy({
  train,
  trainLabels,
  test,
  testLabels,
  k = 5,
}: {
  train: Matrix;
  trainLabels: Int32Array;
  test: Matrix;
  testLabels: Int32Array;
  k?: number;
}): number {
  const who = 'knnAccuracy';
  checkMatrix(who, 'train', train);
  checkMatrix(who, 'test', test);
  checkLabels(who, 'trainLabels', trainLabels, train.shape[0]);
  checkLabels(who, 'testLabels', testLabels, test.shape[0]);
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
 * Share of the true neighbours that an approximate search found, in [0, 1]; a row itself does not count.
 * Neighbours are compared by id, so among many equal distances a right answer may differ from the exact
 * table's.
 *
 * Both tables need the same rows and k (`DataError`).
 */
export function knnRecall(found: Knn, exact: Knn): number {
  const { rows, k } = exact;
  if (found.rows !== rows || found.k !== k) {
    throw new DataError(
      `knnRecall: both tables need the same rows and k (found: rows=${found.rows}, k=${found.k}; ` +
        `exact: rows=${rows}, k=${k})`,
    );
  }
  let hits = 0;
  let wanted = 0;
  const listed = new Int32Array(rows).fill(-1);
  for (let i = 0; i < rows; i++) {
    for (let entry = i * k; entry < (i + 1) * k; entry++) {
      const id = found.indices[entry]!;
      if (id >= 0) listed[id] = i;
    }
    for (let entry = i * k; entry < (i + 1) * k; entry++) {
      const id = exact.indices[entry]!;
      if (id < 0 || id === i) continue;
      wanted++;
      if (listed[id] === i) hits++;
    }
  }
  return wanted === 0 ? 1 : hits / wanted;
}

/**
 * Spearman correlation, in [-1, 1], of the Euclidean distances of pairs of rows in the data with those in the
 * embedding: does the map keep the order of distances, the large ones included? Equal distances share their
 * mean rank.
 *
 * - `pairs`, default 100,000: pairs drawn with replacement from `random`. All pairs are used, and nothing is
 *   drawn, where there are no more than that. The standard error is about 1 / sqrt(pairs).
 *
 * Throws `DataError` for tables that do not match or have fewer than 3 rows, `OptionError` for `pairs` below
 * 2. The result is NaN when all distances of one side are equal.
 */
export function distanceCorrelation(
  data: Matrix,
  embedding: Matrix,
  { pairs = 100_000, random }: { pairs?: number; random: Random },
): number {
  const who = 'distanceCorrelation';
  checkMatrix(who, 'data', data);
  checkMatrix(who, 'embedding', embedding);
  checkEqualRows(who, data, embedding);
  const rows = data.shape[0];
  if (rows < 3) throw new DataError(`${who}: at least 3 rows are needed (rows=${rows})`);
  if (!(Number.isInteger(pairs) && pairs >= 2)) {
    throw new OptionError(`${who}: pairs must be a whole number of at least 2 (pairs=${pairs})`);
  }
  const all = (rows * (rows - 1)) / 2;
  const count = Math.min(pairs, all);
  const far = new Float64Array(count);
  const near = new Float64Array(count);
  let i = 0;
  let j = 0;
  for (let pair = 0; pair < count; pair++) {
    if (all <= pairs) {
      if (++j === rows) j = ++i + 1;
    } else {
      i = random.integer(rows);
      j = random.integer(rows - 1);
      if (j >= i) j++;
    }
    far[pair] = squaredDistance(data, i, data, j);
    near[pair] = squaredDistance(embedding, i, embedding, j);
  }
  // Squaring does not change the order, so squared distances have the same ranks.
  return spearman(far, near);
}

/**
 * Mean silhouette of labelled points, in [-1, 1]: with a the mean Euclidean distance of a point to the others
 * of its label and b that to the nearest other label, (b - a) / max(a, b), 0 for a label with one point
 * (Rousseeuw, 1987; as in scikit-learn).
 *
 * - `labels`: one whole number a row, at least 2 and fewer than rows different ones.
 *
 * Throws `DataError` for labels that do not match. The time grows with the square of the rows.
 */
export function silhouette(points: Matrix, labels: Int32Array): number {
  const who = 'silhouette';
  checkMatrix(who, 'points', points);
  const rows = points.shape[0];
  checkLabels(who, 'labels', labels, rows);
  const distinct = Array.from(new Set(labels));
  if (distinct.length < 2 || distinct.length >= rows) {
    throw new DataError(
      `${who}: there must be at least 2 and fewer than rows different labels (labels=${distinct.length}, rows=${rows})`,
    );
  }
  const groupOf = new Map(distinct.map((label, group) => [label, group]));
  const groups = labels.map((label) => groupOf.get(label)!);
  const sizes = new Int32Array(distinct.length);
  for (const group of groups) sizes[group]!++;
  const sums = new Float64Array(distinct.length);
  let total = 0;
  for (let i = 0; i < rows; i++) {
    const own = groups[i]!;
    if (sizes[own] === 1) continue;
    sums.fill(0);
    for (let j = 0; j < rows; j++) sums[groups[j]!]! += Math.sqrt(squaredDistance(points, i, points, j));
    let other = Number.POSITIVE_INFINITY;
    for (let group = 0; group < sums.length; group++) {
      if (group !== own) other = Math.min(other, sums[group]! / sizes[group]!);
    }
    const within = sums[own]! / (sizes[own]! - 1);
    if (Math.max(within, other) > 0) total += (other - within) / Math.max(within, other);
  }
  return total / rows;
}

function checkMatrix(who: string, what: string, { data, shape: [rows, columns] }: Matrix): void {
  if (!(rows >= 1 && columns >= 1 && data.length === rows * columns)) {
    throw new DataError(
      `${who}: ${what} must hold rows * columns values, at least one (rows=${rows}, columns=${columns}, ` +
        `values=${data.length})`,
    );
  }
  for (let place = 0; place < data.length; place++) {
    if (!Number.isFinite(data[place])) {
      throw new DataError(
        `${who}: ${what} must be finite (${data[place]} in row ${Math.floor(place / columns)}, column ${place % columns})`,
      );
    }
  }
}

function checkEqualRows(who: string, data: Matrix, embedding: Matrix): void {
  if (data.shape[0] !== embedding.shape[0]) {
    throw new DataError(
      `${who}: data and embedding must have the same rows (data=${data.shape[0]}, embedding=${embedding.shape[0]})`,
    );
  }
}

function checkLabels(who: string, what: string, labels: Int32Array, rows: number): void {
  if (labels.length !== rows) {
    throw new DataError(`${who}: ${what} must hold one label a row (labels=${labels.length}, rows=${rows})`);
  }
}
