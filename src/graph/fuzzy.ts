/**
 * From nearest neighbors to a weighted graph: directed memberships and their fuzzy union
 * (McInnes, Healy and Melville, UMAP, 2018, algorithms 2 and 3).
 */
import { DataError } from '../core/errors.js';
import { type Work, whole } from '../core/pauses.js';
import type { Edges, Knn } from '../core/types.js';
import { blockVertices, type SparseRows, transposeInParts } from '../math/sparse.js';
import { checkRange, isCut, type SmoothKnnOptions, smoothKnnInParts } from './smoothKnn.js';

/** Options of the fuzzy graph. */
export interface FuzzyOptions extends SmoothKnnOptions {
  /** Combines the two directions of an edge, in [0, 1]: 1 is their fuzzy union, 0 their intersection. Default 1. */
  readonly setOpMixRatio?: number;
}

/**
 * The symmetric fuzzy graph of a table of neighbors. Entries with id -1, an infinite distance, or a distance of at least
 * `disconnectionDistance` are cut, so that a vertex may have no edges: see {@link disconnectedVertices}. Weights that are
 * 0 in single precision are dropped.
 *
 * Throws `OptionError` for options out of range and `DataError` for a malformed table.
 */
export function* fuzzyGraphInParts(
  knn: Knn,
  { setOpMixRatio = 1, ...options }: FuzzyOptions = {},
): Work<Edges> {
  checkRange(
    'setOpMixRatio',
    setOpMixRatio,
    setOpMixRatio >= 0 && setOpMixRatio <= 1,
    'a number from 0 to 1',
    'the default is 1',
  );
  const directed = yield* directedMembershipsInParts(knn, options);
  yield 0.6;
  const transposed = yield* transposeInParts(directed);
  yield 0.7;
  // Transposing twice sorts every row by column.
  const sorted = yield* transposeInParts(transposed);
  yield 0.8;
  return yield* uniteWithTransposeInParts(sorted, transposed, setOpMixRatio);
}

/** As {@link fuzzyGraphInParts}, at once. */
export const fuzzyGraph = whole(fuzzyGraphInParts);

/**
 * Directed memberships per row, nearest first: exp(-max(0, d - rho) / sigma) for every neighbor that is not cut, without
 * the row itself. Each row sums to about log2(k).
 */
export function* directedMembershipsInParts(knn: Knn, options: SmoothKnnOptions = {}): Work<SparseRows> {
  const { sigma, rho } = yield* smoothKnnInParts(knn, options);
  const { indices, distances, rows, k } = knn;
  const limit = options.disconnectionDistance ?? Number.POSITIVE_INFINITY;
  const offsets = new Int32Array(rows + 1);
  const columns = new Int32Array(rows * k);
  const values = new Float32Array(rows * k);
  let filled = 0;
  for (let i = 0; i < rows; i++) {
    if (i % blockVertices === 0) yield;
    const nearest = rho[i]!;
    const scale = sigma[i]!;
    for (let entry = i * k; entry < (i + 1) * k; entry++) {
      const j = indices[entry]!;
      const distance = distances[entry]!;
      if (j === i || isCut(j, distance, limit)) continue;
      values[filled] = distance <= nearest || scale === 0 ? 1 : Math.exp((nearest - distance) / scale);
      if (values[filled]! > 0) columns[filled++] = j;
    }
    offsets[i + 1] = filled;
  }
  return { offsets, columns: columns.subarray(0, filled), values: values.subarray(0, filled) };
}

/** As {@link directedMembershipsInParts}, at once. */
export const directedMemberships = whole(directedMembershipsInParts);

/**
 * mix (A + B - A B) + (1 - mix) A B, elementwise, for a matrix A with sorted rows and its transpose B, as sorted edges.
 * Zeros are dropped. Throws `DataError` where a row lists a neighbor twice.
 */
export function* uniteWithTransposeInParts(
  rows: SparseRows,
  transposed: SparseRows,
  mix: number,
): Work<Edges> {
  const vertices = rows.offsets.length - 1;
  const { columns: columnsA, values: valuesA } = rows;
  const { columns: columnsB, values: valuesB } = transposed;
  const most = rows.offsets[vertices]! + transposed.offsets[vertices]!;
  const head = new Int32Array(most);
  const tail = new Int32Array(most);
  const weight = new Float32Array(most);
  let filled = 0;
  for (let i = 0; i < vertices; i++) {
    if (i % blockVertices === 0) yield;
    let a = rows.offsets[i]!;
    let b = transposed.offsets[i]!;
    const endA = rows.offsets[i + 1]!;
    const endB = transposed.offsets[i + 1]!;
    let previous = -1;
    while (a < endA || b < endB) {
      const columnA = a < endA ? columnsA[a]! : vertices;
      const columnB = b < endB ? columnsB[b]! : vertices;
      const column = Math.min(columnA, columnB);
      if (column === previous) {
        throw new DataError(
          `fuzzy: expected distinct neighbors per row, got rows ${i} and ${column} as neighbors twice; remove duplicate ids`,
        );
      }
      previous = column;
      const valueA = columnA === column ? valuesA[a++]! : 0;
      const valueB = columnB === column ? valuesB[b++]! : 0;
      const product = valueA * valueB;
      weight[filled] = mix * (valueA + valueB - product) + (1 - mix) * product;
      if (weight[filled]! === 0) continue;
      head[filled] = i;
      tail[filled++] = column;
    }
  }
  yield;
  const kept = { head: head.slice(0, filled), tail: tail.slice(0, filled) };
  yield;
  return { ...kept, weight: weight.slice(0, filled), vertices };
}

/** As {@link uniteWithTransposeInParts}, at once. */
export const uniteWithTranspose = whole(uniteWithTransposeInParts);

/** Vertices without an edge, ascending: training does not attract them to any other. */
export function disconnectedVertices({ head, vertices }: Edges): Int32Array {
  const connected = new Uint8Array(vertices);
  for (let edge = 0; edge < head.length; edge++) connected[head[edge]!] = 1;
  const isolated = new Int32Array(vertices);
  let count = 0;
  for (let i = 0; i < vertices; i++) if (connected[i] === 0) isolated[count++] = i;
  return isolated.slice(0, count);
}
