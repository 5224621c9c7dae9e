/** JSON of saved models: written without loss, and validated when read. */
import { ArtifactError } from '../core/errors.js';
import { isError, isPlain } from '../core/realms.js';
import { fromUtf8 } from '../core/utf8.js';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** Deepest nesting: more than any model needs, and safe for recursion. */
const maxDepth = 100;

/** Keys through which a careless reader would change a prototype. */
const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Numbers that JSON cannot express; they are written as `{"$number": "NaN"}`. */
const numberKey = '$number';
const namedNumbers: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
]);

const damaged = 'the file was damaged or edited; save the model again';

/** The error for a part of a saved model: `saved model: <where>: expected …, got …; <what to do>`. */
export function invalid(
  where: string,
  expected: string,
  got: string,
  advice = damaged,
  cause?: unknown,
): ArtifactError {
  const message = `saved model: ${where}: expected ${expected}, got ${got}; ${advice}`;
  return new ArtifactError(message, cause === undefined ? undefined : { cause });
}

/** Whether a key may be used in a saved object or name a saved array. */
export function isSafeKey(key: string): boolean {
  return !forbiddenKeys.has(key);
}

/**
 * A copy of `value` that `JSON.stringify` writes without loss. Properties that are `undefined` are left out. NaN,
 * ±Infinity and -0 are marked so that `parseJson` restores them, or rejected if `marks` is false. `where` is named in
 * messages. Throws `ArtifactError` for functions, class instances, typed arrays, bigints, cycles and keys such as
 * `__proto__`.
 */
export function encodeJson(value: unknown, where: string, marks = true, depth = 0): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return encodeNumber(value, where, marks);
  if (typeof value !== 'object') {
    throw invalid(where, 'plain data', `a ${typeof value}`, 'leave it out, and pass it again to load');
  }
  if (depth > maxDepth) {
    throw invalid(where, `at most ${maxDepth} levels`, 'more', 'remove the cycle, if there is one');
  }
  if (Array.isArray(value)) {
    return Array.from(value, (item, i) => encodeJson(item, `${where}[${i}]`, marks, depth + 1));
  }
  if (!isPlain(value)) {
    const name = typeof value.constructor === 'function' ? value.constructor.name : 'object of a class';
    throw invalid(where, 'plain objects and arrays', `a ${name}`, 'convert it first');
  }
  const copy: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    if (!isSafeKey(key) || key === numberKey) {
      throw invalid(where, 'a permitted key', key, 'rename it');
    }
    if (item !== undefined) copy[key] = encodeJson(item, `${where}.${key}`, marks, depth + 1);
  }
  return copy;
}

function encodeNumber(value: number, where: string, marks: boolean): Json {
  if (Number.isFinite(value) && !Object.is(value, -0)) return value;
  if (marks) return { [numberKey]: Object.is(value, -0) ? '-0' : String(value) };
  if (value === 0) return 0;
  throw invalid(where, 'a number that JSON can express', `${value}`, 'use a finite number');
}

/** Parses UTF-8 bytes: the inverse of `encodeJson`. `where` is named in messages. Throws `ArtifactError`. */
export function parseJson(bytes: Uint8Array, where: string): Json {
  let parsed: unknown;
  try {
    parsed = JSON.parse(fromUtf8(bytes, true));
  } catch (cause) {
    throw invalid(where, 'JSON', `other or truncated text (${messageOf(cause)})`, damaged, cause);
  }
  return decodeJson(parsed, where, 0);
}

function decodeJson(value: unknown, where: string, depth: number): Json {
  if (value === null || typeof value !== 'object') return value as Json;
  if (depth > maxDepth) throw invalid(where.slice(0, 80), `at most ${maxDepth} levels`, 'more');
  if (Array.isArray(value)) return value.map((item, i) => decodeJson(item, `${where}[${i}]`, depth + 1));
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]![0] === numberKey) {
    const number = namedNumbers.get(entries[0]![1] as string);
    if (number === undefined) throw invalid(where, 'the name of a number', show(entries[0]![1]));
    return number;
  }
  const copy: Record<string, Json> = {};
  for (const [key, item] of entries) {
    if (!isSafeKey(key)) throw invalid(where, 'a permitted key', key);
    copy[key] = decodeJson(item, `${where}.${key}`, depth + 1);
  }
  return copy;
}

/** `value` as an object that has every `required` key, and no others except `optional` ones. */
export function asRecord(
  value: Json | undefined,
  where: string,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  const record = asObject(value, where);
  for (const key of required) {
    if (!Object.hasOwn(record, key)) throw invalid(where, `a field ${key}`, 'none');
  }
  for (const key of Object.keys(record)) {
    if (!required.includes(key) && !optional.includes(key)) {
      throw invalid(where, `only the fields ${[...required, ...optional].join(', ')}`, show(key));
    }
  }
  return record;
}

/** `value` as an object with any keys. */
export function asObject(value: Json | undefined, where: string): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw invalid(where, 'an object', show(value));
  }
  return value as JsonObject;
}

/** `value` as a list. */
export function asList(value: Json | undefined, where: string): readonly Json[] {
  if (!Array.isArray(value)) throw invalid(where, 'a list', show(value));
  return value;
}

/** `value` as a string that is not empty. */
export function asString(value: Json | undefined, where: string): string {
  if (typeof value !== 'string' || value === '') throw invalid(where, 'a text', show(value));
  return value;
}

/** `value` as an integer of at least 0. */
export function asCount(value: Json | undefined, where: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw invalid(where, 'an integer of at least 0', show(value));
  }
  return value;
}

/** The number of entries of a shape. Throws `ArtifactError` beyond 2^53. */
export function sizeOf(shape: readonly number[], where: string): number {
  let size = 1;
  for (const length of shape) size *= length >= 0 ? length : Number.NaN;
  if (!Number.isSafeInteger(size)) {
    throw invalid(where, 'a shape that memory can hold', show(shape));
  }
  return size;
}

/** `value` as a shape: a list of integers of at least 0. */
export function asShape(value: Json | undefined, where: string): number[] {
  return asList(value, where).map((length, i) => asCount(length, `${where}[${i}]`));
}

/** A value for a message: JSON, truncated to 60 characters. */
export function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return isError(error) ? error.message : String(error);
}
