import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whole } from '../../src/core/pauses.js';
import { createRandom } from '../../src/core/random.js';
import type { Edges, Matrix } from '../../src/core/types.js';
import { divergenceInParts, partitionInParts, unitRows } from '../../src/metrics/similarity.js';

const partition = whole(partitionInParts);
const divergence = whole(divergenceInParts);
const cauchy = (d2: number) => 1 / (1 + d2);

/** A right triangle with legs 1 and 2. */
const triangle: Matrix = { data: Float32Array.of(0, 0, 1, 0, 0, 2), shape: [3, 2] };

/** A graph of all pairs, both directions, with these weights. */
function graph(rows: number, weightOf: (i: number, j: number) => number): Edges {
  const pairs = Array.from({ length: rows * rows }, (_, p) => [Math.floor(p / rows), p % rows] as const);
  const some = pairs.filter(([i, j]) => i !== j);
  return {
    head: Int32Array.from(some, ([i]) => i),
    tail: Int32Array.from(some, ([, j]) => j),
    weight: Float32Array.from(some, ([i, j]) => weightOf(i, j)),
    vertices: rows,
  };
}

test('the partition function adds each pair in both directions', () => {
  assert.ok(Math.abs(partition(triangle, cauchy) - 2 * (1 / 2 + 1 / 5 + 1 / 6)) < 1e-12);
  assert.equal(partition({ data: new Float32Array(2), shape: [1, 2] }, cauchy), 0);
  const rows = 1500;
  const random = createRandom('similarity');
  const many = {
    data: Float32Array.from({ length: 3 * rows }, () => random.normal()),
    shape: [rows, 3] as const,
  };
  // Every pair has similarity 1, over several blocks.
  assert.equal(
    partition(many, () => 1),
    rows * (rows - 1),
  );
});

test('the divergence is 0 for weights in proportion to similarities, and the sum of p log(p / q) for others', () => {
  const total = partition(triangle, cauchy);
  const d2 = (i: number, j: number) => {
    const [a, b] = [triangle.data.subarray(2 * i, 2 * i + 2), triangle.data.subarray(2 * j, 2 * j + 2)];
    return (a[0]! - b[0]!) ** 2 + (a[1]! - b[1]!) ** 2;
  };
  const proportional = graph(3, (i, j) => cauchy(d2(i, j)) / 4);
  assert.ok(Math.abs(divergence(proportional, triangle, cauchy, total)) < 1e-7);
  // Equal weights: p = 1 / 6 for every ordered pair.
  const q = [1 / 2, 1 / 5, 1 / 6].map((value) => value / total);
  const expected = q.reduce((sum, value) => sum + 2 * (1 / 6) * Math.log(1 / 6 / value), 0);
  const equal = graph(3, () => 0.3);
  assert.ok(Math.abs(divergence(equal, triangle, cauchy, total) - expected) < 1e-7);
  // An edge of weight 0 adds nothing.
  const one = graph(3, (i, j) => Number(i + j === 1));
  const alone = Math.log(1 / 2 / q[0]!);
  assert.ok(Math.abs(divergence(one, triangle, cauchy, total) - alone) < 1e-7);
});

test('rows of unit length keep their direction, and zeros stay', () => {
  const { data } = unitRows({ data: Float32Array.of(3, 4, 0, 0, -5, 0), shape: [3, 2] });
  assert.deepEqual([...data], [...Float32Array.of(0.6, 0.8, 0, 0, -1, 0)]);
});
