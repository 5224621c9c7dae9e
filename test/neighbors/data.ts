/** Data and checks that the tests of neighbors share. */
import assert from 'node:assert/strict';
import { createRandom } from '../../src/core/random.js';
import type { DistanceFunction, Knn, Matrix } from '../../src/core/types.js';
import { distanceFor } from '../../src/math/distance.js';
import { read } from '../helpers/files.js';

/** 1,797 handwritten digits of 8 x 8. */
export function digits(): Matrix {
  const text = read('examples/data/digits.csv');
  const rows = text.trim().split('\n').slice(1);
  const data = Float32Array.from(rows.flatMap((row) => row.split(',').slice(0, 64).map(Number)));
  return { data, shape: [rows.length, 64] };
}

/** Rows drawn around a few centers. */
export function blobs(rows: number, columns: number, seed: number, spread = 0.3): Matrix {
  const random = createRandom(seed);
  const centers = Float32Array.from({ length: 10 * columns }, () => random.normal());
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const center = random.integer(10) * columns;
    for (let c = 0; c < columns; c++) data[i * columns + c] = centers[center + c]! + spread * random.normal();
  }
  return { data, shape: [rows, columns] };
}

/** Neighbors by sorting all distances of every row, ties by id: slow and plain. */
export function sortedNeighbors(
  { data, shape: [rows, columns] }: Matrix,
  k: number,
  metric: string | DistanceFunction,
  params = {},
): Knn {
  const distance = distanceFor(metric, params);
  const indices = new Int32Array(rows * k);
  const distances = new Float32Array(rows * k);
  for (let i = 0; i < rows; i++) {
    const others = Array.from({ length: rows }, (_, id) => ({
      id,
      distance: id === i ? -1 : Math.fround(distance(data, i * columns, data, id * columns, columns)),
    })).sort((a, b) => a.distance - b.distance || a.id - b.id);
    for (let c = 0; c < k; c++) {
      indices[i * k + c] = others[c]!.id;
      distances[i * k + c] = Math.max(0, others[c]!.distance);
    }
  }
  return { indices, distances, rows, k };
}

/** What holds for every result: the row first, at 0; no id twice; nearest first, equal ones by id. */
export function assertWellFormed({ indices, distances, rows, k }: Knn) {
  assert.equal(indices.length, rows * k);
  assert.equal(distances.length, rows * k);
  for (let row = 0; row < rows; row++) {
    const ids = indices.subarray(row * k, (row + 1) * k);
    assert.equal(ids[0], row, `row ${row}: first neighbor`);
    assert.equal(distances[row * k], 0, `row ${row}: first distance`);
    assert.equal(new Set(ids).size, k, `row ${row}: an id stands twice in ${ids}`);
    for (let c = 2; c < k; c++) {
      const before = distances[row * k + c - 1]!;
      const here = distances[row * k + c]!;
      assert.ok(before < here || (before === here && ids[c - 1]! < ids[c]!), `row ${row}: order at ${c}`);
    }
  }
}

/** Share of the true neighbors, the row itself left out, that were found. */
export function recall(found: Knn, truth: Knn): number {
  let hits = 0;
  for (let row = 0; row < truth.rows; row++) {
    const ids = new Set(found.indices.subarray(row * found.k + 1, (row + 1) * found.k));
    for (let c = 1; c < truth.k; c++) if (ids.has(truth.indices[row * truth.k + c]!)) hits++;
  }
  return hits / (truth.rows * (truth.k - 1));
}

/** Asserts equal ids and distances that agree to 32-bit rounding. */
export function assertSame(found: Knn, truth: Knn, label: string) {
  assert.equal(found.k, truth.k);
  for (let i = 0; i < truth.indices.length; i++) {
    const place = `${label}: row ${Math.floor(i / truth.k)}, neighbor ${i % truth.k}`;
    const want = truth.distances[i]!;
    assert.ok(
      Math.abs(found.distances[i]! - want) <= 1e-5 * Math.max(1, want),
      `${place}: ${found.distances[i]}, ${want}`,
    );
    assert.equal(found.indices[i], truth.indices[i], place);
  }
}
