/** Estimators on several backends in one process: none is in the other's way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { ParametricUMAP } from '../../src/estimators/umap/parametricUmap.js';
import { groups } from '../helpers/data.js';
import { quick as plain } from '../subjects/parametricUmap.js';

const quick = { ...plain, nEpochs: 20 } as const;
const rows = groups();
type Name = 'cpu' | 'wasm';
const create = (backend: Name) => new ParametricUMAP({ ...quick, backend, parametricReconstruction: true });

async function alone(backend: Name) {
  const umap = await create(backend).fit(rows);
  const map = await umap.transform(rows);
  const back = await umap.inverseTransform(map);
  umap.dispose();
  return { map, back };
}

test('an estimator gives the same embedding after one on another backend was fitted, to the last bit', async () => {
  const [cpu, wasm] = [await alone('cpu'), await alone('wasm')];
  const [first, second] = [create('cpu'), create('wasm')];
  await first.fit(rows);
  await second.fit(rows);
  assert.deepEqual(await first.transform(rows), cpu.map);
  assert.equal(tf.getBackend(), 'cpu');
  assert.deepEqual(await second.transform(rows), wasm.map);
  assert.equal(tf.getBackend(), 'wasm');
  assert.deepEqual(await first.inverseTransform(cpu.map), cpu.back);
  assert.deepEqual(await second.inverseTransform(wasm.map), wasm.back);
  first.dispose();
  second.dispose();
});

test('fits side by side on two backends each give the map they give alone, and go on', async () => {
  const [cpu, wasm] = [await alone('cpu'), await alone('wasm')];
  const [first, second] = [create('cpu'), create('wasm')];
  await Promise.all([first.fit(rows), second.fit(rows)]);
  assert.deepEqual(await first.transform(rows), cpu.map);
  assert.deepEqual(await second.transform(rows), wasm.map);
  await Promise.all([first.fit(rows), second.fit(rows)]);
  assert.ok((await first.transform(rows)).flat().every(Number.isFinite));
  first.dispose();
  second.dispose();
});

test('the same seed gives the same map, whichever backend was asked for by name before', async () => {
  const map = async () => {
    const umap = await new ParametricUMAP(quick).fit(rows);
    const places = await umap.transform(rows);
    umap.dispose();
    return places;
  };
  const before = await map();
  await alone('cpu');
  assert.deepEqual(await map(), before);
});

test('a loaded model stays on its backend as a fitted one does', async () => {
  const umap = await create('cpu').fit(rows);
  const map = await umap.transform(rows);
  const { fromFiles, toFiles } = await import('../../src/artifact/artifact.js');
  const files = await toFiles(await umap.toArtifact());
  const loaded = await ParametricUMAP.fromArtifact(await fromFiles(async (name) => files.get(name)!));
  await alone('wasm');
  assert.deepEqual(await loaded.transform(rows), map);
  umap.dispose();
  loaded.dispose();
});
