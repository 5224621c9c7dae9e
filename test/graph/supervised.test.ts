import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { Edges, Knn } from '../../src/core/types.js';
import { readValues } from '../../src/data/targets.js';
import { directedMemberships, fuzzyGraph } from '../../src/graph/fuzzy.js';
import { superviseCategorical, superviseContinuous } from '../../src/graph/supervised.js';
import { groupTargets, nearNumbers } from '../../src/graph/targetGroups.js';
import { targetMemberships } from '../../src/graph/targetNeighbors.js';
import { type SparseRows, transpose } from '../../src/math/sparse.js';
import { fixture } from '../helpers/fixtures.js';

interface GoldenGraph {
  rows: number[];
  cols: number[];
  weights: number[];
}
interface GoldenCase extends GoldenGraph {
  kind: 'categorical' | 'continuous';
  targetWeight: number;
  targetKnnIndices?: number[][];
  targetKnnDistances?: number[][];
}
const golden = fixture('supervised_digits300') as { labels: number[]; target: number[]; cases: GoldenCase[] };
const start = (fixture('fuzzy_digits300') as { cases: GoldenGraph[] }).cases[0]!;

const edges: Edges = {
  head: Int32Array.from(start.rows),
  tail: Int32Array.from(start.cols),
  weight: Float32Array.from(start.weights),
  vertices: 300,
};
const labels = Int32Array.from(golden.labels);

function assertGraph(actual: Edges, wanted: GoldenGraph) {
  assert.deepEqual(Array.from(actual.head), wanted.rows);
  assert.deepEqual(Array.from(actual.tail), wanted.cols);
  for (const [edge, weight] of wanted.weights.entries()) {
    assert.ok(
      Math.abs(actual.weight[edge]! / weight - 1) < 1e-5,
      `${edge}: ${actual.weight[edge]} against ${weight}`,
    );
  }
}

/** A graph from undirected edges. */
function graph(vertices: number, pairs: [number, number, number][]): Edges {
  const both = pairs.flatMap(([i, j, weight]) => [[i, j, weight] as const, [j, i, weight] as const]);
  both.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return {
    head: Int32Array.from(both, ([i]) => i),
    tail: Int32Array.from(both, ([, j]) => j),
    weight: Float32Array.from(both, ([, , weight]) => weight),
    vertices,
  };
}

const sorted = (directed: SparseRows) => transpose(transpose(directed));
const membershipsOf = (knn: Knn) => sorted(directedMemberships(knn));

/** Memberships of numbers among themselves, as a fit computes them. */
function ofNumbers(
  values: readonly number[],
  k: number,
  graphOf: Edges = graph(values.length, []),
): SparseRows {
  const groups = groupTargets(readValues(values, values.length));
  return targetMemberships(graphOf, groups, nearNumbers(groups, k), k, createRandom(1));
}

const weightOf = ({ head, tail, weight }: Edges, i: number, j: number) =>
  weight.find((_, edge) => head[edge] === i && tail[edge] === j) ?? 0;

for (const wanted of golden.cases) {
  test(`${wanted.kind} supervision equals that of umap-learn, weight ${wanted.targetWeight}`, () => {
    const { targetWeight } = wanted;
    if (wanted.kind === 'categorical') {
      assertGraph(superviseCategorical(edges, labels, { targetWeight }), wanted);
      return;
    }
    const indices = wanted.targetKnnIndices!;
    const targetKnn = {
      indices: Int32Array.from(indices.flat()),
      distances: Float32Array.from(wanted.targetKnnDistances!.flat()),
      rows: indices.length,
      k: indices[0]!.length,
    };
    assertGraph(superviseContinuous(edges, membershipsOf(targetKnn), { targetWeight }), wanted);
  });
}

test('the rest of the library takes what supervision gives: symmetric, sorted, in (0, 1], row maxima 1', () => {
  const targets = ofNumbers(golden.target, 10, edges);
  for (const supervised of [superviseCategorical(edges, labels), superviseContinuous(edges, targets)]) {
    const { head, tail, weight, vertices } = supervised;
    const table = new Map<number, number>();
    let last = -1;
    for (let edge = 0; edge < head.length; edge++) {
      const place = head[edge]! * vertices + tail[edge]!;
      assert.ok(place > last);
      last = place;
      assert.ok(weight[edge]! > 0 && weight[edge]! <= 1);
      table.set(place, weight[edge]!);
    }
    const strongest = new Float64Array(vertices);
    for (let edge = 0; edge < head.length; edge++) {
      assert.equal(table.get(tail[edge]! * vertices + head[edge]!), weight[edge]);
      strongest[head[edge]!] = Math.max(strongest[head[edge]!]!, weight[edge]!);
    }
    assert.ok(strongest.every((value) => Math.abs(value - 1) < 1e-6));
  }
});

test('labels, by hand', () => {
  // A chain 0 - 1 - 2 - 3 of weight 1/2; labels 0, 0, 1, unknown.
  const chain = graph(4, [
    [0, 1, 0.5],
    [1, 2, 0.5],
    [2, 3, 0.5],
  ]);
  const known = Int32Array.of(0, 0, 1, -1);
  const unite = (a: number, b: number) => a + b - a * b;
  const supervised = superviseCategorical(chain, known, { targetWeight: 0.75 });
  // F = 10. Row 1 is led by the edge to 0, row 2 by the edge to 3 (factor exp(-1)).
  assert.ok(Math.abs(weightOf(supervised, 0, 1) - 1) < 1e-7);
  assert.ok(Math.abs(weightOf(supervised, 1, 2) - unite(Math.exp(-10), Math.exp(-9))) < 1e-7);
  assert.ok(Math.abs(weightOf(supervised, 3, 2) - 1) < 1e-7);
  const strict = superviseCategorical(chain, known, { targetWeight: 1 });
  assert.deepEqual(Array.from(strict.head), [0, 1, 2, 3]);
  assert.deepEqual(Array.from(strict.tail), [1, 0, 3, 2]);
});

test('the target weight moves a continuous graph from the data to the targets', () => {
  // Distinct, so that no choice is left.
  const target = golden.target.map((value, i) => value + i / 1000);
  const targets = ofNumbers(target, 15, edges);
  // At 0 an edge keeps the weight of the data; the union of the normalized rows is all that happens.
  const ofData = superviseContinuous(edges, targets, { targetWeight: 0 });
  const alone = superviseCategorical(edges, new Int32Array(300));
  for (let edge = 0; edge < alone.head.length; edge += 7) {
    const [i, j] = [alone.head[edge]!, alone.tail[edge]!];
    assert.ok(Math.abs(weightOf(ofData, i, j) - alone.weight[edge]!) < 1e-6);
  }
  const ofTargets = superviseContinuous(edges, targets, { targetWeight: 1 });
  const targetsAlone = fuzzyGraph(knnOfNumbers(target, 15));
  for (let edge = 0; edge < targetsAlone.head.length; edge += 7) {
    const [i, j] = [targetsAlone.head[edge]!, targetsAlone.tail[edge]!];
    assert.ok(Math.abs(weightOf(ofTargets, i, j) - targetsAlone.weight[edge]!) < 1e-3);
  }
});

/** Nearest numbers by sorting all of them, the row itself first. */
function knnOfNumbers(values: readonly number[], k: number): Knn {
  const lists = values.map((value, i) =>
    values
      .map((other, j) => ({ j, d: Math.abs(other - value) }))
      .sort((a, b) => a.d - b.d || Number(b.j === i) - Number(a.j === i) || a.j - b.j)
      .slice(0, k),
  );
  return {
    indices: Int32Array.from(lists.flat(), ({ j }) => j),
    distances: Float32Array.from(lists.flat(), ({ d }) => d),
    rows: values.length,
    k,
  };
}

test('numbers without ties have the memberships of their nearest numbers, whatever the graph', () => {
  const random = createRandom(4);
  const values = Array.from({ length: 80 }, () => random.normal());
  for (const k of [2, 7, 79, 80]) {
    const wanted = membershipsOf(knnOfNumbers(values, k));
    for (const graphOf of [
      graph(80, []),
      fuzzyGraph(
        knnOfNumbers(
          values.map((_, i) => (i * 31) % 80),
          5,
        ),
      ),
    ]) {
      const found = ofNumbers(values, k, graphOf);
      assert.deepEqual(found.offsets, wanted.offsets);
      assert.deepEqual(found.columns, wanted.columns);
      found.values.forEach((value, i) => {
        assert.ok(Math.abs(value - wanted.values[i]!) < 1e-6);
      });
    }
  }
});

test('a graph without edges stays without, unless the targets bring some', () => {
  const none = graph(4, []);
  assert.equal(superviseCategorical(none, Int32Array.of(0, 0, 1, 1)).head.length, 0);
  const joined = superviseContinuous(none, ofNumbers([0, 0, 9, 9], 2));
  assert.deepEqual(Array.from(joined.tail), [1, 0, 3, 2]);
});

test('the graph that is given stays as it was', () => {
  const before = edges.weight.slice();
  superviseCategorical(edges, labels);
  superviseContinuous(edges, ofNumbers(golden.target, 5, edges));
  assert.deepEqual(edges.weight, before);
});

test('bad input is named', () => {
  const data = (run: () => unknown, message: RegExp) =>
    assert.throws(run, (error) => error instanceof DataError && message.test(error.message));
  const option = (run: () => unknown, message: RegExp) =>
    assert.throws(run, (error) => error instanceof OptionError && message.test(error.message));
  data(() => superviseCategorical(edges, new Int32Array(299)), /labels per row of the data \(300\), got 299/);
  data(() => superviseContinuous(edges, ofNumbers([1, 2, 3], 2)), /\(300\), got 3/);
  option(() => superviseCategorical(edges, labels, { targetWeight: 1.5 }), /targetWeight: .*got 1.5/);
  option(
    () => superviseContinuous(edges, ofNumbers(golden.target, 5, edges), { targetWeight: -1 }),
    /targetWeight: .*got -1/,
  );
  option(() => superviseCategorical(edges, labels, { targetWeight: Number.NaN }), /targetWeight: .*got NaN/);
});
