import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OptionError } from '../../src/core/errors.js';
import { fitCurve } from '../../src/math/curve.js';
import { fixture } from '../helpers/fixtures.js';

interface Golden {
  cases: { spread: number; minDist: number; a: number; b: number }[];
}
const golden = fixture('curve') as Golden;

test('a and b equal those of umap-learn', () => {
  assert.equal(golden.cases.length, 26);
  for (const { minDist, spread, a, b } of golden.cases) {
    const curve = fitCurve({ minDist, spread });
    assert.ok(Math.abs(curve.a / a - 1) < 1e-5, `a at ${minDist}, ${spread}: ${curve.a} against ${a}`);
    assert.ok(Math.abs(curve.b / b - 1) < 1e-5, `b at ${minDist}, ${spread}: ${curve.b} against ${b}`);
  }
});

test('the defaults are minDist 0.1 and spread 1', () => {
  assert.deepEqual(fitCurve(), fitCurve({ minDist: 0.1, spread: 1 }));
});

test('no nearby curve fits better', () => {
  const squaredError = (minDist: number, spread: number, a: number, b: number) => {
    let sum = 0;
    for (let i = 0; i < 300; i++) {
      const x = (3 * spread * i) / 299;
      const wanted = x < minDist ? 1 : Math.exp(-(x - minDist) / spread);
      sum += (1 / (1 + a * x ** (2 * b)) - wanted) ** 2;
    }
    return sum;
  };
  for (const [minDist, spread] of [
    [0.1, 1],
    [0, 1],
    [1, 1],
    [3, 7],
    [0.001, 0.02],
  ] as const) {
    const { a, b } = fitCurve({ minDist, spread });
    const best = squaredError(minDist, spread, a, b);
    for (const step of [-1e-4, 1e-4]) {
      assert.ok(squaredError(minDist, spread, a * (1 + step), b) > best);
      assert.ok(squaredError(minDist, spread, a, b * (1 + step)) > best);
    }
  }
});

test('b depends on minDist / spread alone, however small or large the spread', () => {
  const { a, b } = fitCurve({ minDist: 0.25, spread: 1 });
  for (const spread of [1e-6, 0.5, 40, 1e6]) {
    const scaled = fitCurve({ minDist: 0.25 * spread, spread });
    assert.ok(Math.abs(scaled.b / b - 1) < 1e-9);
    assert.ok(Math.abs((scaled.a * spread ** (2 * scaled.b)) / a - 1) < 1e-9);
  }
});

test('values out of range are named', () => {
  const fails = (given: { minDist?: number; spread?: number }, message: RegExp) =>
    assert.throws(
      () => fitCurve(given),
      (error) => error instanceof OptionError && message.test(error.message),
    );
  fails({ minDist: 2, spread: 1 }, /minDist: .*spread \(1\), got 2/);
  fails({ minDist: -0.1 }, /minDist: .*got -0.1;/);
  fails({ minDist: Number.NaN }, /minDist: .*got NaN;/);
  fails({ spread: 0, minDist: 0 }, /spread: .*got 0;/);
  fails({ spread: -1 }, /spread: .*got -1;/);
  fails({ spread: Number.POSITIVE_INFINITY }, /spread: .*got Infinity;/);
  fails({ spread: Number.NaN }, /spread: .*got NaN;/);
});
