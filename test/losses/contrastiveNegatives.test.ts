import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/core/random.js';
import type { Batch } from '../../src/core/types.js';
import { edgeSampler } from '../../src/data/sampler.js';
import {
  type ContrastiveNegativeOptions,
  contrastivePairs,
  readNegatives,
} from '../../src/losses/contrastiveNegatives.js';
import { edgeRows } from '../../src/math/sparse.js';
import { near } from '../helpers/assert.js';
import { fullBatch } from './steps.js';

/** Makes pairs with the default options but these. */
function source(options: Partial<ContrastiveNegativeOptions>, seed: number | string = 4) {
  return contrastivePairs({
    ...{ negativeSamples: 5, aggregation: 'mean', random: createRandom(seed) },
    ...options,
  });
}

/** The negatives of each pair of a batch. */
function negativesOf(pairsOf: ReturnType<typeof source>, batch: Batch): number[][] {
  const reader = readNegatives(pairsOf(batch));
  return Array.from({ length: batch.pairCount }, (_, p) => Array.from(reader.rows.slice(0, reader.next(p))));
}

test('negatives are uniform over the batch, fresh every step, never the row itself', () => {
  const pairsOf = source({ negativeSamples: 21 });
  const n = 10;
  const counts = new Float64Array(n);
  const steps = new Set<string>();
  for (let i = 0; i < 500; i++) {
    const all = negativesOf(pairsOf, fullBatch(n));
    steps.add(String(all));
    all.forEach((rows, head) => {
      assert.equal(rows.length, 21);
      assert.ok(!rows.includes(head));
      for (const row of rows) counts[row]!++;
    });
  }
  assert.equal(steps.size, 500);
  const total = counts.reduce((sum, c) => sum + c);
  for (const c of counts) assert.ok(Math.abs(c / total - 0.1) < 5 * Math.sqrt(0.09 / total));
});

test('the four generators are not copies of each other', () => {
  // Each draws from 2^16 rows, so that equal streams would show at once.
  const rows = 2 ** 16;
  const batch = { ...fullBatch(rows), pairCount: 2 };
  const [first, second] = negativesOf(source({ negativeSamples: 400 }), batch);
  assert.ok(new Set([...first!, ...second!]).size > 780);
});

test('the same seed gives the same negatives, another seed others', () => {
  const drawn = (seed: number) => negativesOf(source({}, seed), fullBatch(50));
  assert.deepEqual(drawn(1), drawn(1));
  assert.notDeepEqual(drawn(1), drawn(2));
});

test('the rows drawn with a head are not its negatives, in a batch that has enough others', () => {
  for (const [n, tailsPerHead, left] of [
    [10, 3, 6],
    [9, 3, 5],
    [8, 3, 7],
    [2, 3, 1],
  ] as const) {
    const all = negativesOf(source({ negativeSamples: 80 }), { ...fullBatch(n), tailsPerHead });
    all.forEach((rows, head) => {
      const others = Array.from({ length: left }, (_, i) => (head + n - left + i) % n);
      assert.deepEqual(new Set(rows), new Set(others));
    });
  }
});

test('all means every row but head and tail, whatever was drawn with the head', () => {
  const all = negativesOf(source({ negativeSamples: 'full' }), { ...fullBatch(9), tailsPerHead: 3 });
  all.forEach((rows, head) => {
    assert.deepEqual(
      rows,
      [...Array(9).keys()].filter((row) => row !== head && row !== (head + 1) % 9),
    );
  });
});

test('candidates take the place of the batch, only as many as are valid', () => {
  const batch = { ...fullBatch(20), candidates: Int32Array.of(3, 7, 7, 12, 15), candidateCount: 4 };
  const drawn = negativesOf(source({ negativeSamples: 200 }), batch);
  drawn.forEach((rows, head) => {
    assert.deepEqual(new Set(rows), new Set([3, 7, 12].filter((row) => row !== head)));
  });
  const all = negativesOf(source({ negativeSamples: 'full' }), batch);
  all.forEach((rows, head) => {
    assert.deepEqual(
      rows,
      [3, 7, 7, 12].filter((row) => row !== head && row !== (head + 1) % 20),
    );
  });
});

test('excluded rows are never negatives, all others are', () => {
  const n = 400;
  const k = 6;
  const head = Int32Array.from({ length: n * k }, (_, e) => Math.floor(e / k));
  const tail = head.map((i, e) => (i + (e % k) - k / 2 + Number(e % k >= k / 2) + n) % n);
  const edges = { head, tail, weight: new Float32Array(n * k).fill(1), vertices: n };
  const excluded = edgeRows(edges);
  const near = (a: number, b: number) => Math.min(Math.abs(a - b), n - Math.abs(a - b)) <= k / 2;
  const sampler = edgeSampler(edges, { batchSize: 60, random: createRandom(5) });
  for (const negativeSamples of [300, 'full'] as const) {
    const pairsOf = source({ negativeSamples, excluded });
    for (let step = 0; step < 5; step++) {
      const batch = sampler.next();
      const rows = Array.from(batch.rows.subarray(0, batch.rowCount));
      negativesOf(pairsOf, batch).forEach((found, p) => {
        const own = rows[batch.heads[p]!]!;
        const others = new Set(rows.flatMap((row, at) => (near(row, own) ? [] : [at])));
        for (const at of found) assert.ok(others.has(at), 'a neighbor');
        if (negativeSamples === 'full') assert.deepEqual(new Set(found), others);
        else assert.ok(new Set(found).size > 0.9 * others.size);
      });
    }
  }
});

test('a row whose neighbors are the whole batch has no negatives', () => {
  const n = 6;
  const offsets = Int32Array.from({ length: n + 1 }, (_, i) => i * n);
  const columns = Int32Array.from({ length: n * n }, (_, e) => e % n);
  const excluded = { offsets, columns, values: new Float32Array(n * n) };
  for (const negativeSamples of [5, 'full'] as const) {
    for (const rows of negativesOf(source({ negativeSamples, excluded }), fullBatch(n))) {
      assert.deepEqual(rows, []);
    }
  }
});

test('weights sum to 1 for the mean, to the number of pairs for the sum', () => {
  const weights = Float32Array.of(1, 2, 3, 0, 4);
  for (const [aggregation, total] of [
    ['mean', 1],
    ['sum', 5],
  ] as const) {
    const of = source({ aggregation });
    const even = of(fullBatch(5)).weights.slice(0, 5);
    for (const weight of even) near(weight, total / 5, 1e-6);
    const scaled = of(fullBatch(5, weights)).weights.slice(0, 5);
    scaled.forEach((weight, p) => {
      near(weight, (weights[p]! * total) / 10, 1e-6);
    });
    assert.ok(of(fullBatch(5, new Float32Array(5))).weights.every((weight) => weight === 0));
  }
});
