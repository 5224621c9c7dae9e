/** Rows that occur so often that their lists of neighbors hold nothing but copies of them. */
import type { Knn } from '../core/types.js';

/** Finds the neighbors of some rows of the data among themselves: `k` of each, ids counted within `rows`. */
export type SearchAmong = (rows: Int32Array, k: number) => Promise<Knn>;

/**
 * Ties groups of `k` or more equal rows to the rest of the data. All neighbors that a search lists for such a row are
 * copies at distance 0. The graph would hold a group together by edges that pull with force 0 and hold it to nothing
 * else, so that the map would lose it in the distance. Here the first row of a group gets the nearest rows that are not
 * its copies as neighbors, and each copy gets the first row. Lists of all other rows stay as they are.
 *
 * `search` runs once, over all rows but the copies, if there is such a group. Where all rows are equal, nothing changes.
 */
export async function linkCopies(knn: Knn, search: SearchAmong): Promise<Knn> {
  const first = firstCopies(knn);
  if (first === undefined) return knn;
  const distinct = first.map((of, row) => (of === -1 || of === row ? row : -1)).filter((row) => row >= 0);
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
  first.forEach((of, row) => {
    if (of !== -1 && of !== row) list(row, [row, of], [0, 0]);
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
    // Nearest come first, so that the last one tells of all.
    const last = (row + 1) * k - 1;
    if (indices[last]! < 0 || distances[last] !== 0) continue;
    first[row] = row;
    any = true;
  }
  if (!any) return undefined;
  const root = (row: number) => {
    let at = row;
    while (first[at] !== at) at = first[at]!;
    // Shortens the way for those who come after.
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
