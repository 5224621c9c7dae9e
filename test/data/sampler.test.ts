import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/core/random.js';
import type { Edges } from '../../src/core/types.js';
import { aliasTable, drawIndex, edgeSampler, stepsPerEpoch } from '../../src/data/sampler.js';

const edges: Edges = {
  head: Int32Array.from([0, 0, 1, 1, 2, 3]),
  tail: Int32Array.from([1, 2, 0, 3, 0, 1]),
  weight: Float32Array.from([1, 0.25, 1, 0.01, 0.25, 0.01]),
  vertices: 5,
};

test('edges are drawn in proportion to their weights', () => {
  const sampler = edgeSampler(edges, { batchSize: 1000, random: createRandom(1) });
  const total = edges.weight.reduce((sum, w) => sum + w, 0);
  const seen = new Map<string, number>();
  const batches = 400;
  for (let i = 0; i < batches; i++) {
    const { rows, heads, tails, pairCount } = sampler.next();
    for (let p = 0; p < pairCount; p++) {
      const key = `${rows[heads[p]!]}-${rows[tails[p]!]}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
  }
  const draws = batches * 1000;
  edges.head.forEach((head, e) => {
    const expected = edges.weight[e]! / total;
    const found = (seen.get(`${head}-${edges.tail[e]}`) ?? 0) / draws;
    // Five standard errors of a binomial frequency.
    const bound = 5 * Math.sqrt((expected * (1 - expected)) / draws);
    assert.ok(Math.abs(found - expected) < bound, `edge ${e}: ${found} for ${expected} ± ${bound}`);
  });
  assert.equal(
    [...seen.values()].reduce((sum, count) => sum + count),
    draws,
    'no pair that is not an edge',
  );
});

test('a batch holds every row once and points into itself', () => {
  const sampler = edgeSampler(edges, { batchSize: 64, random: createRandom(2) });
  for (let i = 0; i < 50; i++) {
    const { rows, rowCount, heads, tails, pairCount } = sampler.next();
    const used = rows.slice(0, rowCount);
    assert.equal(new Set(used).size, rowCount);
    assert.ok(!used.includes(4), 'a vertex without edges is never drawn');
    assert.equal(pairCount, 64);
    for (let p = 0; p < pairCount; p++) assert.ok(heads[p]! < rowCount && tails[p]! < rowCount);
  }
});

test('edges come in stars of three, a heavy one at least as often as its whole share of three', () => {
  const star: Edges = {
    head: Int32Array.of(0, 0, 0, 0, 1, 2, 3, 4),
    tail: Int32Array.of(1, 2, 3, 4, 0, 0, 0, 0),
    weight: Float32Array.of(0.4, 0.1, 0.1, 0.4, 0.4, 0.1, 0.1, 0.4),
    vertices: 5,
  };
  const sampler = edgeSampler(star, { batchSize: 7, random: createRandom(8) });
  let full = 0;
  for (let i = 0; i < 200; i++) {
    const { rows, heads, tails } = sampler.next();
    assert.ok(heads[0] === heads[1] && heads[1] === heads[2] && heads[3] === heads[5]);
    if (rows[heads[0]!] !== 0) continue;
    full++;
    const met = [0, 1, 2].map((p) => rows[tails[p]!]);
    // Three times 0.4 is more than one.
    assert.ok(met.includes(1) && met.includes(4), `${met}`);
  }
  assert.ok(full > 50, `${full}`);
});

test('the same seed draws the same batches', () => {
  const draw = (seed: number) => {
    const sampler = edgeSampler(edges, { batchSize: 16, random: createRandom(seed) });
    sampler.next();
    const { rows, heads } = sampler.next();
    return [...heads].map((h) => rows[h]);
  };
  assert.deepEqual(draw(5), draw(5));
  assert.notDeepEqual(draw(5), draw(6));
});

test('the alias table is exact for extreme weights', () => {
  const weights = [0, 1e-12, 1, 0, 3];
  const { probability, alias } = aliasTable(weights);
  const mass = new Float64Array(weights.length);
  probability.forEach((p, i) => {
    mass[i]! += p / weights.length;
    mass[alias[i]!]! += (1 - p) / weights.length;
  });
  const total = weights.reduce((sum, w) => sum + w, 0);
  mass.forEach((m, i) => {
    assert.ok(Math.abs(m - weights[i]! / total) < 1e-12);
  });
  const random = createRandom(3);
  for (let i = 0; i < 1000; i++) assert.ok(weights[drawIndex({ probability, alias }, random)]! > 0);
});

test('no edges, or no weight at all, is an error', () => {
  const none = { head: new Int32Array(0), tail: new Int32Array(0), weight: new Float32Array(0), vertices: 3 };
  assert.throws(() => edgeSampler(none, { batchSize: 4, random: createRandom(1) }), /0 edges among 3 rows/);
  assert.throws(() => aliasTable([0, 0]), /2 weights that sum to 0/);
});

test('steps of an epoch follow the repeats of umap-learn', () => {
  // nEpochs 10: weights 1, 0.25, 1, 0.25 repeat 10, 2, 10, 2 times; 0.01 is below 1 / 10 and left out.
  assert.equal(stepsPerEpoch(edges, 10, 6), 4);
  // nEpochs 200: 200, 50, 200, 2, 50, 2.
  assert.equal(stepsPerEpoch(edges, 200, 8), 63);
  assert.equal(stepsPerEpoch(edges, 1, 1000), 1, 'never no step at all');
});
