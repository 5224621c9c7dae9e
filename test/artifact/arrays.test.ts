import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  edgesOf,
  graphTable,
  type NumericArray,
  packTable,
  planTable,
  takeArray,
  unpackTable,
} from '../../src/artifact/arrays.js';
import type { Json } from '../../src/artifact/json.js';

const arrays: Record<string, NumericArray> = {
  bytes: { data: new Uint8Array([1, 2, 255]), shape: [3] },
  'dense_Dense1/kernel/m': { data: new Float32Array([Number.NaN, -0, 1e-45, 3e38, 1, 2]), shape: [2, 3] },
  empty: { data: new Float64Array(0), shape: [4, 0] },
  scalar: { data: new Float64Array([Math.PI]), shape: [] },
  ids: { data: new Int32Array([-(2 ** 31), 2 ** 31 - 1]), shape: [2, 1] },
  counts: { data: new Uint32Array([2 ** 32 - 1]), shape: [1] },
  short: { data: new Uint16Array([65535]), shape: [1] },
};

test('arrays of every type come back bit by bit, also from the middle of a buffer', () => {
  const inner = new Float32Array(new Float32Array([9, 1, 2, 9]).buffer, 4, 2);
  const all = { ...arrays, inner: { data: inner, shape: [2] } };
  const packed = packTable({ state: {}, arrays: all }, 'graph');
  const slots = planTable(packed.arrays, 'graph.arrays', packed.bytes.length);
  // An odd start in memory, as a reader may give.
  const odd = new Uint8Array(packed.bytes.length + 1).subarray(1);
  odd.set(packed.bytes);
  const back = unpackTable(slots, odd);
  assert.deepEqual(Object.keys(back), Object.keys(all));
  for (const [name, { data, shape }] of Object.entries(all)) {
    assert.deepEqual(back[name]!.shape, shape, name);
    assert.equal(back[name]!.data.constructor, data.constructor, name);
    assert.deepEqual(bits(back[name]!.data), bits(data), name);
  }
});

test('every array starts at a multiple of 8 bytes, and the gaps are zero', () => {
  const { bytes, arrays: list } = packTable({ state: {}, arrays }, 'graph');
  for (const entry of list) assert.equal((entry.offset as number) % 8, 0);
  assert.deepEqual([...bytes.subarray(3, 8)], [0, 0, 0, 0, 0]);
});

test('an array that does not fit its shape, or has no savable name or type, is not packed', () => {
  const pack = (name: string, data: unknown, shape: number[]) =>
    packTable({ state: {}, arrays: { [name]: { data: data as Float32Array, shape } } }, 'graph');
  assert.throws(
    () => pack('a', new Float32Array(5), [2, 3]),
    /graph\.a: expected 6 numbers for shape \[2,3\], got 5/,
  );
  assert.throws(() => pack('a', new Float32Array(1), [-1, -1]), /expected (1 numbers|a shape that memory)/);
  assert.throws(() => pack('a', new Float32Array(1), [Number.NaN]), /expected a shape that memory can hold/);
  assert.throws(() => pack('a', [1, 2], [2]), /graph\.a: expected one of float32, float64.* got Array/);
  assert.throws(() => pack('a', new BigInt64Array(1), [1]), /expected one of .* got BigInt64Array/);
  assert.throws(
    () => pack('constructor', new Float32Array(1), [1]),
    /expected a name .* no reserved word, got "constructor"/,
  );
  assert.throws(
    () => pack('x'.repeat(201), new Float32Array(1), [1]),
    /expected a name of 1 to 200 characters/,
  );
});

test('a hostile list of arrays is refused before anything is allocated', () => {
  const good = { name: 'a', dtype: 'float32', shape: [2, 3], offset: 0 };
  const cases: [Json, RegExp][] = [
    [{}, /list: expected a list/],
    [[1], /list\[0\]: expected an object/],
    [[{ ...good, extra: 1 }], /expected no fields but .*, got "extra"/],
    [[{ name: 'a', dtype: 'float32', shape: [6] }], /expected the field offset, got none/],
    [[good, { ...good, offset: 24 }], /list\[1\]\.name: expected each name once, got "a" twice/],
    [[{ ...good, name: '__proto__' }], /no reserved word, got "__proto__"/],
    [[{ ...good, name: '' }], /expected a text/],
    [[{ ...good, dtype: 'complex128' }], /dtype: expected one of float32.* got "complex128"/],
    [[{ ...good, dtype: 'toString' }], /expected one of .* got "toString"/],
    [[{ ...good, shape: 6 }], /shape: expected a list, got 6/],
    [[{ ...good, shape: [-6] }], /shape\[0\]: expected a whole number of 0 or more, got -6/],
    [[{ ...good, shape: [-2, -3] }], /shape\[0\]: expected .* got -2/],
    [[{ ...good, shape: [Number.NaN] }], /got NaN/],
    [[{ ...good, shape: [Number.POSITIVE_INFINITY, 0] }], /got Infinity/],
    [[{ ...good, shape: [1.5, 4] }], /got 1\.5/],
    [[{ ...good, shape: ['6'] }], /got "6"/],
    [[{ ...good, shape: [2 ** 40] }], /expected arrays of 24 bytes, the size of the file, got 4398046511104/],
    [[{ ...good, shape: [2 ** 30, 2 ** 30] }], /memory can hold, got \[1073741824,1073741824\]/],
    [[{ ...good, offset: -8 }], /offset: expected a whole number of 0 or more, got -8/],
    [[{ ...good, offset: 8 }], /offset: expected 0, where the array starts, got 8/],
    [[{ ...good, shape: [4] }], /expected arrays of 24 bytes, the size of the file, got 16/],
    [[good, { ...good, name: 'b', offset: 0 }], /offset: expected 24, where the array starts, got 0/],
  ];
  for (const [list, message] of cases) {
    assert.throws(
      () => planTable(list, 'list', 24),
      { name: 'ArtifactError', message },
      JSON.stringify(list),
    );
  }
});

test('takeArray gives an array of the dtype and shape that were asked for, or an error with what there is', () => {
  const table = { state: {}, arrays };
  assert.equal(takeArray(table, 'ids', 'int32', [2, 1]), arrays.ids!.data);
  assert.throws(() => takeArray(table, 'nope', 'int32'), /expected the array nope, got bytes, dense_Dense1/);
  assert.throws(() => takeArray(table, 'toString', 'int32'), /expected the array toString/);
  assert.throws(() => takeArray(table, 'ids', 'float32'), /ids: expected float32, got Int32Array/);
  assert.throws(() => takeArray(table, 'ids', 'int32', [2]), /expected shape \[2\], got \[2,1\]/);
});

test('a graph comes back from its table, and a hostile one does not', () => {
  const edges = () => ({
    head: new Int32Array([0, 1, 2]),
    tail: new Int32Array([1, 2, 0]),
    weight: new Float32Array([1, 0.5, 1e-9]),
    vertices: 3,
  });
  const table = graphTable(edges());
  assert.deepEqual(table.state, { vertices: 3, edges: 3 });
  assert.deepEqual(edgesOf(table), edges());
  const cases: [(graph: ReturnType<typeof edges>) => void, RegExp][] = [
    [(graph) => graph.head.set([3], 1), /edge 1: expected ends from 0 to 2, got 3 and 2/],
    [(graph) => graph.tail.set([-1], 2), /edge 2: expected ends .* got 2 and -1/],
    [(graph) => graph.weight.set([0], 0), /edge 0: expected a weight above 0 and at most 1, got 0/],
    [(graph) => graph.weight.set([Number.NaN], 0), /edge 0: .* got NaN/],
    [(graph) => graph.weight.set([1.5], 2), /edge 2: .* got 1\.5/],
    [
      (graph) => Object.assign(graph, { tail: new Int32Array(2) }),
      /tail: expected shape \[3\]|expected 3 numbers/,
    ],
    [(graph) => Object.assign(graph, { vertices: 2 }), /expected ends from 0 to 1/],
    [(graph) => Object.assign(graph, { vertices: -1 }), /graph\.vertices: expected a whole number/],
  ];
  for (const [spoil, message] of cases) {
    const graph = edges();
    spoil(graph);
    assert.throws(() => graphTable(graph), { name: 'ArtifactError', message });
  }
  assert.throws(
    () => edgesOf({ state: { vertices: 3, edges: 2 }, arrays: table.arrays }),
    /expected shape \[2\]/,
  );
  assert.throws(() => edgesOf({ state: {}, arrays: table.arrays }), /graph\.vertices: expected/);
});

function bits(data: NumericArray['data']): number[] {
  return [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
}
