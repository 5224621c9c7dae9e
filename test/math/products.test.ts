import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/core/random.js';
import { addProducts, columnsOf, rowsOf } from '../../src/math/products.js';

const random = createRandom('products');
const table = (entries: number) => Float64Array.from({ length: entries }, () => random.integer(9) - 4);

test('products of rows, at every remainder of blocks, lanes and slabs', () => {
  for (const [rowsA, rowsB, columns] of [
    [1, 1, 1],
    [2, 4, 3],
    [3, 5, 2],
    [64, 64, 7],
    [65, 67, 5],
    [3, 130, 1030],
  ] as const) {
    const a = table(rowsA * columns);
    const b = table(rowsB * columns);
    const out = new Float64Array(rowsA * rowsB).fill(1000);
    addProducts(a, rowsOf(columns), rowsA, b, rowsOf(columns), rowsB, columns, out);
    for (let i = 0; i < rowsA; i++) {
      for (let j = 0; j < rowsB; j++) {
        let wanted = 1000;
        for (let c = 0; c < columns; c++) wanted += a[i * columns + c]! * b[j * columns + c]!;
        assert.equal(out[i * rowsB + j], wanted, `${rowsA} x ${rowsB} x ${columns}: ${i}, ${j}`);
      }
    }
  }
});

test('products of columns, and the upper triangle alone', () => {
  const [rows, columns] = [70, 90];
  const a = table(rows * columns);
  const full = new Float64Array(columns * columns);
  const triangle = new Float64Array(columns * columns);
  const view = columnsOf(columns);
  addProducts(a, view, columns, a, view, columns, rows, full);
  addProducts(a, view, columns, a, view, columns, rows, triangle, true);
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < columns; j++) {
      let wanted = 0;
      for (let row = 0; row < rows; row++) wanted += a[row * columns + i]! * a[row * columns + j]!;
      assert.equal(full[i * columns + j], wanted);
      if (j >= i) assert.equal(triangle[i * columns + j], wanted);
    }
  }
});

test('the kernel gives what the script gives, to the last bit, at every remainder', () => {
  const numbers = (entries: number) => Float64Array.from({ length: entries }, () => random.normal());
  for (const [rowsA, rowsB, columns] of [
    [66, 67, 1030],
    [127, 129, 300],
    [130, 65, 500],
  ] as const) {
    const a = numbers(rowsA * columns);
    const b = numbers(rowsB * columns);
    const multiplied = (compiled: boolean) => {
      const out = new Float64Array(rowsA * rowsB);
      addProducts(a, rowsOf(columns), rowsA, b, rowsOf(columns), rowsB, columns, out, false, compiled);
      return out;
    };
    assert.deepEqual(multiplied(true), multiplied(false), `${rowsA} x ${rowsB} x ${columns}`);
  }
});
