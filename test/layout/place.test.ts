import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/core/random.js';
import type { Matrix } from '../../src/core/types.js';
import { type PlaceOptions, placementEpochs, placeRows } from '../../src/layout/place.js';
import { fitCurve } from '../../src/math/curve.js';
import { queryNeighbors, type ReferenceNeighbors } from '../../src/neighbors/newRows.js';
import { blobs } from '../neighbors/data.js';

const curve = fitCurve({ minDist: 0.1, spread: 1 });
const settings = (change: Partial<PlaceOptions> = {}): PlaceOptions => ({
  curve,
  epochs: 100,
  negativeSampleRate: 5,
  repulsionStrength: 1,
  localConnectivity: 1,
  random: createRandom(1),
  ...change,
});

/** One new row with these neighbors. */
function one(ids: readonly number[], distances: readonly number[]): ReferenceNeighbors {
  return { indices: Int32Array.from(ids), distances: Float32Array.from(distances), rows: 1, k: ids.length };
}

/** Random positions of reference rows. */
function layoutOf(rows: number, columns = 2): Matrix {
  const random = createRandom(7);
  return {
    data: Float32Array.from({ length: rows * columns }, () => 5 * random.normal()),
    shape: [rows, columns],
  };
}

/** The rows [from, to) of a table of neighbors. */
function part({ indices, distances, k }: ReferenceNeighbors, from: number, to: number): ReferenceNeighbors {
  return {
    indices: indices.slice(from * k, to * k),
    distances: distances.slice(from * k, to * k),
    rows: to - from,
    k,
  };
}

function near(found: ArrayLike<number>, wanted: readonly number[], tolerance: number, label = ''): void {
  wanted.forEach((value, i) => {
    assert.ok(
      Math.abs(found[i]! - value) <= tolerance,
      `${label}: got ${found[i]}, expected ${value} at ${i}`,
    );
  });
}

test('without epochs a row lies at the mean of its neighbors, weighted by their memberships', () => {
  const layout: Matrix = { data: Float32Array.of(0, 0, 10, 0, 0, 10), shape: [3, 2] };
  // With rho = 0: exp(-2 / s) + exp(-3 / s) = log2(3), the first neighbor left out as in umap-learn.
  const target = Math.log2(3);
  let [low, high] = [0, 1e6];
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (Math.exp(-2 / middle) + Math.exp(-3 / middle) > target) high = middle;
    else low = middle;
  }
  const weights = [1, 2, 3].map((d) => Math.exp(-d / low));
  const total = weights.reduce((sum, w) => sum + w, 0);
  const { data } = placeRows(one([0, 1, 2], [1, 2, 3]), layout, settings({ epochs: 0 }));
  near(data, [(10 * weights[1]!) / total, (10 * weights[2]!) / total], 1e-3);
});

test('a local connectivity of 2 gives the nearest neighbor membership 1', () => {
  const layout: Matrix = { data: Float32Array.of(0, 0, 10, 0, 0, 10), shape: [3, 2] };
  // With rho = 1: exp(-1 / s) + exp(-2 / s) = log2(3).
  const target = Math.log2(3);
  let [low, high] = [0, 1e6];
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (Math.exp(-1 / middle) + Math.exp(-2 / middle) > target) high = middle;
    else low = middle;
  }
  const weights = [0, 1, 2].map((d) => Math.exp(-d / low));
  const total = weights.reduce((sum, w) => sum + w, 0);
  const options = settings({ epochs: 0, localConnectivity: 2 });
  const { data } = placeRows(one([0, 1, 2], [1, 2, 3]), layout, options);
  near(data, [(10 * weights[1]!) / total, (10 * weights[2]!) / total], 1e-3);
});

test('attraction follows the gradient of log(1 + a d^(2b)) at a quarter of the rate of a layout', () => {
  for (const columns of [1, 2, 3, 10]) {
    // Two neighbors at one distance: each has a membership just below log2(2) = 1, and so is due in the last of three epochs.
    const layout = layoutOf(2, columns);
    const start = placeRows(one([0, 1], [1, 1]), layout, settings({ epochs: 0 })).data;
    const moved = placeRows(one([0, 1], [1, 1]), layout, settings({ epochs: 3, negativeSampleRate: 0 })).data;
    const wanted = [...start];
    for (const other of [0, 1]) {
      const difference = wanted.map((x, c) => x - layout.data[other * columns + c]!);
      const squared = difference.reduce((sum, d) => sum + d * d, 0);
      const g = curve.a * squared ** curve.b;
      const factor = (-2 * g * curve.b) / (squared * (1 + g));
      // A third of the first rate is left.
      difference.forEach((d, c) => {
        wanted[c]! += (0.25 / 3) * Math.min(4, Math.max(-4, factor * d));
      });
    }
    near(moved, wanted, 1e-4, `${columns} columns`);
  }
});

test('repulsion drives a row away from rows that are not its neighbors, in proportion to its strength', () => {
  const layout: Matrix = { data: Float32Array.of(0, 0, 1, 0, 1, 0.1, 1, -0.1), shape: [4, 2] };
  const x = (change: Partial<PlaceOptions>) =>
    placeRows(one([0, 0], [1, 1]), layout, settings(change)).data[0]!;
  assert.equal(x({ negativeSampleRate: 0 }), 0);
  assert.ok(x({}) < -0.05, `${x({})}`);
  assert.ok(x({ repulsionStrength: 3 }) < x({}));
  assert.equal(x({ repulsionStrength: 0 }), 0);
});

test('rows placed one by one and all together get the same bits, in any order', async () => {
  const data = blobs(400, 8, 1);
  const rows = blobs(60, 8, 2);
  for (const columns of [2, 3]) {
    const layout = layoutOf(400, columns);
    const neighbors = await queryNeighbors(data, rows, { k: 10, metric: 'euclidean' });
    const together = placeRows(neighbors, layout, settings()).data;
    const again = placeRows(neighbors, layout, settings()).data;
    assert.deepEqual(again, together);
    for (let i = 59; i >= 0; i--) {
      const alone = placeRows(part(neighbors, i, i + 1), layout, settings()).data;
      assert.deepEqual(alone, together.slice(i * columns, (i + 1) * columns), `row ${i}`);
    }
    assert.notDeepEqual(placeRows(neighbors, layout, settings({ random: createRandom(2) })).data, together);
  }
});

test('a row that equals reference rows gets the position of the first one; the layout stays as it is', async () => {
  const data = blobs(100, 5, 3);
  // Row 40 is a copy of row 3.
  data.data.copyWithin(40 * 5, 3 * 5, 4 * 5);
  const layout = layoutOf(100);
  const before = layout.data.slice();
  const neighbors = await queryNeighbors(data, data, { k: 7, metric: 'euclidean' });
  const placed = placeRows(neighbors, layout, settings());
  for (let i = 0; i < 100; i++) {
    const same = i === 40 ? 3 : i;
    assert.deepEqual(
      placed.data.slice(2 * i, 2 * i + 2),
      layout.data.slice(2 * same, 2 * same + 2),
      `row ${i}`,
    );
  }
  assert.deepEqual(layout.data, before);
});

test('missing neighbors are left out; a row without any gets NaN', () => {
  const layout = layoutOf(20);
  const some = placeRows(
    one([4, 9, -1, -1], [1, 2, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]),
    layout,
    settings(),
  );
  assert.ok(some.data.every(Number.isFinite));
  const only = placeRows(one([4, -1], [1, 9]), layout, settings({ epochs: 0 }));
  assert.deepEqual(only.data, layout.data.slice(8, 10));
  assert.ok(placeRows(one([-1, -1], [5, 9]), layout, settings()).data.every(Number.isNaN));
  const none = { indices: new Int32Array(0), distances: new Float32Array(0), rows: 0, k: 5 };
  assert.deepEqual(placeRows(none, layout, settings()), { data: new Float32Array(0), shape: [0, 2] });
});

test('new rows of a cluster are placed with their cluster', async () => {
  const random = createRandom(5);
  const table = (rows: number): Matrix => ({
    data: Float32Array.from({ length: rows * 6 }, (_, i) => random.normal() + (Math.floor(i / 6) % 3) * 20),
    shape: [rows, 6],
  });
  const [data, rows] = [table(300), table(90)];
  const centers = [0, 0, 12, 0, 0, 12];
  const layout: Matrix = {
    data: Float32Array.from(
      { length: 600 },
      (_, i) => centers[2 * (Math.floor(i / 2) % 3) + (i % 2)]! + random.normal(),
    ),
    shape: [300, 2],
  };
  const neighbors = await queryNeighbors(data, rows, { k: 15, metric: 'euclidean' });
  const placed = placeRows(neighbors, layout, settings());
  for (let i = 0; i < 90; i++) {
    const distance = Math.hypot(
      placed.data[2 * i]! - centers[2 * (i % 3)]!,
      placed.data[2 * i + 1]! - centers[2 * (i % 3) + 1]!,
    );
    assert.ok(distance < 5, `row ${i} is ${distance} from the center of its cluster`);
  }
});

test('epochs follow the rule of umap-learn', () => {
  assert.deepEqual([1, 10_000, 10_001, 70_000].map(placementEpochs), [100, 100, 30, 30]);
});
