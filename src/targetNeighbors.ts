/**
 * Nearest neighbors among continuous targets. Rows of equal targets make one group, and groups are what is searched: a
 * rating from 1 to 5 has five of them, however many rows. Where more rows are equally near than a list has room for, those
 * near in the data come first, then a random choice.
 */
import { smoothKnnInParts } from './fuzzy.js';
import type { WideMatrix } from './matrix.js';
import { type Work, whole } from './pauses.js';
import { blockVertices, edgeRows, type SparseRows, transposeInParts } from './sparse.js';
import type { Edges, Knn, Matrix, Random } from './types.js';

/** Rows by target, and for each group of equal targets the groups nearest to it. */
export interface TargetGroups {
  /** Group of each row; -1 where the target is unknown. */
  readonly groupOf: Int32Array;
  readonly count: number;
  /** Rows with a known target, group by group: those of group g from `starts[g]` to `starts[g + 1]`. */
  readonly members: Int32Array;
  readonly starts: Int32Array;
  /** The table of one row a group. */
  readonly table: WideMatrix;
}

/** Groups near a group, itself first, nearest first: those of group g from `offsets[g]` to `offsets[g + 1]`. */
export interface NearGroups {
  readonly offsets: Int32Array;
  readonly groups: Int32Array;
  readonly distances: Float64Array;
}

/** Sorts rows by their targets, column by column, and puts equal ones together. Rows of NaN are left out. */
export function groupTargets({ data, shape: [rows, columns] }: WideMatrix): TargetGroups {
  const known = Int32Array.from({ length: rows }, (_, i) => i).filter(
    (i) => !Number.isNaN(data[i * columns]!),
  );
  const compare = (a: number, b: number) => {
    for (let c = 0; c < columns; c++) {
      const difference = data[a * columns + c]! - data[b * columns + c]!;
      if (difference !== 0) return difference;
    }
    return 0;
  };
  const members = known.sort((a, b) => compare(a, b) || a - b);
  const groupOf = new Int32Array(rows).fill(-1);
  const starts: number[] = [];
  members.forEach((row, place) => {
    if (place === 0 || compare(members[place - 1]!, row) !== 0) starts.push(place);
    groupOf[row] = starts.length - 1;
  });
  const count = starts.length;
  const table = new Float64Array(count * columns);
  starts.forEach((place, group) => {
    const row = members[place]!;
    table.set(data.subarray(row * columns, (row + 1) * columns), group * columns);
  });
  return {
    ...{ groupOf, count, members, starts: Int32Array.from([...starts, members.length]) },
    table: { data: table, shape: [count, columns] },
  };
}

/** Groups of one number, which are sorted: from each as far as it takes to find `k` rows, and all that are as far. */
export function nearNumbers({ starts, count, table }: TargetGroups, k: number): NearGroups {
  const values = table.data;
  const offsets = new Int32Array(count + 1);
  const groups: number[] = [];
  const distances: number[] = [];
  const size = (group: number) => starts[group + 1]! - starts[group]!;
  for (let group = 0; group < count; group++) {
    let below = group - 1;
    let above = group + 1;
    groups.push(group);
    distances.push(0);
    let found = size(group);
    let last = 0;
    for (;;) {
      const gapBelow = below >= 0 ? values[group]! - values[below]! : Number.POSITIVE_INFINITY;
      const gapAbove = above < count ? values[above]! - values[group]! : Number.POSITIVE_INFINITY;
      const gap = Math.min(gapBelow, gapAbove);
      if (gap === Number.POSITIVE_INFINITY || (found >= k && gap > last)) break;
      const next = gapBelow <= gapAbove ? below-- : above++;
      groups.push(next);
      distances.push(gap);
      found += size(next);
      last = gap;
    }
    offsets[group + 1] = groups.length;
  }
  return { offsets, groups: Int32Array.from(groups), distances: Float64Array.from(distances) };
}

/** The same for targets of several columns, from neighbors that were searched for among the groups' own table. */
export function nearRows({ starts, count }: TargetGroups, knn: Knn, k: number): NearGroups {
  const offsets = new Int32Array(count + 1);
  const groups: number[] = [];
  const distances: number[] = [];
  for (let group = 0; group < count; group++) {
    let found = 0;
    let last = 0;
    // A search puts the row itself first.
    for (let entry = group * knn.k; entry < (group + 1) * knn.k; entry++) {
      const distance = knn.distances[entry]!;
      if (found >= k && distance > last) break;
      const other = knn.indices[entry]!;
      groups.push(other);
      distances.push(distance);
      found += starts[other + 1]! - starts[other]!;
      last = distance;
    }
    offsets[group + 1] = groups.length;
  }
  return { offsets, groups: Int32Array.from(groups), distances: Float64Array.from(distances) };
}

/** The table of the groups for a search: centered, and of a size that 32 bits can hold. */
export function searchTable({ table: { data, shape } }: TargetGroups): Matrix {
  const [rows, columns] = shape;
  const mean = new Float64Array(columns);
  for (let i = 0; i < data.length; i++) mean[i % columns]! += data[i]! / rows;
  const centered = data.map((value, i) => value - mean[i % columns]!);
  const largest = centered.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { data: Float32Array.from(centered, (value) => (largest > 0 ? value / largest : 0)), shape };
}

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
