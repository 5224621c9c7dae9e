import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OptionError, UnavailableError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { Matrix } from '../../src/core/types.js';
import { chooseNeighbors, type NeighborChoice } from '../../src/neighbors/choose.js';
import { assertWellFormed, blobs, findNeighbors } from './data.js';

test('auto is exact for few rows and approximate for many, and says so', async () => {
  const few = await chooseNeighbors({ rows: 1797, metric: 'euclidean' });
  assert.equal(few.provider.name, 'exact');
  assert.equal(few.reason, 'exact (1,797 rows)');
  const many = await chooseNeighbors({ rows: 60_000, metric: 'canberra', neighbors: 'auto' });
  assert.equal(many.provider.name, 'nndescent');
  assert.equal(many.reason, 'nndescent (60,000 rows)');
});

test("the caller's choice wins", async () => {
  for (const neighbors of ['exact', 'nndescent'] as const) {
    const { provider, reason } = await chooseNeighbors({ rows: 10_000, metric: 'euclidean', neighbors });
    assert.equal(provider.name, neighbors);
    assert.equal(reason, `${neighbors} (10,000 rows, asked for)`);
  }
});

test('an unknown choice is refused with the list', async () => {
  await assert.rejects(
    chooseNeighbors({ rows: 10, metric: 'euclidean', neighbors: 'annoy' as NeighborChoice }),
    (error: Error) =>
      error instanceof OptionError && /auto, exact, nndescent, hnsw, usearch, got annoy/.test(error.message),
  );
});

for (const [neighbors, name] of [
  ['hnsw', 'hnswlib-node'],
  ['usearch', 'usearch'],
] as const) {
  const there = await import(name).then(
    () => true,
    () => false,
  );
  test(`${neighbors}: ${there ? 'is picked' : 'a missing package is named'}`, async () => {
    const choice = chooseNeighbors({ rows: 10, metric: 'euclidean', neighbors });
    if (there) assert.equal((await choice).provider.name, neighbors);
    else {
      await assert.rejects(
        choice,
        (error: Error) => error instanceof UnavailableError && error.message.includes(`npm install ${name}`),
      );
    }
  });
}

test('the choice searches in the way that was chosen', async () => {
  const data = blobs(300, 4, 1);
  const query = { k: 6, metric: 'euclidean', random: createRandom(1) };
  const found = await findNeighbors(data, query);
  assertWellFormed(found);
  assert.deepEqual(await findNeighbors(data, { ...query, neighbors: 'exact' }), found);
  assertWellFormed(await findNeighbors(data, { ...query, neighbors: 'nndescent' }));
});

test("metric 'precomputed' reads the data as distances", async () => {
  const table: Matrix = { data: Float32Array.from([0, 2, 1, 2, 0, 3, 1, 3, 0]), shape: [3, 3] };
  const { reason } = await chooseNeighbors({ rows: 3, metric: 'precomputed' });
  assert.equal(reason, 'precomputed distances (3 rows)');
  const found = await findNeighbors(table, { k: 2, metric: 'precomputed', random: createRandom(1) });
  assert.deepEqual([...found.indices], [0, 2, 1, 0, 2, 0]);
  assert.deepEqual([...found.distances], [0, 1, 0, 2, 0, 1]);
});
