/** How good is a map? Scores for embeddings and for neighbour tables. */
import { DataError, describe, OptionError } from '../core/errors.js';
import { type OptionRules, resolveOptions } from '../core/options.js';
import { createRandom } from '../core/random.js';
import { anything, callable, either, integer, object, text } from '../core/rules.js';
import type { Distance, DistanceFunction, Knn } from '../core/types.js';
import { enterNow, type MatrixInput } from '../data/matrix.js';
import { checkEqualRows, readDistance, readTable } from './data.js';
import { nearestRows, rankPenalty, spearman, squaredDistance } from './ranks.js';

export { type KnnAccuracyInput, knnAccuracy, silhouette } from './labelScores.js';

/** Options of `trustworthiness`. */
export interface TrustworthinessOptions {
  /** Neighbours of a row on the map, the row itself not counted. Default 15, at least 1 and below rows / 2. */
  readonly nNeighbors?: number;
  /**
   * Metric of the data: a name as in the estimator's `metric`, a function of two rows, or `'precomputed'` when `data`
   * holds all distances, n x n. Default `'euclidean'`.
   */
  readonly distance?: string | DistanceFunction;
  /** Arguments of the metric, such as `{ p: 3 }` for minkowski. Default none. */
  readonly metricParams?: Readonly<Record<string, unknown>>;
}

const trustDefaults: Required<TrustworthinessOptions> = {
  nNeighbors: 15,
  distance: 'euclidean',
  metricParams: {},
};
const trustRules: OptionRules<TrustworthinessOptions> = {
  nNeighbors: anything,
  distance: either(text('the name of a metric'), callable),
  metricParams: object(),
};
const trustRenamed: Readonly<Record<string, string>> = {
  k: "the neighbours are called 'nNeighbors'",
  metric: "the metric of the data is called 'distance'",
};

/**
 * Trustworthiness of an embedding, in [0, 1]: 1 when every row's `nNeighbors` nearest in the map are also
 * near in the data (Venna and Kaski, 2001; as in scikit-learn). With r(i, j) the place of j among the rows
 * other than i by distance from i in the data, and N_i the k nearest of i in the map (Euclidean),
 *
 *     1 - 2 / (n k (2n - 3k - 1)) * sum over i, j in N_i of max(0, r(i, j) - k)
 *
 * Equal distances are taken in the order of their rows, in the data and on the map. scikit-learn takes them in whatever
 * order its two searches leave them, one order in the data and another on the map, and so counts copies of a row that lie
 * together on the map as far from each other: where many distances are equal its value is lower, for a map that is a copy
 * of the data too (0.993 instead of 1 with 300 rows of which 16 are distinct). Where none are equal, both are the same.
 *
 * - `data`, n rows; `embedding`, the same n rows, any width: in any form that estimators take. Tensors must be of a
 *   backend that can be read at once (all but WebGPU).
 * - `nNeighbors`, default 15: k, at least 1 and below n / 2.
 * - `distance`, with `metricParams`: metric of the data, default Euclidean. Euclidean distances are computed in blocks
 *   (about 6 s for 5,000 rows of 784); the time grows with the square of n, so give a sample of a large data set.
 *
 * Throws `DataError` for tables that do not match, `OptionError` for unknown options and `nNeighbors` out of range.
 */
export function trustworthiness(
  data: MatrixInput,
  embedding: MatrixInput,
  options?: TrustworthinessOptions,
): number;
/** The same with a metric on flat tables: `(a, offsetA, b, offsetB, columns) => number`. */
export function trustworthiness(
  data: MatrixInput,
  embedding: MatrixInput,
  options: { readonly nNeighbors?: number; readonly distance: Distance },
): number;
export function trustworthiness(
  data: MatrixInput,
  embedding: MatrixInput,
  options: TrustworthinessOptions | { readonly nNeighbors?: number; readonly distance: Distance } = {},
): number {
  const who = 'trustworthiness';
  const { nNeighbors, distance, metricParams } = resolveOptions<Required<TrustworthinessOptions>>(
    who,
    options as TrustworthinessOptions,
    trustDefaults,
    trustRules,
    trustRenamed,
  );
  const rowsTable = readTable(who, 'data', data, distance);
  const map = readTable(who, 'embedding', embedding);
  checkEqualRows(who, rowsTable, map);
  const rows = map.shape[0];
  if (!(Number.isInteger(nNeighbors) && nNeighbors >= 1 && nNeighbors < rows / 2)) {
    throw new OptionError(
      `${who}: nNeighbors must be a whole number from 1 to below rows / 2 ` +
        `(nNeighbors=${nNeighbors}, rows=${rows}); lower nNeighbors or give more rows`,
    );
  }
  const near = nearestRows(map, map, nNeighbors, true);
  const penalty = rankPenalty(
    rowsTable,
    near,
    nNeighbors,
    readDistance(who, distance, metricParams, rowsTable),
  );
  return 1 - (2 / (rows * nNeighbors * (2 * rows - 3 * nNeighbors - 1))) * penalty;
}

/** Neighbours as `fit` takes them: ids, n x k, in any form of rows. Their distances are not read. */
/** A table of neighbors without distances. */
export interface NeighborIds {
  /** Row numbers of the neighbors, rows x k; -1 for none. */
  readonly indices: MatrixInput;
}

/**
 * Share of the true neighbours that an approximate search found, in [0, 1]; a row itself does not count.
 * Neighbours are compared by id, so among many equal distances a right answer may differ from the exact
 * table's.
 *
 * - `found`, `exact`: tables of neighbours, as `{ indices }` with ids in any form of rows (n x k; -1 for none), or flat
 *   with `rows` and `k`.
 *
 * Both tables need the same rows and k (`DataError`).
 */
export function knnRecall(found: Knn | NeighborIds, exact: Knn | NeighborIds): number {
  const [guess, truth] = [readIds('found', found), readIds('exact', exact)];
  const { rows, k } = truth;
  if (guess.rows !== rows || guess.k !== k) {
    throw new DataError(
      `knnRecall: both tables need the same rows and k (found: rows=${guess.rows}, k=${guess.k}; ` +
        `exact: rows=${rows}, k=${k})`,
    );
  }
  let hits = 0;
  let wanted = 0;
  const listed = new Int32Array(rows).fill(-1);
  for (let i = 0; i < rows; i++) {
    for (let entry = i * k; entry < (i + 1) * k; entry++) {
      const id = guess.indices[entry]!;
      if (id >= 0) listed[id] = i;
    }
    for (let entry = i * k; entry < (i + 1) * k; entry++) {
      const id = truth.indices[entry]!;
      if (id < 0 || id === i) continue;
      wanted++;
      if (listed[id] === i) hits++;
    }
  }
  return wanted === 0 ? 1 : hits / wanted;
}

function readIds(
  what: string,
  knn: Knn | NeighborIds,
): { indices: ArrayLike<number>; rows: number; k: number } {
  if (typeof knn !== 'object' || knn === null || !('indices' in knn)) {
    throw new DataError(
      `knnRecall: ${what}: neighbours { indices } expected, got ${describe(knn)}; pass ids, n x k, as indices`,
    );
  }
  if ('rows' in knn && 'k' in knn) {
    const { indices, rows, k } = knn;
    if (indices.length === rows * k) return { indices, rows, k };
    throw new DataError(
      `knnRecall: ${what}: ${rows * k} ids expected (rows=${rows}, k=${k}), got ${indices.length}; pass all lists, flat`,
    );
  }
  const { data, shape } = enterNow(knn.indices, `knnRecall: ${what}.indices`).matrix;
  return { indices: data, rows: shape[0], k: shape[1] };
}

/** Options of `distanceCorrelation`. */
export interface DistanceCorrelationOptions {
  /**
   * Pairs of rows, drawn with replacement. All pairs are used, and nothing is drawn, where there are no more than that.
   * The standard error is about 1 / sqrt(pairs). Default 100,000, at least 2.
   */
  readonly pairs?: number | undefined;
  /** Decides which pairs are drawn. Default 42. */
  readonly seed?: number | undefined;
}

const correlationDefaults: Required<DistanceCorrelationOptions> = { pairs: 100_000, seed: 42 };
const correlationRules: OptionRules<DistanceCorrelationOptions> = {
  pairs: integer(2),
  seed: integer(0),
};

/**
 * Spearman correlation, in [-1, 1], of the Euclidean distances of pairs of rows in the data with those in the
 * embedding: does the map keep the order of distances, the large ones included? Equal distances share their
 * mean rank.
 *
 * - `data`, n rows; `embedding`, the same n rows, any width: in any form that estimators take.
 * - `pairs` and `seed`: as in `DistanceCorrelationOptions`.
 *
 * Throws `DataError` for tables that do not match or have fewer than 3 rows, `OptionError` for unknown options and for
 * `pairs` below 2. The result is NaN when all distances of one side are equal.
 */
export function distanceCorrelation(
  data: MatrixInput,
  embedding: MatrixInput,
  options: DistanceCorrelationOptions = {},
): number {
  const who = 'distanceCorrelation';
  const { pairs, seed } = resolveOptions<Required<DistanceCorrelationOptions>>(
    who,
    options,
    correlationDefaults,
    correlationRules,
  );
  const random = createRandom(seed);
  const table = readTable(who, 'data', data);
  const map = readTable(who, 'embedding', embedding);
  checkEqualRows(who, table, map);
  const rows = table.shape[0];
  if (rows < 3) throw new DataError(`${who}: at least 3 rows are needed (rows=${rows})`);
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
    far[pair] = squaredDistance(table, i, table, j);
    near[pair] = squaredDistance(map, i, map, j);
  }
  // Squaring does not change the order, so squared distances have the same ranks.
  return spearman(far, near);
}
