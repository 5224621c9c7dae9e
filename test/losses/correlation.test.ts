import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../src/core/random.js';
import type { Matrix } from '../../src/core/types.js';
import { correlationLoss } from '../../src/losses/correlation.js';
import { near } from '../helpers/assert.js';
import { assertGradient, evaluate } from './steps.js';

await tf.setBackend('cpu');

const random = createRandom('correlation');
const matrix: Matrix = { data: Float32Array.from({ length: 60 }, () => random.normal()), shape: [15, 4] };
const rows = [3, 14, 7, 0, 9, 11, 2, 5];
const z = rows.map(() => [random.normal(), random.normal()]);
const term = (pairs: number) => correlationLoss({ weight: 2, pairs, random: createRandom('pairs') });

const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.hypot(...Array.from(a, (value, i) => value - b[i]!));
const row = (i: number) => matrix.data.subarray(4 * i, 4 * i + 4);

/** Pearson's correlation, directly. */
function pearson(x: number[], y: number[]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const covariance = mean(x.map((value, i) => (value - mx) * (y[i]! - my)));
  return covariance / Math.sqrt(mean(x.map((v) => (v - mx) ** 2)) * mean(y.map((v) => (v - my) ** 2)));
}

test('the loss is minus Pearson’s correlation of the distances of random pairs', () => {
  const pairs = 50;
  const draws = createRandom('pairs');
  const wanted: number[] = [];
  const found: number[] = [];
  for (let p = 0; p < pairs; p++) {
    const i = draws.integer(rows.length);
    const j = (i + 1 + draws.integer(rows.length - 1)) % rows.length;
    assert.notEqual(i, j);
    wanted.push(distance(row(rows[i]!), row(rows[j]!)));
    found.push(distance(z[i]!, z[j]!));
  }
  const loss = term(pairs);
  near(evaluate(loss, rows, z, matrix).value, -pearson(wanted, found), 1e-4);
  assert.deepEqual([loss.name, loss.weight], ['correlation', 2]);
});

test('with many pairs it is the correlation over all pairs', () => {
  const wanted: number[] = [];
  const found: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < i; j++) {
      wanted.push(distance(row(rows[i]!), row(rows[j]!)));
      found.push(distance(z[i]!, z[j]!));
    }
  }
  near(evaluate(term(20_000), rows, z, matrix).value, -pearson(wanted, found), 0.02);
});

test('a map that is the data, scaled, has correlation 1, its mirror image too', () => {
  const flat: Matrix = { data: Float32Array.from(z.flat()), shape: [8, 2] };
  const order = [0, 1, 2, 3, 4, 5, 6, 7];
  const scaled = z.map(([a, b]) => [-30 * a!, 30 * b! + 100]);
  near(evaluate(term(100), order, scaled, flat).value, -1, 1e-4);
});

test('the gradient equals finite differences', () => {
  assertGradient(() => term(40), rows, z, 2e-3, matrix);
});

test('every step draws other pairs', () => {
  const loss = term(10);
  assert.notEqual(evaluate(loss, rows, z, matrix).value, evaluate(loss, rows, z, matrix).value);
});

test('points that coincide, rows that do and batches too small to correlate stay finite', () => {
  const together = rows.map(() => [1, 1]);
  const same = evaluate(term(30), rows, together, matrix);
  assert.ok(Math.abs(same.value) < 1e-2);
  assert.ok(same.gradient.every(Number.isFinite));
  const alike: Matrix = { data: new Float32Array(60).fill(1), shape: [15, 4] };
  assert.ok(Math.abs(evaluate(term(30), rows, z, alike).value) < 1e-2);
  assert.equal(evaluate(term(30), [4, 5], z.slice(0, 2), matrix).value, 0);
});
