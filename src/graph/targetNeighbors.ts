/**
 * What continuous targets say of rows: memberships as of neighbors. Where more rows are equally near in their target than
 * a list has room for, those near in the data come first, then a random choice.
 */

import { type Work, whole } from '../core/pauses.js';
import type { Edges, Knn, Random } from '../core/types.js';
import { blockVertices, edgeRows, type SparseRows, transposeInParts } from '../math/sparse.js';
import { smoothKnnInParts } from './fuzzy.js';
import type { NearGroups, TargetGroups } from './targetGroups.js';

/**
 * Directed memberships of the targets, as `directedMemberships` has them of data, each row sorted by column. Of rows
 * that are as far as the last place of a list, those joined to the row in `edges` all come in; if they leave places, a
 * random choice of the others. Rows of unknown target have none.
 *
 * - `k`: neighbors a row, itself included, at most the number of rows with a known target.
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
  /** Distance of each group from the row that is looked at; -1 for those not near. */
  const apart = new Float64Array(targets.count).fill(-1);
  /** The row that last listed each row. */
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
    let places = k - 1;
    let tied = end;
    while (tied > first && distances[tied - 1] === last) apart[groups[--tied]!] = last;
    listed[row] = row;
    for (let g = first; g < tied; g++) {
      for (let m = starts[groups[g]!]!; m < starts[groups[g]! + 1]!; m++) {
        if (members[m] === row) continue;
        add(row, members[m]!, distances[g]!);
        places--;
      }
    }
    for (let entry = data.offsets[row]!; entry < data.offsets[row + 1]!; entry++) {
      const other = data.columns[entry]!;
      if (groupOf[other]! < 0 || apart[groupOf[other]!] !== last || listed[other] === row) continue;
      add(row, other, last);
      places--;
    }
    const free = (other: number) => listed[other] !== row;
    for (const other of choose(places, k, groups.subarray(tied, end), targets, free, random))
      add(row, other, last);
    for (let g = tied; g < end; g++) apart[groups[g]!] = -1;
    offsets[row + 1] = filled;
  }
  // Transposing twice sorts every row by column.
  const unsorted = { offsets, columns: columns.subarray(0, filled), values: values.subarray(0, filled) };
  return yield* transposeInParts(yield* transposeInParts(unsorted));
}

/** As {@link targetMembershipsInParts}, at once. */
export const targetMemberships = whole(targetMembershipsInParts);

/** For each row the `k` smallest distances to targets, its own first, with no more of an id than whose it is. */
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
        // Any other row: only whether it is the row itself is asked.
        indices[entry] = row === 0 ? 1 : 0;
        distances[entry++] = near.distances[g]!;
      }
    }
  }
  return { indices, distances, rows, k };
}

/** Up to `wanted` rows of some groups, without repeats, of those that are `free`. */
function* choose(
  wanted: number,
  k: number,
  groups: Int32Array,
  { members, starts }: TargetGroups,
  free: (row: number) => boolean,
  random: Random,
): Generator<number> {
  if (wanted <= 0) return;
  let size = 0;
  for (const group of groups) size += starts[group + 1]! - starts[group]!;
  const pick = (place: number): number => {
    let left = place;
    for (const group of groups) {
      const length = starts[group + 1]! - starts[group]!;
      if (left < length) return members[starts[group]! + left]!;
      left -= length;
    }
    return -1;
  };
  let left = wanted;
  if (size > 8 * k) {
    // At most k are taken, so that few have to be drawn again.
    for (let tries = 0; left > 0 && tries < 64 * wanted; tries++) {
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
