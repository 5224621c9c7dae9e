/** Scores of embeddings and of neighbor lists. */
import { DataError, describe, OptionError } from '../core/errors.js';
import { type OptionRules, resolveOptions } from '../core/options.js';
import { createRandom } from '../core/random.js';
import { anything, callable, either, integer, object, text } from '../core/rules.js';
import type { Distance, DistanceFunction, Knn } from '../core/types.js';
import { type MatrixInput, toMatrixSync } from '../data/matrix.js';
import { checkEqualRows, readDistance, readTable } from './data.js';
import { nearestRows, rankPenalty, spearman, squaredDistance } from './ranks.js';

export { type KnnAccuracyInput, knnAccuracy, silhouette } from './labelScores.js';

/** Options of `trustworthiness`. */
export interface TrustworthinessOptions {
  /** Number of neighbors of a row on the map, without the row itself: at least 1 and below rows / 2. Default 15. */
  readonly nNeighbors?: number;
  /**
   * Metric of the data: a name as in the estimator's `metric`, a function of two rows, or `'precomputed'` if `data` holds
   * all distances, n x n. Default `'euclidean'`.
   */
  readonly distance?: string | DistanceFunction;
  /** Arguments of the metric, such as `{ p: 3 }` for minkowski. Default: none. */
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
  k: "the neighbors are called 'nNeighbors'",
  metric: "the metric of the data is called 'distance'",
};

/**
 * Trustworthiness of an embedding, in [0, 1]: 1 if the `nNeighbors` nearest rows of each row on the map are also among the
 * nearest in the data (Venna and Kaski, 2001; as in scikit-learn). With k = `nNeighbors`, r(i, j) the rank of j among the
 * other rows by distance from i in the data, and N_i the k nearest of i on the map (Euclidean), it is
 *
 *     1 - 2 / (n k (2n - 3k - 1)) * sum over i, j in N_i of max(0, r(i, j) - k)
 *
 * Equal distances are ordered by row, in the data and on the map. In scikit-learn the order of equal distances depends on
 * the search, and differs between data and map, so that duplicates of a row count as far from each other. Where many
 * distances are equal its value is therefore lower, even for a map that is a copy of the data (0.993 instead of 1 for 300
 * rows of which 16 are distinct). Without equal distances both are the same.
 *
 * `data` and `embedding` hold the same n rows, in any form that estimators take; tensors must be of a backend that can be
 * read synchronously (all but WebGPU). Euclidean distances are computed in blocks (about 6 s for 5,000 rows of 784). The
 * time grows with the square of n, so pass a sample of a large data set.
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
  const caller = 'trustworthiness';
  const { nNeighbors, distance, metricParams } = resolveOptions<Required<TrustworthinessOptions>>(
    caller,
    options as TrustworthinessOptions,
    trustDefaults,
    trustRules,
    trustRenamed,
  );
  const rowsTable = readTable(caller, 'data', data, distance);
  const map = readTable(caller, 'embedding', embedding);
  checkEqualRows(caller, rowsTable, map);
  const rows = map.shape[0];
  if (!(Number.isInteger(nNeighbors) && nNeighbors >= 1 && nNeighbors < rows / 2)) {
    throw new OptionError(
      `${caller}: expected an integer nNeighbors from 1 to below rows / 2 (rows=${rows}), ` +
        `got nNeighbors=${nNeighbors}; lower nNeighbors or pass more rows`,
    );
  }
  const near = nearestRows(map, map, nNeighbors, true);
  const penalty = rankPenalty(
    rowsTable,
    near,
    nNeighbors,
    readDistance(caller, distance, metricParams, rowsTable),
  );
  return 1 - (2 / (rows * nNeighbors * (2 * rows - 3 * nNeighbors - 1))) * penalty;
}

/** Neighbor lists without distances. */
export interface NeighborIds {
  /** Row numbers of the neighbors, rows x k; -1 for missing ones. */
  readonly indices: MatrixInput;
}

/**
 * Recall of an approximate neighbor search, in [0, 1]: the share of the true neighbors that it found, not counting a row
 * itself. Neighbors are compared by id, so where many distances are equal a correct result may differ from `exact`.
 *
 * `found` and `exact` are `{ indices }` with ids, n x k in any form of rows (-1 for missing neighbors), or flat with `rows`
 * and `k`. Throws `DataError` if the numbers of rows or of neighbors differ.
 */
export function knnRecall(found: Knn | NeighborIds, exact: Knn | NeighborIds): number {
  const [guess, truth] = [readIds('found', found), readIds('exact', exact)];
  const { rows, k } = truth;
  if (guess.rows !== rows || guess.k !== k) {
    throw new DataError(
      `knnRecall: found: expected rows=${rows}, k=${k}, as in exact, got rows=${guess.rows}, k=${guess.k}; ` +
        'compare lists of the same rows and length',
    );
  }
  let hits = 0;
  let relevant = 0;
  const listed = new Int32Array(rows).fill(-1);
  for (let i = 0; i < rows; i++) {
    for (let entry = i * k; entry < (i + 1) * k; entry++) {
      const id = guess.indices[entry]!;
      if (id >= 0) listed[id] = i;
    }
    for (let entry = i * k; entry < (i + 1) * k; entry++) {
      const id = truth.indices[entry]!;
      if (id < 0 || id === i) continue;
      relevant++;
      if (listed[id] === i) hits++;
    }
  }
  return relevant === 0 ? 1 : hits / relevant;
}

function readIds(
  what: string,
  knn: Knn | NeighborIds,
): { indices: ArrayLike<number>; rows: number; k: number } {
  if (typeof knn !== 'object' || knn === null || !('indices' in knn)) {
    throw new DataError(
      `knnRecall: ${what}: expected neighbors { indices }, got ${describe(knn)}; pass ids, n x k, as indices`,
    );
  }
  if ('rows' in knn && 'k' in knn) {
    const { indices, rows, k } = knn;
    if (indices.length === rows * k) return { indices, rows, k };
    throw new DataError(
      `knnRecall: ${what}: expected ${rows * k} ids (rows=${rows}, k=${k}), got ${indices.length}; pass all lists, flat`,
    );
  }
  const { data, shape } = toMatrixSync(knn.indices, `knnRecall: ${what}.indices`).matrix;
  return { indices: data, rows: shape[0], k: shape[1] };
}

/** Options of `distanceCorrelation`. */
export interface DistanceCorrelationOptions {
  /** Number of random pairs of rows, at least 2. All pairs are used where there are no more. Default 100,000. */
  readonly pairs?: number;
  /** Seed of the random pairs: an integer or a string. Default 42. */
  readonly seed?: number | string;
}

const correlationDefaults: Required<DistanceCorrelationOptions> = { pairs: 100_000, seed: 42 };
const correlationRules: OptionRules<DistanceCorrelationOptions> = {
  pairs: integer(2),
  seed: either(integer(), text('a name')),
};

/**
 * Global structure of an embedding, in [-1, 1]: Spearman's rank correlation between the Euclidean distances of pairs of
 * rows in the data and on the map. It is 1 if the map keeps the order of all distances, small and large. Equal distances
 * share their mean rank. The standard error from drawing pairs is about 1 / sqrt(`pairs`).
 *
 * `data` and `embedding` hold the same rows, in any form that estimators take. The result is NaN if all distances in
 * either are equal. Throws `DataError` for tables that do not match or have fewer than 3 rows, `OptionError` for wrong
 * options.
 */
export function distanceCorrelation(
  data: MatrixInput,
  embedding: MatrixInput,
  options: DistanceCorrelationOptions = {},
): number {
  const caller = 'distanceCorrelation';
  const { pairs, seed } = resolveOptions<Required<DistanceCorrelationOptions>>(
    caller,
    options,
    correlationDefaults,
    correlationRules,
  );
  const table = readTable(caller, 'data', data);
  const map = readTable(caller, 'embedding', embedding);
  checkEqualRows(caller, table, map);
  const rows = table.shape[0];
  if (rows < 3) {
    throw new DataError(`${caller}: expected at least 3 rows, got rows=${rows}; pass more rows`);
  }
  const random = createRandom(seed);
  const all = (rows * (rows - 1)) / 2;
  const count = Math.min(pairs, all);
  const inData = new Float64Array(count);
  const onMap = new Float64Array(count);
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
    // Squared distances have the same ranks as distances.
    inData[pair] = squaredDistance(table, i, table, j);
    onMap[pair] = squaredDistance(map, i, map, j);
  }
  return spearman(inData, onMap);
}
