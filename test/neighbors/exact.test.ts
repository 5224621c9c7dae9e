import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { Matrix } from '../../src/core/types.js';
import { metricName, metricNames } from '../../src/math/distance.js';
import { exact } from '../../src/neighbors/exact.js';
import { assertSame, assertWellFormed, blobs, digits, sortedNeighbors } from './data.js';

const random = createRandom(1);

function head({ data, shape }: Matrix, rows: number): Matrix {
  return { data: data.slice(0, rows * shape[1]), shape: [rows, shape[1]] };
}

test('digits: the same neighbors as sorting all distances, with one thread and with two', async () => {
  const data = digits();
  const truth = sortedNeighbors(data, 15, 'euclidean');
  for (const threads of [1, 2]) {
    const found = await exact({ threads }).search(data, { k: 15, metric: 'euclidean', random });
    assertWellFormed(found);
    // Whole numbers have exact squares, so even the ties agree.
    assertSame(found, truth, `${threads} threads`);
  }
});

test('every metric: the same neighbors as sorting', async () => {
  const columns = 5;
  const source = createRandom(2);
  const data: Matrix = {
    data: Float32Array.from({ length: 70 * columns }, () => source.next()),
    shape: [70, columns],
  };
  const bits: Matrix = { ...data, data: data.data.map((value) => (value < 0.5 ? 0 : 1)) };
  const args: Record<string, Record<string, unknown>> = {
    minkowski: { p: 3 },
    wminkowski: { w: [1, 2, 3, 4, 5] },
    seuclidean: { V: [1, 2, 3, 4, 5] },
    mahalanobis: { VI: Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 2 : 0.1)) },
  };
  // Metrics that are not defined for all rows: places on a globe, rows within the unit ball, counts.
  const own: Record<string, Matrix[]> = {
    haversine: [head({ ...data, shape: [175, 2] }, 60)],
    poincare: [{ ...data, data: data.data.map((value) => 0.4 * value) }],
    ll_dirichlet: [{ ...data, data: data.data.map((value) => 1 + Math.floor(20 * value)) }],
  };
  for (const metric of metricNames) {
    const metricParams = args[metricName(metric)] ?? {};
    for (const table of own[metric] ?? [data, bits]) {
      const found = await exact().search(table, { k: 8, metric, metricParams, random });
      assertWellFormed(found);
      const truth = sortedNeighbors(table, 8, metric, metricParams);
      for (let i = 0; i < truth.distances.length; i++) {
        assert.ok(Math.abs(found.distances[i]! - truth.distances[i]!) < 1e-5, `${metric} at ${i}`);
      }
    }
  }
});

test('several threads find the neighbors that one thread finds', async () => {
  const data = blobs(500, 7, 10);
  const query = { k: 9, metric: 'manhattan', random };
  assert.deepEqual(
    await exact({ threads: 3 }).search(data, query),
    await exact({ threads: 1 }).search(data, query),
  );
});

test('a large offset costs no precision', async () => {
  const plain = blobs(200, 8, 3);
  // Steps of 2^-6, which survive the offset.
  const coarse = { ...plain, data: plain.data.map((value) => Math.round(value * 64) / 64) };
  const moved = { ...plain, data: coarse.data.map((value) => value + 65536) };
  const query = { k: 10, metric: 'euclidean', random };
  assertSame(await exact().search(moved, query), await exact().search(coarse, query), 'moved');
});

test('rows of zeros have neighbors by cosine', async () => {
  const data = blobs(50, 6, 4);
  data.data.fill(0, 0, 3 * 6);
  const found = await exact().search(data, { k: 6, metric: 'cosine', random });
  assertWellFormed(found);
  assert.deepEqual([...found.indices.subarray(0, 3)], [0, 1, 2]);
  assert.deepEqual([...found.distances.subarray(0, 6)], [0, 0, 0, ...found.distances.subarray(3, 6)]);
  for (const distance of found.distances.subarray(3, 6)) assert.ok(Math.abs(distance - 1) < 1e-6);
});

test('equal rows: each is its own first neighbor, the others come by id', async () => {
  const data: Matrix = { data: new Float32Array(20 * 3).fill(2), shape: [20, 3] };
  for (const metric of ['euclidean', 'cosine', 'manhattan']) {
    const found = await exact().search(data, { k: 4, metric, random });
    assertWellFormed(found);
    assert.deepEqual([...found.indices.subarray(0, 4)], [0, 1, 2, 3]);
    assert.deepEqual([...found.indices.subarray(19 * 4)], [19, 0, 1, 2]);
  }
});

test('k is at most the number of rows', async () => {
  const data = blobs(7, 3, 5);
  const found = await exact().search(data, { k: 7, metric: 'euclidean', random });
  assertWellFormed(found);
  await assert.rejects(
    exact().search(data, { k: 8, metric: 'euclidean', random }),
    (error: Error) => error instanceof DataError && /k=8, rows=7/.test(error.message),
  );
  for (const k of [1, 2.5, Number.NaN]) {
    await assert.rejects(exact().search(data, { k, metric: 'euclidean', random }), OptionError);
  }
});

test('a custom metric works like a named one; NaN and negative distances are errors', async () => {
  const data = blobs(60, 4, 6);
  const metric = (a: Float32Array, b: Float32Array) =>
    a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0);
  const found = await exact().search(data, { k: 5, metric, random });
  assertSame(found, await exact().search(data, { k: 5, metric: 'manhattan', random }), 'function');
  for (const bad of [Number.NaN, -1]) {
    await assert.rejects(
      exact().search(data, { k: 5, metric: () => bad, random }),
      (error: Error) => error instanceof DataError && error.message.includes(String(bad)),
    );
  }
});

test('an aborted search rejects with the reason of the signal', async () => {
  const data = blobs(3000, 64, 7);
  const reason = new Error('enough');
  const early = AbortSignal.abort(reason);
  await assert.rejects(exact().search(data, { k: 5, metric: 'euclidean', random, signal: early }), reason);
  for (const threads of [1, 2]) {
    const controller = new AbortController();
    const search = exact({ threads }).search(data, {
      k: 5,
      metric: 'canberra',
      random,
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(reason), 60);
    await assert.rejects(search, reason);
  }
});

test('data that the metric is not defined for is refused', async () => {
  await assert.rejects(
    exact().search(blobs(9, 3, 8), { k: 3, metric: 'haversine', random }),
    /got 3 columns/,
  );
  await assert.rejects(exact().search(blobs(9, 3, 8), { k: 3, metric: 'hellinger', random }), /at least 0/);
  await assert.rejects(
    exact().search(blobs(9, 3, 8), { k: 3, metric: 'cosin', random }),
    /did you mean 'cosine'/,
  );
});
