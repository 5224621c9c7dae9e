/** Connects rows that occur so often that their lists of neighbors contain only copies of them. */
import type { Knn } from '../core/types.js';

/** Finds the neighbors of some rows of the data among themselves: `k` of each, ids counted within `rows`. */
export type SearchAmong = (rows: Int32Array, k: number) => Promise<Knn>;

/**
 * Connects groups of `k` or more equal rows to the rest of the data. All neighbors of such a row are copies at
 * distance 0, so that the graph would connect the group to nothing else and the embedding could drift away. Here the
 * first row of a group gets the nearest rows that are not its copies as neighbors, and each copy gets the first row.
 * Lists of other rows stay unchanged.
 *
 * If there is such a group, `search` runs once, over all rows except the copies. If all rows are equal, nothing
 * changes.
 */
export async function linkCopies(knn: Knn, search: SearchAmong): Promise<Knn> {
  const first = firstCopies(knn);
  if (first === undefined) return knn;
  const distinct = first
    .map((copyOf, row) => (copyOf === -1 || copyOf === row ? row : -1))
    .filter((row) => row >= 0);
  if (distinct.length < 2) return knn;
  const found = await search(distinct, Math.min(knn.k, distinct.length));
  const { k } = knn;
  const indices = knn.indices.slice();
  const distances = knn.distances.slice();
  const list = (row: number, ids: Iterable<number>, lengths: ArrayLike<number>) => {
    indices.fill(-1, row * k, (row + 1) * k).set([...ids], row * k);
    distances.fill(Number.POSITIVE_INFINITY, row * k, (row + 1) * k).set(lengths, row * k);
  };
  distinct.forEach((row, i) => {
    if (first[row] !== row) return;
    const ids = found.indices.subarray(i * found.k, (i + 1) * found.k);
    list(
      row,
      ids.map((id) => (id < 0 ? id : distinct[id]!)),
      found.distances.subarray(i * found.k, (i + 1) * found.k),
    );
  });
  first.forEach((copyOf, row) => {
    if (copyOf !== -1 && copyOf !== row) list(row, [row, copyOf], [0, 0]);
  });
  return { ...knn, indices, distances };
}

/**
 * For each row whose listed neighbors are all at distance 0, the first row of its group; -1 for any other row. Groups
 * are connected by those lists. Undefined if there is no such row.
 */
function firstCopies({ indices, distances, rows, k }: Knn): Int32Array | undefined {
  const first = new Int32Array(rows).fill(-1);
  let any = false;
  for (let row = 0; row < rows; row++) {
    // Sorted by distance: if the last is 0, all are.
    const last = (row + 1) * k - 1;
    if (indices[last]! < 0 || distances[last] !== 0) continue;
    first[row] = row;
    any = true;
  }
  if (!any) return undefined;
  const root = (row: number) => {
    let at = row;
    while (first[at] !== at) at = first[at]!;
    // Path compression.
    for (let next = row; next !== at; ) {
      const above = first[next]!;
      first[next] = at;
      next = above;
    }
    return at;
  };
  for (let row = 0; row < rows; row++) {
    if (first[row] === -1) continue;
    for (let entry = row * k; entry < (row + 1) * k; entry++) {
      const other = indices[entry]!;
      if (first[other] === -1) continue;
      const a = root(row);
      const b = root(other);
      if (a !== b) first[Math.max(a, b)] = Math.min(a, b);
    }
  }
  for (let row = 0; row < rows; row++) if (first[row] !== -1) root(row);
  return first;
}
