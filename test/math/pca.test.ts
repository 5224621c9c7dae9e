import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Matrix as DenseMatrix, EigenvalueDecomposition } from 'ml-matrix';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { Matrix } from '../../src/core/types.js';
import { type Pca, pca, project } from '../../src/math/pca.js';

/** Rows of falling variance along mixed columns, away from the origin. */
function mixed(seed: number, rows: number, columns: number, offset = 3): Matrix {
  const random = createRandom(seed);
  const mixture = Float64Array.from({ length: columns * columns }, () => random.normal());
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let source = 0; source < columns; source++) {
      const value = random.normal() / (1 + source);
      for (let c = 0; c < columns; c++) data[i * columns + c]! += value * mixture[source * columns + c]!;
    }
    for (let c = 0; c < columns; c++) data[i * columns + c]! += offset + c;
  }
  return { data, shape: [rows, columns] };
}

/** Eigenvalues of the covariance matrix, largest first, with their vectors. */
function fullDecomposition({ data, shape: [rows, columns] }: Matrix) {
  const mean = Array.from({ length: columns }, (_, c) => {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += data[i * columns + c]!;
    return sum / rows;
  });
  const covariance = DenseMatrix.zeros(columns, columns);
  for (let a = 0; a < columns; a++) {
    for (let b = 0; b < columns; b++) {
      let sum = 0;
      for (let i = 0; i < rows; i++)
        sum += (data[i * columns + a]! - mean[a]!) * (data[i * columns + b]! - mean[b]!);
      covariance.set(a, b, sum / (rows - 1));
    }
  }
  const found = new EigenvalueDecomposition(covariance, { assumeSymmetric: true });
  return { values: found.realEigenvalues.toReversed(), vectors: found.eigenvectorMatrix, mean };
}

function assertOrthonormal({
  components: {
    data,
    shape: [count, columns],
  },
}: Pca) {
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      let product = 0;
      for (let c = 0; c < columns; c++) product += data[i * columns + c]! * data[j * columns + c]!;
      assert.ok(Math.abs(product - (i === j ? 1 : 0)) < 1e-5, `components ${i} and ${j}: ${product}`);
    }
  }
}

test('variances and components equal those of a full decomposition', () => {
  for (const [rows, columns, components] of [
    [90, 12, 12],
    [90, 12, 5],
    [30, 60, 8],
    [400, 130, 10],
  ] as const) {
    const matrix = mixed(rows, rows, columns);
    const fitted = pca(matrix, { components, random: createRandom(1) });
    const wanted = fullDecomposition(matrix);
    assertOrthonormal(fitted);
    for (let i = 0; i < components; i++) {
      const value = wanted.values[i]!;
      assert.ok(
        Math.abs(fitted.variance[i]! - value) < 1e-5 * value + 1e-6,
        `${i}: ${fitted.variance[i]}, ${value}`,
      );
      let product = 0;
      for (let c = 0; c < columns; c++) {
        product += fitted.components.data[i * columns + c]! * wanted.vectors.get(c, columns - 1 - i);
      }
      assert.ok(Math.abs(Math.abs(product) - 1) < 1e-4, `component ${i}: ${product}`);
    }
    for (let c = 0; c < columns; c++) assert.ok(Math.abs(fitted.mean[c]! - wanted.mean[c]!) < 1e-4);
    const total = wanted.values.reduce((sum, value) => sum + value, 0);
    assert.ok(Math.abs(fitted.totalVariance / total - 1) < 1e-6);
  }
});

test('the largest entry of every component is positive, whatever the seed', () => {
  const matrix = mixed(2, 200, 20);
  const fits = [1, 2, 3].map((seed) => pca(matrix, { components: 6, random: createRandom(seed) }));
  for (const { components, variance } of fits) {
    for (let i = 0; i < 6; i++) {
      const row = Array.from(components.data.subarray(i * 20, (i + 1) * 20));
      assert.ok(Math.max(...row) >= -Math.min(...row));
      assert.ok(Math.abs(variance[i]! / fits[0]!.variance[i]! - 1) < 1e-9);
      for (const [c, value] of row.entries())
        assert.ok(Math.abs(value - fits[0]!.components.data[i * 20 + c]!) < 1e-4);
    }
  }
});

test('coordinates have mean 0 and the reported variance, and give the rows back', () => {
  const [rows, columns] = [131, 9];
  const matrix = mixed(3, rows, columns, 500);
  const fitted = pca(matrix, { components: columns, random: createRandom(1) });
  const projected = project(matrix, fitted);
  assert.deepEqual(projected.shape, [rows, columns]);
  for (let i = 0; i < columns; i++) {
    let sum = 0;
    let squares = 0;
    for (let row = 0; row < rows; row++) {
      sum += projected.data[row * columns + i]!;
      squares += projected.data[row * columns + i]! ** 2;
    }
    assert.ok(Math.abs(sum / rows) < 1e-3);
    assert.ok(Math.abs(squares / (rows - 1) / fitted.variance[i]! - 1) < 1e-3);
  }
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns; c++) {
      let value = fitted.mean[c]!;
      for (let i = 0; i < columns; i++)
        value += projected.data[row * columns + i]! * fitted.components.data[i * columns + c]!;
      assert.ok(Math.abs(value - matrix.data[row * columns + c]!) < 1e-3);
    }
  }
});

test('fewer components lose the variance of the rest, no more', () => {
  const matrix = mixed(4, 300, 15);
  const fitted = pca(matrix, { components: 4, random: createRandom(1) });
  const projected = project(matrix, fitted);
  let lost = 0;
  for (let row = 0; row < 300; row++) {
    for (let c = 0; c < 15; c++) {
      let value = fitted.mean[c]!;
      for (let i = 0; i < 4; i++) value += projected.data[row * 4 + i]! * fitted.components.data[i * 15 + c]!;
      lost += (matrix.data[row * 15 + c]! - value) ** 2;
    }
  }
  const rest = fitted.totalVariance - fitted.variance.reduce((sum, value) => sum + value, 0);
  assert.ok(Math.abs(lost / 299 / rest - 1) < 1e-4);
});

test('very wide rows, where no covariance matrix is built', () => {
  const [rows, columns, components] = [30, 2100, 6];
  const random = createRandom(5);
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < data.length; i++) data[i] = 10 + random.normal() * (1 + (i % 7));
  const fitted = pca({ data, shape: [rows, columns] }, { components, random: createRandom(1) });
  assertOrthonormal(fitted);
  // The inner products of the centered rows have the same non-zero eigenvalues.
  const gram = DenseMatrix.zeros(rows, rows);
  const centered = data.map((value, place) => value - fitted.mean[place % columns]!);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < rows; j++) {
      let sum = 0;
      for (let c = 0; c < columns; c++) sum += centered[i * columns + c]! * centered[j * columns + c]!;
      gram.set(i, j, sum / (rows - 1));
    }
  }
  const wanted = new EigenvalueDecomposition(gram, { assumeSymmetric: true }).realEigenvalues.toReversed();
  for (let i = 0; i < components; i++) assert.ok(Math.abs(fitted.variance[i]! / wanted[i]! - 1) < 1e-5);
});

test('a sample of rows gives nearly the components of all, drawn by the seed', () => {
  const matrix = mixed(6, 3000, 8);
  const all = pca(matrix, { components: 2, random: createRandom(1) });
  const some = pca(matrix, { components: 2, random: createRandom(1), sampleRows: 1000 });
  assert.notDeepEqual(some.mean, all.mean);
  for (let i = 0; i < 2; i++) {
    assert.ok(Math.abs(some.variance[i]! / all.variance[i]! - 1) < 0.2);
    let product = 0;
    for (let c = 0; c < 8; c++) product += some.components.data[i * 8 + c]! * all.components.data[i * 8 + c]!;
    assert.ok(product > 0.98, `component ${i}: ${product}`);
  }
  assert.deepEqual(pca(matrix, { components: 2, random: createRandom(1), sampleRows: 1000 }), some);
  assert.notDeepEqual(
    pca(matrix, { components: 2, random: createRandom(2), sampleRows: 1000 }).mean,
    some.mean,
  );
  assert.deepEqual(pca(matrix, { components: 2, random: createRandom(1), sampleRows: 3000 }), all);
});

test('degenerate data: equal rows, low rank, repeated variances', () => {
  const equal = pca(
    { data: new Float32Array(40).fill(7), shape: [10, 4] },
    { components: 2, random: createRandom(1) },
  );
  assertOrthonormal(equal);
  assert.ok(equal.variance.every((value) => value >= 0 && value < 1e-12));
  assert.equal(equal.totalVariance, 0);
  const line = Float32Array.from({ length: 150 }, (_, i) => Math.floor(i / 5) * ((i % 5) + 1));
  const lowRank = pca({ data: line, shape: [30, 5] }, { components: 4, random: createRandom(1) });
  assertOrthonormal(lowRank);
  assert.ok(lowRank.variance[0]! / lowRank.totalVariance > 1 - 1e-9);
  // Balanced one-hot rows: every direction but one has variance n / (n - 1) / 6.
  const oneHot = new Float32Array(60 * 6);
  for (let i = 0; i < 60; i++) oneHot[i * 6 + (i % 6)] = 1;
  const { variance } = pca({ data: oneHot, shape: [60, 6] }, { components: 6, random: createRandom(1) });
  for (const [i, value] of variance.entries()) assert.ok(Math.abs(value - (i < 5 ? 60 / 59 / 6 : 0)) < 1e-9);
});

test('bad input is named', () => {
  const matrix = mixed(1, 20, 6);
  const random = createRandom(1);
  const data = (run: () => unknown, message: RegExp) =>
    assert.throws(run, (error) => error instanceof DataError && message.test(error.message));
  const option = (run: () => unknown, message: RegExp) =>
    assert.throws(run, (error) => error instanceof OptionError && message.test(error.message));
  option(
    () => pca(matrix, { components: 7, random }),
    /components: .*rows \(20\) and columns \(6\) used, got 7/,
  );
  option(() => pca(matrix, { components: 0, random }), /components: .*got 0/);
  option(
    () => pca(matrix, { components: 5, random, sampleRows: 4 }),
    /components: .*rows \(4\) and columns \(6\) used, got 5/,
  );
  option(() => pca(matrix, { components: 1, random, sampleRows: 1 }), /sampleRows: .*got 1/);
  data(() => pca({ data: new Float32Array(6), shape: [1, 6] }, { components: 1, random }), /rows=1/);
  data(() => pca({ ...matrix, shape: [21, 6] }, { components: 1, random }), /rows=21, columns=6, values=120/);
  data(
    () => pca({ ...matrix, data: matrix.data.with(8, Number.NaN) }, { components: 1, random }),
    /NaN in column 2/,
  );
  const fitted = pca(matrix, { components: 2, random });
  data(() => project(mixed(1, 20, 5), fitted), /expected 6 columns, as fitted, got 5/);
});
