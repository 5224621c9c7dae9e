/** Exact nearest rows of a reference table for rows that are not in it. */

import { DataError, OptionError } from '../core/errors.js';
import { blockOf, inBlocks, pausesFor, type Work } from '../core/pauses.js';
import { createRandom } from '../core/random.js';
import type { Matrix, NeighborQuery } from '../core/types.js';
import { checkMetricData, distanceFor } from '../math/distance.js';
import { clearLists, createLists, createPush, viewLists } from './search/lists.js';
import { openPool, threadsFor } from './search/pool.js';
import { type Prepared, prepare } from './search/prepare.js';

/**
 * The `k` reference rows nearest to every new row, nearest first. Other than in `Knn`, a row has no entry for itself: column 0 is
 * its nearest reference row, and all `k` are neighbors. Flat, `rows * k` long.
 */
export interface ReferenceNeighbors {
  /** Row numbers in the reference table, `k` per new row; -1 for none. */
  readonly indices: Int32Array;
  /** Distances to these rows, in the same order. */
  readonly distances: Float32Array;
  /** Number of new rows. */
  readonly rows: number;
  /** Neighbors per row. */
  readonly k: number;
}

/** As for a search within one table, but 1 ≤ k ≤ reference rows: there is no own row to count. */
export interface ReferenceQuery extends Omit<NeighborQuery, 'random'> {
  /** Worker threads. Default: the number of cores, at most 8, or none for little work. */
  readonly threads?: number;
}

/** Entries beyond `k` that are searched for: what 32-bit sums may rank wrongly is sorted out by the formula of the metric. */
const SPARE = 8;
/** Below this many products of two numbers, starting threads takes longer than they save. */
const FEW_PRODUCTS = 2 ** 30;
/** Share of the time that goes to the search. */
const SEARCH_SHARE = 0.95;

/**
 * Finds for each row of `rows` the `k` nearest rows of `reference`, by any metric that compares rows. The result is exact: it is
 * sorted by the metric's formula, rounded to 32 bits, then by row number, and depends neither on threads nor on the other new
 * rows. Metrics that rank like a Euclidean distance use vector kernels.
 *
 * Throws `OptionError` for `'precomputed'`, an unknown metric or a wrong `k`, and `DataError` for data that the metric is not
 * defined for or another number of columns.
 */
export async function queryNeighbors(
  reference: Matrix,
  rows: Matrix,
  query: ReferenceQuery,
): Promise<ReferenceNeighbors> {
  const { k, metric, metricParams, signal, progress = () => {} } = query;
  checkReferenceQuery(reference, rows, query);
  const count = rows.shape[0];
  if (count === 0) return { indices: new Int32Array(0), distances: new Float32Array(0), rows: 0, k };
  const pauses = pausesFor(signal);
  // The row itself counts in a search within one table, and an exact one draws nothing.
  const within = {
    metric,
    metricParams,
    k: Math.min(reference.shape[0], k + SPARE) + 1,
    random: createRandom(0),
  };
  const both = await pauses.run(joined(rows, reference));
  const few = count * reference.data.length < FEW_PRODUCTS;
  const threads = query.threads ?? (few ? 1 : await threadsFor(both, metric));
  const prepared = await pauses.run(prepare(both, within, threads, true, count));
  const pool = await openPool(prepared.plan, prepared.arena, threads, signal);
  try {
    await pool.run('all', 0, (done) => progress(SEARCH_SHARE * done));
  } finally {
    await pool.close();
  }
  return pauses.run(ranked(prepared, reference, rows, query), (done) =>
    progress(SEARCH_SHARE + (1 - SEARCH_SHARE) * done),
  );
}

function checkReferenceQuery(
  reference: Matrix,
  rows: Matrix,
  { k, metric, metricParams, signal }: ReferenceQuery,
): void {
  signal?.throwIfAborted();
  if (metric === 'precomputed') {
    throw new OptionError(
      "neighbors: expected a metric that compares rows, got 'precomputed'; distances of new rows to those of the fit are not " +
        'known, so fit all rows together',
    );
  }
  if (!(Number.isInteger(k) && k >= 1 && k <= reference.shape[0])) {
    throw new OptionError(
      `neighbors: expected k from 1 to the number of reference rows (${reference.shape[0]}), got ${k}; change nNeighbors`,
    );
  }
  if (rows.shape[1] !== reference.shape[1]) {
    throw new DataError(
      `neighbors: expected new rows of ${reference.shape[1]} columns, as the reference rows have, got ${rows.shape[1]}; ` +
        'pass the columns of the fit',
    );
  }
  // Called for its checks.
  distanceFor(metric, metricParams);
  checkMetricData(metric, reference, metricParams);
  checkMetricData(metric, rows, metricParams);
}

/** Both tables, one after the other. */
function* joined(first: Matrix, second: Matrix): Work<Matrix> {
  const data = new Float32Array(first.data.length + second.data.length);
  let start = 0;
  for (const table of [first.data, second.data]) {
    yield* inBlocks(table.length, 2 ** 22, (from, to) => data.set(table.subarray(from, to), start + from));
    start += table.length;
  }
  return { data, shape: [first.shape[0] + second.shape[0], first.shape[1]] };
}

/** The lists that were found, each ranked by the formula of the metric. */
function* ranked(
  { plan, arena, rounding, toDistance }: Prepared,
  reference: Matrix,
  rows: Matrix,
  { k, metric, metricParams }: ReferenceQuery,
): Work<ReferenceNeighbors> {
  const { capacity, queries: count } = plan;
  const [others, columns] = reference.shape;
  const { words, floats } = viewLists(arena.buffer, plan.at.lists, count, capacity);
  const distance = distanceFor(metric, metricParams);
  const indices = new Int32Array(count * k);
  const distances = new Float32Array(count * k);
  const nearest = createLists(count, k);
  const push = createPush(nearest);
  const add = (row: number, id: number) =>
    push(row, id, distance(rows.data, row * columns, reference.data, id * columns, columns));
  // Bound on the relative error of a sum of squares in four lanes of 32 bits.
  const wrong = (plan.width / 4 + 8) * 2 ** -24;
  /** Whether the list of a row has all that may be among the nearest `k`. */
  const complete = (row: number) => {
    // Pair by pair, lists are sorted by the formula.
    if (capacity === others || plan.metric !== undefined) return true;
    const last = floats[2 * (row + 1) * capacity - 1]!;
    // Smaller or larger squares lose digits in 32 bits.
    if (!(last > 1e-30 && last < 1e38)) return false;
    const bound = Math.max(0, Math.sqrt(last * (1 - wrong)) - rounding) ** 2;
    return Math.fround(toDistance(bound)) > nearest.floats[2 * (row + 1) * k - 1]!;
  };
  const atATime = blockOf(capacity * columns);
  for (let row = 0; row < count; row++) {
    if (row % atATime === 0) yield row / count;
    for (let c = 0; c < capacity; c++) add(row, (words[2 * (row * capacity + c)]! >>> 1) - count);
    if (!complete(row)) {
      clearLists(nearest, row, row + 1);
      yield* inBlocks(others, blockOf(columns), (from, to) => {
        for (let id = from; id < to; id++) add(row, id);
      });
    }
    for (let entry = row * k; entry < (row + 1) * k; entry++) {
      indices[entry] = nearest.words[2 * entry]! >>> 1;
      distances[entry] = nearest.floats[2 * entry + 1]!;
    }
  }
  return { indices, distances, rows: count, k };
}
