import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { Matrix } from '../../src/core/types.js';
import { distanceFor } from '../../src/math/distance.js';
import { exact } from '../../src/neighbors/exact.js';
import {
  type KnnInput,
  neighborsFromDistances,
  precomputedNeighbors,
} from '../../src/neighbors/precomputed.js';
import { assertSame, assertWellFormed, blobs } from './data.js';

const data = blobs(40, 3, 1);
const knn = await exact().search(data, { k: 6, metric: 'euclidean', random: createRandom(0) });
const rowsOf = (values: ArrayLike<number>, columns: number, from = 0) =>
  Array.from({ length: values.length / columns }, (_, i) =>
    Array.from(values).slice(i * columns + from, (i + 1) * columns),
  );
const plain = (from = 0): { indices: number[][]; distances: number[][] } => ({
  indices: rowsOf(knn.indices, 6, from),
  distances: rowsOf(knn.distances, 6, from),
});

test('lists of any form give the same neighbors', () => {
  const needed = { rows: 40, k: 6 };
  const shape = [40, 6];
  const forms: [string, KnnInput | typeof knn][] = [
    ['rows', plain()],
    ['without the row itself', plain(1)],
    [
      'typed rows',
      {
        indices: plain().indices.map((r) => Int32Array.from(r)),
        distances: plain().distances.map((r) => Float32Array.from(r)),
      },
    ],
    ['flat', { indices: { data: knn.indices, shape }, distances: { data: knn.distances, shape } }],
    ['a Knn', knn],
    [
      'reversed',
      {
        indices: plain().indices.map((r) => r.reverse()),
        distances: plain().distances.map((r) => r.reverse()),
      },
    ],
  ];
  for (const [label, given] of forms) {
    const found = precomputedNeighbors(given, needed);
    assertWellFormed(found);
    assert.deepEqual(found, knn, label);
  }
});

test('longer lists are cut to the nearest', async () => {
  const found = precomputedNeighbors(plain(), { rows: 40, k: 4 });
  const truth = await exact().search(data, { k: 4, metric: 'euclidean', random: createRandom(0) });
  assert.deepEqual(found, truth);
});

test('wrong lists are errors that name the entry', () => {
  const needed = { rows: 40, k: 6 };
  const broken = (change: (given: ReturnType<typeof plain>) => void, message: RegExp, from = 0) => {
    const given = plain(from);
    change(given);
    assert.throws(
      () => precomputedNeighbors(given, needed),
      (error: Error) => error instanceof DataError && message.test(error.message),
      String(message),
    );
  };
  broken((g) => {
    g.indices[3]![2] = 40;
  }, /from 0 to 39, got 40 at \[3, 2\]/);
  broken((g) => {
    g.indices[3]![2] = -1;
  }, /got -1 at \[3, 2\]/);
  broken((g) => {
    g.indices[3]![2] = 1.5;
  }, /got 1.5/);
  broken((g) => {
    g.distances[5]![1] = Number.NaN;
  }, /at least 0, got NaN at \[5, 1\]/);
  broken((g) => {
    g.distances[5]![1] = -2;
  }, /got -2/);
  broken((g) => {
    g.indices[7]![3] = g.indices[7]![2]!;
  }, /different neighbors of row 7, got neighbor \d+ twice; /);
  broken((g) => {
    g.indices[7]!.pop();
  }, /got 6 in row 0 and 5 in row 7; /);
  broken((g) => {
    g.distances.pop();
  }, /one shape, got \[40, 6\] and \[39, 6\]; /);
  broken((g) => {
    g.indices.pop();
    g.distances.pop();
  }, /one list per row, 40 in all, got 39; /);
  // Five others per row are enough; four and the row itself are not.
  broken(
    (g) => {
      g.indices[9]![0] = 9;
    },
    /at least 5 others besides itself of row 9, got fewer; /,
    1,
  );
  assert.throws(() => precomputedNeighbors(plain(2), needed), /expected lists of 5 others.*got 4; /);
  assert.throws(
    () => precomputedNeighbors({ ...plain(), indices: { data: [1, 2], shape: [2, 2] } }, needed),
    /shape \[2, 2\].*got 2/,
  );
});

test('a table of distances gives the neighbors of its metric', async () => {
  const distance = distanceFor('manhattan');
  const table = new Float32Array(1600);
  for (let i = 0; i < 40; i++) {
    for (let j = 0; j < 40; j++)
      table[i * 40 + j] = i === j ? 7 : distance(data.data, i * 3, data.data, j * 3, 3);
  }
  const found = neighborsFromDistances({ data: table, shape: [40, 40] }, 8);
  assertWellFormed(found);
  assertSame(
    found,
    await exact().search(data, { k: 8, metric: 'manhattan', random: createRandom(0) }),
    'table',
  );
});

test('a table of distances must be square, complete and large enough', () => {
  const table = (rows: number, columns: number, fill = 1): Matrix => ({
    data: new Float32Array(rows * columns).fill(fill),
    shape: [rows, columns],
  });
  assert.throws(() => neighborsFromDistances(table(3, 4), 2), /square.*3 x 4/);
  assert.throws(() => neighborsFromDistances(table(3, 3), 4), /k=4, rows=3/);
  assert.throws(() => neighborsFromDistances(table(3, 3), 1), OptionError);
  assert.throws(() => neighborsFromDistances(table(3, 3, -1), 2), /got -1 at \[0, 1\]/);
  assert.throws(() => neighborsFromDistances(table(3, 3, Number.NaN), 2), /got NaN/);
});
