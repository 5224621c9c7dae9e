import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { DivergedError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { LossTerm, Network, Progress } from '../../src/core/types.js';
import { edgeSampler } from '../../src/data/sampler.js';
import { umapLoss } from '../../src/losses/umap.js';
import { mlp } from '../../src/networks/mlp.js';
import { networkOf } from '../../src/networks/network.js';
import { runCallbacks, type TrainingCallback } from '../../src/training/callbacks.js';
import { earlyStopping } from '../../src/training/earlyStopping.js';
import { rowsForward } from '../../src/training/forward.js';
import { adam, suppliedOptimizer } from '../../src/training/optimizer.js';
import { constantRate } from '../../src/training/schedule.js';
import { readWeights, type TrainOptions, train, writeWeights } from '../../src/training/train.js';

await tf.setBackend('cpu');

const random = createRandom('train');
const n = 60;
/** Two far-away groups and a ring of edges within each. */
const matrix = {
  data: Float32Array.from({ length: n * 3 }, (_, i) => (i < (n * 3) / 2 ? 0 : 3) + random.normal() * 0.3),
  shape: [n, 3] as const,
};
const ring = (i: number, step: number) => (i < n / 2 ? 0 : n / 2) + ((i + step) % (n / 2));
const ids = Array.from({ length: n }, (_, i) => i);
const edges = {
  head: Int32Array.from(ids.flatMap((i) => [i, i])),
  tail: Int32Array.from(ids.flatMap((i) => [ring(i, 1), ring(i, n / 2 - 1)])),
  weight: new Float32Array(2 * n).fill(1),
  vertices: n,
};

function setUp(overrides: Partial<TrainOptions> = {}): {
  options: TrainOptions;
  encoder: Network;
  free(): void;
} {
  const seeds = createRandom(5);
  const model = mlp({ inputShape: [3], outputShape: [2], hidden: [8], random: seeds, name: 'encoder' });
  const encoder = networkOf(model, 'encoder', true);
  const optimizer = adam();
  const options: TrainOptions = {
    forward: rowsForward({
      ...{ matrix, encoder },
      sampler: edgeSampler(edges, { batchSize: 16, random: seeds.fork('edges') }),
    }),
    terms: [umapLoss({ a: 1.58, b: 0.9, negativeSampleRate: 5, random: seeds.fork('negatives') })],
    optimizer,
    schedule: constantRate(0.01),
    steps: 60,
    reports: 6,
    clipValue: 4,
    ...overrides,
  };
  const free = () => {
    encoder.dispose();
    optimizer.dispose();
  };
  return { options, encoder, free };
}

async function collect(stream: AsyncIterable<Progress>): Promise<Progress[]> {
  const all: Progress[] = [];
  for await (const progress of stream) all.push(progress);
  return all;
}

test('training lowers the loss, reports evenly, and leaves no tensor behind', async () => {
  const before = tf.memory().numTensors;
  const { options, free } = setUp();
  const reports = await collect(train(options));
  assert.deepEqual(
    reports.map(({ step }) => step),
    [10, 20, 30, 40, 50, 60],
  );
  assert.ok(reports.at(-1)!.losses.loss! < reports[0]!.losses.loss!);
  assert.deepEqual(Object.keys(reports[0]!.losses), ['loss', 'umap']);
  free();
  assert.equal(tf.memory().numTensors, before);
});

test('the total is the weighted sum of the terms, each reported unweighted', async () => {
  const constant = (name: string, weight: number, value: number): LossTerm => ({
    name,
    weight,
    compute: ({ z }) => tf.add(tf.mul(tf.sum(z), 0), value) as tf.Scalar,
  });
  const { options, free } = setUp({
    terms: [constant('one', 2, 5), constant('two', 0.5, 8)],
    steps: 2,
    reports: 1,
  });
  const [report] = await collect(train(options));
  assert.deepEqual(report!.losses, { loss: 14, one: 5, two: 8 });
  free();
});

test('same seeds, same weights to the last bit', async () => {
  const weights = [];
  for (let i = 0; i < 2; i++) {
    const { options, encoder, free } = setUp();
    await collect(train(options));
    weights.push(await readWeights([encoder]));
    free();
  }
  assert.deepEqual(weights[0], weights[1]);
});

test('clipValue bounds what one step can do, learningRate scales it', async () => {
  const moved = async (overrides: Partial<TrainOptions>) => {
    const { options, encoder, free } = setUp({ steps: 1, reports: 1, ...overrides });
    const before = await readWeights([encoder]);
    await collect(train({ ...options, optimizer: suppliedOptimizer(tf.train.sgd(1)), ...overrides }));
    const after = await readWeights([encoder]);
    free();
    return Math.max(...before.flatMap((w, i) => [...w].map((value, j) => Math.abs(value - after[i]![j]!))));
  };
  assert.ok(Math.abs((await moved({ clipValue: 1e-3 })) - 1e-3) < 1e-6);
  assert.ok((await moved({})) > 1e-2);
});

test('an aborted training throws the signal’s reason and leaves no tensor behind', async () => {
  const before = tf.memory().numTensors;
  const { options, free } = setUp();
  const controller = new AbortController();
  const onStep = (step: number) => {
    if (step === 12) controller.abort(new Error('enough'));
  };
  await assert.rejects(collect(train({ ...options, signal: controller.signal, onStep })), /enough/);
  free();
  assert.equal(tf.memory().numTensors, before);
});

test('leaving the stream early frees everything', async () => {
  const before = tf.memory().numTensors;
  const { options, free } = setUp();
  for await (const { epoch } of train(options)) if (epoch === 1) break;
  free();
  assert.equal(tf.memory().numTensors, before);
});

test('a loss that is not finite stops training and puts the last good weights back', async () => {
  const before = tf.memory().numTensors;
  let calls = 0;
  const sick: LossTerm = {
    name: 'sick',
    weight: 1,
    compute: ({ z }) => tf.mul(tf.mean(z), ++calls > 25 ? Number.NaN : 1) as tf.Scalar,
  };
  const { options, encoder, free } = setUp({ terms: [sick] });
  let good: Float32Array[] = [];
  const run = async () => {
    for await (const _ of train(options)) good = await readWeights([encoder]);
  };
  await assert.rejects(run(), (error: unknown) => {
    assert.ok(error instanceof DivergedError);
    assert.match(
      error.message,
      /got loss NaN, sick NaN in report 2 \(up to step 30.*weights of report 1 were kept/,
    );
    return true;
  });
  assert.deepEqual(await readWeights([encoder]), good);
  free();
  assert.equal(tf.memory().numTensors, before);
});

test('a term that throws leaves no tensor behind', async () => {
  const before = tf.memory().numTensors;
  const term: LossTerm = {
    name: 'broken',
    weight: 1,
    compute() {
      throw new Error('no such loss');
    },
  };
  const { options, free } = setUp({ terms: [term] });
  await assert.rejects(collect(train(options)), /no such loss/);
  free();
  assert.equal(tf.memory().numTensors, before);
});

test('Adam takes the steps of TensorFlow.js’ own Adam, and goes on from a saved state', async () => {
  const gradient = (step: number) => tf.tensor1d([Math.sin(step), 2 * Math.cos(step), 0.1]);
  const walk = (optimizer: ReturnType<typeof adam>, x: tf.Variable, from: number, to: number) => {
    for (let step = from; step < to; step++) {
      tf.tidy(() => {
        optimizer.step([x], [gradient(step)], [0.05], Number.POSITIVE_INFINITY);
      });
    }
  };
  const start = tf.tensor1d([1, -1, 0.5]);
  const ours = tf.variable(start.clone());
  const theirs = tf.variable(start.clone());
  const optimizer = adam();
  walk(optimizer, ours, 0, 20);
  walk(suppliedOptimizer(tf.train.adam(0.05, 0.9, 0.95)) as ReturnType<typeof adam>, theirs, 0, 20);
  const expected = theirs.dataSync();
  ours.dataSync().forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) < 1e-5);
  });
  const resumed = adam();
  await resumed.restore(await optimizer.state());
  const copy = tf.variable(ours.clone());
  walk(optimizer, ours, 20, 25);
  walk(resumed, copy, 20, 25);
  assert.deepEqual(copy.dataSync(), ours.dataSync());
});

test('Adam clips each element of a gradient', () => {
  const ends = [1, Number.POSITIVE_INFINITY].map((clipValue) => {
    const optimizer = adam();
    const x = tf.variable(tf.zeros([3]));
    for (const gradient of [
      [5, 0.5, -9],
      [0.1, -30, 2],
    ]) {
      const given = clipValue === 1 ? gradient : gradient.map((g) => Math.min(Math.max(g, -1), 1));
      tf.tidy(() => optimizer.step([x], [tf.tensor1d(given)], [0.1], clipValue));
    }
    optimizer.dispose();
    return x.dataSync();
  });
  assert.deepEqual(ends[0], ends[1]);
  assert.ok(ends[0]!.every((value) => value !== 0));
});

function watch(callbacks: TrainingCallback[], encoder: Network) {
  let stored: readonly Float32Array[] = [];
  const runner = runCallbacks(
    callbacks,
    encoder.model,
    { epochs: 4, steps: 40 },
    {
      rows: 0,
      embed: async () => ({ data: new Float32Array(0), shape: [0, 1] }),
      numbers: async () => ({}),
      weights: async () => [],
      snapshot: async () => [Float32Array.of(7)],
      restore: (weights) => {
        stored = weights;
      },
    },
  );
  return { runner, restored: () => stored };
}

const report = (epoch: number, loss: number): Progress => ({
  epoch,
  epochs: 8,
  step: epoch,
  steps: 8,
  losses: { loss, umap: loss },
  learningRate: 0.01,
});

test('TensorFlow.js callbacks are called as they are, plain functions too', async () => {
  const { encoder, free } = setUp();
  const events: string[] = [];
  const args: tf.CustomCallbackArgs = {
    onTrainBegin: async () => void events.push('begin'),
    onEpochEnd: async (epoch, logs) => void events.push(`report ${epoch} ${logs?.loss}`),
    onBatchEnd: async (batch, logs) => void events.push(`step ${batch} ${logs?.loss}`),
    onTrainEnd: async () => void events.push('end'),
  };
  const before = tf.memory().numTensors;
  const { runner } = watch([new tf.CustomCallback(args), args], encoder);
  const loss = tf.scalar(2);
  await runner.begin();
  await runner.step(0, 10, loss);
  await runner.report(report(0, 3));
  await runner.end();
  assert.equal(loss.isDisposed, false);
  loss.dispose();
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual(events, [
    'begin',
    'begin',
    'step 0 2',
    'step 0 2',
    'report 0 3',
    'report 0 3',
    'end',
    'end',
  ]);
  free();
});

test('tf.callbacks.earlyStopping stops when its monitor stalls', async () => {
  const { encoder, free } = setUp();
  const { runner } = watch([tf.callbacks.earlyStopping({ monitor: 'umap', patience: 2 })], encoder);
  await runner.begin();
  await runner.report(report(0, 1));
  await runner.report(report(1, 2));
  assert.equal(runner.stopped(), false);
  await runner.report(report(2, 2));
  assert.equal(runner.stopped(), true);
  free();
});

test('our early stopping restores the best weights and names a wrong monitor', async () => {
  const { encoder, free } = setUp();
  const options = { monitor: 'umap', patience: 2, restoreBestWeights: true };
  const { runner, restored } = watch([earlyStopping(options)], encoder);
  await runner.begin();
  for (const [epoch, loss] of [3, 1, 2, 1.5].entries()) await runner.report(report(epoch, loss));
  assert.equal(runner.stopped(), true);
  await runner.end();
  assert.deepEqual(restored(), [Float32Array.of(7)]);
  const wrong = watch([earlyStopping({ monitor: 'acc' })], encoder);
  await wrong.runner.begin();
  await assert.rejects(wrong.runner.report(report(0, 1)), (error: unknown) => {
    return (
      error instanceof OptionError && /monitor: expected one of loss, umap, got 'acc'/.test(error.message)
    );
  });
  free();
});

test('weights that are put back are copies', async () => {
  const { encoder, free } = setUp();
  const weights = await readWeights([encoder]);
  const given = weights.map((values) => values.slice());
  writeWeights([encoder], given);
  for (const values of given) values.fill(9);
  assert.deepEqual(await readWeights([encoder]), weights);
  free();
});
