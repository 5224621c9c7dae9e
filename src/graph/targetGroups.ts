/**
 * Nearest neighbors among continuous targets. Rows of equal target form one group, and the search is over groups:
 * ratings from 1 to 5 form five, however many rows there are.
 */

import type { Knn, Matrix } from '../core/types.js';
import type { Matrix64 } from '../data/matrix.js';

/** Rows grouped by equal target. */
export interface TargetGroups {
  /** Group of each row; -1 for unknown targets. */
  readonly groupOf: Int32Array;
  readonly count: number;
  /** Rows with a known target, group by group: those of group g from `starts[g]` to `starts[g + 1]`. */
  readonly members: Int32Array;
  readonly starts: Int32Array;
  /** The target of each group, one row per group. */
  readonly table: Matrix64;
}

/** For each group g the nearest groups, itself first, then by distance: from `offsets[g]` to `offsets[g + 1]`. */
export interface NearGroups {
  readonly offsets: Int32Array;
  readonly groups: Int32Array;
  readonly distances: Float64Array;
}

/** Groups rows of equal targets, sorted by column after column. Rows of NaN are left out. */
export function groupTargets({ data, shape: [rows, columns] }: Matrix64): TargetGroups {
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
  members.forEach((row, i) => {
    if (i === 0 || compare(members[i - 1]!, row) !== 0) starts.push(i);
    groupOf[row] = starts.length - 1;
  });
  const count = starts.length;
  const table = new Float64Array(count * columns);
  starts.forEach((start, group) => {
    const row = members[start]!;
    table.set(data.subarray(row * columns, (row + 1) * columns), group * columns);
  });
  return {
    ...{ groupOf, count, members, starts: Int32Array.from([...starts, members.length]) },
    table: { data: table, shape: [count, columns] },
  };
}

/** A power of 2 that scales a very small or large range so that distances keep their precision in 32 bits; else 1. */
function unitFor(range: number): number {
  if (range === 0 || (range >= 2 ** -40 && range <= 2 ** 56)) return 1;
  return 2 ** -Math.max(-1000, Math.min(1000, Math.floor(Math.log2(range))));
}

/**
 * The nearest groups of one-column targets, which are sorted: as many as it takes to have `k` rows, and all others at the
 * same distance as the last.
 */
export function nearNumbers({ starts, count, table }: TargetGroups, k: number): NearGroups {
  const unit = unitFor(table.data[count - 1]! - table.data[0]!);
  const values = table.data.map((value) => value * unit);
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

/** The same for targets of several columns, from the neighbors of the groups in their table. */
export function nearRows({ starts, count }: TargetGroups, knn: Knn, k: number): NearGroups {
  const offsets = new Int32Array(count + 1);
  const groups: number[] = [];
  const distances: number[] = [];
  for (let group = 0; group < count; group++) {
    let found = 0;
    let last = 0;
    // A search lists the row itself first.
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

/** The table of the groups for a search: centered, and scaled to at most 1. */
export function searchTable({ table: { data, shape } }: TargetGroups): Matrix {
  const [rows, columns] = shape;
  const mean = new Float64Array(columns);
  for (let i = 0; i < data.length; i++) mean[i % columns]! += data[i]! / rows;
  const centered = data.map((value, i) => value - mean[i % columns]!);
  const largest = centered.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { data: Float32Array.from(centered, (value) => (largest > 0 ? value / largest : 0)), shape };
}
