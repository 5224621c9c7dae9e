/** Two views through an encoder: one batch of both, the pairs among them, epochs, aborts, errors, and no tensor left behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { DataError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { LossTerm, Progress, Step } from '../../src/core/types.js';
import { openPairs, type PairBatch, type PairSource } from '../../src/data/pairs.js';
import { networkOf } from '../../src/networks/network.js';
import { adam } from '../../src/training/optimizer.js';
import { pairsForward } from '../../src/training/pairsForward.js';
import { constantRate } from '../../src/training/schedule.js';
import { type TrainOptions, train } from '../../src/training/train.js';
import { allClose, near, saying } from '../helpers/assert.js';

await tf.setBackend('cpu');

const shape = [2, 2, 1];
const start = (seed: number) => tf.initializers.glorotUniform({ seed });

/** A small network with batch statistics. */
function setUp(batchNormalization = false) {
  const { batchNormalization: normalize, conv2d, dense, flatten } = tf.layers;
  const model = tf.sequential({
    layers: [
      conv2d({ inputShape: shape, filters: 4, kernelSize: 2, padding: 'same', kernelInitializer: start(1) }),
      ...(batchNormalization ? [normalize({ momentum: 0 })] : []),
      flatten(),
      dense({ units: 2, kernelInitializer: start(2) }),
    ],
  });
  return networkOf(model, 'encoder', true);
}

/** Pairs of images: noise around one of four pictures each, as tensors if asked for. */
function* pairs(count: number, rows = 6, tensors = false): Generator<PairBatch> {
  const random = createRandom('pairs');
  for (let i = 0; i < count; i++) {
    const view = () => {
      const data = Float32Array.from(
        { length: 4 * rows },
        (_, j) => (j % 4 === Math.floor(j / 4) % 4 ? 1 : 0) + 0.2 * random.normal(),
      );
      return tensors ? tf.tensor(data, [rows, ...shape]) : { data, shape: [rows, ...shape] };
    };
    yield [view(), view()];
  }
}

/** InfoNCE with cosine similarity over all other rows of the batch, by tensor operations. */
function infonce(seen: Step[] = []): LossTerm {
  return {
    name: 'infonce',
    weight: 1,
    compute(step) {
      const { batch, z } = step;
      seen.push(step);
      const { heads, tails, rowCount } = batch;
      const unit = tf.div(z, tf.norm(z, 2, 1, true)) as tf.Tensor2D;
      const all = tf.mul(tf.matMul(unit, unit, false, true), 2);
      const others = tf.sub(all, tf.mul(tf.eye(rowCount), 1e4));
      const rows = tf.gather(others, tf.tensor1d(heads, 'int32'));
      const positive = tf.sum(tf.mul(rows, tf.oneHot(tf.tensor1d(tails, 'int32'), rowCount)), 1);
      return tf.mean(tf.sub(tf.logSumExp(rows, 1), positive)) as tf.Scalar;
    },
  };
}

async function collect(stream: AsyncIterable<Progress>): Promise<Progress[]> {
  const all: Progress[] = [];
  for await (const progress of stream) all.push(progress);
  return all;
}

/** Trains on a source and frees everything. */
async function learn(source: PairSource, overrides: Partial<TrainOptions> = {}): Promise<Progress[]> {
  const steps = overrides.steps ?? 12;
  const encoder = setUp();
  const optimizer = adam();
  try {
    const reader = await openPairs(source, { steps, signal: overrides.signal });
    try {
      const forward = pairsForward({ reader, encoder });
      const schedule = constantRate(0.02);
      const terms = [infonce()];
      return await collect(
        train({ forward, terms, optimizer, schedule, steps, reports: 3, clipValue: 4, ...overrides }),
      );
    } finally {
      await reader.close();
    }
  } finally {
    encoder.dispose();
    optimizer.dispose();
  }
}

test('both views pass the encoder as one batch: row i of the first is paired with row i of the second', async () => {
  const encoder = setUp(true);
  const rows = 5;
  const [first, second] = [...pairs(1, rows)][0] as unknown as [
    { data: Float32Array },
    { data: Float32Array },
  ];
  const batches = [[first, second]] as unknown as PairBatch[];
  for (const symmetric of [true, false]) {
    const forward = pairsForward({ reader: await openPairs(batches, { steps: 1 }), encoder, symmetric });
    await forward.begin();
    const { batch, z, input, done } = forward.apply({ done: 0.25, ahead: false });
    const firsts = [0, 1, 2, 3, 4];
    const seconds = [5, 6, 7, 8, 9];
    assert.equal(done, 0.25);
    assert.deepEqual([...batch.rows].slice(0, batch.rowCount), [...firsts, ...seconds]);
    const listed = (list: Int32Array) => [...list].slice(0, batch.pairCount);
    assert.deepEqual(listed(batch.heads), symmetric ? [...firsts, ...seconds] : firsts);
    assert.deepEqual(listed(batch.tails), symmetric ? [...seconds, ...firsts] : seconds);
    assert.deepEqual(input.matrix, { data: Float32Array.of(...first.data, ...second.data), shape: [10, 4] });
    assert.deepEqual([...input.rows], [...batch.rows]);
    // With momentum 0 the moving averages are the statistics of the batch: those of all ten rows.
    const stacked = tf.tensor(input.matrix.data, [2 * rows, ...shape]);
    const expected = encoder.model.predict(stacked) as tf.Tensor;
    allClose(z.dataSync(), expected.dataSync(), 1e-5, 'embedding');
    tf.dispose([z, stacked, expected]);
  }
  encoder.dispose();
});

test('training on pairs lowers the loss, epoch after epoch, and leaves no tensor behind', async () => {
  const before = tf.memory().numTensors;
  let epochs = 0;
  const source = () => {
    epochs++;
    return pairs(10);
  };
  const reports = await learn(source, { steps: 60 });
  assert.equal(epochs, 6);
  // Eleven others at equal similarity would cost log 11 = 2.4.
  assert.ok(reports.at(-1)!.losses.loss! < reports[0]!.losses.loss! - 0.1, JSON.stringify(reports));
  assert.equal(tf.memory().numTensors, before);
});

test('arrays, tensors and asynchronous sources train to the same bits', async () => {
  const before = tf.memory().numTensors;
  const expected = await learn([...pairs(4)]);
  const kept = [...pairs(4, 6, true)];
  for (const source of [
    () => pairs(4),
    () => pairs(4, 6, true),
    kept,
    async function* () {
      for (const batch of pairs(4)) {
        await new Promise(setImmediate);
        yield batch;
      }
    },
  ]) {
    assert.deepEqual(await learn(source), expected);
  }
  tf.dispose(kept.flat() as tf.Tensor[]);
  assert.equal(tf.memory().numTensors, before);
});

test('batches of different sizes, and of one pair direction, are trained on as they come', async () => {
  const sizes = [6, 4, 2];
  const source = () => sizes.map((rows) => [...pairs(1, rows)][0]!);
  const encoder = setUp();
  const optimizer = adam();
  const forward = pairsForward({ reader: await openPairs(source, { steps: 6 }), encoder, symmetric: false });
  const seen: number[][] = [];
  const term = infonce();
  const watch: LossTerm = {
    ...term,
    compute(step) {
      seen.push([step.batch.rowCount, step.batch.pairCount, step.z.shape[0]]);
      return term.compute(step);
    },
  };
  const options = { optimizer, schedule: constantRate(0.01), steps: 6, reports: 1, clipValue: 4 };
  await collect(train({ forward, terms: [watch], ...options }));
  assert.deepEqual(
    seen,
    [...sizes, ...sizes].map((rows) => [2 * rows, rows, 2 * rows]),
  );
  encoder.dispose();
  optimizer.dispose();
});

test('at the start the loss is that of its definition', async () => {
  const batch = [...pairs(1, 3)];
  const [report] = await learn(batch, { steps: 1, reports: 1 });
  const encoder = setUp();
  const views = batch[0]!.map((view) => tf.tensor((view as { data: Float32Array }).data, [3, ...shape]));
  const z = (encoder.model.predict(tf.concat(views)) as tf.Tensor2D).arraySync();
  const cosine = (a: number[], b: number[]) =>
    a.reduce((sum, value, c) => sum + value * b[c]!, 0) / (Math.hypot(...a) * Math.hypot(...b));
  const costs = z.map((row, i) => {
    const others = z.map((other, j) => (j === i ? 0 : Math.exp(2 * cosine(row, other))));
    return Math.log(others.reduce((sum, value) => sum + value) / others[(i + 3) % 6]!);
  });
  near(report!.losses.loss!, costs.reduce((sum, cost) => sum + cost) / 6);
  tf.dispose(views);
  encoder.dispose();
});

test('rows that the encoder cannot take are refused before the training', async () => {
  const view = { data: new Float32Array(6), shape: [2, 3] };
  await assert.rejects(
    learn([[view, view]]),
    saying(DataError, 'pairs: expected 4 values per row, as the encoder takes ([2, 2, 1]), got 3 ([3]); '),
  );
  // Flat rows with as many values are taken.
  const flat = { data: Float32Array.from({ length: 8 }, (_, i) => Math.sin(i)), shape: [2, 4] };
  await learn([[flat, flat]]);
});

test('a source that ends early ends the training with a named error, and leaves no tensor behind', async () => {
  const before = tf.memory().numTensors;
  await assert.rejects(
    learn(pairs(7, 6, true)),
    saying(DataError, 'pairs: expected 12 batches, got 7; pass a function'),
  );
  assert.equal(tf.memory().numTensors, before);
});

test('an abort closes the source and leaves no tensor behind', async () => {
  const before = tf.memory().numTensors;
  const controller = new AbortController();
  const reason = new Error('enough');
  let closed = 0;
  const endless = async function* (): AsyncGenerator<PairBatch> {
    try {
      for (;;) yield* pairs(4, 6, true);
    } finally {
      closed++;
    }
  };
  const onStep = (step: number) => {
    if (step === 5) controller.abort(reason);
  };
  await assert.rejects(learn(endless, { signal: controller.signal, onStep }), (error) => error === reason);
  // While it waits for a batch that never comes.
  const stuck = async function* (): AsyncGenerator<PairBatch> {
    yield* pairs(2);
    await new Promise(() => setImmediate(() => waiting.abort(reason)));
  };
  const waiting = new AbortController();
  await assert.rejects(learn(stuck, { signal: waiting.signal }), (error) => error === reason);
  await new Promise(setImmediate);
  assert.equal(closed, 1);
  assert.equal(tf.memory().numTensors, before);
});

test('a training that is left early closes the source, and an error of a batch drawn ahead is nobody’s', async () => {
  const source = async function* (): AsyncGenerator<PairBatch> {
    yield* pairs(4);
    throw new Error('drawn ahead, never awaited');
  };
  const encoder = setUp();
  const optimizer = adam();
  const reader = await openPairs(source, { steps: 12 });
  const options = { optimizer, schedule: constantRate(0.01), steps: 12, reports: 12, clipValue: 4 };
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', note);
  for await (const { step } of train({
    forward: pairsForward({ reader, encoder }),
    terms: [infonce()],
    ...options,
    onStep: async (at) => {
      // The fifth batch is asked for while the fourth is trained on.
      if (at === 3) await new Promise(setImmediate);
    },
  })) {
    if (step === 4) break;
  }
  await reader.close();
  await new Promise(setImmediate);
  process.off('unhandledRejection', note);
  assert.deepEqual(unhandled, []);
  encoder.dispose();
  optimizer.dispose();
});
