import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/core/random.js';
import { edgeSampler } from '../../src/data/sampler.js';
import { drawNegatives, pairTable } from '../../src/losses/negatives.js';
import { near } from '../helpers/assert.js';
import { fullBatch } from './steps.js';

test('negatives are uniform over the batch, never the row itself, and weigh R in all', () => {
  const pairs = pairTable({ negativeSampleRate: 5, negativeDraws: 20, random: createRandom(4) });
  const n = 10;
  const counts = new Float64Array(n);
  for (let i = 0; i < 500; i++) {
    pairs.fill(fullBatch(n));
    drawNegatives(pairs);
    for (let p = pairs.positives; p < pairs.count; p++) {
      assert.notEqual(pairs.heads[p], pairs.tails[p]);
      counts[pairs.tails[p]!]!++;
    }
  }
  const total = counts.reduce((sum, c) => sum + c);
  for (const c of counts) assert.ok(Math.abs(c / total - 0.1) < 5 * Math.sqrt(0.09 / total));
  const sum = (from: number, to: number) => pairs.weights.subarray(from, to).reduce((s, w) => s + w, 0);
  near(sum(0, pairs.positives), 1 / 6, 1e-6, 'positives');
  near(sum(pairs.positives, pairs.count), 5 / 6, 1e-5, 'negatives');
});

test('the rows drawn with a head are not its negatives, in a batch that has enough others', () => {
  for (const [n, tailsPerHead, left] of [
    [10, 3, 6],
    [9, 3, 5],
    [8, 3, 7],
    [2, 3, 1],
  ] as const) {
    const random = createRandom(4);
    const pairs = pairTable({ negativeSampleRate: 5, negativeDraws: 40, random });
    pairs.fill({ ...fullBatch(n), tailsPerHead });
    drawNegatives(pairs);
    const met = Array.from({ length: n }, () => new Set<number>());
    for (let p = pairs.positives; p < pairs.count; p++) met[pairs.heads[p]!]!.add(pairs.tails[p]!);
    met.forEach((tails, head) => {
      const others = Array.from({ length: left }, (_, i) => (head + n - left + i) % n);
      assert.deepEqual(tails, new Set(others));
    });
  }
});

test('neighbors of a head are negatives as often as other rows', () => {
  // Twenty neighbors per row: 1.0 % of the rows.
  const n = 2000;
  const k = 20;
  const head = Int32Array.from({ length: n * k }, (_, e) => Math.floor(e / k));
  const tail = head.map((i, e) => (i + (e % k) - k / 2 + Number(e % k >= k / 2) + n) % n);
  const edges = { head, tail, weight: new Float32Array(n * k).fill(1), vertices: n };
  const sampler = edgeSampler(edges, { batchSize: 300, random: createRandom(5) });
  const pairs = pairTable({ negativeSampleRate: 5, negativeDraws: 40, random: createRandom(6) });
  let met = 0;
  let drawn = 0;
  for (let step = 0; step < 100; step++) {
    const batch = sampler.next();
    pairs.fill(batch);
    drawNegatives(pairs);
    for (let p = pairs.positives; p < pairs.count; p++) {
      const distance = Math.abs(batch.rows[pairs.heads[p]!]! - batch.rows[pairs.tails[p]!]!);
      if (Math.min(distance, n - distance) <= k / 2) met++;
      drawn++;
    }
  }
  const share = met / drawn;
  assert.ok(Math.abs(share - k / n) < 0.002, `${share}`);
});

test('a row alone in its batch has no negatives', () => {
  const pairs = pairTable({ negativeSampleRate: 5, random: createRandom(4) });
  pairs.fill(fullBatch(10));
  pairs.fill(fullBatch(1));
  assert.deepEqual([pairs.positives, pairs.count], [1, 1]);
});
