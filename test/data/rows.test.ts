import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError } from '../../src/core/errors.js';
import { type MatrixInput, toMatrix } from '../../src/data/matrix.js';
import { saying } from '../helpers/assert.js';

const numbers = [1, 2, 3, 4, 5, 6];
const wanted = Float32Array.from(numbers);
const refused = (input: unknown, ...parts: string[]) =>
  assert.rejects(toMatrix(input as MatrixInput, 'fit'), saying(DataError, 'fit: ', ...parts));

test('strides, offsets and column order are respected', async () => {
  // As `ndarray` has a transposed table: 3 x 2 numbers seen as 2 x 3.
  const transposed = { data: [1, 4, 2, 5, 3, 6], shape: [2, 3], stride: [1, 2], offset: 0 };
  for (const input of [
    transposed,
    { ...transposed, data: Float64Array.from(transposed.data) },
    { ...transposed, stride: undefined, strides: [1, 2] },
    { data: transposed.data, shape: [2, 3], fortranOrder: true },
    { data: numbers, shape: [2, 3], fortranOrder: false, stride: [3, 1], offset: 0 },
    // Backwards, and every other one from the second on.
    { data: [6, 5, 4, 3, 2, 1], shape: [2, 3], stride: [-3, -1], offset: 5 },
    { data: Int16Array.of(0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6), shape: [2, 3], stride: [6, 2], offset: 1 },
    // The first two rows of a wider table.
    { data: Uint8Array.of(1, 2, 3, 9, 4, 5, 6, 9, 9, 9, 9, 9), shape: [2, 3], stride: [4, 1] },
  ]) {
    const { matrix, form } = await toMatrix(input, 'fit');
    assert.deepEqual(matrix, { data: wanted, shape: [2, 3] });
    assert.equal(form, 'flat');
  }
  const images = { data: [1, 2, 3, 4, 5, 6, 7, 8], shape: [2, 2, 2], fortranOrder: true };
  assert.deepEqual([...(await toMatrix(images, 'fit')).matrix.data], [1, 5, 3, 7, 2, 6, 4, 8]);
});

test('strides that lead out of the data, or are none, are refused', async () => {
  const data = Float32Array.from(numbers);
  await refused({ data, shape: [2, 3], stride: [4, 1], offset: 0 }, '0 to 5', 'to 6');
  await refused({ data, shape: [2, 3], stride: [-3, 1], offset: 0 }, '-3');
  await refused({ data, shape: [2, 3], offset: 1 }, '1 to 6');
  await refused({ data, shape: [2, 3], stride: [1] }, 'stride');
  await refused({ data, shape: [2, 3], stride: [1.5, 1] }, '1.5');
});

test('tensors of onnxruntime and transformers.js are read, from other devices too', async () => {
  const away = {
    dims: [2, 3],
    type: 'float32',
    location: 'gpu-buffer',
    get data(): never {
      throw new Error('not here');
    },
    getData: async () => wanted,
  };
  for (const tensor of [
    { data: wanted, dims: [2, 3], type: 'float32', location: 'cpu', size: 6 },
    { data: BigInt64Array.from(numbers, BigInt), dims: [2, 3], type: 'int64' },
    away,
  ]) {
    const { matrix, form } = await toMatrix(tensor, 'fit');
    assert.deepEqual(matrix, { data: wanted, shape: [2, 3] });
    assert.equal(form, 'flat');
  }
  await refused({ data: new Uint16Array(6), dims: [2, 3], type: 'float16' }, 'float16', 'float32');
  await refused({ data: ['a', 'b'], dims: [2, 1], type: 'string' }, 'got "a"');
});

test('what is not a number is never read as 0', async () => {
  await refused({ data: [1, null, 3], shape: [3, 1] }, 'row 1, column 0', 'got null');
  await refused({ data: [1, undefined, 3], shape: [1, 3] }, 'row 0, column 1', 'got undefined');
  await refused({ data: [1, '2'], shape: [1, 2] }, 'got "2"');
  await refused({ data: [1, true], shape: [1, 2] }, 'got true');
  // A hole in a list.
  await refused({ data: new Array(2), shape: [1, 2] }, 'got undefined');
  await refused([[1, null]], 'row 0[1]', 'got null');
  await refused({ data: new DataView(new ArrayBuffer(8)), shape: [1, 1] }, 'DataView');
  const places = { data: [1, null] as unknown as number[], shape: [2, 1] };
  assert.ok(Number.isNaN((await toMatrix(places, 'fit', { allowNaN: true })).matrix.data[1]));
});

test('64-bit whole numbers are numbers, up to 2^53', async () => {
  for (const input of [
    [
      [1n, 2n, 3n],
      [4n, 5n, 6n],
    ],
    [BigInt64Array.of(1n, 2n, 3n), BigUint64Array.of(4n, 5n, 6n)],
    { data: BigInt64Array.from(numbers, BigInt), shape: [2, 3] },
    { data: numbers.map(BigInt), shape: [2, 3] },
  ]) {
    assert.deepEqual((await toMatrix(input, 'fit')).matrix.data, wanted);
  }
  await refused([[2n ** 60n]], '1152921504606846976n', '2^53', 'subtract');
  await refused({ data: BigInt64Array.of(2n ** 60n), shape: [1, 1] }, 'row 0, column 0', '2^53');
});

test('an order in words, and axes in typed arrays, are respected', async () => {
  const data = [1, 4, 2, 5, 3, 6];
  for (const input of [
    { data, shape: [2, 3], order: 'column-major' },
    { data, shape: [2, 3], order: 'F' },
    { data, shape: [2, 3], fortran_order: true },
    { data, shape: Int32Array.of(2, 3), stride: Int32Array.of(1, 2), offset: 0 },
    { data, shape: Uint32Array.of(2, 3), strides: Int8Array.of(1, 2) },
    { data: numbers, shape: Int32Array.of(2, 3) },
    { data: wanted, dims: Int32Array.of(2, 3) },
    { data: numbers, shape: [2, 3], order: 'row-major', fortran_order: false },
    { data: numbers, shape: [2, 3], order: 'C' },
    // As `ndarray` has it: its order lists the axes, and its strides say everything.
    { data, shape: [2, 3], stride: [1, 2], offset: 0, order: [0, 1] },
  ]) {
    const { matrix } = await toMatrix(input, 'fit');
    assert.deepEqual(matrix, { data: wanted, shape: [2, 3] });
  }
  await refused({ data, shape: [2, 3], order: 'A' }, "'row-major'", '"A"');
  await refused({ data, shape: [2, 3], order: 1 }, "'column-major'", 'got 1');
  await refused({ data, shape: [2, 3], strides: 'F' }, 'stride');
});
