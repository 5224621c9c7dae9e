/** Checked JSON: writing loses nothing, and every field that is read is checked first. */
import { ArtifactError } from '../core/errors.js';
import { isError, isPlain } from '../core/realms.js';
import { fromUtf8 } from '../core/utf8.js';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** Deeper nesting than any model needs, and shallow enough for recursion. */
const maxDepth = 100;

/** Keys that reach an object's prototype when a reader copies them without care. */
const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** JSON cannot express these numbers; they are written as `{"$number": "NaN"}`. */
const numberKey = '$number';
const namedNumbers: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
]);

/** Whether a key may be in a saved object or name a saved array. */
export function isSafeKey(key: string): boolean {
  return !forbiddenKeys.has(key);
}

/**
 * A copy of `value` that `JSON.stringify` writes without loss. Properties that are `undefined` are left out.
 * NaN, ±Infinity and -0 are marked so that `parseJson` gives them back, or an `ArtifactError` when `marks` is false.
 * Functions, class instances, typed arrays, big integers, cycles and keys such as `__proto__` are an `ArtifactError`.
 */
export function encodeJson(value: unknown, where: string, marks = true, depth = 0): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return encodeNumber(value, where, marks);
  if (typeof value !== 'object') {
    throw new ArtifactError(`${where}: expected plain data, which alone can be saved, got a ${typeof value}`);
  }
  if (depth > maxDepth) {
    throw new ArtifactError(
      `${where}: expected at most ${maxDepth} levels of nesting, got more; remove cycles`,
    );
  }
  if (Array.isArray(value)) {
    return Array.from(value, (item, i) => encodeJson(item, `${where}[${i}]`, marks, depth + 1));
  }
  if (!isPlain(value)) {
    const name = typeof value.constructor === 'function' ? value.constructor.name : 'object of a class';
    throw new ArtifactError(
      `${where}: expected plain objects and arrays, which alone can be saved as JSON, got a ${name}`,
    );
  }
  const copy: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    if (!isSafeKey(key) || key === numberKey) {
      throw new ArtifactError(`${where}: expected keys that are no reserved words, got ${key}`);
    }
    if (item !== undefined) copy[key] = encodeJson(item, `${where}.${key}`, marks, depth + 1);
  }
  return copy;
}

function encodeNumber(value: number, where: string, marks: boolean): Json {
  if (Number.isFinite(value) && !Object.is(value, -0)) return value;
  if (marks) return { [numberKey]: Object.is(value, -0) ? '-0' : String(value) };
  if (value === 0) return 0;
  throw new ArtifactError(`${where}: expected a finite number, as JSON has it, got ${value}`);
}

/** Parses UTF-8 bytes into a checked copy; `where` names them in messages. The reverse of `encodeJson`. */
export function parseJson(bytes: Uint8Array, where: string): Json {
  let parsed: unknown;
  try {
    parsed = JSON.parse(fromUtf8(bytes, true));
  } catch (cause) {
    throw new ArtifactError(
      `${where}: expected JSON, got another text or a part of it (${messageOf(cause)})`,
      { cause },
    );
  }
  return decodeJson(parsed, where, 0);
}

function decodeJson(value: unknown, where: string, depth: number): Json {
  if (value === null || typeof value !== 'object') return value as Json;
  if (depth > maxDepth)
    throw new ArtifactError(
      `${where.slice(0, 80)}: expected at most ${maxDepth} levels of nesting, got more`,
    );
  if (Array.isArray(value)) return value.map((item, i) => decodeJson(item, `${where}[${i}]`, depth + 1));
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]![0] === numberKey) {
    const number = namedNumbers.get(entries[0]![1] as string);
    if (number === undefined) {
      throw new ArtifactError(
        `${where}: expected one of ${[...namedNumbers.keys()].join(', ')}, got ${show(entries[0]![1])}`,
      );
    }
    return number;
  }
  const copy: Record<string, Json> = {};
  for (const [key, item] of entries) {
    if (!isSafeKey(key))
      throw new ArtifactError(`${where}: expected keys that are no reserved words, got ${key}`);
    copy[key] = decodeJson(item, `${where}.${key}`, depth + 1);
  }
  return copy;
}

/** `value` as an object that has every `required` key and no other than those and the `optional` ones. */
export function asRecord(
  value: Json | undefined,
  where: string,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  const record = asObject(value, where);
  for (const key of required) {
    if (!Object.hasOwn(record, key)) throw new ArtifactError(`${where}: expected the field ${key}, got none`);
  }
  for (const key of Object.keys(record)) {
    if (!required.includes(key) && !optional.includes(key)) {
      const known = [...required, ...optional].join(', ');
      throw new ArtifactError(`${where}: expected no fields but ${known}, got ${show(key)}`);
    }
  }
  return record;
}

/** `value` as an object with any keys. */
export function asObject(value: Json | undefined, where: string): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new ArtifactError(`${where}: expected an object, got ${show(value)}`);
  }
  return value as JsonObject;
}

/** `value` as a list. */
export function asList(value: Json | undefined, where: string): readonly Json[] {
  if (!Array.isArray(value)) throw new ArtifactError(`${where}: expected a list, got ${show(value)}`);
  return value;
}

/** `value` as a string of at least one character. */
export function asString(value: Json | undefined, where: string): string {
  if (typeof value !== 'string' || value === '') {
    throw new ArtifactError(`${where}: expected a text of 1 character or more, got ${show(value)}`);
  }
  return value;
}

/** `value` as a whole number of 0 or more. */
export function asCount(value: Json | undefined, where: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new ArtifactError(`${where}: expected a whole number of 0 or more, got ${show(value)}`);
  }
  return value;
}

/** Numbers in a shape. A product beyond 2^53 is an `ArtifactError`. */
export function sizeOf(shape: readonly number[], where: string): number {
  let size = 1;
  for (const length of shape) size *= length >= 0 ? length : Number.NaN;
  if (!Number.isSafeInteger(size)) {
    throw new ArtifactError(`${where}: expected a shape that memory can hold, got ${show(shape)}`);
  }
  return size;
}

/** `value` as a shape: a list of whole numbers of 0 or more. */
export function asShape(value: Json | undefined, where: string): number[] {
  return asList(value, where).map((length, i) => asCount(length, `${where}[${i}]`));
}

/** A value for a message: JSON, cut short. */
export function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return isError(error) ? error.message : String(error);
}
