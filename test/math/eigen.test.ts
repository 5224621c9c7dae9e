import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finish } from '../../src/core/pauses.js';
import { createRandom } from '../../src/core/random.js';
import { largestEigenpairs } from '../../src/math/eigen.js';
import { allClose } from '../helpers/assert.js';

/** A symmetric matrix with the given eigenvalues: a diagonal one, reflected at random vectors. */
function withSpectrum(values: number[], seed: number): number[][] {
  const size = values.length;
  const random = createRandom(seed);
  let matrix = values.map((value, i) => values.map((_, j) => (i === j ? value : 0)));
  for (let turn = 0; turn < 3; turn++) {
    const v = values.map(() => random.normal());
    const norm = v.reduce((sum, value) => sum + value * value, 0);
    const reflect = (column: number[]) => {
      const along = (2 * column.reduce((sum, value, i) => sum + value * v[i]!, 0)) / norm;
      return column.map((value, i) => value - along * v[i]!);
    };
    const half = matrix.map(reflect);
    matrix = Array.from({ length: size }, (_, j) => reflect(half.map((row) => row[j]!)));
  }
  return matrix;
}

function solve(
  matrix: number[][],
  count: number,
  options: { tolerance?: number; rounds?: number; seed?: number } = {},
) {
  const size = matrix.length;
  const pairs = finish(
    largestEigenpairs(
      function* (vectors, width, out) {
        yield;
        for (let v = 0; v < width; v++) {
          for (let i = 0; i < size; i++) {
            out[v * size + i] = matrix[i]!.reduce((sum, value, j) => sum + value * vectors[v * size + j]!, 0);
          }
        }
      },
      size,
      count,
      {
        random: createRandom(options.seed ?? 1),
        tolerance: options.tolerance ?? 1e-8,
        rounds: options.rounds ?? 50,
      },
    ),
  );
  const vectors = Array.from({ length: count }, (_, v) =>
    Array.from(pairs.vectors.subarray(v * size, (v + 1) * size)),
  );
  for (const [v, vector] of vectors.entries()) {
    for (const [w, other] of vectors.entries()) {
      const product = vector.reduce((sum, value, i) => sum + value * other[i]!, 0);
      assert.ok(Math.abs(product - (v === w ? 1 : 0)) < 1e-10, `vectors ${v} and ${w}: ${product}`);
    }
    const residual = Math.hypot(
      ...matrix.map(
        (row, i) =>
          row.reduce((sum, value, j) => sum + value * vector[j]!, 0) - pairs.values[v]! * vector[i]!,
      ),
    );
    assert.ok(
      Math.abs(residual - pairs.residuals[v]!) < 1e-9,
      `residual ${v}: ${residual}, said ${pairs.residuals[v]}`,
    );
  }
  return pairs;
}

test('the largest eigenvalues of spread and of clustered spectra', () => {
  const spread = Array.from({ length: 150 }, (_, i) => 100 / (1 + i) - 2);
  allClose(solve(withSpectrum(spread, 1), 6).values, spread.slice(0, 6), 1e-8);
  const clustered = [1, 0.999, 0.998, 0.997, ...Array.from({ length: 200 }, (_, i) => 0.99 - i / 150)];
  allClose(solve(withSpectrum(clustered, 2), 4).values, clustered.slice(0, 4), 1e-8);
});

test('largest means algebraically: large negative ones do not count', () => {
  const values = [3, 2, 1, ...Array.from({ length: 60 }, (_, i) => -i)];
  allClose(solve(withSpectrum(values, 3), 3).values, [3, 2, 1], 1e-7);
});

test('repeated eigenvalues are all found', () => {
  const values = [5, 5, 5, 5, 2, 2, ...new Array<number>(80).fill(1)];
  allClose(solve(withSpectrum(values, 4), 4).values, [5, 5, 5, 5], 1e-9);
  allClose(solve(withSpectrum(values, 4), 7).values, [5, 5, 5, 5, 2, 2, 1], 1e-9);
  allClose(solve(withSpectrum(new Array<number>(30).fill(7), 5), 5).values, new Array(5).fill(7), 1e-12);
});

test('all of a small spectrum, low ranks and zero', () => {
  allClose(solve(withSpectrum([4, 3, -1], 6), 3).values, [4, 3, -1], 1e-12);
  allClose(solve([[2]], 1).values, [2], 1e-15);
  const lowRank = [9, 4, ...new Array<number>(50).fill(0)];
  allClose(solve(withSpectrum(lowRank, 7), 5).values, [9, 4, 0, 0, 0], 1e-12);
  allClose(solve(withSpectrum(new Array<number>(40).fill(0), 8), 3).values, [0, 0, 0], 0.5e-300);
});

test('when rounds run out, the best so far comes with its residuals', () => {
  const clustered = Array.from({ length: 300 }, (_, i) => 1 - i / 300);
  const matrix = withSpectrum(clustered, 9);
  const early = solve(matrix, 2, { rounds: 1 });
  assert.ok(early.residuals.some((norm) => norm > 1e-6));
  assert.ok(early.values.every((value) => value <= 1 && value > 0.97));
  const late = solve(matrix, 2);
  assert.ok(late.residuals.every((norm) => norm < 1.1e-8));
});

test('the start is drawn from the seed, and the answer does not depend on it', () => {
  const matrix = withSpectrum(
    Array.from({ length: 100 }, (_, i) => 1 / (1 + i)),
    10,
  );
  assert.deepEqual(solve(matrix, 3, { seed: 4 }), solve(matrix, 3, { seed: 4 }));
  allClose(solve(matrix, 3, { seed: 5 }).values, Array.from(solve(matrix, 3, { seed: 4 }).values), 1e-10);
});
