/** Numbers that a contrastive loss learns beside the embedding: the normalization of nce, and the temperature. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { fromFiles, toFiles } from '../../../src/artifact/artifact.js';
import { useBackend } from '../../../src/backend/choose.js';
import { ArtifactError, NotFittedError } from '../../../src/core/errors.js';
import type { GivenContrastiveOptions } from '../../../src/estimators/contrastive/options.js';
import { ContrastiveEmbedding, type Training } from '../../../src/index.js';
import { near, saying } from '../../helpers/assert.js';
import { groups } from '../../helpers/data.js';
import { withDirectory } from '../../helpers/files.js';
import { greys } from '../../helpers/fixtures.js';
import { useThreads } from '../../helpers/threads.js';

await useBackend();
useThreads(1);

const rows = groups();

/** Learns both numbers. */
const both: GivenContrastiveOptions = {
  ...{ lossMode: 'nce', similarity: 'cosine', learnTemperature: true },
  ...{ nNeighbors: 5, nEpochs: 10, batchSize: 64, init: 'random' },
};

/** The mean similarity of two rows: the partition function over the number of ordered pairs. */
function meanSimilarity(map: readonly (readonly number[])[]): number {
  let sum = 0;
  for (const [i, a] of map.entries()) {
    for (const [j, b] of map.entries()) {
      if (i !== j) sum += 1 / (1 + a.reduce((d, value, c) => d + (value - b[c]!) ** 2, 0));
    }
  }
  return sum / (map.length * (map.length - 1));
}

for (const [name, options] of Object.entries<GivenContrastiveOptions>({
  'points, all negatives': { parametric: false, negativeSamples: 'full' },
  'points, 100 negatives': { parametric: false, negativeSamples: 100 },
  'a network, 50 negatives': { negativeSamples: 50 },
})) {
  test(`nce learns the partition function: ${name}`, async () => {
    for (const seed of [1, 2, 3]) {
      const embedding = new ContrastiveEmbedding({
        ...{ lossMode: 'nce', seed, nEpochs: 60, batchSize: 300 },
        ...options,
      });
      const map = await embedding.fitTransform(greys);
      const { normalization } = await embedding.learnedNumbers();
      // Measured: 0.5 % to 3 % above it.
      near(normalization! / meanSimilarity(map), 1, 0.2, `seed ${seed}`);
      embedding.dispose();
    }
  });
}

test('the normalization starts where it is told to', async () => {
  for (const [options, expected] of [
    [{ normalization: 0.02 }, 0.02],
    [{}, 1],
  ] as const) {
    const embedding = new ContrastiveEmbedding({ ...both, ...options, lossMode: 'nce', nEpochs: 1 });
    for await (const { numbers } of embedding.steps(rows)) {
      near(Math.log(numbers!.normalization!), Math.log(expected), 0.3);
      break;
    }
    embedding.dispose();
  }
});

test('a temperature that is learned from below the coldest starts at that and comes up', async () => {
  const embedding = new ContrastiveEmbedding({
    ...{
      ...both,
      lossMode: 'infonce',
      nComponents: 2,
      temperature: 0.001,
      nEpochs: 20,
      lossReportFrequency: 20,
    },
  });
  const temperatures: number[] = [];
  for await (const { numbers } of embedding.steps(rows)) temperatures.push(numbers!.temperature!);
  // Measured: up to 0.021.
  assert.ok(Math.max(...temperatures) > 0.0201, String(temperatures));
  embedding.dispose();
});

test('numbers are learned, saved and learned further beside a decoder, a classifier and landmarks', async () => {
  const labels = rows.map((_, i) => (i % 2 === 0 ? i % 3 : null));
  const landmarkPositions = rows.map((_, i) => (i < 6 ? [i % 3, i] : null));
  for (const parametric of [true, false]) {
    const embedding = new ContrastiveEmbedding({
      ...{ ...both, parametric, nEpochs: 5, parametricReconstruction: true, classifier: true },
    });
    await embedding.fit(rows, labels, { landmarkPositions });
    const files = await toFiles(await embedding.toArtifact());
    const artifact = await fromFiles(async (name) => files.get(name)!, { kind: 'ContrastiveEmbedding' });
    const loaded = await ContrastiveEmbedding.fromArtifact(artifact);
    const numbers = await embedding.learnedNumbers();
    assert.deepEqual(await loaded.learnedNumbers(), numbers);
    await embedding.addLandmarks(rows, { indices: [0, 1, 2] });
    await loaded.addLandmarks(rows, { indices: [0, 1, 2] });
    for (const each of [embedding, loaded]) await each.fit(rows, labels);
    assert.notDeepEqual(await embedding.learnedNumbers(), numbers);
    assert.deepEqual(await loaded.learnedNumbers(), await embedding.learnedNumbers());
    assert.deepEqual(await loaded.transform(rows), await embedding.transform(rows));
    embedding.dispose();
    loaded.dispose();
  }
});

test('other losses learn no numbers, and before a fit there are none to ask for', async () => {
  const embedding = new ContrastiveEmbedding({ nNeighbors: 5, nEpochs: 1, init: 'random' });
  await assert.rejects(embedding.learnedNumbers(), saying(NotFittedError, 'learnedNumbers'));
  await embedding.fit(rows);
  assert.deepEqual(await embedding.learnedNumbers(), {});
  embedding.dispose();
});

test('reports have the rates of learned numbers, and a callback reads the whole last report', async () => {
  let training: Training | undefined;
  const seen: unknown[] = [];
  const reader = {
    setParams(params: Record<string, unknown>) {
      training = params.training as Training;
    },
    onTrainBegin: async () => void seen.push(training!.progress),
    onEpochEnd: async () => void seen.push(training!.progress),
  };
  const embedding = new ContrastiveEmbedding({ ...both, callbacks: [reader] });
  const reports: unknown[] = [];
  for await (const report of embedding.steps(rows)) {
    reports.push(report);
    // The rates fall along half a cosine, that of the numbers from 0.05, with or without rates of their own elsewhere.
    const rate = 0.025 * (1 + Math.cos((Math.PI * (report.step - 1)) / report.steps));
    const { normalization, temperature, ...others } = report.learningRates!;
    near(normalization!, rate, 1e-9);
    near(temperature!, rate, 1e-9);
    assert.deepEqual(others, {});
    assert.deepEqual(Object.keys(report.numbers!), ['normalization', 'temperature']);
  }
  assert.deepEqual(seen, [undefined, ...reports]);
  embedding.dispose();
});

test('a second fit goes on from the learned numbers', async () => {
  const before = tf.memory().numTensors;
  for (const parametric of [true, false]) {
    let training: Training | undefined;
    const starts: unknown[] = [];
    const reader = {
      setParams(params: Record<string, unknown>) {
        training = params.training as Training;
      },
      async onTrainBegin() {
        starts.push(await training!.numbers());
      },
    };
    const embedding = new ContrastiveEmbedding({ ...both, parametric, callbacks: [reader] });
    await embedding.fit(rows);
    const first = await embedding.learnedNumbers();
    assert.deepEqual(Object.keys(first), ['normalization', 'temperature']);
    await embedding.fit(groups(45, 6, 'other rows'));
    assert.notDeepEqual(starts[0], starts[1]);
    assert.deepEqual(starts[1], first);
    assert.notDeepEqual(await embedding.learnedNumbers(), first);
    embedding.dispose();
  }
  assert.equal(tf.memory().numTensors, before);
});

test('a fit that fails leaves the numbers of the earlier one', async () => {
  const embedding = new ContrastiveEmbedding(both);
  await embedding.fit(rows);
  const [numbers, held] = [await embedding.learnedNumbers(), tf.memory().numTensors];
  const control = new AbortController();
  const run = async () => {
    for await (const { epoch } of embedding.steps(rows, null, { signal: control.signal })) {
      if (epoch === 2) control.abort(new Error('enough'));
    }
  };
  await assert.rejects(run(), /enough/);
  assert.deepEqual(await embedding.learnedNumbers(), numbers);
  assert.equal(tf.memory().numTensors, held);
  embedding.dispose();
});

test('a saved model keeps the numbers, and goes on from them to the same bits', async () => {
  const before = tf.memory().numTensors;
  await withDirectory(async (directory) => {
    for (const parametric of [true, false]) {
      const embedding = new ContrastiveEmbedding({ ...both, parametric });
      await embedding.fit(rows);
      const place = path.join(directory, String(parametric));
      await embedding.save(place);
      const loaded = await ContrastiveEmbedding.load(place);
      assert.deepEqual(await loaded.learnedNumbers(), await embedding.learnedNumbers());
      for (const each of [embedding, loaded]) await each.fit(rows);
      assert.deepEqual(await loaded.learnedNumbers(), await embedding.learnedNumbers());
      assert.deepEqual(await loaded.transform(rows), await embedding.transform(rows));
      embedding.dispose();
      loaded.dispose();
    }
  });
  assert.equal(tf.memory().numTensors, before);
});

test('numbers that are none are refused in a saved model', async () => {
  const before = tf.memory().numTensors;
  const embedding = new ContrastiveEmbedding(both);
  await embedding.fit(rows);
  const files = await toFiles(await embedding.toArtifact());
  const artifact = await fromFiles(async (name) => files.get(name)!, { kind: 'ContrastiveEmbedding' });
  embedding.dispose();
  for (const numbers of [{ normalization: 'low' }, { normalization: null }, [1], 'low']) {
    const wrong = { ...artifact, state: { ...artifact.state, numbers } } as typeof artifact;
    await assert.rejects(ContrastiveEmbedding.fromArtifact(wrong), saying(ArtifactError, 'state.numbers'));
  }
  assert.equal(tf.memory().numTensors, before);
});
