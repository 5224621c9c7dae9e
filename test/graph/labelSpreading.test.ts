import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError } from '../../src/core/errors.js';
import type { Edges } from '../../src/core/types.js';
import { fuzzyGraph } from '../../src/graph/fuzzy.js';
import { spreadLabels } from '../../src/graph/labelSpreading.js';
import { fixture } from '../helpers/fixtures.js';

/** An undirected graph from pairs of vertices, all of one weight. */
function graph(vertices: number, pairs: [number, number][]): Edges {
  const both = [...pairs, ...pairs.map(([a, b]) => [b, a] as const)].sort(
    (p, q) => p[0] - q[0] || p[1] - q[1],
  );
  return {
    head: Int32Array.from(both, ([a]) => a),
    tail: Int32Array.from(both, ([, b]) => b),
    weight: new Float32Array(both.length).fill(1),
    vertices,
  };
}

test('labels stay, spread to their component, and nowhere else', () => {
  const edges = graph(7, [
    [0, 1],
    [1, 2],
    [3, 4],
    [4, 5],
  ]);
  const { data } = spreadLabels(edges, Int32Array.of(0, -1, -1, -1, -1, 1, -1), 2);
  const rows = Array.from({ length: 7 }, (_, i) => [...data.subarray(2 * i, 2 * i + 2)]);
  assert.deepEqual(rows, [
    [1, 0],
    [1, 0],
    [1, 0],
    [0, 1],
    [0, 1],
    [0, 1],
    [0, 0],
  ]);
});

test('a vertex between two labels leans to the nearer one', () => {
  const edges = graph(5, [
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
  ]);
  const { data } = spreadLabels(edges, Int32Array.of(0, -1, -1, -1, 1), 2);
  assert.ok(data[2]! > 0.5 && data[7]! > 0.5);
  assert.ok(Math.abs(data[4]! - 0.5) < 1e-3, 'the middle is in doubt');
  for (let i = 0; i < 5; i++) assert.ok(Math.abs(data[2 * i]! + data[2 * i + 1]! - 1) < 1e-6);
});

test('two labels a class name most of 300 real digits', () => {
  const { y, cases } = fixture('fuzzy_digits300');
  const { k, knnIndices, knnDistances } = cases[0];
  const distances = Float32Array.from(knnDistances.flat());
  const edges = fuzzyGraph({ indices: Int32Array.from(knnIndices.flat()), distances, rows: 300, k });
  const left = new Array<number>(10).fill(2);
  const labels = Int32Array.from(y as number[], (label) => (left[label]!-- > 0 ? label : -1));
  const { data } = spreadLabels(edges, labels, 10);
  const right = (y as number[]).filter((label, i) => {
    const row = data.subarray(10 * i, 10 * i + 10);
    return row.indexOf(Math.max(...row)) === label;
  });
  assert.ok(right.length / 300 > 0.8, `${right.length} of 300`);
});

test('labels of another number are refused', () => {
  const call = () => spreadLabels(graph(3, [[0, 1]]), Int32Array.of(0, 1), 2);
  assert.throws(
    call,
    (error: unknown) =>
      error instanceof DataError && /expected one per vertex \(3\), got 2/.test(error.message),
  );
});
