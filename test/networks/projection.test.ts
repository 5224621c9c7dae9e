import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../src/core/random.js';
import type { Matrix } from '../../src/core/types.js';
import { nearRows } from '../../src/networks/outliers.js';
import { bend, projectionOf, projectRows } from '../../src/networks/projection.js';
import { flat, groups } from '../helpers/data.js';

await tf.setBackend('cpu');

/** 300 rows of three groups, some cells overwritten. */
function rowsWith(cells: readonly (readonly [row: number, column: number, value: number])[]): Matrix {
  const rows = groups(300);
  for (const [row, column, value] of cells) rows[row]![column] = value;
  return flat(rows);
}

const project = (matrix: Matrix) => projectionOf(matrix, createRandom('projection'));

/** Root mean square of the projected values of all rows but some. */
function deviation({ data, shape }: Matrix, without: readonly number[]): number {
  const [rows, columns] = shape;
  let sum = 0;
  for (let i = 0; i < data.length; i++) if (!without.includes(Math.floor(i / columns))) sum += data[i]! ** 2;
  return Math.sqrt(sum / (rows - without.length) / columns);
}

test('ordinary rows have unit mean square, and are not compressed', async () => {
  const { projection, rows, remark } = await project(rowsWith([]));
  assert.ok(Math.abs(deviation(rows, []) - 1) < 0.01);
  assert.equal(projection.bends, undefined);
  assert.equal(remark, undefined);
});

test('one bad cell of any size does not change the scale of the other rows, and is named', async () => {
  for (const value of [9999, -1e5, 1e9]) {
    const matrix = rowsWith([[7, 2, value]]);
    const { projection, rows, remark } = await project(matrix);
    assert.ok(Math.abs(deviation(rows, [7]) - 1) < 0.01, `${deviation(rows, [7])}`);
    // A power of ten adds 3 to the 10 where the bends begin.
    const farthest = rows.data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    assert.ok(farthest > 10 && farthest < 40, `${farthest}`);
    assert.match(remark!, new RegExp(`row 7 \\(column 2: ${value}\\) far outside`));
    const again = await projectRows(matrix, projection);
    assert.ok(again.data.every((v, i) => Math.abs(v - rows.data[i]!) < 1e-4));
  }
});

test('sentinels in one column, or scattered over all, do not change the scale of the other rows', async () => {
  const inOne = Array.from({ length: 100 }, (_, i) => [3 * i, 4, -99999] as const);
  // More than half of the rows have one.
  const inAll = Array.from({ length: 180 }, (_, i) => [i, i % 6, -99999] as const);
  for (const cells of [inOne, inAll]) {
    const { rows } = await project(rowsWith(cells));
    const touched = cells.map(([row]) => row);
    const scale = deviation(rows, touched);
    assert.ok(scale > 0.8 && scale < 1.25, `${scale}`);
    assert.ok(rows.data.every((value) => Math.abs(value) < 40));
  }
});

test('compression keeps the order of values, and small values as they are', () => {
  let last = Number.NEGATIVE_INFINITY;
  for (let power = -9; power <= 9; power += 0.01) {
    const value = Math.sign(power) * 10 ** Math.abs(power);
    const bent = bend(value, 9);
    assert.ok(bent > last);
    if (Math.abs(value) <= 10) assert.equal(bent, value);
    assert.equal(bend(-value, 9), -bent);
    last = bent;
  }
  // 10, and 3 for each power of ten beyond.
  assert.ok(Math.abs(bend(1e6, 9) - 25) < 1e-9);
  // Where there is no bend, values end at the limit.
  assert.equal(bend(1e6, 0), 10);
});

test('rows far outside are those ten times as far from the mean as the median row', () => {
  assert.equal(nearRows(rowsWith([])), undefined);
  // Both the one that hides the other and the hidden one are found: cells get the middle of their column.
  const near = nearRows(
    rowsWith([
      [0, 1, 1e8],
      [9, 3, 500],
    ]),
  );
  assert.deepEqual(near!.shape, [300, 6]);
  assert.ok(near!.data.every((value) => Math.abs(value) < 20));
  // A row of which no cell alone is far outside.
  const wide = groups(300, 200);
  wide[5] = wide[5]!.map((value) => value + 30);
  assert.equal(nearRows(flat(wide))!.shape[0], 299);
  // Where half of the rows are equal, there is no measure of what is far: rare rows are not bad cells.
  const rare = Array.from({ length: 200 }, (_, i) => [i < 3 ? 1 : 0, i === 1 ? 1 : 0]);
  assert.notEqual(nearRows(flat(rare))?.shape[0], 0);
});
