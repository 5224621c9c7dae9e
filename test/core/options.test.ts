import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OptionError } from '../../src/core/errors.js';
import { either, flag, listOf, oneOf, orNull, real, resolveOptions, whole } from '../../src/core/options.js';

interface Options {
  nNeighbors: number;
  minDist: number;
  metric: string;
  verbose: boolean;
  size: number | null;
}
const defaults: Readonly<Options> = Object.freeze({
  nNeighbors: 15,
  minDist: 0.1,
  metric: 'euclidean',
  verbose: false,
  size: null,
});
const rules = {
  nNeighbors: whole(2),
  minDist: real(0, 1),
  metric: oneOf('euclidean', 'cosine'),
  verbose: flag,
  size: orNull(whole(1, 9)),
};
const resolve = (given: object | undefined, renamed = {}) =>
  resolveOptions<Options>('Test', given as Partial<Options>, defaults, rules, renamed);

test('what is left out or undefined takes its default, and nobody’s object is touched', () => {
  const given = Object.freeze({ nNeighbors: 5, minDist: undefined });
  assert.deepEqual(resolve(given), { ...defaults, nNeighbors: 5 });
  assert.deepEqual(resolve(undefined), { ...defaults });
  assert.equal(resolve({ minDist: 0 }).minDist, 0, 'a false-like value is a value');
});

const bad: [object, RegExp][] = [
  [{ n_neighbors: 5 }, /unknown option 'n_neighbors'; did you mean 'nNeighbors'\?/],
  [{ nNeighbours: 5 }, /unknown option 'nNeighbours'; did you mean 'nNeighbors'\?/],
  [{ zzzzzzzzzzz: 5 }, /unknown option 'zzzzzzzzzzz'; options are nNeighbors, minDist/],
  [{ random_state: 5 }, /unknown option 'random_state': it is called 'seed'/],
  [{ nNeighbors: 1 }, /nNeighbors must be a whole number of at least 2; got 1/],
  [{ nNeighbors: 2.5 }, /got 2.5/],
  [{ nNeighbors: '15' }, /got "15"/],
  [{ minDist: Number.NaN }, /minDist must be a number of at least 0 and at most 1; got NaN/],
  [{ minDist: 2 }, /got 2/],
  [{ metric: 'cosin' }, /metric must be one of 'euclidean', 'cosine'; got "cosin"/],
  [{ verbose: 1 }, /verbose must be true or false; got 1/],
  [{ size: 10 }, /size must be a whole number from 1 to 9, or null; got 10/],
  [[], /an options object wanted, got an array of 0/],
];
for (const [given, message] of bad) {
  test(`${JSON.stringify(given)} is refused: ${message.source}`, () => {
    assert.throws(
      () => resolve(given, { randomState: "it is called 'seed'" }),
      (error: unknown) => error instanceof OptionError && message.test(error.message),
    );
  });
}

test('rules combine', () => {
  assert.equal(either(whole(1), flag)(true), undefined);
  assert.match(either(whole(1), flag)('x') ?? '', /whole number of at least 1, or true or false/);
  assert.equal(listOf(whole(1))([1, 2]), undefined);
  assert.match(listOf(whole(1))([1, 0]) ?? '', /each entry is a whole number/);
});
