import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { packTable } from '../../src/artifact/arrays.js';
import { encodeJson, messageOf } from '../../src/artifact/json.js';
import { packNetwork } from '../../src/artifact/modelFiles.js';
import { useBackend } from '../../src/backend/choose.js';
import { asFloat32, className, isA, isError, isPlain } from '../../src/core/realms.js';
import * as tf from '../../src/core/tf.js';
import { fromUtf8, toUtf8 } from '../../src/core/utf8.js';
import type { ParametricUMAPOptions } from '../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../src/estimators/umap/parametricUmap.js';
import { groups } from '../helpers/data.js';
import { quick as plain } from '../subjects/parametricUmap.js';

await useBackend('wasm');

/** What an expression gives in another realm, where every class is another one. */
const elsewhere = <T>(expression: string): T => runInNewContext(`(${expression})`) as T;

test('values of another realm are recognized', () => {
  const floats = elsewhere<Float32Array>('new Float32Array([1, 2, 3]).subarray(1)');
  assert.equal(floats instanceof Float32Array, false, 'the test has another realm');
  assert.ok(isA('Float32Array', floats));
  assert.equal(className(elsewhere('new SharedArrayBuffer(8)')), 'SharedArrayBuffer');
  assert.ok(isA('Uint8Array', Buffer.from('a')));
  assert.ok(isPlain(elsewhere('{ a: 1 }')));
  assert.ok(isPlain(elsewhere('Object.create(null)')));
  assert.ok(isPlain({}));
  for (const other of [
    'new (class A {})()',
    'new Date()',
    'new Map()',
    'new Float32Array(1)',
    'Object.create({})',
  ]) {
    assert.equal(isPlain(elsewhere(other)), false, other);
  }
  assert.equal(isPlain(new (class A {})()), false);
  assert.ok(isError(elsewhere('new TypeError("far")')));
  assert.equal(isError({ message: 'no' }), false);
  assert.equal(messageOf(elsewhere('new Error("far")')), 'far');
});

test('32-bit floats of another realm are taken without a copy', () => {
  const own = Float32Array.of(1, 2);
  assert.equal(asFloat32(own), own);
  const far = elsewhere<Float32Array>('new Float32Array([1, 2, 3]).subarray(1)');
  const near = asFloat32(far);
  assert.ok(near instanceof Float32Array);
  assert.deepEqual([...near], [2, 3]);
  near[0] = 7;
  assert.equal(far[0], 7);
  assert.deepEqual([...asFloat32(elsewhere('new Float64Array([1.5])'))], [1.5]);
});

test('objects, arrays and buffers of another realm are saved', () => {
  const saved = JSON.stringify(encodeJson(elsewhere('{ a: [1, { b: NaN }], c: Object.create(null) }'), 'x'));
  assert.equal(saved, '{"a":[1,{"b":{"$number":"NaN"}}],"c":{}}');
  assert.throws(() => encodeJson(elsewhere('{ a: new Date() }'), 'x'), /x\.a: .*got a Date/);
  const data = elsewhere<Float32Array>('new Float32Array([1, 2])');
  const { bytes } = packTable({ state: {}, arrays: { far: { data, shape: [2] } } } as never, 'x');
  assert.deepEqual([...new Float32Array(bytes.buffer, 0, 2)], [1, 2]);
  const weightSpecs = [{ name: 'w', shape: [1], dtype: 'float32' as const }];
  const weightData = elsewhere<ArrayBuffer>('new Float32Array([3]).buffer');
  const { weights } = packNetwork({ weightSpecs, weightData, modelTopology: {} }, 'x');
  assert.deepEqual([...new Float32Array(weights.slice().buffer)], [3]);
});

test('rows, options, labels and indices of another realm work the same, from fit to load', async () => {
  const rows = groups();
  const quick = { ...plain, metric: 'minkowski' } as const;
  const far = runInNewContext(
    `({
      rows: JSON.parse(text),
      typed: JSON.parse(text).map((row) => Float32Array.from(row)),
      flat: { data: Float32Array.from(JSON.parse(text).flat()), shape: [${rows.length}, ${rows[0]!.length}] },
      options: { ...JSON.parse(quick), metricParams: { p: 3 } },
      indices: Int32Array.of(1, 2),
    })`,
    { text: JSON.stringify(rows), quick: JSON.stringify(quick) },
  ) as {
    rows: number[][];
    typed: Float32Array[];
    flat: { data: Float32Array; shape: number[] };
    options: Partial<ParametricUMAPOptions>;
    indices: Int32Array;
  };
  const own = await new ParametricUMAP({ ...quick, metricParams: { p: 3 } }).fit(rows);
  const map = await own.transform(rows);
  for (const X of [far.rows, far.typed, far.flat]) {
    const umap = await new ParametricUMAP(far.options).fit(X);
    assert.deepEqual(await umap.transform(rows), map);
    await umap.addLandmarks(far.rows, { indices: far.indices });
    const { fromFiles, toFiles } = await import('../../src/artifact/artifact.js');
    const files = await toFiles(await umap.toArtifact());
    // As a file reader of another realm gives them.
    const read = async (name: string) => {
      const bytes = files.get(name)!;
      return runInNewContext('Uint8Array.from(bytes)', { bytes: Array.from(bytes) }) as Uint8Array;
    };
    const loaded = await ParametricUMAP.fromArtifact(await fromFiles(read, { kind: 'ParametricUMAP' }));
    assert.deepEqual(await loaded.transform(rows), map);
    umap.dispose();
    loaded.dispose();
  }
  own.dispose();
  assert.notEqual(tf.getBackend(), 'cpu');
});

test('no global that test environments leave out is needed: structuredClone, TextEncoder, TextDecoder, crypto', async () => {
  const names = ['structuredClone', 'TextEncoder', 'TextDecoder', 'crypto'] as const;
  const kept = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name)!);
  const { fromFiles, toFiles } = await import('../../src/artifact/artifact.js');
  const rows = groups();
  const umap = new ParametricUMAP({ nNeighbors: 5, nEpochs: 5, init: 'random' });
  try {
    for (const name of names)
      Object.defineProperty(globalThis, name, { value: undefined, configurable: true, writable: true });
    await umap.fit(rows);
    await umap.fit(rows);
    const files = await toFiles(await umap.toArtifact());
    const loaded = await ParametricUMAP.fromArtifact(await fromFiles(async (name) => files.get(name)!));
    assert.deepEqual(await loaded.transform(rows), await umap.transform(rows));
    loaded.dispose();
    assert.equal(fromUtf8(toUtf8('Ä €')), 'Ä €');
  } finally {
    for (const [i, name] of names.entries()) Object.defineProperty(globalThis, name, kept[i]!);
  }
  umap.dispose();
});
