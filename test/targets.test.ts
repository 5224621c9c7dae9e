import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError } from '../src/errors.js';
import { type Label, readClasses, readValues, type Targets } from '../src/targets.js';
import { saying } from './checks/options.js';

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
  assert.throws(() => readClasses(['a'], 1, [9, 3]), saying(DataError, 'one kind'));
});

test('labels that are all unknown make no classes', () => {
  assert.deepEqual(readClasses([null, -1], 2).names, []);
});

test('the caller’s labels stay as they are', () => {
  const y = Object.freeze(['b', 'a', null]);
  readClasses(y, 3);
  assert.deepEqual(y, ['b', 'a', null]);
});

test('another length is refused with both lengths', () => {
  for (const read of [readClasses, readValues]) {
    assert.throws(() => read([1, 2], 3), saying(DataError, 'y', '(3)', '2 entries'));
    assert.throws(() => read(Float32Array.of(1, 2, 3, 4), 3), saying(DataError, '(3)', '4 entries'));
    for (const wrong of ['abc', { length: 3 }, 3, new Map()]) {
      assert.throws(() => read(wrong as unknown as Targets, 3), saying(DataError, 'one entry a row', '(3)'));
    }
  }
});

test('labels of mixed or other kinds are refused', () => {
  assert.throws(() => readClasses([1, 'a'], 2), saying(DataError, 'one kind', 'numbers and words'));
  for (const wrong of [true, {}, [1], Number.NaN, Number.POSITIVE_INFINITY, 1n, () => 1]) {
    const y = [1, wrong] as unknown as Label[];
    assert.throws(() => readClasses(y, 2), saying(DataError, 'at row 1'), String(wrong));
  }
  // A word that looks like a number is a word.
  assert.deepEqual(readClasses(['-1', '10', '9'], 3).names, ['-1', '10', '9']);
});

test('continuous targets are finite numbers, and -1 is one', () => {
  assert.deepEqual([...readValues([-1, 0.5, 3], 3)], [-1, 0.5, 3]);
  assert.deepEqual([...readValues(Uint8Array.of(1, 2), 2)], [1, 2]);
  for (const wrong of [null, undefined, '1', Number.NaN, Number.NEGATIVE_INFINITY]) {
    assert.throws(() => readValues([0, wrong], 2), saying(DataError, 'finite numbers', 'at row 1'));
  }
});
