import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asCount, asRecord, encodeJson, parseJson } from '../../src/artifact/json.js';
import { ArtifactError } from '../../src/core/errors.js';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const roundTrip = (value: unknown) => parseJson(bytesOf(JSON.stringify(encodeJson(value, 'value'))), 'value');

test('plain data comes back equal, with numbers that JSON has no word for', () => {
  const value = {
    numbers: [0, -0, 1e-320, 5e-324, 0.1 + 0.2, 2 ** 53, -1.7976931348623157e308],
    odd: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    text: ['', 'ä 日本 \u0000 \ud800 "', 'NaN'],
    nested: { '': [[[]]], null: null, yes: true, toString: 'own', '$number ': 1 },
  };
  assert.deepEqual(roundTrip(value), value);
  assert.ok(Object.is((roundTrip(value) as { numbers: number[] }).numbers[1], -0));
});

test('a property that is undefined is left out', () => {
  assert.deepEqual(roundTrip({ a: undefined, b: 1 }), { b: 1 });
});

test('what JSON would lose or garble is refused, with the place', () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const cases: [unknown, RegExp][] = [
    [{ metric: () => 0 }, /value\.metric: a function cannot be saved/],
    [{ list: [1, undefined] }, /value\.list\[1\]: a undefined cannot/],
    [{ big: 1n }, /value\.big: a bigint/],
    [{ s: Symbol('x') }, /value\.s: a symbol/],
    [{ when: new Date(0) }, /value\.when: a Date cannot be saved/],
    [{ data: new Float32Array(2) }, /value\.data: a Float32Array cannot be saved/],
    [{ m: new Map() }, /value\.m: a Map/],
    [{ constructor: 1 }, /value: the key constructor is not allowed/],
    [JSON.parse('{"__proto__": 1}'), /value: the key __proto__ is not allowed/],
    [{ $number: 'NaN' }, /value: the key \$number is not allowed/],
    [cycle, /nested deeper than 100; is there a cycle/],
  ];
  for (const [value, message] of cases) {
    assert.throws(() => encodeJson(value, 'value'), { name: 'ArtifactError', message });
  }
  assert.throws(
    () => encodeJson([1, Number.NaN], 'value', false),
    /value\[1\]: NaN cannot be written as JSON/,
  );
});

test('an object without a prototype is plain data, one with a hidden constructor is not', () => {
  assert.deepEqual(encodeJson(Object.assign(Object.create(null), { a: 1 }), 'value'), { a: 1 });
  assert.throws(() => encodeJson(Object.create({ constructor: null }), 'value'), ArtifactError);
});

test('hostile JSON text is refused, and reaches no prototype', () => {
  const cases: [string, RegExp][] = [
    ['', /file: not JSON/],
    ['{"a": 1', /file: not JSON/],
    ['NaN', /file: not JSON/],
    ['\ufeff{}', /file: not JSON/],
    ['{"a": {"__proto__": {"polluted": true}}}', /file\.a: the key __proto__ is not allowed/],
    ['{"a": [{"constructor": {"prototype": {}}}]}', /file\.a\[0\]: the key constructor/],
    ['{"prototype": 1}', /the key prototype/],
    ['{"\\u005f_proto__": 1}', /the key __proto__/],
    ['{"$number": "Infinite"}', /file: "Infinite" is no number's name/],
    ['{"$number": {"toString": 1}}', /is no number's name/],
    ['['.repeat(100_000) + ']'.repeat(100_000), /nested deeper than 100/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => parseJson(bytesOf(text), 'file'),
      { name: 'ArtifactError', message },
      text.slice(0, 60),
    );
  }
  assert.throws(() => parseJson(new Uint8Array([0x22, 0xff, 0x22]), 'file'), /file: not JSON/);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test('fields are checked by name and value', () => {
  assert.throws(() => asRecord({ a: 1 }, 'file', ['a', 'b']), /file: the field b is missing/);
  assert.throws(() => asRecord({ a: 1, c: 1 }, 'file', ['a'], ['b']), /unknown field "c"; known are a, b/);
  assert.throws(() => asRecord([1], 'file', []), /file: must be an object, not \[1\]/);
  assert.throws(() => asRecord({}, 'file', ['toString']), /the field toString is missing/);
  for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '3', null, [3]]) {
    assert.throws(() => asCount(value, 'bytes'), /bytes: must be a whole number of 0 or more, not /);
  }
  assert.equal(asCount(2 ** 53 - 1, 'bytes'), 2 ** 53 - 1);
});
