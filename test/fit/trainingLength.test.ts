import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Edges } from '../../src/core/types.js';
import { parametricUmapDefaults } from '../../src/estimators/umap/options.js';
import { defaultBatchSize, trainingLength } from '../../src/fit/trainingLength.js';

const ring = (vertices: number): Edges => {
  const head = Int32Array.from({ length: vertices }, (_, i) => i);
  return {
    head,
    tail: head.map((i) => (i + 1) % vertices),
    weight: new Float32Array(vertices).fill(1),
    vertices,
  };
};

test('smaller batches mean more steps, so that as many edges are seen', () => {
  for (const rows of [300, 1797, 10_000, 60_000]) {
    const usual = defaultBatchSize(rows);
    const steps = (batchSize: number) => trainingLength(parametricUmapDefaults, ring(rows), batchSize).steps;
    for (const batchSize of [1, 32, 64, 250]) {
      const seen = (steps(batchSize) * batchSize) / (steps(usual) * usual);
      assert.ok(Math.abs(seen - 1) < 0.01, `${rows} rows, batches of ${batchSize}: ${seen} of the edges`);
    }
    // Larger ones see more edges.
    assert.equal(steps(2 * usual), steps(usual));
  }
});

test('nEpochs gives the length of a pass, whatever the batch', () => {
  const options = { ...parametricUmapDefaults, nEpochs: 100 };
  assert.equal(trainingLength(options, ring(1000), 1000).steps, 100);
  assert.equal(trainingLength(options, ring(1000), 100).steps, 1000);
});
