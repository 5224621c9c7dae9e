import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asCount, asRecord, encodeJson, parseJson } from '../../src/artifact/json.js';
import { ArtifactError } from '../../src/core/errors.js';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const roundTrip = (value: unknown) => parseJson(bytesOf(JSON.stringify(encodeJson(value, 'value'))), 'value');

test('plain data comes back equal, with numbers that JSON has no form for', () => {
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

test('what JSON would lose or garble is an error with the path to it', () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const cases: [unknown, RegExp][] = [
    [{ metric: () => 0 }, /value\.metric: expected plain data, .* got a function/],
    [{ list: [1, undefined] }, /value\.list\[1\]: expected plain data, .* got a undefined/],
    [{ big: 1n }, /value\.big: .* got a bigint/],
    [{ s: Symbol('x') }, /value\.s: .* got a symbol/],
    [{ when: new Date(0) }, /value\.when: expected plain objects and arrays, .* got a Date/],
    [{ data: new Float32Array(2) }, /value\.data: .* got a Float32Array/],
    [{ m: new Map() }, /value\.m: .* got a Map/],
    [{ constructor: 1 }, /value: expected keys that are no reserved words, got constructor/],
    [JSON.parse('{"__proto__": 1}'), /value: .* reserved words, got __proto__/],
    [{ $number: 'NaN' }, /value: .* reserved words, got \$number/],
    [cycle, /expected at most 100 levels of nesting, got more; remove cycles/],
  ];
  for (const [value, message] of cases) {
    assert.throws(() => encodeJson(value, 'value'), { name: 'ArtifactError', message });
  }
  assert.throws(
    () => encodeJson([1, Number.NaN], 'value', false),
    /value\[1\]: expected a finite number, as JSON has it, got NaN/,
  );
});

test('an object without a prototype is plain data, one with a hidden constructor is not', () => {
  assert.deepEqual(encodeJson(Object.assign(Object.create(null), { a: 1 }), 'value'), { a: 1 });
  assert.throws(() => encodeJson(Object.create({ constructor: null }), 'value'), ArtifactError);
});

test('hostile JSON text is refused, and reaches no prototype', () => {
  const cases: [string, RegExp][] = [
    ['', /file: expected JSON/],
    ['{"a": 1', /file: expected JSON/],
    ['NaN', /file: expected JSON/],
    ['\ufeff{}', /file: expected JSON/],
    ['{"a": {"__proto__": {"polluted": true}}}', /file\.a: .* reserved words, got __proto__/],
    ['{"a": [{"constructor": {"prototype": {}}}]}', /file\.a\[0\]: .* got constructor/],
    ['{"prototype": 1}', /reserved words, got prototype/],
    ['{"\\u005f_proto__": 1}', /reserved words, got __proto__/],
    ['{"$number": "Infinite"}', /file: expected one of NaN, Infinity.* got "Infinite"/],
    ['{"$number": {"toString": 1}}', /expected one of NaN/],
    ['['.repeat(100_000) + ']'.repeat(100_000), /at most 100 levels of nesting/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => parseJson(bytesOf(text), 'file'),
      { name: 'ArtifactError', message },
      text.slice(0, 60),
    );
  }
  assert.throws(() => parseJson(new Uint8Array([0x22, 0xff, 0x22]), 'file'), /file: expected JSON/);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test('fields are checked by name and value', () => {
  assert.throws(() => asRecord({ a: 1 }, 'file', ['a', 'b']), /file: expected the field b, got none/);
  assert.throws(() => asRecord({ a: 1, c: 1 }, 'file', ['a'], ['b']), /expected no fields but a, b, got "c"/);
  assert.throws(() => asRecord([1], 'file', []), /file: expected an object, got \[1\]/);
  assert.throws(() => asRecord({}, 'file', ['toString']), /expected the field toString/);
  for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '3', null, [3]]) {
    assert.throws(() => asCount(value, 'bytes'), /bytes: expected a whole number of 0 or more, got /);
  }
  assert.equal(asCount(2 ** 53 - 1, 'bytes'), 2 ** 53 - 1);
});
