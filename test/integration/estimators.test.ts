/** Every estimator through every check. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useBackend } from '../../src/backend/choose.js';
import { ParametricUMAP } from '../../src/estimators/umap/parametricUmap.js';
import type { Subject } from '../checks/subject.js';
import { checkEstimator, estimatorChecks } from '../estimatorChecks.js';

// Started first, so that its own tensors are not counted against an estimator.
await useBackend();

const parametricUmap: Subject = {
  name: 'ParametricUMAP',
  quick: { nNeighbors: 5, nEpochs: 5, batchSize: 64, init: 'random' },
  inverse: { parametricReconstruction: true },
  create: (options) => new ParametricUMAP(options),
  load: (directory) => ParametricUMAP.load(directory),
};

test('the suite is at least as large as was promised', () => {
  assert.ok(Object.keys(estimatorChecks).length >= 24);
});

checkEstimator(parametricUmap);
