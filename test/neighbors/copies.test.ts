import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finish } from '../../src/core/pauses.js';
import { createRandom } from '../../src/core/random.js';
import type { Knn } from '../../src/core/types.js';
import { fuzzyGraph } from '../../src/graph/fuzzy.js';
import { connectedComponents, edgeRows } from '../../src/math/sparse.js';
import { linkCopies } from '../../src/neighbors/copies.js';
import { flat, groups } from '../checks/subject.js';
import { findNeighbors } from './data.js';

const search = (rows: number[][], k: number): Promise<Knn> =>
  findNeighbors(flat(rows), { k, metric: 'euclidean', random: createRandom(1), neighbors: 'exact' });

async function linked(rows: number[][], k: number) {
  let searches = 0;
  const knn = await search(rows, k);
  const found = await linkCopies(knn, (some, wanted) => {
    searches++;
    return search(
      [...some].map((row) => rows[row]!),
      wanted,
    );
  });
  return { knn, found, searches };
}

const components = (knn: Knn) => finish(connectedComponents(edgeRows(fuzzyGraph(knn)))).offsets.length - 1;

test('without a group of k copies nothing changes, and nothing is searched', async () => {
  const rows = groups(40);
  for (let i = 1; i < 4; i++) rows[i] = rows[0]!;
  const { knn, found, searches } = await linked(rows, 5);
  assert.equal(found, knn);
  assert.equal(searches, 0);
});

test('a group of copies is tied to its nearest other rows, and its copies to the first of them', async () => {
  const rows = groups(40);
  for (const i of [3, 10, 11, 20, 33, 39]) rows[i] = rows[3]!;
  const { knn, found, searches } = await linked(rows, 5);
  assert.equal(searches, 1);
  const list = (of: Knn, row: number) => [...of.indices.subarray(row * 5, (row + 1) * 5)];
  // Exact neighbors of row 3 among the 35 different rows.
  const others = rows.map((_, i) => i).filter((i) => i === 3 || rows[i] !== rows[3]);
  const distance = (i: number) => Math.hypot(...rows[i]!.map((v, c) => v - rows[3]![c]!));
  assert.deepEqual(list(found, 3), others.sort((a, b) => distance(a) - distance(b)).slice(0, 5));
  for (const i of [10, 11, 20, 33, 39]) assert.deepEqual(list(found, i), [i, 3, -1, -1, -1]);
  for (const i of [0, 1, 2, 4, 12, 38]) assert.deepEqual(list(found, i), list(knn, i));
});

test('copies of few rows become one graph', async () => {
  const rows = Array.from({ length: 60 }, (_, i) => [
    Number(i % 3 === 0),
    Number(i % 3 === 1),
    Number(i % 3 === 2),
  ]);
  const { knn, found } = await linked(rows, 10);
  assert.ok(components(knn) >= 3);
  assert.equal(components(found), 1);
});

test('where all rows are equal, nothing changes', async () => {
  const { knn, found } = await linked(
    Array.from({ length: 20 }, () => [1, 2]),
    5,
  );
  assert.equal(found, knn);
});
