/** `toONNX` of fitted estimators: ONNX Runtime gives what `transform`, `inverseTransform` and `predictProba` give. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompressionVAE, ContrastiveEmbedding, type OnnxOptions, ParametricUMAP } from '../../src/index.js';
import { groups } from '../helpers/data.js';
import { onnxSession } from '../helpers/onnxRuntime.js';

const rows = groups();
const quick = { nEpochs: 5, nNeighbors: 5 } as const;

/** The model's output as rows. */
async function run(bytes: Uint8Array, x: readonly (readonly number[])[], wide = false): Promise<number[][]> {
  const session = await onnxSession(bytes);
  try {
    const flat = x.flat();
    const { data, dims } = await session.run(wide ? Float64Array.from(flat) : Float32Array.from(flat), [
      x.length,
      x[0]!.length,
    ]);
    const width = Number(dims[1]);
    return Array.from({ length: Number(dims[0]) }, (_, i) => [...data.subarray(i * width, (i + 1) * width)]);
  } finally {
    await session.close();
  }
}

function close(actual: readonly number[][], expected: readonly number[][], tolerance = 1e-5): void {
  assert.equal(actual.length, expected.length);
  const scale = Math.max(1, ...expected.flat().map(Math.abs));
  for (const [i, row] of expected.entries()) {
    assert.equal(actual[i]!.length, row.length);
    for (const [c, value] of row.entries()) {
      assert.ok(
        Math.abs(actual[i]![c]! - value) <= tolerance * scale,
        `row ${i}: ${actual[i]![c]} and ${value}`,
      );
    }
  }
}

/** Texts in the file: the metadata stand in it as they are. */
function holds(bytes: Uint8Array, text: string): boolean {
  return Buffer.from(bytes).includes(text);
}

test('ONNX of Parametric UMAP: embedding, rows and probabilities', async () => {
  const umap = new ParametricUMAP({ ...quick, parametricReconstruction: true, classifier: true });
  const labels = rows.map((_, i) => ['a', 'b', 'c'][i % 3]!);
  await umap.fit(rows, labels);
  const encoder = await umap.toONNX();
  close(await run(encoder, rows), await umap.transform(rows));
  assert.ok(holds(encoder, 'parametric-umap') && holds(encoder, 'ParametricUMAP'));
  const places = await umap.transform(rows);
  close(await run(await umap.toONNX({ part: 'decoder' }), places), await umap.inverseTransform(places));
  const classifier = await umap.toONNX({ part: 'classifier' });
  close(await run(classifier, rows), await umap.predictProba(rows));
  assert.ok(holds(classifier, '["a","b","c"]'));
  umap.dispose();
});

test('ONNX: a decoder that learned logits gives values from 0 to 1', async () => {
  const umap = new ParametricUMAP({
    ...quick,
    parametricReconstruction: true,
  });
  const unit = rows.map((row) => row.map((value) => 1 / (1 + Math.exp(-value))));
  await umap.fit(unit);
  const places = [
    [0, 0],
    [3, -2],
  ];
  const decoded = await run(await umap.toONNX({ part: 'decoder' }), places);
  close(decoded, await umap.inverseTransform(places));
  assert.ok(decoded.flat().every((value) => value >= 0 && value <= 1));
  umap.dispose();
});

test('ONNX: rows that 32-bit floats cannot tell apart are taken in 64 bits', async () => {
  const times = rows.map((row, i) => row.map((value, c) => 1.7e12 + 1000 * (c + value) + i));
  const umap = new ParametricUMAP({ ...quick, parametricReconstruction: true });
  await umap.fit(times);
  assert.notEqual(umap.rowFrame, undefined);
  const map = await umap.transform(times);
  close(await run(await umap.toONNX(), times, true), map);
  const decoded = await umap.inverseTransform(map);
  const found = await run(await umap.toONNX({ part: 'decoder' }), map);
  const shifted = (all: readonly number[][]) => all.map((row) => row.map((value) => value - 1.7e12));
  close(shifted(found), shifted(decoded), 1e-4);
  umap.dispose();
});

test('ONNX: scaling in front of the encoder, behind the decoder, and in place of missing values', async () => {
  const width = rows[0]!.length;
  const shift = Array.from({ length: width }, (_, c) => 100 * c);
  const factor = Array.from({ length: width }, (_, c) => 1 / (1 + c));
  const scaling = { shift, factor, missing: shift };
  const raw = rows.map((row) => row.map((value, c) => value / factor[c]! + shift[c]!));
  const umap = new ParametricUMAP({ ...quick, parametricReconstruction: true });
  await umap.fit(rows);
  const map = await umap.transform(rows);
  close(await run(await umap.toONNX({ scaling }), raw, true), map, 1e-4);
  const decoded = await run(await umap.toONNX({ part: 'decoder', scaling }), map);
  const back = (await umap.inverseTransform(map)).map((row) =>
    row.map((value, c) => value / factor[c]! + shift[c]!),
  );
  close(decoded, back);
  const holes = raw.map((row) => row.map((value, c) => (c === 1 ? Number.NaN : value)));
  const filled = rows.map((row) => row.map((value, c) => (c === 1 ? 0 : value)));
  close(await run(await umap.toONNX({ scaling }), holes, true), await umap.transform(filled), 1e-4);
  umap.dispose();
});

test('ONNX of the contrastive and the variational embedding', async () => {
  const contrastive = new ContrastiveEmbedding({ ...quick });
  await contrastive.fit(rows);
  close(await run(await contrastive.toONNX(), rows), await contrastive.transform(rows));
  contrastive.dispose();
  for (const iafFlowLength of [0, 2]) {
    const vae = new CompressionVAE({ dimLatent: 2, iafFlowLength, numSteps: 30 });
    await vae.fit(rows);
    const z = await vae.transform(rows);
    close(await run(await vae.toONNX(), rows), z);
    close(await run(await vae.toONNX({ part: 'decoder' }), z), await vae.inverseTransform(z));
    await assert.rejects(vae.toONNX({ part: 'classifier' }), /expected a classifier, got none/);
    vae.dispose();
  }
});

test('ONNX: what cannot be had is said', async () => {
  const umap = new ParametricUMAP(quick);
  await assert.rejects(umap.toONNX(), { name: 'NotFittedError' });
  await umap.fit(rows);
  await assert.rejects(umap.toONNX({ part: 'decoder' }), {
    name: 'NotFittedError',
    message: 'toONNX: expected a decoder, got none; fit with parametricReconstruction: true',
  });
  await assert.rejects(umap.toONNX({ part: 'whole' } as unknown as OnnxOptions), { name: 'OptionError' });
  for (const scaling of [
    { shift: [1], factor: [1] },
    {},
    { shift: rows[0]!, factor: rows[0]!.map(() => Infinity) },
    { shift: rows[0]!, factor: rows[0]!.map(() => 0) },
  ]) {
    await assert.rejects(umap.toONNX({ scaling } as unknown as OnnxOptions), {
      name: 'OptionError',
      message: /toONNX scaling\./,
    });
  }
  umap.dispose();
  const points = new ParametricUMAP({ ...quick, parametricEmbedding: false });
  await points.fit(rows);
  await assert.rejects(points.toONNX(), /expected an encoder that is a network/);
  points.dispose();
});
