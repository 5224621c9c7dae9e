/** umap-js, the non-parametric relative in JavaScript, as a second opinion on the graph. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UMAP } from 'umap-js';
import { createRandom } from '../../src/core/random.js';
import { fuzzyGraph } from '../../src/graph/fuzzy.js';
import { fixture } from '../helpers/fixtures.js';

interface Fixture {
  X: number[][];
  cases: { k: number; knnIndices: number[][]; knnDistances: number[][] }[];
}
const { X, cases }: Fixture = fixture('fuzzy_digits300');

test('umap-js builds the same fuzzy graph from the same neighbors', () => {
  const { k, knnIndices, knnDistances } = cases[0]!;
  const other = new UMAP({ nNeighbors: k, random: createRandom(1).next });
  other.setPrecomputedKNN(knnIndices, knnDistances);
  other.initializeFit(X);
  // Private in its types, and of an untyped module.
  const graph: { getAll(): { value: number }[]; get(row: number, col: number): number } = other['graph'];
  const { head, tail, weight } = fuzzyGraph({
    indices: Int32Array.from(knnIndices.flat()),
    distances: Float32Array.from(knnDistances.flat()),
    rows: X.length,
    k,
  });
  const entries = graph.getAll().filter(({ value }) => value > 0);
  assert.equal(entries.length, head.length);
  for (let e = 0; e < head.length; e++) {
    const theirs = graph.get(head[e]!, tail[e]!);
    assert.ok(Math.abs(theirs - weight[e]!) < 1e-4, `edge ${head[e]}-${tail[e]}: ${weight[e]} for ${theirs}`);
  }
});
