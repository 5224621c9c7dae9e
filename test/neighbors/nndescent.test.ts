import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/core/random.js';
import type { Matrix } from '../../src/core/types.js';
import { exact } from '../../src/neighbors/exact.js';
import { nndescent } from '../../src/neighbors/nndescent.js';
import { assertSame, assertWellFormed, blobs, digits, recall } from './data.js';

const query = (seed: number, k = 15, metric = 'euclidean') => ({ k, metric, random: createRandom(seed) });

test('digits: nearly all neighbors for any seed, with the distances of the exact search', async () => {
  const data = digits();
  const truth = await exact().search(data, query(0));
  for (const seed of [1, 2, 3, 4]) {
    const found = await nndescent().search(data, query(seed));
    assertWellFormed(found);
    const share = recall(found, truth);
    assert.ok(share > 0.99, `seed ${seed}: recall ${share}`);
    const distances = new Map(
      Array.from(truth.indices, (id, i) => [`${Math.floor(i / 15)} ${id}`, truth.distances[i]]),
    );
    found.indices.forEach((id, i) => {
      const want = distances.get(`${Math.floor(i / 15)} ${id}`);
      if (want !== undefined) assert.equal(found.distances[i], want);
    });
  }
});

test('digits: metrics with and without kernels', async () => {
  const data = digits();
  for (const metric of [
    'cosine',
    'correlation',
    'hellinger',
    'manhattan',
    'canberra',
    'braycurtis',
    'jaccard',
  ]) {
    const truth = await exact().search(data, query(0, 15, metric));
    const found = await nndescent().search(data, query(5, 15, metric));
    assertWellFormed(found);
    // Ties may be broken another way, so what counts is how far the neighbors are.
    let near = 0;
    for (let i = 0; i < truth.distances.length; i++) {
      if (found.distances[i]! <= truth.distances[i]! + 1e-6) near++;
    }
    assert.ok(near / truth.distances.length > 0.97, `${metric}: ${near / truth.distances.length}`);
  }
});

test('the same seed gives the same neighbors on any number of threads, another seed others', async () => {
  // Without clusters the search is hard enough for seeds to differ.
  const data = blobs(3000, 30, 1, 9);
  for (const metric of ['euclidean', 'chebyshev']) {
    const one = await nndescent({ threads: 1 }).search(data, query(7, 10, metric));
    for (const threads of [1, 2, 3]) {
      assert.deepEqual(
        await nndescent({ threads }).search(data, query(7, 10, metric)),
        one,
        `${metric}, ${threads}`,
      );
    }
    const other = await nndescent({ threads: 1 }).search(data, query(8, 10, metric));
    assert.notDeepEqual(other.indices, one.indices);
  }
});

test('wide rows are searched along a few directions and ranked by all columns', async () => {
  // 200 columns of which 12 directions count, far off the origin.
  const inner = blobs(6000, 12, 2, 0.5);
  const random = createRandom(3);
  const turn = Float32Array.from({ length: 12 * 200 }, () => random.normal());
  const data = new Float32Array(6000 * 200);
  for (let i = 0; i < 6000; i++) {
    for (let c = 0; c < 200; c++) {
      let value = 1000 + 0.05 * random.normal();
      for (let j = 0; j < 12; j++) value += inner.data[i * 12 + j]! * turn[j * 200 + c]!;
      data[i * 200 + c] = value;
    }
  }
  const matrix: Matrix = { data, shape: [6000, 200] };
  const truth = await exact().search(matrix, query(0));
  const found = await nndescent().search(matrix, query(1));
  assertWellFormed(found);
  assert.ok(recall(found, truth) > 0.98, `recall ${recall(found, truth)}`);
});

test('wide rows without structure: searched in all columns', async () => {
  const random = createRandom(4);
  const matrix: Matrix = {
    data: Float32Array.from({ length: 3000 * 130 }, () => random.normal()),
    shape: [3000, 130],
  };
  const truth = await exact().search(matrix, query(0));
  const found = await nndescent().search(matrix, query(1));
  assertWellFormed(found);
  assert.ok(recall(found, truth) > 0.9, `recall ${recall(found, truth)}`);
});

test('many equal rows: full lists, no id twice', async () => {
  const data = blobs(2000, 6, 5);
  for (let i = 0; i < 800; i++) data.data.copyWithin(i * 6, 0, 6);
  for (const metric of ['euclidean', 'manhattan']) {
    const found = await nndescent().search(data, query(1, 12, metric));
    assertWellFormed(found);
    assert.deepEqual([...found.distances.subarray(700 * 12, 701 * 12)], new Array(12).fill(0));
  }
  const same: Matrix = { data: new Float32Array(1000 * 4), shape: [1000, 4] };
  assertWellFormed(await nndescent().search(same, query(1)));
});

test('few rows with long lists are searched completely', async () => {
  for (const [rows, k] of [
    [2, 2],
    [10, 10],
    [60, 15],
    [250, 100],
    [2000, 150],
  ] as const) {
    const data = blobs(rows, 5, 6);
    const truth = await exact().search(data, query(0, k));
    for (const metric of [
      'euclidean',
      (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((v, i) => v - b[i]!)),
    ]) {
      const found = await nndescent().search(data, { ...query(1, k), metric });
      assertWellFormed(found);
      if (rows <= 60) assertSame(found, truth, `${rows} rows`);
      else assert.ok(recall(found, truth) > 0.98, `${rows} rows, k=${k}: ${recall(found, truth)}`);
    }
  }
});

test('the search works without WebAssembly and shared memory', async () => {
  const data = blobs(1500, 10, 9);
  const truth = await exact().search(data, query(0, 10));
  const { WebAssembly: wasm, SharedArrayBuffer: shared } = globalThis;
  Object.assign(globalThis, { WebAssembly: undefined, SharedArrayBuffer: undefined });
  try {
    assertSame(await exact({ threads: 2 }).search(data, query(0, 10)), truth, 'exact');
    const found = await nndescent({ threads: 2 }).search(data, query(1, 10));
    assertWellFormed(found);
    assert.ok(recall(found, truth) > 0.98, `recall ${recall(found, truth)}`);
  } finally {
    Object.assign(globalThis, { WebAssembly: wasm, SharedArrayBuffer: shared });
  }
});

test('nothing is drawn from the given stream, nor from Math.random', async (t) => {
  t.mock.method(Math, 'random', () => assert.fail('Math.random was called'));
  const random = createRandom(9);
  await nndescent().search(blobs(500, 8, 7), { k: 5, metric: 'euclidean', random });
  assert.equal(random.next(), createRandom(9).next());
});

test('no worker stays after a search, finished or aborted', async () => {
  const workers = () =>
    process.getActiveResourcesInfo().filter((name) => /worker|messageport/i.test(name)).length;
  const before = workers();
  const data = blobs(6000, 30, 8);
  await nndescent({ threads: 2 }).search(data, query(1));
  assert.equal(workers(), before);
  const controller = new AbortController();
  const search = nndescent({ threads: 2 }).search(data, {
    ...query(1, 15, 'canberra'),
    signal: controller.signal,
  });
  setTimeout(() => controller.abort(), 150);
  await assert.rejects(search, { name: 'AbortError' });
  assert.equal(workers(), before);
});
