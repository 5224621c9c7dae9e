/** Named typed arrays as the bytes of one file, with a description of each array for the manifest. */

import { className, isA } from '../core/realms.js';
import type { Edges } from '../core/types.js';
import {
  asCount,
  asList,
  asRecord,
  asShape,
  asString,
  invalid,
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
const dtypes = Object.keys(arrayTypes).join(', ');

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

/** One binary file of a saved model: arrays by name, and a state in JSON. */
export interface Table {
  readonly state: object;
  readonly arrays: Readonly<Record<string, NumericArray>>;
}

/** Layout of one array in its file; `offset` in bytes, `length` in numbers. */
export interface Slot {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly length: number;
  readonly offset: number;
}

/** Arrays start at multiples of this, in bytes, so that readers in other languages can memory-map the file. */
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
    throw invalid(at, `one of ${dtypes}`, className(array.data), 'convert it first');
  }
  const length = sizeOf(array.shape, at);
  if (length !== array.data.length) {
    const expected = `${length} numbers for shape ${show(array.shape)}`;
    throw invalid(at, expected, `${array.data.length}`, 'correct the shape');
  }
  return { name, dtype: found[0] as Dtype, shape: [...array.shape], length, offset: align(end) };
}

/** Validates the list of arrays in a manifest against the size of the file, before anything is allocated. */
export function planTable(list: Json | undefined, where: string, bytes: number): readonly Slot[] {
  const slots: Slot[] = [];
  const seen = new Set<string>();
  let end = 0;
  for (const [i, item] of asList(list, where).entries()) {
    const at = `${where}[${i}]`;
    const entry = asRecord(item, at, ['name', 'dtype', 'shape', 'offset']);
    const name = asString(entry.name, `${at}.name`);
    checkName(name, `${at}.name`);
    if (seen.has(name)) throw invalid(`${at}.name`, 'distinct names', `${show(name)} twice`);
    seen.add(name);
    const dtype = asString(entry.dtype, `${at}.dtype`);
    if (!isDtype(dtype)) throw invalid(`${at}.dtype`, `one of ${dtypes}`, show(dtype));
    const shape = asShape(entry.shape, `${at}.shape`);
    const length = sizeOf(shape, `${at}.shape`);
    const offset = asCount(entry.offset, `${at}.offset`);
    if (offset !== align(end)) throw invalid(`${at}.offset`, `${align(end)}`, `${offset}`);
    end = offset + length * arrayTypes[dtype].BYTES_PER_ELEMENT;
    slots.push({ name, dtype, shape, length, offset });
  }
  if (end !== bytes) throw invalid(where, `arrays of ${bytes} bytes, as the file`, `${end}`);
  return slots;
}

/** Copies the arrays of a plan out of the bytes of the file. */
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
 * One array of a loaded table. Throws `ArtifactError` if it is missing or has another dtype or, where `shape` is given,
 * another shape.
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
    throw invalid(`array ${name}`, 'it in the file', names);
  }
  if (!isA(arrayTypes[dtype].name, found.data)) {
    throw invalid(`array ${name}`, dtype, className(found.data));
  }
  if (shape !== undefined && JSON.stringify(shape) !== JSON.stringify(found.shape)) {
    throw invalid(`array ${name}`, `shape ${show(shape)}`, show(found.shape));
  }
  return found.data as ArrayTypes[D];
}

/** A graph as a table; the state holds the numbers of vertices and edges. */
export function graphTable(edges: Edges): Table {
  const { head, tail, weight, vertices } = edges;
  const table = {
    state: { vertices, edges: head.length },
    arrays: { head: flat(head), tail: flat(tail), weight: flat(weight) },
  };
  edgesOf(table);
  return table;
}

/** The graph in a table of `graphTable`. Throws `ArtifactError` for ends outside the vertices and weights outside (0, 1]. */
export function edgesOf(table: Table): Edges {
  const state = table.state as JsonObject;
  const vertices = asCount(state.vertices, 'graph.vertices');
  const count = asCount(state.edges, 'graph.edges');
  const head = takeArray(table, 'head', 'int32', [count]);
  const tail = takeArray(table, 'tail', 'int32', [count]);
  const weight = takeArray(table, 'weight', 'float32', [count]);
  for (let i = 0; i < count; i++) {
    const from = head[i]!;
    const to = tail[i]!;
    if (from < 0 || from >= vertices || to < 0 || to >= vertices) {
      throw invalid(`graph: edge ${i}`, `vertices below ${vertices}`, `${from} to ${to}`);
    }
    if (!(weight[i]! > 0 && weight[i]! <= 1)) {
      throw invalid(`graph: edge ${i}`, 'a weight above 0 and at most 1', `${weight[i]}`);
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
    throw invalid(where, `a safe name of 1 to ${longestName} characters`, show(name));
  }
}
