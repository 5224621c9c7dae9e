/** Named typed arrays <-> the bytes of one file, with a description of each array for the manifest. */

import { ArtifactError } from '../core/errors.js';
import { className, isA } from '../core/realms.js';
import type { Edges } from '../core/types.js';
import {
  asCount,
  asList,
  asRecord,
  asShape,
  asString,
  isSafeKey,
  type Json,
  type JsonObject,
  show,
  sizeOf,
} from './json.js';

const arrayTypes = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
} as const;

export type Dtype = keyof ArrayTypes;
/** The typed array of each dtype. */
export interface ArrayTypes {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  uint32: Uint32Array;
  uint16: Uint16Array;
  uint8: Uint8Array;
}

/** A row-major array of numbers; `data` is as long as the product of `shape`. */
export interface NumericArray {
  readonly data: ArrayTypes[Dtype];
  readonly shape: readonly number[];
}

/** One binary file of a saved model: arrays by name, and what describes them in JSON. */
export interface Table {
  readonly state: object;
  readonly arrays: Readonly<Record<string, NumericArray>>;
}

/** Position of one array in its file. */
export interface Slot {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly length: number;
  readonly offset: number;
}

/** Every array starts at a multiple of this, so that readers in other languages may map the file. */
const alignment = 8;
const longestName = 200;

/** The bytes of a table's arrays, and the list for the manifest: `{name, dtype, shape, offset}` in file order. */
export function packTable(table: Table, where: string): { bytes: Uint8Array; arrays: JsonObject[] } {
  const slots: Slot[] = [];
  let end = 0;
  for (const [name, array] of Object.entries(table.arrays)) {
    const slot = slotFor(name, array, where, end);
    end = slot.offset + array.data.byteLength;
    slots.push(slot);
  }
  const bytes = new Uint8Array(end);
  for (const slot of slots) {
    const { buffer, byteOffset, byteLength } = table.arrays[slot.name]!.data;
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), slot.offset);
  }
  const arrays = slots.map(({ name, dtype, shape, offset }) => ({ name, dtype, shape, offset }));
  return { bytes, arrays };
}

function slotFor(name: string, array: NumericArray, where: string, end: number): Slot {
  const at = `${where}.${name}`;
  checkName(name, at);
  const found = Object.entries(arrayTypes).find(([, type]) => isA(type.name, array.data));
  if (found === undefined) {
    throw new ArtifactError(
      `${at}: expected one of ${Object.keys(arrayTypes).join(', ')}, got ${className(array.data)}`,
    );
  }
  const length = sizeOf(array.shape, at);
  if (length !== array.data.length) {
    const shape = show(array.shape);
    throw new ArtifactError(`${at}: expected ${length} numbers for shape ${shape}, got ${array.data.length}`);
  }
  return { name, dtype: found[0] as Dtype, shape: [...array.shape], length, offset: align(end) };
}

/** The checked list of a manifest, against the size of its file: nothing is allocated for it yet. */
export function planTable(list: Json | undefined, where: string, bytes: number): readonly Slot[] {
  const slots: Slot[] = [];
  const seen = new Set<string>();
  let end = 0;
  for (const [i, item] of asList(list, where).entries()) {
    const at = `${where}[${i}]`;
    const entry = asRecord(item, at, ['name', 'dtype', 'shape', 'offset']);
    const name = asString(entry.name, `${at}.name`);
    checkName(name, `${at}.name`);
    if (seen.has(name))
      throw new ArtifactError(`${at}.name: expected each name once, got ${show(name)} twice`);
    seen.add(name);
    const dtype = asString(entry.dtype, `${at}.dtype`);
    if (!isDtype(dtype)) {
      const known = Object.keys(arrayTypes).join(', ');
      throw new ArtifactError(`${at}.dtype: expected one of ${known}, got ${show(dtype)}`);
    }
    const shape = asShape(entry.shape, `${at}.shape`);
    const length = sizeOf(shape, `${at}.shape`);
    const offset = asCount(entry.offset, `${at}.offset`);
    if (offset !== align(end)) {
      throw new ArtifactError(`${at}.offset: expected ${align(end)}, where the array starts, got ${offset}`);
    }
    end = offset + length * arrayTypes[dtype].BYTES_PER_ELEMENT;
    slots.push({ name, dtype, shape, length, offset });
  }
  if (end !== bytes)
    throw new ArtifactError(`${where}: expected arrays of ${bytes} bytes, the size of the file, got ${end}`);
  return slots;
}

/** The arrays of a plan, copied out of the bytes of the file. */
export function unpackTable(slots: readonly Slot[], bytes: Uint8Array): Record<string, NumericArray> {
  const arrays: Record<string, NumericArray> = {};
  for (const { name, dtype, shape, length, offset } of slots) {
    const data = new arrayTypes[dtype](length);
    const target = new Uint8Array(data.buffer);
    target.set(bytes.subarray(offset, offset + target.length));
    arrays[name] = { data, shape };
  }
  return arrays;
}

/**
 * One array of a loaded table, with its dtype checked, and its shape where `shape` is given. Throws `ArtifactError` with
 * the expected and the actual value.
 */
export function takeArray<D extends Dtype>(
  table: Table,
  name: string,
  dtype: D,
  shape?: readonly number[],
): ArrayTypes[D] {
  const found = Object.hasOwn(table.arrays, name) ? table.arrays[name] : undefined;
  if (found === undefined) {
    const names = Object.keys(table.arrays).join(', ') || 'none';
    throw new ArtifactError(`saved model: expected the array ${name}, got ${names}`);
  }
  if (!isA(arrayTypes[dtype].name, found.data)) {
    const came = className(found.data);
    throw new ArtifactError(`saved model: the array ${name}: expected ${dtype}, got ${came}`);
  }
  if (shape !== undefined && JSON.stringify(shape) !== JSON.stringify(found.shape)) {
    const came = show(found.shape);
    throw new ArtifactError(`saved model: the array ${name}: expected shape ${show(shape)}, got ${came}`);
  }
  return found.data as ArrayTypes[D];
}

/** A graph as a table: `state` holds the numbers of vertices and edges. */
export function graphTable(edges: Edges): Table {
  const { head, tail, weight, vertices } = edges;
  const table = {
    state: { vertices, edges: head.length },
    arrays: { head: flat(head), tail: flat(tail), weight: flat(weight) },
  };
  edgesOf(table);
  return table;
}

/** The graph in a table made by `graphTable`, with every edge checked: ends below `vertices`, weights in (0, 1]. */
export function edgesOf(table: Table): Edges {
  const state = table.state as JsonObject;
  const vertices = asCount(state.vertices, 'saved model: graph.vertices');
  const count = asCount(state.edges, 'saved model: graph.edges');
  const head = takeArray(table, 'head', 'int32', [count]);
  const tail = takeArray(table, 'tail', 'int32', [count]);
  const weight = takeArray(table, 'weight', 'float32', [count]);
  for (let i = 0; i < count; i++) {
    const from = head[i]!;
    const to = tail[i]!;
    if (from < 0 || from >= vertices || to < 0 || to >= vertices) {
      throw new ArtifactError(
        `saved model: edge ${i}: expected ends from 0 to ${vertices - 1}, got ${from} and ${to}`,
      );
    }
    if (!(weight[i]! > 0 && weight[i]! <= 1)) {
      throw new ArtifactError(
        `saved model: edge ${i}: expected a weight above 0 and at most 1, got ${weight[i]}`,
      );
    }
  }
  return { head, tail, weight, vertices };
}

function flat(data: NumericArray['data']): NumericArray {
  return { data, shape: [data.length] };
}

function isDtype(name: string): name is Dtype {
  return Object.hasOwn(arrayTypes, name);
}

function align(offset: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

function checkName(name: string, where: string): void {
  if (name === '' || name.length > longestName || !isSafeKey(name)) {
    throw new ArtifactError(
      `${where}: expected a name of 1 to ${longestName} characters that is no reserved word, got ${show(name)}`,
    );
  }
}
