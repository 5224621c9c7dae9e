import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { DataError } from '../../src/core/errors.js';
import { type MatrixInput, toInputForm, toMatrix, toMatrixOfWidth } from '../../src/data/matrix.js';

await tf.setBackend('cpu');

const rows = [
  [1, 2, 3],
  [4, 5, 6],
];
const flat = new Float32Array([1, 2, 3, 4, 5, 6]);
const forms: Record<string, MatrixInput> = {
  arrays: rows,
  typedRows: rows.map((row) => Uint8Array.from(row)),
  flat: { data: flat, shape: [2, 3] },
};

test('every kind of rows becomes the same matrix and leaves as it came', async () => {
  for (const [form, input] of Object.entries(forms)) {
    const entered = await toMatrix(input, 'test');
    assert.equal(entered.form, form);
    assert.deepEqual([...entered.matrix.data], [1, 2, 3, 4, 5, 6], form);
    assert.deepEqual(entered.matrix.shape, [2, 3]);
  }
  const { matrix } = await toMatrix(rows, 'test');
  assert.deepEqual(toInputForm(matrix, 'arrays', tf.tensor), rows);
  assert.deepEqual(toInputForm(matrix, 'typedRows', tf.tensor), [flat.slice(0, 3), flat.slice(3)]);
  assert.deepEqual(toInputForm(matrix, 'flat', tf.tensor), { data: flat, shape: [2, 3] });
});

test('a tensor goes in and out, and is not disposed', async () => {
  const input = tf.tensor2d(rows);
  const { matrix, form } = await toMatrix(input, 'test');
  const output = toInputForm(matrix, form, tf.tensor) as tf.Tensor2D;
  assert.deepEqual(output.arraySync(), rows);
  assert.equal(input.isDisposed, false);
  tf.dispose([input, output]);
});

test('rows that are flat already are not copied', async () => {
  const { matrix } = await toMatrix({ data: flat, shape: [2, 3] }, 'test');
  assert.equal(matrix.data, flat);
});

test('image-shaped rows keep their shape, in and out', async () => {
  const images = [0, 1].map((i) => [0, 1].map((r) => [0, 1, 2].map((c) => [i * 100 + r * 10 + c])));
  const { matrix, rowShape } = await toMatrix(images, 'test');
  assert.deepEqual(rowShape, [2, 3, 1]);
  assert.deepEqual([...matrix.data.subarray(6)], [100, 101, 102, 110, 111, 112]);
  assert.deepEqual(toInputForm(matrix, 'arrays', tf.tensor, rowShape), images);
  const flatOut = toInputForm(matrix, 'flat', tf.tensor, rowShape) as { shape: number[] };
  assert.deepEqual(flatOut.shape, [2, 2, 3, 1]);
});

const bad: [string, unknown, RegExp][] = [
  ['no rows', [], /expected at least 1 row, got 0/],
  ['no columns', [[], []], /expected at least 1 column, got 0/],
  ['one axis', [1, 2, 3], /2 axes or more.*got 1 axis/],
  ['ragged rows', [[1, 2], [3]], /expected 2 values as in row 0, got 1 in row 1/],
  [
    'ragged typed rows',
    [new Float32Array(2), new Float32Array(3)],
    /expected 2 values as in row 0, got 3 in row 1/,
  ],
  ['a word', [[1, 'two']], /expected a number at row 0\[1\], got "two"/],
  ['null', null, /got null/],
  ['a plain object', {}, /got a Object object/],
  [
    'NaN',
    [
      [1, 2],
      [3, Number.NaN],
    ],
    /got NaN at row 1, column 1/,
  ],
  ['Infinity', [[1, Number.POSITIVE_INFINITY]], /got Infinity at row 0, column 1/],
  ['beyond 32 bits', [[1e300, 1]], /got Infinity at row 0, column 0/],
  ['a false shape', { data: flat, shape: [2, 4] }, /expected 8 values for shape \[2, 4\], got 6/],
  [
    'a fractional shape',
    { data: flat, shape: [1.5, 4] },
    /a shape of integers of at least 0, got \[1\.5, 4\]/,
  ],
];
for (const [name, input, message] of bad) {
  test(`${name} is a DataError that names what came`, async () => {
    await assert.rejects(toMatrix(input as MatrixInput, 'fit'), (error: unknown) => {
      assert.ok(error instanceof DataError);
      assert.match(error.message, message);
      assert.match(error.message, /^fit: /);
      return true;
    });
  });
}

test('another width than fitted is an error with both widths', async () => {
  await assert.rejects(toMatrixOfWidth(rows, 4, 'transform'), /expected 4 values per row, as fitted, got 3/);
});
