/** Nearest rows and distance ranks, by exact comparison of all pairs: the basis of the scores. */

import type { Distance, Matrix } from '../core/types.js';
import { at, blockProducts, blockRows, packedBlock, packRows, rowsOf } from '../math/products.js';

/** Squared Euclidean distance of row `i` of `a` from row `j` of `b`. */
export function squaredDistance(a: Matrix, i: number, b: Matrix, j: number): number {
  const columns = a.shape[1];
  const left = a.data;
  const right = b.data;
  let p = i * columns;
  let q = j * columns;
  const end = p + columns;
  let sum = 0;
  while (p < end) {
    const difference = left[p++]! - right[q++]!;
    sum += difference * difference;
  }
  return sum;
}

/**
 * Ids of the `k` rows of `points` nearest to each row of `queries` (Euclidean), nearest first, flat. Ties are ordered by
 * id. With `others`, both are the same table, and a row is not its own neighbor.
 */
export function nearestRows(queries: Matrix, points: Matrix, k: number, others: boolean): Int32Array {
  const near = new Int32Array(queries.shape[0] * k);
  const best = new Float64Array(k);
  for (let i = 0; i < queries.shape[0]; i++) {
    const start = i * k;
    let worst = Number.POSITIVE_INFINITY;
    best.fill(worst);
    for (let j = 0; j < points.shape[0]; j++) {
      const distance = squaredDistance(queries, i, points, j);
      if (distance >= worst || (others && i === j)) continue;
      let rank = k - 1;
      while (rank > 0 && best[rank - 1]! > distance) {
        best[rank] = best[rank - 1]!;
        near[start + rank] = near[start + rank - 1]!;
        rank--;
      }
      best[rank] = distance;
      near[start + rank] = j;
      worst = best[k - 1]!;
    }
  }
  return near;
}

/**
 * Sum over rows i and over the k ids in row i of `near` of max(0, r - k), where r is the rank of the id, from 1, among
 * the other rows by distance from i, then by id. Ranks are found by counting nearer rows: nothing is sorted, and memory
 * is that of `near`.
 */
export function rankPenalty(data: Matrix, near: Int32Array, k: number, distance?: Distance): number {
  const rows = data.shape[0];
  const ids = near.slice();
  const limits = new Float64Array(ids.length);
  const norms = distance === undefined ? squaredNorms(data) : new Float64Array(0);
  for (let i = 0; i < rows; i++) {
    for (let entry = i * k; entry < (i + 1) * k; entry++) {
      const between =
        distance === undefined
          ? byProduct(data, norms, i, ids[entry]!)
          : apply(distance, data, i, ids[entry]!);
      insert(ids, limits, i * k, entry, between);
    }
  }
  // nearer[i k + q] counts the rows that rank between the previous id of row i and its q-th.
  const nearer = new Int32Array(ids.length);
  if (distance === undefined) countByBlocks(data, norms, ids, limits, nearer, k);
  else {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < rows; j++)
        if (i !== j) count(ids, limits, nearer, i * k, k, j, apply(distance, data, i, j));
    }
  }
  let penalty = 0;
  for (let i = 0; i < rows; i++) {
    let before = 0;
    for (let entry = i * k; entry < (i + 1) * k; entry++) {
      before += nearer[entry]!;
      penalty += Math.max(0, before + 1 - k);
    }
  }
  return penalty;
}

/** The most frequent of sorted values; the smallest of equally frequent ones. */
export function mostFrequent(ascending: Int32Array): number {
  let best = ascending[0]!;
  let bestCount = 0;
  let run = 0;
  for (let i = 0; i < ascending.length; i++) {
    run = i > 0 && ascending[i] === ascending[i - 1] ? run + 1 : 1;
    if (run > bestCount) {
      best = ascending[i]!;
      bestCount = run;
    }
  }
  return best;
}

/** Spearman's rank correlation of two equally long lists; equal values share their mean rank. */
export function spearman(a: Float64Array, b: Float64Array): number {
  return pearson(meanRanks(a), meanRanks(b));
}

function meanRanks(values: Float64Array): Float64Array {
  const sorted = values.slice().sort();
  return values.map((value) => (countBelow(sorted, value, false) + countBelow(sorted, value, true) + 1) / 2);
}

function pearson(a: Float64Array, b: Float64Array): number {
  let meanA = 0;
  let meanB = 0;
  for (let i = 0; i < a.length; i++) {
    meanA += a[i]! / a.length;
    meanB += b[i]! / b.length;
  }
  let aa = 0;
  let ab = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    const da = a[i]! - meanA;
    const db = b[i]! - meanB;
    aa += da * da;
    ab += da * db;
    bb += db * db;
  }
  return ab / Math.sqrt(aa * bb);
}

/** Number of entries of a sorted list that are below `value`, or with `orEqual` not above it. */
function countBelow(sorted: Float64Array, value: number, orEqual: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value || (orEqual && sorted[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function apply(distance: Distance, { data, shape }: Matrix, i: number, j: number): number {
  return distance(data, i * shape[1], data, j * shape[1], shape[1]);
}

function squaredNorms({ data, shape: [rows, columns] }: Matrix): Float64Array {
  const norms = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let c = i * columns; c < (i + 1) * columns; c++) sum += data[c]! * data[c]!;
    norms[i] = sum;
  }
  return norms;
}

/** |x_i - x_j|^2 = |x_i|^2 + |x_j|^2 - 2 x_i x_j, bit-identical to the blocks: the same sums in the same order. */
function byProduct({ data, shape }: Matrix, norms: Float64Array, i: number, j: number): number {
  const columns = shape[1];
  let sum = 0;
  for (let c = 0; c < columns; c++) sum += data[i * columns + c]! * data[j * columns + c]!;
  return norms[i]! + norms[j]! - 2 * sum;
}

/** Insertion sort: moves the id at `entry` to its rank among those from `start` on, by distance, then id. */
function insert(ids: Int32Array, limits: Float64Array, start: number, entry: number, between: number): void {
  const id = ids[entry]!;
  let to = entry;
  while (to > start && (limits[to - 1]! > between || (limits[to - 1] === between && ids[to - 1]! > id))) {
    limits[to] = limits[to - 1]!;
    ids[to] = ids[to - 1]!;
    to--;
  }
  limits[to] = between;
  ids[to] = id;
}

/** Counts row `j` at the first of the `k` sorted ids from `start` on that it ranks before. */
function count(
  ids: Int32Array,
  limits: Float64Array,
  nearer: Int32Array,
  start: number,
  k: number,
  j: number,
  between: number,
): void {
  let low = start;
  let high = start + k;
  if (between > limits[high - 1]!) return;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (between < limits[middle]! || (between === limits[middle] && j < ids[middle]!)) high = middle;
    else low = middle + 1;
  }
  if (low < start + k) nearer[low]!++;
}

/** Counts every pair for both rows, from blocks of Euclidean distances of the upper triangle. */
function countByBlocks(
  { data, shape: [rows, columns] }: Matrix,
  norms: Float64Array,
  ids: Int32Array,
  limits: Float64Array,
  nearer: Int32Array,
  k: number,
): void {
  const table = rowsOf(columns);
  const left = packedBlock(columns);
  const right = packedBlock(columns);
  const products = new Float64Array(blockRows * blockRows);
  for (let top = 0; top < rows; top += blockRows) {
    const height = Math.min(blockRows, rows - top);
    packRows(data, at(table, top, 0), height, columns, 2, left);
    for (let side = top; side < rows; side += blockRows) {
      const width = Math.min(blockRows, rows - side);
      packRows(data, at(table, side, 0), width, columns, 4, right);
      blockProducts(left, height, right, width, columns, products);
      for (let i = top; i < top + height; i++) {
        for (let j = Math.max(side, i + 1); j < side + width; j++) {
          const between = norms[i]! + norms[j]! - 2 * products[(i - top) * blockRows + j - side]!;
          count(ids, limits, nearer, i * k, k, j, between);
          count(ids, limits, nearer, j * k, k, i, between);
        }
      }
    }
  }
}
