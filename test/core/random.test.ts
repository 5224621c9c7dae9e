import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom, shuffle } from '../../src/core/random.js';

test('the same seed gives the same stream, another seed another one', () => {
  const draw = (seed: number | string) =>
    Array.from(
      { length: 5 },
      (
        (r) => () =>
          r.next()
      )(createRandom(seed)),
    );
  assert.deepEqual(draw(42), draw(42));
  assert.notDeepEqual(draw(42), draw(43));
});

test('a fork depends on its name alone, not on what was drawn before', () => {
  const early = createRandom(1).fork('edges').next();
  const parent = createRandom(1);
  for (let i = 0; i < 100; i++) parent.next();
  assert.equal(parent.fork('edges').next(), early);
  assert.notEqual(parent.fork('init').next(), early);
});

test('uniform, integer and normal draws have the right moments', () => {
  const random = createRandom('moments');
  const n = 200_000;
  const counts = new Float64Array(7);
  let sum = 0;
  let normalSum = 0;
  let normalSquares = 0;
  for (let i = 0; i < n; i++) {
    const u = random.next();
    assert.ok(u >= 0 && u < 1);
    sum += u;
    counts[random.integer(7)]!++;
    const z = random.normal();
    normalSum += z;
    normalSquares += z * z;
  }
  // Five standard errors of each statistic.
  assert.ok(Math.abs(sum / n - 0.5) < 5 * Math.sqrt(1 / 12 / n));
  for (const count of counts) assert.ok(Math.abs(count / n - 1 / 7) < 5 * Math.sqrt(6 / 49 / n));
  assert.ok(Math.abs(normalSum / n) < 5 / Math.sqrt(n));
  assert.ok(Math.abs(normalSquares / n - 1) < 5 * Math.sqrt(2 / n));
});

test('shuffle reaches every order about equally often', () => {
  const random = createRandom(7);
  const seen = new Map<string, number>();
  for (let i = 0; i < 24_000; i++) {
    const order = shuffle([0, 1, 2, 3], random).join('');
    seen.set(order, (seen.get(order) ?? 0) + 1);
  }
  assert.equal(seen.size, 24);
  for (const count of seen.values()) assert.ok(Math.abs(count - 1000) < 5 * Math.sqrt(1000));
});

test('seeds for TensorFlow.js are never zero and never repeat', () => {
  const random = createRandom(3);
  const seeds = Array.from({ length: 10_000 }, () => random.tfSeed());
  assert.equal(new Set(seeds).size, seeds.length);
  assert.ok(seeds.every((seed) => seed > 0 && Number.isSafeInteger(seed)));
});

test('a list of integers is what as many single draws give, and the stream goes on behind it', () => {
  for (const below of [1, 7, 60_000, 2 ** 31 - 1]) {
    const [one, many] = [createRandom(3), createRandom(3)];
    const list = new Int32Array(100);
    many.integers(list, below);
    assert.deepEqual(
      [...list],
      Array.from(list, () => one.integer(below)),
    );
    assert.equal(many.uint32(), one.uint32());
  }
});
