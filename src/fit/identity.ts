/** What a checkpoint recognizes its fit by: short descriptions of values, with a hash where they are long. */

import { describe } from '../core/errors.js';
import { blockOf, type Pauses, type Work } from '../core/pauses.js';
import { isPlain } from '../core/realms.js';
import { isTensor } from '../data/forms.js';

/** Descriptions by name, as plain data. */
export type Identity = Readonly<Record<string, string | number | boolean | null>>;

/** Longest plain value that is described by its JSON. */
const BRIEF = 100;

/**
 * Describes each value that is not undefined. Numbers count, not their form of arrays; functions and networks are told by
 * their kind alone, since their contents cannot be compared.
 */
export async function identityOf(
  values: Readonly<Record<string, unknown>>,
  pauses: Pauses,
): Promise<Identity> {
  const identity: Record<string, Identity[string]> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) identity[name] = await described(value, pauses);
  }
  return identity;
}

async function described(value: unknown, pauses: Pauses): Promise<Identity[string]> {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  // As text, because JSON has no NaN.
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object') return describe(value);
  if (isTensor(value)) return described({ data: await value.data(), shape: value.shape }, pauses);
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return `numbers ${await hashOf(value, pauses)}`;
  if (!isPlain(value)) return describe(value);
  const fields: Record<string, unknown> = {};
  for (const [key, part] of Object.entries(value)) fields[key] = await described(part, pauses);
  const text = JSON.stringify(fields);
  return text.length <= BRIEF ? text : `values ${await hashOf(text, pauses)}`;
}

/** How two identities differ, in words; empty if they do not. */
export function differences(saved: Identity, present: Identity, what: string): string[] {
  const names = new Set([...Object.keys(saved), ...Object.keys(present)]);
  return [...names]
    .filter((name) => saved[name] !== present[name])
    .map((name) => {
      const [before, now] = [saved[name] ?? 'none', present[name] ?? 'none'];
      const hashed = [before, now].some((value) => /(numbers|values) [0-9a-f]{16}/.test(String(value)));
      return `${what}${name} (${hashed ? 'with other values' : `${before} in the checkpoint, ${now} now`})`;
    });
}

async function hashOf(value: unknown, pauses: Pauses): Promise<string> {
  const state = new Uint32Array([0x9e3779b9, 0x85ebca6b]);
  await pauses.run(hashInto(state, value));
  return Array.from(state, (word) => word.toString(16).padStart(8, '0')).join('');
}

const number = new Float64Array(1);
const words = new Int32Array(number.buffer);

/** Mixes all that a value holds into a state of two words. */
function* hashInto(state: Uint32Array, value: unknown): Work<void> {
  if (ArrayBuffer.isView(value)) return yield* hashBytes(state, value);
  if (Array.isArray(value)) {
    mix(state, value.length);
    for (const [i, part] of value.entries()) {
      if (typeof part === 'number') mixNumber(state, part);
      else yield* hashInto(state, part);
      if (i % 4096 === 0) yield;
    }
    return;
  }
  if (typeof value === 'number') return mixNumber(state, value);
  for (const letter of `${typeof value} ${String(value)}`) mix(state, letter.codePointAt(0)!);
}

function* hashBytes(state: Uint32Array, { buffer, byteOffset, byteLength }: ArrayBufferView): Work<void> {
  mix(state, byteLength);
  const aligned = byteOffset % 4 === 0 ? byteLength >> 2 : 0;
  const list = new Int32Array(buffer, aligned > 0 ? byteOffset : 0, aligned);
  const block = blockOf(1);
  for (let from = 0; from < aligned; from += block) {
    mixAll(state, list, from, Math.min(aligned, from + block));
    yield;
  }
  for (const byte of new Uint8Array(buffer, byteOffset + 4 * aligned, byteLength - 4 * aligned))
    mix(state, byte);
}

function mixAll(state: Uint32Array, list: Int32Array, from: number, to: number): void {
  let a = state[0]!;
  let b = state[1]!;
  for (let i = from; i < to; i++) {
    a = Math.imul(a ^ list[i]!, 0x01000193);
    b = Math.imul(b + list[i]!, 0x85ebca6b);
    a ^= b >>> 15;
    b ^= b >>> 13;
  }
  state[0] = a;
  state[1] = b;
}

const one = new Int32Array(1);

function mix(state: Uint32Array, value: number): void {
  one[0] = value;
  mixAll(state, one, 0, 1);
}

function mixNumber(state: Uint32Array, value: number): void {
  number[0] = value;
  mixAll(state, words, 0, 2);
}
