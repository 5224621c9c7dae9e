/** Every loss and similarity, with a network and without: it trains, tells groups apart, and comes from the seed alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../../src/backend/choose.js';
import { DataError } from '../../../src/core/errors.js';
import type { GivenContrastiveOptions } from '../../../src/estimators/contrastive/options.js';
import { ContrastiveEmbedding } from '../../../src/index.js';
import { lossModes } from '../../../src/losses/contrastive.js';
import { knnAccuracy } from '../../../src/metrics/labelScores.js';
import { assertFinite, saying } from '../../helpers/assert.js';
import { flat } from '../../helpers/data.js';
import { digits, greys } from '../../helpers/fixtures.js';
import { useThreads } from '../../helpers/threads.js';

await useBackend();
useThreads(1);

const brief: GivenContrastiveOptions = { nEpochs: 20, batchSize: 300, init: 'random' };
const labels = Int32Array.from(digits.y);

async function mapOf(options: GivenContrastiveOptions) {
  const embedding = new ContrastiveEmbedding({ ...brief, ...options });
  const { data, shape } = await embedding.fitTransform(flat(greys));
  const { history } = embedding;
  embedding.dispose();
  return { map: { data, shape }, history };
}

/** Share of the last 100 digits that their nearest among the first 200 name right. */
function accuracyOf({ data, shape: [, columns] }: { data: Float32Array; shape: readonly [number, number] }) {
  const part = (from: number, to: number) => ({
    data: data.slice(from * columns, to * columns),
    shape: [to - from, columns] as const,
  });
  return knnAccuracy({
    ...{ train: part(0, 200), test: part(200, 300) },
    ...{ trainLabels: labels.slice(0, 200), testLabels: labels.slice(200) },
  });
}

const ways: [name: string, options: GivenContrastiveOptions][] = [];
for (const lossMode of lossModes) {
  for (const parametric of [true, false]) {
    const way = parametric ? 'with a network' : 'without a network';
    ways.push([`${lossMode} ${way}`, { lossMode, parametric }]);
    if (lossMode !== 'umap') {
      // Cosines are of directions, of which a plane has few.
      const cosine = { lossMode, parametric, similarity: 'cosine', nComponents: 8 } as const;
      ways.push([`${lossMode} of cosines ${way}`, cosine]);
    }
  }
}

for (const [name, options] of ways) {
  test(`${name}: trains, tells digits apart, and comes from the seed`, async () => {
    const { map, history } = await mapOf(options);
    assertFinite(map.data);
    const { loss, [options.lossMode!]: main } = history;
    assert.deepEqual(main, loss);
    assert.ok(loss!.every(Number.isFinite));
    // Of the late reports, under the same kappa.
    assert.ok(loss!.at(-1)! < loss![4]!, `${loss}`);
    const accuracy = accuracyOf(map);
    assert.ok(accuracy > 0.5, `accuracy ${accuracy}`);
    assert.deepEqual((await mapOf(options)).map, map);
    assert.notDeepEqual((await mapOf({ ...options, seed: 7 })).map, map);
  });
}

test('a learned temperature moves, is told in the reports, and stays finite', async () => {
  for (const parametric of [true, false]) {
    for (const lossMode of ['infonce', 'neg', 'nce'] as const) {
      const embedding = new ContrastiveEmbedding({
        ...{ ...brief, lossMode, parametric, nComponents: 8 },
        ...{ similarity: 'cosine', temperature: 0.4, learnTemperature: true },
      });
      const told: number[] = [];
      for await (const { numbers } of embedding.steps(greys)) told.push(numbers!.temperature!);
      // Lower ones than 0.02 do not act.
      assert.ok(
        told.every((value) => value >= 0.02 && value < 100),
        `${told}`,
      );
      assert.ok(Math.abs(told.at(-1)! - 0.4) > 0.01, `${told}`);
      assert.equal((await embedding.learnedNumbers()).temperature, told.at(-1));
      embedding.dispose();
    }
  }
});

test('a temperature that is not learned is told as it was given', async () => {
  const embedding = new ContrastiveEmbedding({
    ...brief,
    nEpochs: 1,
    similarity: 'cosine',
    temperature: 0.3,
  });
  for await (const { numbers } of embedding.steps(greys)) assert.equal(numbers!.temperature, 0.3);
  assert.deepEqual(await embedding.learnedNumbers(), {});
  embedding.dispose();
});

test('a batch that is larger than the data, and more negatives than rows, train', async () => {
  const before = tf.memory().numTensors;
  for (const lossMode of lossModes) {
    for (const negativeSamples of [1000, 'full'] as const) {
      const { map } = await mapOf({ lossMode, negativeSamples, batchSize: 2000, nEpochs: 10 });
      assertFinite(map.data);
    }
  }
  assert.equal(tf.memory().numTensors, before);
});

test('two rows are enough, one is refused', async () => {
  for (const parametric of [true, false]) {
    for (const lossMode of lossModes) {
      const embedding = new ContrastiveEmbedding({ ...brief, lossMode, parametric, nNeighbors: 2 });
      assertFinite((await embedding.fitTransform(greys.slice(0, 2))).flat());
      embedding.dispose();
      const lonely = new ContrastiveEmbedding({ ...brief, lossMode, parametric, nNeighbors: 2 });
      await assert.rejects(lonely.fit(greys.slice(0, 1)), saying(DataError, 'got 1'));
    }
  }
});
