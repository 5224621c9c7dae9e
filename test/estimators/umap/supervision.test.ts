/** Supervised graphs against umap-learn. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useBackend } from '../../../src/backend/choose.js';
import { createRandom } from '../../../src/core/random.js';
import { readValues, type Targets } from '../../../src/data/targets.js';
import type { ParametricUMAPOptions } from '../../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../../src/estimators/umap/parametricUmap.js';
import { superviseContinuous } from '../../../src/graph/supervised.js';
import { groupTargets, nearNumbers } from '../../../src/graph/targetGroups.js';
import { targetMemberships } from '../../../src/graph/targetNeighbors.js';
import { digits, supervised } from '../../helpers/fixtures.js';
import { brief } from '../../subjects/parametricUmap.js';

await useBackend();

const [unsupervised] = digits.cases;
const knn = { indices: unsupervised!.knnIndices, distances: unsupervised!.knnDistances };

async function graphOf(options: Partial<ParametricUMAPOptions>, y?: Targets | null) {
  const umap = await new ParametricUMAP({ ...brief, nEpochs: 1, ...options }).fit(digits.X, y, { knn });
  const { graph } = umap;
  umap.dispose();
  return graph;
}

test('labels reweigh the graph as in umap-learn', async () => {
  const cases = supervised.cases.filter(({ kind }) => kind === 'categorical');
  assert.equal(cases.length, 3);
  for (const { targetWeight, rows, cols, weights } of cases) {
    const { head, tail, weight } = await graphOf({ targetWeight }, supervised.labels);
    assert.deepEqual([...head], rows);
    assert.deepEqual([...tail], cols);
    weights.forEach((wanted, edge) => {
      assert.ok(Math.abs(weight[edge]! - wanted) < 2e-5, `${weight[edge]} for ${wanted}`);
    });
  }
});

test('numbers reweigh the graph, which their own test compares with umap-learn', async () => {
  const plain = await graphOf({});
  // Distinct, so that the nearest are who they are.
  const values = supervised.target.map((value, i) => value + i / 1000);
  const groups = groupTargets(readValues(values, values.length));
  const targets = targetMemberships(plain, groups, nearNumbers(groups, 15), 15, createRandom(1));
  for (const targetWeight of [0.2, 0.9]) {
    assert.deepEqual(
      await graphOf({ targetWeight, targetMetric: 'euclidean' }, values),
      superviseContinuous(plain, targets, { targetWeight }),
    );
  }
});
