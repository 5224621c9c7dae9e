import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/core/random.js';
import type { Matrix } from '../../src/core/types.js';
import { type PrincipalOptions, principalLayout } from '../../src/layout/principal.js';
import { pca } from '../../src/math/pca.js';

/** Rows with deviations 5, 2 and 1 along the coordinate axes, around a point far from 0. */
function ellipsoid(rows: number): Matrix {
  const random = createRandom(4);
  const data = Float32Array.from({ length: 3 * rows }, (_, i) => 100 + [5, 2, 1][i % 3]! * random.normal());
  return { data, shape: [rows, 3] };
}

function start(matrix: Matrix, options: PrincipalOptions, components = 2): Matrix {
  return principalLayout(matrix, pca(matrix, { components, random: createRandom(1) }), options);
}

/** One column of a table. */
function columnOf({ data, shape: [rows, columns] }: Matrix, column: number): number[] {
  return Array.from({ length: rows }, (_, i) => data[i * columns + column]!);
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
}

test("scale 'extent': the largest coordinate is 10, and the axes keep their proportion", () => {
  const layout = start(ellipsoid(2000), { components: 2, scale: 'extent' });
  assert.deepEqual(layout.shape, [2000, 2]);
  assert.ok(Math.abs(Math.max(...layout.data.map(Math.abs)) - 10) < 1e-5);
  const ratio = deviation(columnOf(layout, 0)) / deviation(columnOf(layout, 1));
  assert.ok(ratio > 2.3 && ratio < 2.7, `ratio ${ratio}`);
});

test("scale 'deviation': the first axis has deviation 1, and the axes keep their proportion", () => {
  const layout = start(ellipsoid(2000), { components: 2, scale: 'deviation' });
  assert.ok(Math.abs(deviation(columnOf(layout, 0)) - 1) < 1e-5);
  const second = deviation(columnOf(layout, 1));
  assert.ok(second > 0.37 && second < 0.43, `second ${second}`);
});

test('columns beyond the axes are 0, a far row is clipped, and rows without spread lie at 0', () => {
  for (const scale of ['extent', 'deviation'] as const) {
    const wide = start(ellipsoid(50), { components: 4, scale }, 3);
    assert.deepEqual(wide.shape, [50, 4]);
    assert.ok(columnOf(wide, 3).every((value) => value === 0));
    assert.ok(columnOf(wide, 2).some((value) => value !== 0));
    const equal: Matrix = { data: new Float32Array(60).fill(3), shape: [20, 3] };
    assert.ok(start(equal, { components: 2, scale }).data.every((value) => value === 0));
  }
  const matrix = ellipsoid(500);
  const axes = pca(matrix, { components: 2, random: createRandom(1) });
  const far = { ...matrix, data: Float32Array.from(matrix.data) };
  far.data[0] = 1e6;
  const layout = principalLayout(far, axes, { components: 2, scale: 'deviation' });
  // Ten deviations along the axis, in units of about one of them.
  assert.ok(Math.abs(layout.data[0]!) < 11 && Math.abs(layout.data[0]!) > 8, `${layout.data[0]}`);
});
