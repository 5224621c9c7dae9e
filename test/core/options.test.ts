import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OptionError } from '../../src/core/errors.js';
import { defaultsOf, type OptionRows, resolveOptions, rulesOf } from '../../src/core/options.js';
import { choice, flag, integer, number, orNull } from '../../src/core/rules.js';

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
const optionRules = {
  nNeighbors: integer(2),
  minDist: number(0, 1),
  metric: choice('euclidean', 'cosine'),
  verbose: flag,
  size: orNull(integer(1, 9)),
};
const resolve = (given: object | undefined, renamed = {}) =>
  resolveOptions<Options>('Test', given as Partial<Options>, defaults, optionRules, renamed);

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
  [{ nNeighbors: 1 }, /^Test: nNeighbors: expected an integer of at least 2, got 1$/],
  [{ nNeighbors: 2.5 }, /got 2.5/],
  [{ nNeighbors: '15' }, /got "15"/],
  [{ minDist: Number.NaN }, /^Test: minDist: expected a number of at least 0 and at most 1, got NaN$/],
  [{ minDist: 2 }, /got 2/],
  [{ metric: 'cosin' }, /^Test: metric: expected one of 'euclidean', 'cosine', got "cosin"$/],
  [{ verbose: 1 }, /^Test: verbose: expected true or false, got 1$/],
  [{ size: 10 }, /^Test: size: expected an integer from 1 to 9, or null, got 10$/],
  [[], /^Test: expected an options object, got an array of 0; pass/],
];
for (const [given, message] of bad) {
  test(`${JSON.stringify(given)} is refused: ${message.source}`, () => {
    assert.throws(
      () => resolve(given, { randomState: "it is called 'seed'" }),
      (error: unknown) => error instanceof OptionError && message.test(error.message),
    );
  });
}

test('what to do instead follows the value', () => {
  const rules = { ...optionRules, metric: { ...choice('euclidean'), advice: () => 'use euclidean' } };
  assert.throws(
    () => resolveOptions<Options>('Test', { metric: 'l2' }, defaults, rules),
    /^OptionError: Test: metric: expected one of 'euclidean', got "l2"; use euclidean$/,
  );
});

test('defaults and rules are read from rows, in their order, and defaults are frozen', () => {
  interface Two {
    size: number | null;
    deep: boolean;
  }
  const rows: OptionRows<Two> = {
    size: { default: null, rule: orNull(integer(1)), help: 'rows' },
    deep: { default: false, rule: flag, help: 'more layers' },
  };
  assert.deepEqual(Object.entries(defaultsOf(rows)), [
    ['size', null],
    ['deep', false],
  ]);
  assert.ok(Object.isFrozen(defaultsOf(rows)));
  assert.deepEqual(rulesOf(rows), { size: rows.size.rule, deep: flag });
  // @ts-expect-error: a row is missing
  const missing: OptionRows<Two> = { size: rows.size };
  // @ts-expect-error: a row too many
  const many: OptionRows<Two> = { ...missing, deep: rows.deep, wide: rows.deep };
  // @ts-expect-error: a default of another type
  const wrong: OptionRows<Two> = { ...many, deep: { ...rows.deep, default: 1 } };
  assert.ok(wrong);
});
