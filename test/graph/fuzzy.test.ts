import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { Edges, Knn } from '../../src/core/types.js';
import { directedMemberships, disconnectedVertices, fuzzyGraph } from '../../src/graph/fuzzy.js';
import { smoothKnn } from '../../src/graph/smoothKnn.js';
import { allClose } from '../helpers/assert.js';
import { fixture } from '../helpers/fixtures.js';

interface Golden {
  cases: {
    k: number;
    localConnectivity: number;
    setOpMixRatio: number;
    metric: 'euclidean' | 'cosine';
    knnIndices: number[][];
    knnDistances: number[][];
    sigma: number[];
    rho: number[];
    rows: number[];
    cols: number[];
    weights: number[];
  }[];
}
const golden = fixture('fuzzy_digits300') as Golden;

/** A row: its own id at 0, then the given ids and distances. */
type Row = [id: number, distance: number][];

function knnOf(rows: Row[]): Knn {
  return {
    indices: Int32Array.from(rows.flat().map(([id]) => id)),
    distances: Float32Array.from(rows.flat().map(([, distance]) => distance)),
    rows: rows.length,
    k: rows[0]!.length,
  };
}

/** Exact neighbors of random points in the plane. */
function randomKnn(seed: number, rows: number, k: number): Knn {
  const random = createRandom(seed);
  const points = Array.from({ length: rows }, () => [random.normal(), random.normal()] as const);
  return knnOf(
    points.map(([x, y], i) =>
      points
        .map(([u, v], j): [number, number] => [j, j === i ? 0 : Math.hypot(x - u, y - v)])
        .sort((a, b) => a[1] - b[1])
        .slice(0, k),
    ),
  );
}

/**
 * The file's distances are rounded to seven digits, which their differences from rho do not survive. But the
 * euclidean ones are roots of whole numbers, and the cosine ones 1 minus a single-precision number in [0.5,
 * 1), so that below 0.1 seven digits still tell which. Rows that reach beyond are held to a looser bound.
 */
const unrounded = {
  euclidean: (distance: number) => Math.sqrt(Math.round(distance ** 2)),
  cosine: (distance: number) => Math.round(distance * 2 ** 24) / 2 ** 24,
};

/** A bound in parts of the expected value. */
const relative = (part: number | ((i: number) => number)) => (i: number, expected: number) =>
  (typeof part === 'number' ? part : part(i)) * Math.abs(expected);

/** The graph as a full table, with a check of order and uniqueness on the way. */
function dense({ head, tail, weight, vertices }: Edges): number[][] {
  const table = Array.from({ length: vertices }, () => new Array<number>(vertices).fill(0));
  for (let edge = 0; edge < head.length; edge++) {
    if (edge > 0) {
      const order = (head[edge]! - head[edge - 1]!) * vertices + tail[edge]! - tail[edge - 1]!;
      assert.ok(order > 0, 'edges are sorted by head, then tail');
    }
    assert.ok(weight[edge]! > 0 && weight[edge]! <= 1);
    assert.notEqual(head[edge], tail[edge]);
    table[head[edge]!]![tail[edge]!] = weight[edge]!;
  }
  return table;
}

for (const [number, wanted] of golden.cases.entries()) {
  test(`scales and graph equal those of umap-learn, case ${number}`, () => {
    const knn = knnOf(
      wanted.knnIndices.map((ids, i) =>
        ids.map((j, c): [number, number] => [j, unrounded[wanted.metric](wanted.knnDistances[i]![c]!)]),
      ),
    );
    allClose(knn.distances, wanted.knnDistances.flat(), relative(1e-6), 'distance');
    const exact = wanted.knnDistances.map((row) => wanted.metric === 'euclidean' || row.at(-1)! < 0.1);
    assert.ok(exact.filter(Boolean).length > 90);
    const { sigma, rho } = smoothKnn(knn, { localConnectivity: wanted.localConnectivity });
    allClose(rho, wanted.rho, relative(1e-5), 'rho');
    allClose(
      sigma,
      wanted.sigma,
      relative((i) => (exact[i] ? 1e-5 : 1e-4)),
      'sigma',
    );
    const edges = fuzzyGraph(knn, {
      localConnectivity: wanted.localConnectivity,
      setOpMixRatio: wanted.setOpMixRatio,
    });
    assert.deepEqual(Array.from(edges.head), wanted.rows);
    assert.deepEqual(Array.from(edges.tail), wanted.cols);
    const strict = (edge: number) => exact[edges.head[edge]!] && exact[edges.tail[edge]!];
    allClose(
      edges.weight,
      wanted.weights,
      relative((edge) => (strict(edge) ? 1e-5 : 1e-4)),
      'weight',
    );
  });
}

test('the memberships of a row sum to log2 k', () => {
  for (const k of [2, 3, 5, 15, 40]) {
    const knn = randomKnn(k, 120, k);
    const { offsets, values } = directedMemberships(knn);
    for (let i = 0; i < knn.rows; i++) {
      const sum = values.subarray(offsets[i], offsets[i + 1]).reduce((total, value) => total + value, 0);
      assert.ok(Math.abs(sum - Math.log2(k)) < 2e-5, `row ${i}, k ${k}: ${sum}`);
    }
  }
});

test('the union follows its formula at every mix, and is symmetric', () => {
  const knn = randomKnn(7, 90, 8);
  const { offsets, columns, values } = directedMemberships(knn);
  const directed = Array.from({ length: 90 }, () => new Array<number>(90).fill(0));
  for (let i = 0; i < 90; i++) {
    for (let entry = offsets[i]!; entry < offsets[i + 1]!; entry++)
      directed[i]![columns[entry]!] = values[entry]!;
  }
  for (const setOpMixRatio of [0, 0.3, 1]) {
    const graph = dense(fuzzyGraph(knn, { setOpMixRatio }));
    for (let i = 0; i < 90; i++) {
      for (let j = 0; j < 90; j++) {
        const [a, b] = [directed[i]![j]!, directed[j]![i]!];
        const wanted = setOpMixRatio * (a + b - a * b) + (1 - setOpMixRatio) * a * b;
        assert.ok(Math.abs(graph[i]![j]! - wanted) < 1e-6);
        assert.equal(graph[i]![j], graph[j]![i]);
      }
    }
  }
});

test('an intersection keeps only edges that both ends list', () => {
  const knn = knnOf([
    [
      [0, 0],
      [1, 1],
      [2, 2],
    ],
    [
      [1, 0],
      [0, 1],
      [2, 1.5],
    ],
    [
      [2, 0],
      [1, 1.5],
      [0, 2],
    ],
    [
      [3, 0],
      [2, 4],
      [1, 5],
    ],
  ]);
  const united = fuzzyGraph(knn, { setOpMixRatio: 1 });
  assert.deepEqual(Array.from(disconnectedVertices(united)), []);
  const met = fuzzyGraph(knn, { setOpMixRatio: 0 });
  assert.deepEqual(Array.from(met.head), [0, 0, 1, 1, 2, 2]);
  assert.deepEqual(Array.from(met.tail), [1, 2, 0, 2, 0, 1]);
  assert.deepEqual(Array.from(disconnectedVertices(met)), [3]);
});

test('the local connectivity chooses the neighbor that sets rho', () => {
  const knn = knnOf([
    [
      [0, 0],
      [1, 1],
      [2, 3],
      [3, 7],
    ],
    [
      [1, 0],
      [0, 1],
      [2, 3],
      [3, 7],
    ],
    [
      [2, 0],
      [0, 3],
      [1, 3],
      [3, 7],
    ],
    [
      [3, 0],
      [2, 7],
      [1, 7],
      [0, 7],
    ],
  ]);
  const rho = (localConnectivity: number) => smoothKnn(knn, { localConnectivity }).rho[0];
  assert.equal(rho(0), 0);
  assert.equal(rho(0.25), 0.25);
  assert.equal(rho(1), 1);
  assert.equal(rho(1.5), 2);
  assert.equal(rho(2.25), 4);
  assert.equal(rho(3), 7);
  assert.equal(rho(3.5), 7);
  assert.equal(rho(50), 7);
});

test('duplicates keep scales positive and memberships full', () => {
  // Rows 0 to 3 coincide; with k = 3 not all of them list themselves, and none is at column 0 for sure.
  const knn = knnOf([
    [
      [0, 0],
      [1, 0],
      [2, 0],
    ],
    [
      [0, 0],
      [1, 0],
      [2, 0],
    ],
    [
      [0, 0],
      [1, 0],
      [2, 0],
    ],
    [
      [0, 0],
      [1, 0],
      [2, 0],
    ],
    [
      [4, 0],
      [0, 5],
      [1, 5],
    ],
  ]);
  const { sigma, rho } = smoothKnn(knn);
  assert.deepEqual(Array.from(rho), [0, 0, 0, 0, 5]);
  assert.ok(sigma.every((value) => value > 0 && Number.isFinite(value)));
  const graph = dense(fuzzyGraph(knn));
  assert.deepEqual(graph[0], [0, 1, 1, 1, 1]);
  assert.deepEqual(graph[3], [1, 1, 1, 0, 0]);
});

test('a row pushed out of its own list by duplicates has the scale of its duplicates', () => {
  const listed: Row = [
    [0, 0],
    [1, 0],
    [2, 0],
    [4, 1],
    [5, 2],
    [6, 4],
  ];
  const knn = knnOf([
    ...[0, 1, 2, 3].map(() => listed),
    [
      [4, 0],
      [5, 1],
      [0, 1],
      [1, 1],
      [2, 1],
      [6, 3],
    ],
    [
      [5, 0],
      [4, 1],
      [0, 2],
      [1, 2],
      [2, 2],
      [6, 2],
    ],
    [
      [6, 0],
      [5, 2],
      [4, 3],
      [0, 4],
      [1, 4],
      [2, 4],
    ],
  ]);
  const { sigma, rho } = smoothKnn(knn);
  assert.equal(rho[3], rho[0]);
  assert.equal(sigma[3], sigma[0]);
});

test('all rows equal: every listed neighbor is a full member', () => {
  const rows = 6;
  const knn = knnOf(
    Array.from({ length: rows }, (_, i) => [0, 1, 2].map((step): [number, number] => [(i + step) % rows, 0])),
  );
  const edges = fuzzyGraph(knn);
  assert.equal(edges.head.length, rows * 4);
  assert.ok(edges.weight.every((value) => value === 1));
});

test('all distances equal: sigma is at its floor and memberships are full', () => {
  const knn = knnOf(
    Array.from({ length: 5 }, (_, i) => [0, 1, 2, 3].map((s): [number, number] => [(i + s) % 5, s && 2])),
  );
  const { sigma, rho } = smoothKnn(knn);
  assert.ok(rho.every((value) => value === 2));
  allClose(sigma, new Array(5).fill(1e-3 * 1.5), relative(1e-6), 'sigma');
  assert.ok(fuzzyGraph(knn).weight.every((value) => value === 1));
});

test('the row itself is recognized by its id at any position', () => {
  const first = knnOf([
    [
      [0, 0],
      [1, 0],
      [2, 1],
    ],
    [
      [1, 0],
      [0, 0],
      [2, 1],
    ],
    [
      [2, 0],
      [0, 1],
      [1, 1],
    ],
  ]);
  const second = knnOf([
    [
      [1, 0],
      [0, 0],
      [2, 1],
    ],
    [
      [0, 0],
      [1, 0],
      [2, 1],
    ],
    [
      [2, 0],
      [0, 1],
      [1, 1],
    ],
  ]);
  assert.deepEqual(fuzzyGraph(second), fuzzyGraph(first));
  assert.deepEqual(smoothKnn(second), smoothKnn(first));
});

test('neighbors at the disconnection distance or beyond are cut, and spoil no scale', () => {
  const knn = knnOf([
    [
      [0, 0],
      [1, 1],
      [2, 1.5],
      [3, 9],
    ],
    [
      [1, 0],
      [0, 1],
      [2, 1.2],
      [3, 9],
    ],
    [
      [2, 0],
      [1, 1.2],
      [0, 1.5],
      [3, 8],
    ],
    [
      [3, 0],
      [2, 8],
      [0, 9],
      [1, 9],
    ],
  ]);
  const edges = fuzzyGraph(knn, { disconnectionDistance: 8 });
  assert.deepEqual(Array.from(disconnectedVertices(edges)), [3]);
  assert.deepEqual(Array.from(edges.tail), [1, 2, 0, 2, 0, 1]);
  assert.ok(smoothKnn(knn, { disconnectionDistance: 8 }).sigma.every(Number.isFinite));
  assert.equal(disconnectedVertices(fuzzyGraph(knn, { disconnectionDistance: 8.5 })).length, 0);
});

test('missing neighbors (id -1, infinite distance) are the same as cut ones', () => {
  const far = Number.POSITIVE_INFINITY;
  const missing = knnOf([
    [
      [0, 0],
      [1, 1],
      [2, 2],
      [-1, far],
    ],
    [
      [1, 0],
      [0, 1],
      [2, 2],
      [-1, 0],
    ],
    [
      [2, 0],
      [0, 2],
      [1, 2],
      [3, far],
    ],
    [
      [3, 0],
      [-1, far],
      [-1, far],
      [-1, far],
    ],
  ]);
  const cut = knnOf([
    [
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 50],
    ],
    [
      [1, 0],
      [0, 1],
      [2, 2],
      [3, 50],
    ],
    [
      [2, 0],
      [0, 2],
      [1, 2],
      [3, 50],
    ],
    [
      [3, 0],
      [0, 50],
      [1, 50],
      [2, 50],
    ],
  ]);
  assert.deepEqual(fuzzyGraph(missing), fuzzyGraph(cut, { disconnectionDistance: 40 }));
  assert.deepEqual(Array.from(disconnectedVertices(fuzzyGraph(missing))), [3]);
});

test('memberships too small for single precision are dropped', () => {
  const knn = knnOf([
    [
      [0, 0],
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 1e6],
    ],
    [
      [1, 0],
      [0, 1],
      [2, 1],
      [3, 1],
      [4, 1e6],
    ],
    [
      [2, 0],
      [0, 1],
      [1, 1],
      [3, 1],
      [4, 1e6],
    ],
    [
      [3, 0],
      [0, 1],
      [1, 1],
      [2, 1],
      [4, 1e6],
    ],
    [
      [4, 0],
      [0, 1e6],
      [1, 1e6],
      [2, 1e6],
      [3, 1e6],
    ],
  ]);
  // Rows 0 to 3: sigma at its floor of 200, so the last membership is exp(-5000).
  const { offsets } = directedMemberships(knn);
  assert.deepEqual(Array.from(offsets), [0, 3, 6, 9, 12, 16]);
  assert.deepEqual(Array.from(disconnectedVertices(fuzzyGraph(knn, { setOpMixRatio: 0 }))), [4]);
  assert.deepEqual(dense(fuzzyGraph(knn))[4], [1, 1, 1, 1, 0]);
});

test('weights do not depend on the unit of distance', () => {
  const knn = randomKnn(3, 60, 6);
  const scaled = { ...knn, distances: knn.distances.map((distance) => distance * 4096) };
  const [a, b] = [fuzzyGraph(knn), fuzzyGraph(scaled)];
  assert.deepEqual(b.tail, a.tail);
  // Both stop within the tolerance of the sums, at different scales.
  for (let edge = 0; edge < a.weight.length; edge++)
    assert.ok(Math.abs(a.weight[edge]! - b.weight[edge]!) < 5e-5);
});

test('the caller keeps its table unchanged', () => {
  const knn = randomKnn(1, 20, 4);
  const before = { indices: knn.indices.slice(), distances: knn.distances.slice() };
  fuzzyGraph(knn);
  assert.deepEqual({ indices: knn.indices, distances: knn.distances }, before);
});

test('malformed tables and options out of range are named', () => {
  const good = randomKnn(1, 10, 3);
  const named = (kind: typeof DataError | typeof OptionError, message: RegExp) => (error: unknown) =>
    error instanceof kind && message.test(error.message);
  const table = (change: Partial<Knn>, message: RegExp) =>
    assert.throws(() => fuzzyGraph({ ...good, ...change }), named(DataError, message));
  table({ rows: 11 }, /expected 33 ids and distances .* got ids=30, distances=30/);
  table({ distances: new Float32Array(29) }, /ids=30, distances=29/);
  table({ rows: 30, k: 1 }, /k=1/);
  table({ rows: 0, indices: new Int32Array(0), distances: new Float32Array(0) }, /rows=0/);
  table({ indices: good.indices.with(4, 10) }, /expected ids below 10 .* got neighbor 10 of row 1/);
  table({ distances: good.distances.with(4, Number.NaN) }, /NaN .*row 1/);
  table({ distances: good.distances.with(4, -1) }, /-1 .*row 1/);
  table({ distances: good.distances.with(4, 1e9) }, /nearest first.*row 1/);
  table({ indices: good.indices.with(5, good.indices[4]!) }, /twice/);
  const option = (change: object, message: RegExp) =>
    assert.throws(() => fuzzyGraph(good, change), named(OptionError, message));
  option({ setOpMixRatio: 1.1 }, /setOpMixRatio: .*got 1.1;/);
  option({ setOpMixRatio: Number.NaN }, /setOpMixRatio: .*got NaN;/);
  option({ localConnectivity: -1 }, /localConnectivity: .*got -1;/);
  option({ localConnectivity: Number.POSITIVE_INFINITY }, /localConnectivity: .*got Infinity;/);
  option({ disconnectionDistance: 0 }, /disconnectionDistance: .*got 0;/);
  option({ disconnectionDistance: Number.NaN }, /disconnectionDistance: .*got NaN;/);
});
