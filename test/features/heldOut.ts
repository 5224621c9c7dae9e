/** Held-out rows: their losses in the history, and no part in training. */
import assert from 'node:assert/strict';
import { DataError, OptionError } from '../../src/core/errors.js';
import { earlyStopping, type FitInputs } from '../../src/index.js';
import { saying } from '../helpers/assert.js';
import { greys } from '../helpers/fixtures.js';
import { briefly, feature, heldOutName, refusals } from './feature.js';

const { test, check } = feature('heldOut');

const [rows, held] = [greys.slice(0, 200), greys.slice(200)];

test('without a decoder, the main loss of held-out rows is reported, and can stop the training', async (subject) => {
  const umap = briefly(subject);
  await umap.fit(rows, null, { validation: held });
  const { loss, [heldOutName(subject)]: valMain, valLoss } = umap.history;
  assert.equal(valMain!.length, loss!.length);
  assert.ok(valMain!.every((value) => value > 0 && Number.isFinite(value)));
  const parts = (subject.heldOutLosses ?? [heldOutName(subject)]).map((name) => umap.history[name]!);
  assert.deepEqual(
    valLoss,
    valMain!.map((_, report) => parts.reduce((sum, values) => sum + values[report]!, 0)),
  );
  // The held-out loss falls as the encoder learns.
  assert.ok(valMain!.at(-1)! < valMain![0]!, `${valMain}`);
  umap.dispose();
  if (!subject.traits.callbacks) return;
  const stopped = briefly(subject, {
    callbacks: [earlyStopping({ monitor: 'valLoss', minDelta: 1e3, patience: 1 })],
  });
  await stopped.fit(rows, null, { validation: held });
  assert.ok(stopped.history.loss!.length < loss!.length);
  stopped.dispose();
});

test('held-out rows take no part in training', async (subject) => {
  const maps = await Promise.all(
    [{}, { validation: held }].map(async (inputs: FitInputs) => {
      const umap = await briefly(subject).fit(rows, null, inputs);
      const map = await umap.transform(greys);
      umap.dispose();
      return map;
    }),
  );
  assert.deepEqual(maps[0], maps[1]);
});

test('a share of the rows is split off by the seed, with their labels and positions', async (subject) => {
  const { supervised, landmarks, needsGraph } = subject.traits;
  const labels = supervised ? greys.map((_, i) => (i % 2 === 0 ? 'even' : 'odd')) : null;
  const positions = landmarks && { landmarkPositions: greys.map((_, i) => (i < 30 ? [i, 0] : null)) };
  const fit = async (seed: number) => {
    const umap = briefly(subject, { [subject.names.seed]: seed, ...(supervised && { classifier: true }) });
    const map = await umap.fitTransform(greys, labels, { validation: 0.2, ...positions });
    assert.equal(map.length, greys.length);
    if (needsGraph) assert.equal(umap.graph.vertices, Math.round(0.8 * greys.length));
    assert.ok(umap.history[heldOutName(subject)]!.every(Number.isFinite));
    const { landmark } = umap.history;
    if (landmarks) assert.ok(landmark!.length > 0);
    umap.dispose();
    return map;
  };
  assert.deepEqual(await fit(1), await fit(1));
  assert.notDeepEqual(await fit(1), await fit(2));
});

test('targets of several columns go with a share', ['supervised'], async (subject) => {
  const umap = briefly(subject, { targetMetric: 'euclidean' });
  await umap.fit(
    greys,
    greys.map((row) => [row[10]!, row[20]!]),
    { validation: 0.1 },
  );
  if (subject.traits.needsGraph) assert.equal(umap.graph.vertices, Math.round(0.9 * greys.length));
  umap.dispose();
});

test('what cannot be held out is refused before training', async (subject) => {
  const assertRefused = refusals(subject);
  const wrong: [FitInputs, new (message: string) => Error, ...(string | RegExp)[]][] = [
    [{ validation: 0 }, OptionError, 'validation', 'above 0'],
    [{ validation: 1.5 }, OptionError, 'validation', 'at most 1'],
    [{ validation: 1 }, DataError, 'validation', '2 rows'],
    [{ validation: [[1, 2]] }, DataError, 'validation', '64', '2'],
    [{ validation: [greys[0]!] }, DataError, 'validation', /\b1\b/],
    [{ validation: 0.999 }, DataError, 'validation', '2 rows'],
  ];
  if (subject.traits.needsGraph)
    wrong.push([{ validation: 0.5, distances: [[0]] }, OptionError, 'validation', 'share']);
  for (const [inputs, kind, ...parts] of wrong) await assertRefused({ inputs }, saying(kind, ...parts));
});

test('held-out rows are given in one way only', ['reconstruction'], async (subject) => {
  const both = briefly(subject, { parametricReconstruction: true, reconstructionValidation: held });
  await assert.rejects(
    both.fit(rows, null, { validation: held }),
    saying(OptionError, 'reconstructionValidation'),
  );
});

/** Registers the tests of this feature. */
export const checkHeldOut = check;
