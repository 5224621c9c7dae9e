import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import { exact } from '../../src/neighbors/exact.js';
import { rowsPerPause } from '../../src/neighbors/external.js';
import { type HnswModule, hnsw } from '../../src/neighbors/hnsw.js';
import { type UsearchIndexOptions, type UsearchModule, usearch } from '../../src/neighbors/usearch.js';
import { assertSame, assertWellFormed, blobs, digits, recall } from './data.js';

const query = (k = 8, metric: string | (() => number) = 'euclidean') => ({
  k,
  metric,
  random: createRandom(1),
});

/** Nearest rows by squared distance, equal ones by falling id, so that a row's own id need not come first. */
function bruteForce(points: readonly number[][], point: number[], k: number) {
  return points
    .map((other, id) => ({ id, square: other.reduce((sum, value, c) => sum + (value - point[c]!) ** 2, 0) }))
    .sort((a, b) => a.square - b.square || b.id - a.id)
    .slice(0, k);
}

/** An index as hnswlib-node has it; `lost` rows are never found by a search. */
function fakeHnsw(calls: unknown[], lost = 0): HnswModule {
  return {
    HierarchicalNSW: class {
      readonly points: number[][] = [];
      constructor(space: string, columns: number) {
        calls.push(space, columns);
      }
      initIndex(options: object) {
        calls.push(options);
      }
      setEf() {}
      addPoint(point: number[], id: number) {
        assert.ok(Array.isArray(point), 'the package takes plain arrays only');
        this.points[id] = point;
      }
      searchKnn(point: number[], k: number) {
        const found = bruteForce(this.points, point, k).slice(lost);
        return { neighbors: found.map(({ id }) => id), distances: found.map(({ square }) => square) };
      }
    },
  };
}

/** An index as usearch has it. */
function fakeUsearch(calls: UsearchIndexOptions[]): UsearchModule {
  return {
    Index: class {
      readonly points: number[][] = [];
      readonly columns: number;
      constructor(options: UsearchIndexOptions) {
        calls.push(options);
        this.columns = options.dimensions;
      }
      add(keys: BigUint64Array, vectors: Float32Array, threads: number) {
        assert.equal(threads, 1, 'more threads are not repeatable');
        keys.forEach((key, i) => {
          this.points[Number(key)] = [...vectors.subarray(i * this.columns, (i + 1) * this.columns)];
        });
      }
      search(vectors: Float32Array, k: number, threads: number) {
        assert.equal(threads, 1);
        const rows = vectors.length / this.columns;
        const found = Array.from({ length: rows }, (_, i) =>
          bruteForce(this.points, [...vectors.subarray(i * this.columns, (i + 1) * this.columns)], k),
        ).flat();
        const keys = BigUint64Array.from(found, ({ id }) => BigInt(id));
        const distances = Float32Array.from(found, ({ square }) => square);
        // One row alone is answered without counts.
        return rows === 1
          ? { keys, distances }
          : { keys, distances, counts: new BigUint64Array(rows).fill(BigInt(k)) };
      }
    },
  };
}

test('the adapters convert squared distances, and put the row itself first', async () => {
  const data = blobs(90, 4, 2);
  data.data.copyWithin(4, 0, 4);
  data.data.copyWithin(8, 0, 4);
  for (const metric of ['euclidean', 'cosine', 'correlation']) {
    const truth = await exact().search(data, query(8, metric));
    for (const provider of [hnsw(fakeHnsw([])), usearch(fakeUsearch([]))]) {
      const found = await provider.search(data, query(8, metric));
      assertWellFormed(found);
      truth.distances.forEach((distance, i) => {
        const label = `${provider.name}, ${metric}: entry ${i}`;
        assert.ok(Math.abs(found.distances[i]! - distance) < 1e-5, label);
      });
    }
  }
});

test('a last batch of one row has no counts', async () => {
  const data = blobs(rowsPerPause + 1, 2, 2);
  assertSame(
    await usearch(fakeUsearch([])).search(data, query(3)),
    await exact().search(data, query(3)),
    'one row',
  );
});

test('the packages get squared distances, a seed, and enough candidates', async () => {
  const data = blobs(50, 3, 3);
  const calls: unknown[] = [];
  await hnsw(fakeHnsw(calls)).search(data, query());
  assert.deepEqual(calls.slice(0, 2), ['l2', 3]);
  const { randomSeed, ...options } = calls[2] as { randomSeed: number };
  assert.deepEqual(options, { maxElements: 50, m: 16, efConstruction: 200 });
  assert.ok(Number.isInteger(randomSeed) && randomSeed >= 0 && randomSeed < 2 ** 31);
  const indexes: UsearchIndexOptions[] = [];
  await usearch(fakeUsearch(indexes)).search(data, query(40));
  assert.equal(indexes[0]!.metric, 'l2sq');
  assert.equal(indexes[0]!.connectivity, 16);
  assert.equal(indexes[0]!.expansion_search, 80);
});

test('a row with too few neighbors found is compared with all others', async () => {
  const data = blobs(60, 3, 4);
  const found = await hnsw(fakeHnsw([], 4)).search(data, query());
  assertSame(found, await exact().search(data, query()), 'lost');
});

test('metrics that the packages cannot rank by are errors', async () => {
  for (const metric of ['manhattan', () => 1]) {
    for (const provider of [hnsw(fakeHnsw([])), usearch(fakeUsearch([]))]) {
      await assert.rejects(provider.search(blobs(20, 3, 5), query(4, metric)), OptionError);
    }
  }
});

test('an aborted search stops', async () => {
  const signal = AbortSignal.abort();
  for (const provider of [hnsw(fakeHnsw([])), usearch(fakeUsearch([]))]) {
    await assert.rejects(provider.search(blobs(20, 3, 6), { ...query(), signal }), { name: 'AbortError' });
  }
});

for (const [name, make] of [
  ['hnswlib-node', (module: { default: HnswModule }) => hnsw(module.default)],
  ['usearch', (module: UsearchModule) => usearch(module)],
] as const) {
  const module = await import(name).catch(() => undefined);
  test(`${name} itself finds nearly all neighbors of the digits, the same ones twice`, {
    skip: module === undefined && `${name} is not installed`,
  }, async () => {
    const data = digits();
    const truth = await exact().search(data, query(15));
    const provider = make(module);
    const found = await provider.search(data, query(15));
    assertWellFormed(found);
    assert.ok(recall(found, truth) > 0.98, `recall ${recall(found, truth)}`);
    assert.deepEqual(await provider.search(data, query(15)), found);
  });
}

test('the adapters tell how far they are while they build the index, and while they search it', async () => {
  const data = blobs(4 * rowsPerPause, 2, 2);
  for (const provider of [hnsw(fakeHnsw([])), usearch(fakeUsearch([]))]) {
    const parts: number[] = [];
    await provider.search(data, { ...query(3), progress: (done) => void parts.push(done) });
    assert.deepEqual(
      parts,
      [0, 1, 2, 3, 4, 5, 6, 7].map((eighth) => eighth / 8),
      provider.name,
    );
  }
});
