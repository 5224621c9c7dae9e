import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/core/random.js';
import type { Edges, Knn } from '../../src/core/types.js';
import { directedMemberships, fuzzyGraph } from '../../src/graph/fuzzy.js';
import { groupTargets, nearNumbers, nearRows, searchTable } from '../../src/graph/targetGroups.js';
import { targetMemberships } from '../../src/graph/targetNeighbors.js';
import { transpose } from '../../src/math/sparse.js';
import { exact } from '../../src/neighbors/exact.js';

const none = (vertices: number): Edges => ({
  ...{ head: new Int32Array(0), tail: new Int32Array(0), weight: new Float32Array(0), vertices },
});
const column = (values: readonly number[]) => ({
  data: Float64Array.from(values),
  shape: [values.length, 1] as const,
});

test('equal targets make a group, rows of unknown target none', () => {
  const { groupOf, count, members, starts, table } = groupTargets(column([5, 1, Number.NaN, 5, -2, 1]));
  assert.equal(count, 3);
  assert.deepEqual([...table.data], [-2, 1, 5]);
  assert.deepEqual([...groupOf], [2, 1, -1, 2, 0, 1]);
  assert.deepEqual([...members], [4, 1, 5, 0, 3]);
  assert.deepEqual([...starts], [0, 1, 3, 5]);
});

test('groups are near until they hold k rows, and so are all that are as far as the last', () => {
  // 0 0 1 2 2 2 5: two rows as near to 1 as can be are in a group below it, three in one above.
  const groups = groupTargets(column([0, 0, 1, 2, 2, 2, 5]));
  const near = nearNumbers(groups, 3);
  const of = (group: number) => [...near.groups.subarray(near.offsets[group], near.offsets[group + 1])];
  assert.deepEqual(of(0), [0, 1]);
  assert.deepEqual(of(1), [1, 0, 2]);
  assert.deepEqual(of(2), [2]);
  assert.deepEqual(of(3), [3, 2]);
  assert.deepEqual([...near.distances.subarray(near.offsets[3]!)], [0, 3]);
});

/** A graph in which each row is joined to the next ones of a circle. */
function circle(vertices: number, reach: number, step = 1): Edges {
  const indices = Int32Array.from(
    Array.from({ length: vertices }, (_, i) =>
      Array.from({ length: reach + 1 }, (_, d) => (i + d * step) % vertices),
    ).flat(),
  );
  const distances = Float32Array.from({ length: vertices * (reach + 1) }, (_, entry) => entry % (reach + 1));
  return fuzzyGraph({ indices, distances, rows: vertices, k: reach + 1 });
}

test('of equal targets, rows that are joined in the data all come in, and others only for the remaining slots', () => {
  const n = 120;
  const k = 10;
  const values = Array.from({ length: n }, (_, i) => i % 2);
  // Joined to 4 of the same target on either side, which leaves one place.
  const edges = circle(n, 4, 2);
  const groups = groupTargets(column(values));
  const {
    offsets,
    columns,
    values: weights,
  } = targetMemberships(edges, groups, nearNumbers(groups, k), k, createRandom(1));
  for (let row = 0; row < n; row++) {
    const list = [...columns.subarray(offsets[row], offsets[row + 1])];
    assert.equal(list.length, k - 1);
    assert.equal(new Set(list).size, k - 1);
    assert.deepEqual(
      list,
      [...list].sort((a, b) => a - b),
    );
    assert.ok(list.every((other) => other !== row && values[other] === values[row]));
    for (let step = 2; step <= 8; step += 2) {
      assert.ok(list.includes((row + step) % n) && list.includes((row + n - step) % n));
    }
  }
  assert.ok(weights.every((weight) => weight === 1));
  // More of them than places: all come in, and no other.
  const more = targetMemberships(circle(n, 8, 2), groups, nearNumbers(groups, k), k, createRandom(1));
  assert.deepEqual(
    [...more.offsets],
    Array.from({ length: n + 1 }, (_, i) => 16 * i),
  );
});

test('without a graph the choice among equal targets is random and seeded, not by position', () => {
  const n = 2000;
  const groups = groupTargets(column(Array.from({ length: n }, (_, i) => i % 4)));
  const near = nearNumbers(groups, 15);
  const chosen = (seed: number) => targetMemberships(none(n), groups, near, 15, createRandom(seed));
  const { offsets, columns } = chosen(1);
  assert.deepEqual(
    [...offsets],
    Array.from({ length: n + 1 }, (_, i) => 14 * i),
  );
  let apart = 0;
  for (let row = 0; row < n; row++) {
    const list = columns.subarray(offsets[row], offsets[row + 1]);
    assert.equal(new Set(list).size, 14);
    for (const other of list) apart += Math.abs(other - row) / columns.length;
  }
  // Two places drawn of n are n / 3 apart on average; 28,000 pairs scatter by 3.
  assert.ok(Math.abs(apart - n / 3) < 15, `${apart}`);
  assert.deepEqual(chosen(1).columns, columns);
  assert.notDeepEqual(chosen(2).columns, columns);
});

test('the unit of targets does not matter, however large or small', () => {
  const random = createRandom(8);
  const values = Array.from({ length: 50 }, () => random.normal());
  const of = (size: number) => {
    const groups = groupTargets(column(values.map((value) => value * size)));
    return targetMemberships(none(50), groups, nearNumbers(groups, 6), 6, random);
  };
  const wanted = of(1);
  for (const size of [1e-25, 1e-300, 1e30, 1e300]) {
    const { columns, values: found } = of(size);
    assert.deepEqual(columns, wanted.columns);
    found.forEach((value, i) => {
      assert.ok(Math.abs(value - wanted.values[i]!) < 1e-4, `${size}: ${value} for ${wanted.values[i]}`);
    });
  }
});

test('as many rows as there may be share a target', () => {
  const n = 60_000;
  const values = Array.from({ length: n }, (_, i) => (i === 0 ? 1 : 0));
  const groups = groupTargets(column(values));
  const { offsets } = targetMemberships(none(n), groups, nearNumbers(groups, 15), 15, createRandom(1));
  assert.equal(offsets[n], 14 * n);
});

test('targets of several columns have the memberships of their nearest rows, whatever their offset and scale', async () => {
  const n = 90;
  const k = 8;
  const random = createRandom(5);
  const data = Float64Array.from({ length: 2 * n }, () => random.normal());
  const lists = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => ({
      j,
      d: Math.hypot(data[2 * i]! - data[2 * j]!, data[2 * i + 1]! - data[2 * j + 1]!),
    }))
      .sort((a, b) => a.d - b.d)
      .slice(0, k),
  );
  const knn: Knn = {
    indices: Int32Array.from(lists.flat(), ({ j }) => j),
    distances: Float32Array.from(lists.flat(), ({ d }) => d),
    rows: n,
    k,
  };
  const wanted = transpose(transpose(directedMemberships(knn)));
  for (const [size, place] of [
    [1, 0],
    [1e-20, 0],
    [1e25, 0],
    [1000, 1.7e12],
  ] as const) {
    const moved = data.map((value) => value * size + place);
    const groups = groupTargets({ data: moved, shape: [n, 2] });
    const found = await exact().search(searchTable(groups), { k, metric: 'euclidean', random });
    const { offsets, columns, values } = targetMemberships(
      none(n),
      groups,
      nearRows(groups, found, k),
      k,
      random,
    );
    assert.deepEqual(offsets, wanted.offsets);
    assert.deepEqual(columns, wanted.columns);
    values.forEach((value, i) => {
      assert.ok(Math.abs(value - wanted.values[i]!) < 2e-3, `${size}: ${value} for ${wanted.values[i]}`);
    });
  }
});
