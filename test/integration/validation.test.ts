/** Held-out rows: their losses in the history, and no part in training. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useBackend } from '../../src/backend/choose.js';
import { DataError, OptionError } from '../../src/core/errors.js';
import { ParametricUMAP } from '../../src/estimators/umap/parametricUmap.js';
import type { FitInputs } from '../../src/estimators/umap/prepare.js';
import { earlyStopping } from '../../src/training/callbacks.js';
import { assertRefused, brief } from '../checks/digits.js';
import { saying } from '../helpers/assert.js';
import { greys } from '../helpers/fixtures.js';

await useBackend();

const [rows, held] = [greys.slice(0, 200), greys.slice(200)];

test('without a decoder, the UMAP loss of held-out rows is reported, and can stop the training', async () => {
  const umap = new ParametricUMAP(brief);
  await umap.fit(rows, null, { validation: held });
  const { loss, valUmap, valLoss } = umap.history;
  assert.equal(valUmap!.length, loss!.length);
  assert.ok(valUmap!.every((value) => value > 0 && Number.isFinite(value)));
  assert.deepEqual(valLoss, valUmap);
  // The held-out loss falls as the encoder learns.
  assert.ok(valUmap!.at(-1)! < valUmap![0]!, `${valUmap}`);
  umap.dispose();
  const stopped = new ParametricUMAP({
    ...brief,
    callbacks: [earlyStopping({ monitor: 'valLoss', minDelta: 1e3, patience: 1 })],
  });
  await stopped.fit(rows, null, { validation: held });
  assert.ok(stopped.history.loss!.length < loss!.length);
  stopped.dispose();
});

test('held-out rows take no part in training', async () => {
  const maps = await Promise.all(
    [{}, { validation: held }].map(async (inputs: FitInputs) => {
      const umap = await new ParametricUMAP(brief).fit(rows, null, inputs);
      const map = await umap.transform(greys);
      umap.dispose();
      return map;
    }),
  );
  assert.deepEqual(maps[0], maps[1]);
});

test('a share of the rows is split off by the seed, with their labels and positions', async () => {
  const labels = greys.map((_, i) => (i % 2 === 0 ? 'even' : 'odd'));
  const landmarkPositions = greys.map((_, i) => (i < 30 ? [i, 0] : null));
  const fit = async (seed: number) => {
    const umap = new ParametricUMAP({ ...brief, seed, classifier: true });
    const map = await umap.fitTransform(greys, labels, { validation: 0.2, landmarkPositions });
    assert.equal(map.length, greys.length);
    assert.equal(umap.graph.vertices, Math.round(0.8 * greys.length));
    assert.ok(umap.history.valUmap!.every(Number.isFinite));
    const { landmark } = umap.history;
    assert.ok(landmark!.length > 0);
    umap.dispose();
    return map;
  };
  assert.deepEqual(await fit(1), await fit(1));
  assert.notDeepEqual(await fit(1), await fit(2));
});

test('targets of several columns go with a share', async () => {
  const umap = new ParametricUMAP({ ...brief, targetMetric: 'euclidean' });
  await umap.fit(
    greys,
    greys.map((row) => [row[10]!, row[20]!]),
    { validation: 0.1 },
  );
  assert.equal(umap.graph.vertices, Math.round(0.9 * greys.length));
  umap.dispose();
});

test('what cannot be held out is refused before training', async () => {
  const wrong: [FitInputs, new (message: string) => Error, ...(string | RegExp)[]][] = [
    [{ validation: 0 }, OptionError, 'validation', 'above 0'],
    [{ validation: 1.5 }, OptionError, 'validation', 'at most 1'],
    [{ validation: 1 }, DataError, 'validation', '2 rows'],
    [{ validation: [[1, 2]] }, DataError, 'validation', '64', '2'],
    [{ validation: [greys[0]!] }, DataError, 'validation', /\b1\b/],
    [{ validation: 0.999 }, DataError, 'validation', '2 rows'],
    [{ validation: 0.5, distances: [[0]] }, OptionError, 'validation', 'share'],
  ];
  for (const [inputs, kind, ...parts] of wrong) await assertRefused({ inputs }, saying(kind, ...parts));
  const both = new ParametricUMAP({ parametricReconstruction: true, reconstructionValidation: held });
  await assert.rejects(
    both.fit(rows, null, { validation: held }),
    saying(OptionError, 'reconstructionValidation'),
  );
});
