import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { DistanceFunction, Matrix } from '../../src/core/types.js';
import { distanceFor, metricName, metricNames } from '../../src/math/distance.js';
import { queryNeighbors, type ReferenceNeighbors } from '../../src/neighbors/newRows.js';
import { blobs, digits } from './data.js';

/** The rows [from, to). */
function part({ data, shape: [, columns] }: Matrix, from: number, to: number): Matrix {
  return { data: data.slice(from * columns, to * columns), shape: [to - from, columns] };
}

/** Nearest reference rows by sorting all distances, as 32-bit numbers, ties by row number: slow and plain. */
function sorted(
  reference: Matrix,
  rows: Matrix,
  k: number,
  metric: string | DistanceFunction,
  params = {},
): ReferenceNeighbors {
  const distance = distanceFor(metric, params);
  const [count, columns] = rows.shape;
  const found = Array.from({ length: count }, (_, i) =>
    Array.from({ length: reference.shape[0] }, (_, id) => ({
      id,
      distance: Math.fround(distance(rows.data, i * columns, reference.data, id * columns, columns)),
    }))
      .sort((a, b) => a.distance - b.distance || a.id - b.id)
      .slice(0, k),
  ).flat();
  return {
    indices: Int32Array.from(found, ({ id }) => id),
    distances: Float32Array.from(found, (entry) => entry.distance),
    rows: count,
    k,
  };
}

test('digits: the neighbors that sorting all distances gives, with one thread and with two', async () => {
  const all = digits();
  const reference = part(all, 0, 1500);
  const rows = part(all, 1500, 1797);
  for (const metric of ['euclidean', 'cosine', 'correlation', 'hellinger', 'manhattan']) {
    const truth = sorted(reference, rows, 15, metric);
    for (const threads of [1, 2]) {
      const found = await queryNeighbors(reference, rows, { k: 15, metric, threads });
      assert.deepEqual(found, truth, `${metric}, ${threads} threads`);
    }
  }
});

test('every metric: the neighbors that sorting gives, ties by row number', async () => {
  const columns = 5;
  const source = createRandom(2);
  const data: Matrix = {
    data: Float32Array.from({ length: 90 * columns }, () => source.next()),
    shape: [90, columns],
  };
  const bits: Matrix = { ...data, data: data.data.map((value) => (value < 0.5 ? 0 : 1)) };
  const params: Record<string, Record<string, unknown>> = {
    minkowski: { p: 3 },
    wminkowski: { w: [1, 2, 3, 4, 5] },
    seuclidean: { V: [1, 2, 3, 4, 5] },
    mahalanobis: { VI: Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 2 : 0.1)) },
  };
  // Metrics that are not defined for all rows: points on a globe, rows within the unit ball, counts.
  const own: Record<string, Matrix[]> = {
    haversine: [{ data: data.data.slice(0, 180), shape: [90, 2] }],
    poincare: [{ ...data, data: data.data.map((value) => 0.4 * value) }],
    ll_dirichlet: [{ ...data, data: data.data.map((value) => 1 + Math.floor(20 * value)) }],
  };
  for (const metric of metricNames) {
    const metricParams = params[metricName(metric)] ?? {};
    for (const table of own[metric] ?? [data, bits]) {
      const [reference, rows] = [part(table, 0, 70), part(table, 70, 90)];
      const found = await queryNeighbors(reference, rows, { k: 8, metric, metricParams });
      assert.deepEqual(found, sorted(reference, rows, 8, metric, metricParams), metric);
    }
  }
});

test('more ties than spare entries, near duplicates, and very small or large numbers are ranked right', async () => {
  const copies = blobs(4, 6, 1);
  const repeated: Matrix = {
    data: Float32Array.from({ length: 200 * 6 }, (_, i) => copies.data[i % 24]!),
    shape: [200, 6],
  };
  const directions = blobs(1, 6, 2);
  const random = createRandom(3);
  const near: Matrix = {
    data: Float32Array.from({ length: 200 * 6 }, (_, i) => directions.data[i % 6]! + 1e-5 * random.normal()),
    shape: [200, 6],
  };
  const scaled = (by: number) => {
    const plain = blobs(200, 6, 4);
    return { ...plain, data: plain.data.map((value) => value * by) };
  };
  for (const metric of ['euclidean', 'cosine', 'correlation']) {
    for (const table of [repeated, near, scaled(1e-22), scaled(1e17)]) {
      const [reference, rows] = [part(table, 0, 180), part(table, 180, 200)];
      const found = await queryNeighbors(reference, rows, { k: 3, metric });
      assert.deepEqual(found, sorted(reference, rows, 3, metric), metric);
    }
  }
});

test('the neighbors of a row do not depend on the other rows; a row of the reference finds itself', async () => {
  const data = blobs(300, 9, 5);
  data.data.fill(0, 0, 9);
  for (const metric of ['cosine', 'canberra']) {
    const rows = part(data, 0, 40);
    const together = await queryNeighbors(data, rows, { k: 4, metric });
    for (let i = 0; i < 40; i++) {
      const alone = await queryNeighbors(data, part(rows, i, i + 1), { k: 4, metric });
      assert.deepEqual(alone.indices, together.indices.slice(4 * i, 4 * i + 4));
      assert.deepEqual(alone.distances, together.distances.slice(4 * i, 4 * i + 4));
    }
    if (metric === 'canberra') {
      assert.deepEqual(
        [...together.indices].filter((_, e) => e % 4 === 0),
        [...Array(40).keys()],
      );
      assert.ok(together.distances.every((value, e) => (value === 0) === (e % 4 === 0)));
    }
  }
});

test('from one neighbor to all reference rows, and no rows at all', async () => {
  const data = blobs(12, 3, 6);
  for (const k of [1, 12]) {
    for (const metric of ['euclidean', 'manhattan']) {
      const rows = blobs(5, 3, 7);
      assert.deepEqual(await queryNeighbors(data, rows, { k, metric }), sorted(data, rows, k, metric));
    }
  }
  const none = await queryNeighbors(
    data,
    { data: new Float32Array(0), shape: [0, 3] },
    { k: 2, metric: 'l1' },
  );
  assert.deepEqual(none, { indices: new Int32Array(0), distances: new Float32Array(0), rows: 0, k: 2 });
});

test('a custom metric gets the new row first', async () => {
  const data = blobs(40, 4, 8);
  const rows = blobs(6, 4, 9);
  const metric = (a: Float32Array, b: Float32Array) =>
    a.reduce((sum, value, i) => sum + Math.max(0, value - b[i]!), 0);
  assert.deepEqual(await queryNeighbors(data, rows, { k: 5, metric }), sorted(data, rows, 5, metric));
});

test('wrong queries are refused by name', async () => {
  const data = blobs(20, 3, 10);
  const query = { k: 3, metric: 'euclidean' };
  const rejects = (rows: Matrix, change: object, kind: new (text: string) => Error, text: RegExp) =>
    assert.rejects(
      queryNeighbors(data, rows, { ...query, ...change }),
      (error: Error) => error instanceof kind && text.test(error.message),
    );
  await rejects(data, { metric: 'precomputed' }, OptionError, /got 'precomputed'/);
  await rejects(data, { metric: 'cosin' }, OptionError, /did you mean 'cosine'/);
  await rejects(data, { metric: 'haversine' }, DataError, /got 3 columns/);
  await rejects(data, { metric: () => Number.NaN }, DataError, /got NaN/);
  await rejects(blobs(5, 4, 1), {}, DataError, /new rows of 3 columns.*got 4/);
  for (const k of [0, 21, 1.5, Number.NaN]) await rejects(data, { k }, OptionError, /k from 1 to .*\(20\)/);
});

test('a search tells how far it is, and an abort ends it', async () => {
  const [reference, rows] = [blobs(2000, 32, 11), blobs(1500, 32, 12)];
  const parts: number[] = [];
  await queryNeighbors(reference, rows, {
    k: 5,
    metric: 'euclidean',
    progress: (done) => void parts.push(done),
  });
  assert.ok(parts.length > 2 && parts.every((done, i) => done >= (parts[i - 1] ?? 0) && done <= 1));
  const reason = new Error('enough');
  await assert.rejects(
    queryNeighbors(reference, rows, { k: 5, metric: 'euclidean', signal: AbortSignal.abort(reason) }),
    reason,
  );
  for (const threads of [1, 2]) {
    const controller = new AbortController();
    const { signal } = controller;
    const search = queryNeighbors(reference, rows, { k: 5, metric: 'canberra', threads, signal });
    setTimeout(() => controller.abort(reason), 20);
    await assert.rejects(search, reason);
  }
});
