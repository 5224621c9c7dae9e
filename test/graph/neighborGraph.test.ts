import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/core/random.js';
import type { Edges } from '../../src/core/types.js';
import { type GraphOptions, neighborGraph } from '../../src/graph/neighborGraph.js';
import { cutAtBound } from '../../src/math/disconnection.js';

const random = createRandom(21);

function graphOf(rows: readonly number[][], options: Partial<GraphOptions>): Promise<Edges> {
  const all: GraphOptions = {
    ...{ nNeighbors: 6, metric: 'euclidean', metricParams: {}, neighbors: 'auto', localConnectivity: 1 },
    ...{ setOpMixRatio: 1, disconnectionDistance: null, targetWeight: 0.5, targetNNeighbors: null },
    ...options,
  };
  const matrix = { data: Float32Array.from(rows.flat()), shape: [rows.length, rows[0]!.length] as const };
  return neighborGraph(matrix, undefined, all, {}, random, { log() {} });
}

/** Edges between the first three rows and the others. */
const crossing = ({ head, tail }: Edges) => head.filter((id, edge) => id < 3 !== tail[edge]! < 3).length;

test('exactly opposite rows are never joined, though 32 bits put many of them below the bound', async () => {
  for (const metric of ['cosine', 'correlation']) {
    for (let round = 0; round < 60; round++) {
      const one = Array.from({ length: 4 + (round % 30) }, () => random.normal());
      // Of any length: the cast then turns each a little.
      const rows = Array.from({ length: 6 }, (_, i) => {
        const size = (i < 3 ? 1 : -1) * Math.exp(random.normal());
        return one.map((value) => value * size);
      });
      const graph = await graphOf(rows, { metric });
      assert.equal(crossing(graph), 0, `${metric}, round ${round}`);
      assert.ok(graph.head.length > 0);
    }
  }
});

test('documents without a common word are never joined, nor are sets without a common member', async () => {
  for (const metric of ['hellinger', 'jaccard', 'dice']) {
    for (let round = 0; round < 30; round++) {
      const rows = Array.from({ length: 6 }, (_, i) =>
        Array.from({ length: 12 }, (_, c) =>
          i < 3 === c < 6 ? random.integer(3) + (c % 6 === 0 ? 1 : 0) : 0,
        ),
      );
      const graph = await graphOf(rows, { metric });
      assert.equal(crossing(graph), 0, `${metric}, round ${round}`);
    }
  }
});

test('rows that are nearly, but not, at the bound stay joined', async () => {
  // One word of a thousand in common: a distance of 0.9995.
  const rows = Array.from({ length: 6 }, (_, i) =>
    Array.from({ length: 5 }, (_, c) => (c === 4 ? 1 : i < 3 === c < 2 ? 500 : 0)),
  );
  assert.ok(crossing(await graphOf(rows, { metric: 'hellinger' })) > 0);
  // A few degrees from opposite, 1.998 apart.
  const turned = Array.from({ length: 6 }, (_, i) => (i < 3 ? [1, 0.001 * i] : [-1, 0.06]));
  assert.ok(crossing(await graphOf(turned, { metric: 'cosine' })) > 0);
});

test('a user-supplied limit is the limit, and given neighbors are taken as they are up to rounding', async () => {
  const rows = Array.from({ length: 6 }, (_, i) => [i < 3 ? 1 : -1, 0]);
  assert.ok(crossing(await graphOf(rows, { metric: 'cosine', disconnectionDistance: 2.5 })) > 0);
  assert.equal(crossing(await graphOf(rows, { metric: 'cosine', disconnectionDistance: 2 })), 0);
  const knn = {
    indices: Int32Array.of(0, 1, 1, 0, 2, 0),
    distances: Float32Array.of(0, 1.9999999, 0, 1.9999999, 0, 1.99),
    rows: 3,
    k: 2,
  };
  assert.deepEqual([...cutAtBound(knn, 'cosine').indices], [0, -1, 1, -1, 2, 0]);
  assert.deepEqual([...knn.indices], [0, 1, 1, 0, 2, 0]);
  assert.equal(cutAtBound(knn, 'euclidean'), knn);
});
