import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anything,
  callable,
  choice,
  either,
  flag,
  hasMethods,
  integer,
  listOf,
  number,
  object,
  orNull,
  positive,
  type Rule,
  text,
  withKeys,
} from '../../src/core/rules.js';

const NaNs = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const of = (method: unknown) => ({ apply: method });

/** Each rule with its text, and values that it accepts and refuses; `undefined` stands for an option left out. */
const cases: [Rule, string, accepted: unknown[], refused: unknown[]][] = [
  [integer(2), 'an integer of at least 2', [2, 3, 2 ** 53 - 1], [1, 2.5, -2, '2', 2n, null, true, ...NaNs]],
  [integer(1, 9), 'an integer from 1 to 9', [1, 9], [0, 10, 8.999, [5]]],
  [integer(), 'an integer', [0, -(2 ** 53) + 1], [0.5, 2 ** 53, '0']],
  [number(0), 'a number of at least 0', [0, -0, 1e300, 5e-324], [-5e-324, '1', null, false, 1n, ...NaNs]],
  [number(0, 1), 'a number of at least 0 and at most 1', [0, 0.5, 1], [-1e-9, 1.000001, ...NaNs]],
  [number(0, 1, { above: true }), 'a number above 0 and at most 1', [1e-9, 1], [0, -0, 2]],
  [positive, 'a number above 0', [5e-324, 7], [0, -1, ...NaNs]],
  [choice('a', 'b'), "one of 'a', 'b'", ['a', 'b'], ['', 'A', 'ab', 'a ', ['a'], null]],
  [flag, 'true or false', [true, false], [0, 1, 'true', null]],
  [text('a name'), 'a name', ['x', ' '], ['', 3, null, ['x']]],
  [text('text', { empty: true }), 'text', ['', 'x'], [3, null]],
  [callable, 'a function', [() => 1, Math.hypot], ['sin', {}, null]],
  [object(), 'an object', [{}, [], new Float32Array(1)], [null, 'x', 3, () => 1]],
  [hasMethods('a model', 'apply'), 'a model', [of(() => 1)], [{}, of(3), null, 'x', () => 1]],
  [
    withKeys('{ a, b }', 'a', 'b'),
    '{ a, b }',
    [{ a: 1, b: undefined }],
    [{}, { a: 1 }, { b: 1 }, null, 'ab'],
  ],
  [either(integer(1), flag), 'an integer of at least 1, or true or false', [1, true], [0, 'x', null]],
  [orNull(integer(1)), 'an integer of at least 1, or null', [1, null], [0, false, '']],
  [
    listOf(integer(1)),
    'an array in which each entry is an integer of at least 1',
    [[], [1, 2]],
    [[1, 0], [undefined], 1, null, { length: 0 }, new Int32Array(1)],
  ],
  [anything, 'anything', [null, 3, 'x'], []],
];

for (const [rule, expected, accepted, refused] of cases) {
  test(`a rule for ${expected} accepts and rejects as its text states`, () => {
    assert.equal(rule.text, expected);
    for (const value of accepted) assert.ok(rule.accepts(value), String(value));
    for (const value of refused) assert.ok(!rule.accepts(value), String(value));
    for (const value of rule.bad) assert.ok(!rule.accepts(value), `bad: ${String(value)}`);
    assert.ok(!rule.bad.includes(undefined), 'an option left out is never wrong');
    if (rule !== anything) assert.ok(rule.bad.length >= 4);
  });
}

test('bad values lie just outside the range', () => {
  assert.ok([0, 10].every((value) => integer(1, 9).bad.includes(value)));
  const below = (rule: Rule) => rule.bad.filter((value) => typeof value === 'number' && value < 0);
  assert.ok(below(number(0)).some((value) => (value as number) > -0.01));
  assert.ok(number(0, 1).bad.some((value) => (value as number) > 1 && (value as number) < 1.01));
  assert.ok(positive.bad.includes(0));
  assert.ok(!number(0).bad.includes(0));
});

test('kind, range and choices can be read, for flags of a command line', () => {
  const { kind, min, max, nullable } = orNull(integer(1, 9));
  assert.deepEqual({ kind, min, max, nullable }, { kind: 'integer', min: 1, max: 9, nullable: true });
  assert.equal(positive.above, true);
  assert.deepEqual(choice('a', 'b').choices, ['a', 'b']);
  assert.deepEqual(
    either(choice('a'), object()).alternatives?.map((rule) => rule.kind),
    ['choice', 'object'],
  );
  assert.equal(listOf(number(0)).entry?.kind, 'number');
});

test('combined rules pass advice on, and a list names the entry', () => {
  const advised: Rule = {
    ...integer(1),
    advice: (value) => (value === '3' ? 'leave the quotes out' : undefined),
  };
  assert.equal(orNull(either(flag, advised)).advice?.('3'), 'leave the quotes out');
  assert.equal(listOf(advised).advice?.([1, '3']), 'leave the quotes out');
  assert.equal(listOf(advised).advice?.([1, 0]), 'entry 1 is 0');
  assert.equal(listOf(advised).advice?.('3'), undefined);
});
