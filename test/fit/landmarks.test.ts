import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { TargetList } from '../../src/data/targets.js';
import {
  type AddLandmarksOptions,
  appendLandmarks,
  chooseLandmarks,
  type LandmarkPositions,
  type Landmarks,
  readPositions,
  resolveLandmarkOptions,
} from '../../src/fit/landmarks.js';
import { saying } from '../helpers/assert.js';

const { NaN: free } = Number;

test('null rows, null coordinates and NaN are free, in every form', async () => {
  const wanted = Float32Array.of(free, free, 1, 2, free, 3);
  const forms: LandmarkPositions[] = [
    [null, [1, 2], [null, 3]],
    [
      [free, free],
      [1, 2],
      [free, 3],
    ],
    [Float32Array.of(free, free), Float32Array.of(1, 2), Float32Array.of(free, 3)],
    { data: wanted, shape: [3, 2] },
  ];
  for (const form of forms) {
    const { data, shape } = await readPositions(form, 3, 2);
    assert.deepEqual(data, wanted);
    assert.deepEqual(shape, [3, 2]);
  }
});

test('user-supplied positions are not changed', async () => {
  const places = Object.freeze([null, Object.freeze([1, null]), Object.freeze([2, 3])]);
  await readPositions(places, 3, 2);
  assert.deepEqual(places, [null, [1, null], [2, 3]]);
});

test('positions of another length, width or kind are errors', async () => {
  const named = (...parts: string[]) => saying(DataError, 'landmarkPositions', ...parts);
  await assert.rejects(readPositions([[1, 2]], 3, 2), named('3 x 2', '1 x 2'));
  await assert.rejects(readPositions([null, [1, 2, 3]], 2, 2), named());
  await assert.rejects(readPositions([[1], [2]], 2, 2), named('2 x 2', '2 x 1'));
  await assert.rejects(readPositions([[1, Number.POSITIVE_INFINITY]], 1, 2), named('Infinity', 'row 0'));
  await assert.rejects(readPositions([['a', 'b']] as unknown as LandmarkPositions, 1, 2), named());
  await assert.rejects(readPositions('ab' as unknown as LandmarkPositions, 1, 2), named());
  await assert.rejects(readPositions([], 1, 2), named());
});

test('positions without any landmark are an error', async () => {
  for (const none of [
    [null, null],
    [
      [free, 1],
      [2, free],
    ],
  ]) {
    await assert.rejects(readPositions(none, 2, 2), saying(DataError, 'all 2 rows', 'at least 1 row'));
  }
});

/** Two landmarks of three columns. */
const landmarks = (y?: Landmarks['y']): Landmarks => ({
  matrix: { data: Float32Array.of(7, 7, 7, 8, 8, 8), shape: [2, 3] },
  y,
  weight: 1,
});
const input = {
  matrix: { data: Float32Array.of(1, 2, 3), shape: [1, 3] as const },
  rowShape: [3, 1],
  form: 'flat' as const,
};
const places = { data: Float32Array.of(0, 1, 2, 3), shape: [2, 2] as const };

test('kept landmarks come after the new rows, which are free', () => {
  const { input: all, positions, y } = appendLandmarks(input, undefined, landmarks(), places);
  assert.deepEqual([...all.matrix.data], [1, 2, 3, 7, 7, 7, 8, 8, 8]);
  assert.deepEqual(all.matrix.shape, [3, 3]);
  assert.deepEqual(all.rowShape, [3, 1]);
  assert.deepEqual([...positions.data], [free, free, 0, 1, 2, 3]);
  assert.deepEqual(positions.shape, [3, 2]);
  assert.equal(y, undefined);
  assert.deepEqual([...input.matrix.data], [1, 2, 3]);
});

test('targets grow with the landmarks, unknown ones where none were given', () => {
  const targets = (y: readonly number[] | Int32Array, kept?: Landmarks['y']) =>
    Array.from(appendLandmarks(input, y, landmarks(kept), places).y as TargetList);
  assert.deepEqual(targets([5], [1, 2]), [5, 1, 2]);
  assert.deepEqual(targets(Int32Array.of(5), [1, null]), [5, 1, null]);
  assert.deepEqual(targets([5]), [5, null, null]);
});

const draw = (seed: string) => createRandom(seed).integer;

test('a share of the rows is drawn without repeats, seeded and uniform', () => {
  const chosen = chooseLandmarks(50, { fraction: 0.2 }, draw('a'));
  assert.equal(chosen.length, 10);
  assert.equal(new Set(chosen).size, 10);
  assert.ok(chosen.every((row) => row >= 0 && row < 50));
  assert.deepEqual(chooseLandmarks(50, { fraction: 0.2 }, draw('a')), chosen);
  assert.notDeepEqual(chooseLandmarks(50, { fraction: 0.2 }, draw('b')), chosen);
  assert.deepEqual([...chooseLandmarks(5, { fraction: 1 }, draw('a'))].sort(), [0, 1, 2, 3, 4]);
  assert.equal(chooseLandmarks(50, {}, draw('a')).length, 1);
  assert.equal(chooseLandmarks(1000, {}, draw('a')).length, 10);
  const counts = new Array<number>(5).fill(0);
  const integer = draw('many');
  for (let i = 0; i < 2000; i++) {
    for (const row of chooseLandmarks(5, { fraction: 0.4 }, integer)) counts[row]!++;
  }
  // 2 of 5 rows, 2,000 times: 800 each, with a standard deviation of 22.
  for (const count of counts) assert.ok(Math.abs(count - 800) < 110, `${counts}`);
});

test('given rows are taken once each, in their order', () => {
  assert.deepEqual([...chooseLandmarks(9, { indices: [8, 0, 8, 3] }, draw('a'))], [8, 0, 3]);
  assert.deepEqual([...chooseLandmarks(9, { indices: Int32Array.of(2, 1) }, draw('a'))], [2, 1]);
});

test('rows that are not there, and both ways at once, are refused', () => {
  for (const wrong of [9, -1, 1.5, Number.NaN, 'a' as unknown as number]) {
    const refused = saying(DataError, 'addLandmarks', '0 to 8', String(wrong));
    assert.throws(() => chooseLandmarks(9, { indices: [0, wrong] }, draw('a')), refused);
  }
  assert.throws(() => chooseLandmarks(9, { indices: [] }, draw('a')), saying(DataError, 'none'));
  const both = { indices: [1], fraction: 0.5 };
  assert.throws(() => chooseLandmarks(9, both, draw('a')), saying(OptionError, 'both'));
});

test('options of addLandmarks are checked by name and range', () => {
  const defaults = resolveLandmarkOptions({});
  assert.deepEqual([defaults.landmarkLossWeight, defaults.resetOptimizer], [undefined, true]);
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ fraction: 0 }, /fraction: expected .*, got 0/],
    [{ fraction: 1.01 }, /fraction: expected .*, got 1.01/],
    [{ fraction: '1' }, /fraction/],
    [{ indices: 4 }, /indices: expected/],
    [{ landmarkLossWeight: -1 }, /landmarkLossWeight: expected .*, got -1/],
    [{ landmarkLossWeight: free }, /landmarkLossWeight/],
    [{ resetOptimizer: 1 }, /resetOptimizer/],
    [{ y: 'abc' }, /y: expected/],
    [{ sample_pct: 0.1 }, /'sample_pct'.*'fraction'/],
    [{ idx: [1] }, /'idx'.*'indices'/],
    [{ landmark_loss_weight: 1 }, /'landmarkLossWeight'/],
  ];
  for (const [options, message] of wrong) {
    const given = options as AddLandmarksOptions;
    assert.throws(() => resolveLandmarkOptions(given), saying(OptionError, 'addLandmarks', message));
  }
});
