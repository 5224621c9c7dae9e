/**
 * Fuzzy memberships of rows by their continuous targets. Where more rows have equally near targets than fit into a
 * neighbor list, those near in the data are preferred, then random ones.
 */

import { type Work, whole } from '../core/pauses.js';
import type { Edges, Knn, Random } from '../core/types.js';
import { blockVertices, edgeRows, type SparseRows, transposeInParts } from '../math/sparse.js';
import { smoothKnnInParts } from './smoothKnn.js';
import type { NearGroups, TargetGroups } from './targetGroups.js';

/**
 * Directed memberships of the targets, as `directedMemberships` computes them for data, each row sorted by column. Among
 * rows tied at the distance of the last neighbor, all that have an edge to the row in `edges` are taken, and random others
 * if fewer than `k` are then found. Rows of unknown target have no neighbors. `k` is the number of neighbors per row,
 * itself included, at most the number of rows with a known target.
 */
export function* targetMembershipsInParts(
  edges: Edges,
  targets: TargetGroups,
  near: NearGroups,
  k: number,
  random: Random,
): Work<SparseRows> {
  const { groupOf, members, starts } = targets;
  const { offsets: firsts, groups, distances } = near;
  const rows = groupOf.length;
  const { sigma, rho } = yield* smoothKnnInParts(distanceLists(targets, near, k));
  const data = edgeRows(edges);
  const most = rows * k + data.columns.length;
  const columns = new Int32Array(most);
  const values = new Float32Array(most);
  const offsets = new Int32Array(rows + 1);
  let filled = 0;
  /** Distance of each group from the current row if it is tied at the last distance; else -1. */
  const tiedAt = new Float64Array(targets.count).fill(-1);
  /** For each row, the last row in whose list it is. */
  const listed = new Int32Array(rows).fill(-1);
  const add = (row: number, other: number, distance: number) => {
    listed[other] = row;
    const [nearest, scale] = [rho[row]!, sigma[row]!];
    values[filled] = distance <= nearest || scale === 0 ? 1 : Math.exp((nearest - distance) / scale);
    if (values[filled]! > 0) columns[filled++] = other;
  };
  for (let row = 0; row < rows; row++) {
    if (row % blockVertices === 0) yield;
    offsets[row + 1] = filled;
    if (groupOf[row]! < 0) continue;
    const first = firsts[groupOf[row]!]!;
    const end = firsts[groupOf[row]! + 1]!;
    const last = distances[end - 1]!;
    let missing = k - 1;
    let tied = end;
    while (tied > first && distances[tied - 1] === last) tiedAt[groups[--tied]!] = last;
    listed[row] = row;
    for (let g = first; g < tied; g++) {
      for (let m = starts[groups[g]!]!; m < starts[groups[g]! + 1]!; m++) {
        if (members[m] === row) continue;
        add(row, members[m]!, distances[g]!);
        missing--;
      }
    }
    for (let entry = data.offsets[row]!; entry < data.offsets[row + 1]!; entry++) {
      const other = data.columns[entry]!;
      if (groupOf[other]! < 0 || tiedAt[groupOf[other]!] !== last || listed[other] === row) continue;
      add(row, other, last);
      missing--;
    }
    const free = (other: number) => listed[other] !== row;
    for (const other of choose(missing, k, groups.subarray(tied, end), targets, free, random))
      add(row, other, last);
    for (let g = tied; g < end; g++) tiedAt[groups[g]!] = -1;
    offsets[row + 1] = filled;
  }
  // Transposing twice sorts every row by column.
  const unsorted = { offsets, columns: columns.subarray(0, filled), values: values.subarray(0, filled) };
  return yield* transposeInParts(yield* transposeInParts(unsorted));
}

/** As {@link targetMembershipsInParts}, at once. */
export const targetMemberships = whole(targetMembershipsInParts);

/**
 * For each row the `k` smallest distances between targets, its own first, to compute scales from. Ids only tell the row
 * itself from others.
 */
function distanceLists({ groupOf, starts }: TargetGroups, near: NearGroups, k: number): Knn {
  const rows = groupOf.length;
  const indices = new Int32Array(rows * k).fill(-1);
  const distances = new Float32Array(rows * k);
  for (let row = 0; row < rows; row++) {
    const group = groupOf[row]!;
    if (group < 0) continue;
    indices[row * k] = row;
    let entry = row * k + 1;
    for (let g = near.offsets[group]!; g < near.offsets[group + 1]! && entry < (row + 1) * k; g++) {
      const other = near.groups[g]!;
      const size = starts[other + 1]! - starts[other]! - (other === group ? 1 : 0);
      for (let m = 0; m < size && entry < (row + 1) * k; m++) {
        // Any id of another row will do.
        indices[entry] = row === 0 ? 1 : 0;
        distances[entry++] = near.distances[g]!;
      }
    }
  }
  return { indices, distances, rows, k };
}

/** Up to `count` random rows of some groups, without repeats, among those that are `free`. */
function* choose(
  count: number,
  k: number,
  groups: Int32Array,
  { members, starts }: TargetGroups,
  free: (row: number) => boolean,
  random: Random,
): Generator<number> {
  if (count <= 0) return;
  let size = 0;
  for (const group of groups) size += starts[group + 1]! - starts[group]!;
  const pick = (index: number): number => {
    let left = index;
    for (const group of groups) {
      const length = starts[group + 1]! - starts[group]!;
      if (left < length) return members[starts[group]! + left]!;
      left -= length;
    }
    return -1;
  };
  let left = count;
  if (size > 8 * k) {
    // Rejection sampling: at most k of more than 8 k rows are taken already.
    for (let tries = 0; left > 0 && tries < 64 * count; tries++) {
      const row = pick(random.integer(size));
      if (!free(row)) continue;
      left--;
      yield row;
    }
    return;
  }
  const all = Int32Array.from({ length: size }, (_, i) => i);
  for (let i = 0; i < size && left > 0; i++) {
    const j = i + random.integer(size - i);
    const row = pick(all[j]!);
    all[j] = all[i]!;
    if (!free(row)) continue;
    left--;
    yield row;
  }
}
