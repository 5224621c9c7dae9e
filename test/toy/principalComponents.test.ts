/**
 * Whether the house is open for another estimator: a toy of under 120 lines passes all checks and the features it has, without
 * a line for it anywhere in `src`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel } from '../../src/artifact/model.js';
import { createRandom } from '../../src/core/random.js';
import { pca } from '../../src/math/pca.js';
import { checkOptionRows } from '../checks/optionRows.js';
import type { Subject } from '../checks/subject.js';
import { checkEstimator } from '../estimatorChecks.js';
import { checkCallbacks } from '../features/callbacks.js';
import { checkHeldOut } from '../features/heldOut.js';
import { read } from '../helpers/files.js';
import { PrincipalComponents, pcaRows } from './principalComponents.js';

const toy: Subject = {
  name: 'PrincipalComponents',
  names: {
    dimensions: 'nComponents',
    mainLoss: 'reconstruction',
    seed: 'seed',
    learningRate: 'learningRate',
    batchSize: 'batchSize',
  },
  traits: {
    ...{ parametric: true, decoder: true, heldOut: true, callbacks: true },
    ...{ supervised: false, needsGraph: false, reconstruction: false, ownEncoder: false, landmarks: false },
  },
  quick: { steps: 30, batchSize: 32, lossReportFrequency: 5 },
  brief: { steps: 5, batchSize: 300, lossReportFrequency: 3 },
  epochs: (steps) => ({ steps }),
  inverse: {},
  optionRows: pcaRows,
  create: (options) => new PrincipalComponents(options),
  load: async (path) => PrincipalComponents.fromArtifact(await loadModel(path, 'PrincipalComponents')),
  fromArtifact: (artifact) => PrincipalComponents.fromArtifact(artifact),
};
checkEstimator(toy);
checkOptionRows(toy);
checkHeldOut(toy);
checkCallbacks(toy);

test('the toy finds the principal components that the eigenvectors give', async () => {
  const random = createRandom('toy');
  const deviations = [3, 2, 0.5, 0.3];
  const rows = Array.from({ length: 300 }, () => {
    const [a, b, c, d] = deviations.map((deviation) => deviation * random.normal()) as [number, ...number[]];
    // Turned, so that the axes are none of the columns, and moved off the origin.
    return [a + b!, a - b!, c! + d! + 4, c! - d!, (a + c!) / 2];
  });
  const model = new PrincipalComponents({ steps: 2000 });
  const back = await model.inverseTransform(await model.fitTransform(rows));
  const error = (found: readonly (readonly number[])[]) =>
    found.reduce((sum, row, i) => sum + row.reduce((s, value, c) => s + (value - rows[i]![c]!) ** 2, 0), 0);
  const columns = 5;
  const matrix = { data: Float32Array.from(rows.flat()), shape: [300, columns] as const };
  const { mean, components } = pca(matrix, { components: 2, random });
  const best = rows.map((row) => {
    const centered = row.map((value, c) => value - mean[c]!);
    const scores = [0, 1].map((k) =>
      centered.reduce((sum, value, c) => sum + value * components.data[k * columns + c]!, 0),
    );
    return row.map(
      (_, c) => mean[c]! + scores.reduce((s, t, k) => s + t * components.data[k * columns + c]!, 0),
    );
  });
  // No plane is nearer to the rows than that of the principal components.
  const ratio = error(back) / error(best);
  assert.ok(ratio > 0.9999 && ratio < 1.01, `${ratio} times the least squared error`);
  model.dispose();
});

test('the toy is small, and nothing in the library knows it', () => {
  const lines = read('test/toy/principalComponents.ts').trimEnd().split('\n').length;
  assert.ok(lines < 120, `${lines} lines`);
});
