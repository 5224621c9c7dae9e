/** Processes that are killed while they fit and save: what is left can be read, and the fit goes on with the same bits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/core/random.js';
import { titleOf } from '../checks/subject.js';
import { killAtRandom } from '../helpers/kills.js';
import { classicUmap, parametricUmap } from '../subjects/parametricUmap.js';

// Steps on worker threads behind a warm start, and epochs without batches. More kills: benchmarks/kills.
for (const [subject, options] of [
  [parametricUmap, { nNeighbors: 5, nEpochs: 5, batchSize: 64 }],
  [classicUmap, { ...classicUmap.quick, nEpochs: 200 }],
] as const) {
  const title = titleOf(subject);
  test(`${title}: killed at random moments, it resumes and ends with the same bits`, async () => {
    const counted = await killAtRandom({ title, options, everySteps: 2 }, 3, createRandom(title));
    assert.equal(counted.kills, 3);
    assert.equal(counted.unreadable, 0);
    assert.ok(counted.ended > 0);
    assert.equal(counted.equal, counted.ended);
  });
}
