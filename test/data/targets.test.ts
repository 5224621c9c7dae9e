import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError } from '../../src/core/errors.js';
import {
  type Label,
  type ParsedTargets,
  parseTargets,
  readClasses,
  readValues,
} from '../../src/data/targets.js';
import { saying } from '../helpers/assert.js';

test('labels become indices into their sorted names; null, undefined and -1 are unknown', () => {
  const { ids, names } = readClasses([10, 2, null, -1, 10, undefined, 0], 7);
  assert.deepEqual(names, [0, 2, 10]);
  assert.deepEqual([...ids], [2, 1, -1, -1, 2, -1, 0]);
  const words = readClasses(['pear', 'apple', null, -1], 4);
  assert.deepEqual(words.names, ['apple', 'pear']);
  assert.deepEqual([...words.ids], [1, 0, -1, -1]);
});

test('typed arrays are read as lists are', () => {
  for (const y of [Int32Array.of(3, -1, 1), Float64Array.of(3, -1, 1), Int8Array.of(3, -1, 1)]) {
    const { ids, names } = readClasses(y, 3);
    assert.deepEqual(names, [1, 3]);
    assert.deepEqual([...ids], [1, -1, 0]);
  }
});

test('earlier classes keep their indices, new ones come after', () => {
  const { ids, names } = readClasses([5, 9, 1], 3, [9, 3]);
  assert.deepEqual(names, [9, 3, 1, 5]);
  assert.deepEqual([...ids], [3, 0, 2]);
  assert.throws(() => readClasses(['a'], 1, [9, 3]), saying(DataError, 'one type'));
});

test('labels that are all unknown make no classes', () => {
  assert.deepEqual(readClasses([null, -1], 2).names, []);
});

test('user-supplied labels are not changed', () => {
  const y = Object.freeze(['b', 'a', null]);
  readClasses(y, 3);
  assert.deepEqual(y, ['b', 'a', null]);
});

test('another length is refused with both lengths', () => {
  for (const read of [readClasses, readValues]) {
    assert.throws(() => read([1, 2], 3), saying(DataError, 'y', '(3)', '2 entries'));
    assert.throws(() => read(Float32Array.of(1, 2, 3, 4), 3), saying(DataError, '(3)', '4 entries'));
    for (const wrong of ['abc', { length: 3 }, 3, new Map()]) {
      assert.throws(
        () => read(wrong as unknown as ParsedTargets, 3),
        saying(DataError, 'one entry per row', '(3)'),
      );
    }
  }
});

test('labels of mixed or other kinds are refused', () => {
  assert.throws(() => readClasses([1, 'a'], 2), saying(DataError, 'one type', 'numbers and strings'));
  for (const wrong of [true, {}, [1], Number.NaN, Number.POSITIVE_INFINITY, 1n, () => 1]) {
    const y = [1, wrong] as unknown as Label[];
    assert.throws(() => readClasses(y, 2), saying(DataError, 'at row 1'), String(wrong));
  }
  // A word that looks like a number is a word.
  assert.deepEqual(readClasses(['-1', '10', '9'], 3).names, ['-1', '10', '9']);
});

test('continuous targets are finite numbers, -1 among them, or unknown', () => {
  assert.deepEqual([...readValues([-1, 0.5, 3], 3).data], [-1, 0.5, 3]);
  assert.deepEqual([...readValues(Uint8Array.of(1, 2), 2).data], [1, 2]);
  const free = Number.NaN;
  assert.deepEqual([...readValues([1, null, undefined, Number.NaN], 4).data], [1, free, free, free]);
  for (const wrong of ['1', Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    assert.throws(() => readValues([0, wrong], 2), saying(DataError, 'finite numbers', 'at row 1'));
  }
});

test('several targets per row come in every form that rows have; one unknown makes the row unknown', async () => {
  const free = Number.NaN;
  const wanted = [1, 2, free, free, 5, 6];
  for (const y of [
    [[1, 2], null, [5, 6]],
    [
      [1, 2],
      [3, null],
      [5, 6],
    ],
    [Float64Array.of(1, 2), Float64Array.of(free, 4), Float64Array.of(5, 6)],
    { data: Float32Array.of(1, 2, free, 4, 5, 6), shape: [3, 2] },
    { data: Float32Array.of(1, 2, free, 4, 5, 6), dims: [3, 2] },
    { data: [1, 2, null, 4, 5, 6] as number[], shape: [3, 2] },
  ]) {
    const entered = await parseTargets(y, 3);
    const { data, shape } = readValues(entered, 3);
    assert.deepEqual([...data], wanted);
    assert.deepEqual(shape, [3, 2]);
    assert.throws(() => readClasses(entered, 3), saying(DataError, 'one label per row', '2 columns'));
  }
  await assert.rejects(parseTargets([[1, 2]], 3), saying(DataError, '(3)', '1 entries'));
});

test('one column is a list, and whole numbers of 64 bits are numbers', async () => {
  for (const y of [
    { data: Float32Array.of(1, 2, 3), shape: [3, 1] },
    { data: Float32Array.of(1, 2, 3), shape: [3] },
    [[1], [2], [3]],
    BigInt64Array.of(1n, 2n, 3n),
    [1n, 2n, 3n],
  ]) {
    assert.deepEqual(Array.from((await parseTargets(y, 3)) as readonly number[]), [1, 2, 3]);
  }
  await assert.rejects(
    parseTargets([1n, 2n ** 60n], 2),
    saying(DataError, 'at row 1', '1152921504606846976n'),
  );
});
