import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DataError, OptionError } from '../src/errors.js';
import { fuzzyGraph } from '../src/fuzzy.js';
import { createRandom } from '../src/random.js';
import { scalarNeighbors, superviseCategorical, superviseContinuous } from '../src/supervised.js';
import type { Edges } from '../src/types.js';

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
const read = (file: string) =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/${file}.json`, import.meta.url), 'utf8'));
const golden = read('supervised_digits300') as { labels: number[]; target: number[]; cases: GoldenCase[] };
const start = (read('fuzzy_digits300') as { cases: GoldenGraph[] }).cases[0]!;

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
    assertGraph(superviseContinuous(edges, targetKnn, { targetWeight }), wanted);
    // The distances of our own search are the same; which of equally near rows it lists is open.
    assert.deepEqual(scalarNeighbors(golden.target, targetKnn.k).distances, targetKnn.distances);
  });
}

test('the rest of the library takes what supervision gives: symmetric, sorted, in (0, 1], row maxima 1', () => {
  const targetKnn = scalarNeighbors(golden.target, 10);
  for (const supervised of [superviseCategorical(edges, labels), superviseContinuous(edges, targetKnn)]) {
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
  const targetKnn = scalarNeighbors(golden.target, 15);
  // At 0 an edge keeps the weight of the data; the union of the normalised rows is all that happens.
  const ofData = superviseContinuous(edges, targetKnn, { targetWeight: 0 });
  const alone = superviseCategorical(edges, new Int32Array(300));
  for (let edge = 0; edge < alone.head.length; edge += 7) {
    const [i, j] = [alone.head[edge]!, alone.tail[edge]!];
    assert.ok(Math.abs(weightOf(ofData, i, j) - alone.weight[edge]!) < 1e-6);
  }
  const ofTargets = superviseContinuous(edges, targetKnn, { targetWeight: 1 });
  const targetsAlone = fuzzyGraph(targetKnn);
  for (let edge = 0; edge < targetsAlone.head.length; edge += 7) {
    const [i, j] = [targetsAlone.head[edge]!, targetsAlone.tail[edge]!];
    assert.ok(Math.abs(weightOf(ofTargets, i, j) - targetsAlone.weight[edge]!) < 1e-3);
  }
});

test('scalar neighbours are the nearest numbers, the row itself first', () => {
  const random = createRandom(4);
  const values = Array.from({ length: 80 }, () => random.integer(40) / 4);
  for (const k of [2, 7, 80]) {
    const { indices, distances } = scalarNeighbors(values, k);
    for (let i = 0; i < values.length; i++) {
      const nearest = values.map((value) => Math.abs(value - values[i]!)).sort((a, b) => a - b);
      const ids = Array.from(indices.subarray(i * k, (i + 1) * k));
      assert.equal(ids[0], i);
      assert.equal(new Set(ids).size, k);
      assert.deepEqual(Array.from(distances.subarray(i * k, (i + 1) * k)), nearest.slice(0, k));
      assert.deepEqual(
        ids.map((j) => Math.abs(values[j]! - values[i]!)),
        nearest.slice(0, k),
      );
    }
  }
});

test('a graph without edges stays without, unless the targets bring some', () => {
  const none = graph(4, []);
  assert.equal(superviseCategorical(none, Int32Array.of(0, 0, 1, 1)).head.length, 0);
  const joined = superviseContinuous(none, scalarNeighbors([0, 0, 9, 9], 2));
  assert.deepEqual(Array.from(joined.tail), [1, 0, 3, 2]);
});

test('the graph that is given stays as it was', () => {
  const before = edges.weight.slice();
  superviseCategorical(edges, labels);
  superviseContinuous(edges, scalarNeighbors(golden.target, 5));
  assert.deepEqual(edges.weight, before);
});

test('bad input is named', () => {
  const data = (run: () => unknown, message: RegExp) =>
    assert.throws(run, (error) => error instanceof DataError && message.test(error.message));
  const option = (run: () => unknown, message: RegExp) =>
    assert.throws(run, (error) => error instanceof OptionError && message.test(error.message));
  data(() => superviseCategorical(edges, new Int32Array(299)), /labels=299, rows=300/);
  data(() => superviseContinuous(edges, scalarNeighbors([1, 2, 3], 2)), /=3, rows=300/);
  data(() => scalarNeighbors([1, 2, Number.NaN], 2), /NaN in row 2/);
  option(() => superviseCategorical(edges, labels, { targetWeight: 1.5 }), /targetWeight=1.5/);
  option(
    () => superviseContinuous(edges, scalarNeighbors(golden.target, 5), { targetWeight: -1 }),
    /targetWeight=-1/,
  );
  option(() => superviseCategorical(edges, labels, { targetWeight: Number.NaN }), /targetWeight=NaN/);
  option(() => scalarNeighbors([1, 2, 3], 4), /targetNNeighbors=4, rows=3/);
  option(() => scalarNeighbors([1, 2, 3], 1), /targetNNeighbors=1/);
});
