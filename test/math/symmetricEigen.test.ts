import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Matrix as DenseMatrix, EigenvalueDecomposition } from 'ml-matrix';
import { finish } from '../../src/core/pauses.js';
import { createRandom } from '../../src/core/random.js';
import { symmetricEigen } from '../../src/math/symmetricEigen.js';

function symmetric(size: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) matrix[i * size + j] = matrix[j * size + i] = random.normal();
  }
  return matrix;
}

test('values and vectors are those of ml-matrix, to the last bit', () => {
  for (const size of [1, 2, 3, 8, 40, 97]) {
    const matrix = symmetric(size, size);
    const rows = Array.from({ length: size }, (_, i) =>
      Array.from(matrix.subarray(i * size, (i + 1) * size)),
    );
    const theirs = new EigenvalueDecomposition(new DenseMatrix(rows), { assumeSymmetric: true });
    const { values, vectors } = finish(symmetricEigen(matrix, size));
    assert.deepEqual(Array.from(values), theirs.realEigenvalues);
    const columns = theirs.eigenvectorMatrix.transpose().to1DArray();
    assert.deepEqual(Array.from(vectors), columns);
  }
});

test('matrices with zeros and equal values: A v = value v, vectors orthonormal', () => {
  const diagonal = (values: number[]) =>
    Float64Array.from(values.flatMap((value, i) => values.map((_, j) => (i === j ? value : 0))));
  const cases = [diagonal([3, 1, 1, 0]), diagonal([0, 0, 0]), Float64Array.of(0, 1, 1, 0)];
  for (const matrix of cases) {
    const size = Math.sqrt(matrix.length);
    const { values, vectors } = finish(symmetricEigen(matrix.slice(), size));
    for (let v = 0; v < size; v++) {
      const vector = vectors.subarray(v * size, (v + 1) * size);
      assert.ok(v === 0 || values[v]! >= values[v - 1]!);
      for (let i = 0; i < size; i++) {
        const applied = vector.reduce((sum, x, j) => sum + matrix[i * size + j]! * x, 0);
        assert.ok(Math.abs(applied - values[v]! * vector[i]!) < 1e-14);
      }
      for (let w = 0; w < size; w++) {
        const product = vector.reduce((sum, x, j) => sum + x * vectors[w * size + j]!, 0);
        assert.ok(Math.abs(product - (v === w ? 1 : 0)) < 1e-14);
      }
    }
  }
});

test('it may pause between its steps', () => {
  let pauses = 0;
  for (const work = symmetricEigen(symmetric(96, 1), 96); !work.next().done; ) pauses++;
  assert.ok(pauses >= 96, `${pauses} pauses: at least one a value`);
});
