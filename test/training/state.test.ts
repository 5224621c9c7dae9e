import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { createRandom, type Streams, streamsOf } from '../../src/core/random.js';
import type { Forward, LossTerm, Network, Optimizer, Schedule, Trainable } from '../../src/core/types.js';
import { edgeSampler } from '../../src/data/sampler.js';
import { correlationLoss } from '../../src/losses/correlation.js';
import { umapLoss } from '../../src/losses/umap.js';
import { networkOf } from '../../src/networks/network.js';
import { withSeededLayers } from '../../src/networks/seededLayers.js';
import { rowsForward } from '../../src/training/forward.js';
import { adam, sgd, suppliedOptimizer, withWeightDecay } from '../../src/training/optimizer.js';
import {
  constantRate,
  cosineDecay,
  linearDecay,
  withGroups,
  withWarmUp,
} from '../../src/training/schedule.js';
import { restoreTraining, type TrainState, trainState } from '../../src/training/state.js';
import { readWeights, type TrainOptions, train } from '../../src/training/train.js';

await tf.setBackend('cpu');

const n = 40;
const numbers = createRandom('state');
const matrix = { data: Float32Array.from({ length: n * 3 }, () => numbers.normal()), shape: [n, 3] as const };
const edges = {
  head: Int32Array.from({ length: 2 * n }, (_, e) => e >> 1),
  tail: Int32Array.from({ length: 2 * n }, (_, e) => ((e >> 1) + (e % 2 === 0 ? 1 : n - 1)) % n),
  weight: new Float32Array(2 * n).fill(1),
  vertices: n,
};

/** A training with everything that draws numbers or remembers: batches, negatives, pairs, dropout, batch statistics. */
function prepared(optimizer: Optimizer = adam(), schedule: Schedule = cosineDecay(0.02, 40)) {
  const streams = streamsOf(createRandom(3));
  const dense = (units: number, more: object) =>
    tf.layers.dense({ units, kernelInitializer: tf.initializers.glorotUniform({ seed: units }), ...more });
  const model = tf.sequential({
    layers: [
      dense(8, { inputShape: [3], activation: 'relu' }),
      tf.layers.batchNormalization(),
      tf.layers.dropout({ rate: 0.3 }),
      dense(2, {}),
    ],
  });
  const encoder = withSeededLayers(networkOf(model, 'encoder', true), streams.fork('layers'));
  const options: TrainOptions = {
    forward: rowsForward({
      ...{ matrix, encoder },
      sampler: edgeSampler(edges, { batchSize: 16, random: streams.fork('edges') }),
    }),
    terms: [
      umapLoss({ a: 1.58, b: 0.9, negativeSampleRate: 5, random: streams.fork('negatives') }),
      correlationLoss({ weight: 0.5, random: streams.fork('correlation') }),
    ],
    ...{ optimizer, schedule, steps: 40, reports: 8, clipValue: 4 },
  };
  return { options, streams, encoder };
}

/** Weights at the end, and the state after each report. */
async function ended({
  options,
  streams,
  encoder,
}: {
  options: TrainOptions;
  streams: Streams;
  encoder: Network;
}) {
  const states: TrainState[] = [];
  for await (const { step, epoch } of train(options))
    states.push(await trainState(options, streams, { step, reports: epoch + 1 }));
  const weights = await readWeights([encoder]);
  encoder.dispose();
  options.optimizer.dispose();
  return { weights, states };
}

const optimizers: Readonly<Record<string, () => Optimizer>> = {
  adam,
  'adam with weight decay': () => withWeightDecay(adam(), 0.1),
  sgd: () => sgd(),
  'sgd with momentum': () => sgd({ momentum: 0.9 }),
  'tf.train.adam': () => suppliedOptimizer(tf.train.adam(0.02)),
  'tf.train.momentum': () => suppliedOptimizer(tf.train.momentum(0.02, 0.9)),
  'tf.train.rmsprop': () => suppliedOptimizer(tf.train.rmsprop(0.01)),
};
for (const [name, optimizer] of Object.entries(optimizers)) {
  test(`${name}: a training that goes on from its state ends with the same bits`, async () => {
    const whole = await ended(prepared(optimizer()));
    for (const at of [0, 3, 6]) {
      const state = JSON.parse(JSON.stringify(whole.states[at], arraysAsLists), listsAsArrays) as TrainState;
      const again = prepared(optimizer());
      await restoreTraining(again.options, again.streams, state);
      const { weights, states } = await ended({ ...again, options: { ...again.options, from: state } });
      assert.deepEqual(weights, whole.weights, `after report ${at}`);
      assert.equal(states.length, 7 - at);
      assert.deepEqual(states.at(-1), whole.states.at(-1));
    }
  });
}

/** A state is plain data: it survives as JSON, with arrays written as lists. */
const arraysAsLists = (_: string, value: unknown) =>
  value instanceof Float32Array ? { floats: [...value] } : value;
const listsAsArrays = (_: string, value: { floats?: number[] } | null) =>
  value?.floats ? Float32Array.from(value.floats) : value;

test('without its streams, or without its optimizer, a training ends elsewhere', async () => {
  const whole = await ended(prepared());
  const state = whole.states[3]!;
  for (const lacking of [{ streams: {} }, { optimizer: undefined }] satisfies Partial<TrainState>[]) {
    const again = prepared();
    await restoreTraining(again.options, again.streams, { ...state, ...lacking });
    const { weights } = await ended({ ...again, options: { ...again.options, from: state } });
    assert.notDeepEqual(weights, whole.weights);
  }
});

test('an optimizer that does not tell its state has none, and is renewed', async () => {
  class Silent extends tf.SGDOptimizer {
    override getWeights(): never {
      throw new Error('not implemented');
    }
  }
  const optimizer = suppliedOptimizer(new Silent(0.1));
  assert.equal(await optimizer.state(), undefined);
  await optimizer.restore(undefined);
  optimizer.dispose();
});

test('the state of an optimizer leaves no tensor behind', async () => {
  const before = tf.memory().numTensors;
  const given = tf.train.adam(0.1);
  const optimizer = suppliedOptimizer(given);
  const x = tf.tidy(() => tf.variable(tf.zeros([3])));
  const step = () => tf.tidy(() => optimizer.step([x], [tf.ones([3])], [0.1], 4));
  step();
  const state = await optimizer.state();
  await optimizer.restore(state);
  step();
  await optimizer.restore(undefined);
  optimizer.dispose();
  given.dispose();
  x.dispose();
  assert.equal(tf.memory().numTensors, before);
});

/** A term that pulls all points to `target`, a number that is trained as well. */
function movingTarget(group?: string): { term: LossTerm; target: tf.Variable } {
  const target = tf.variable(tf.scalar(0));
  const trainable: Trainable = {
    ...(group !== undefined && { group }),
    variables: () => [target],
    weights: () => [target],
    dispose: () => target.dispose(),
  };
  const compute: LossTerm['compute'] = ({ z }) =>
    tf.mean(tf.square(tf.sub(z, tf.add(target, 1)))) as tf.Scalar;
  return { term: { name: 'target', weight: 1, trained: [trainable], compute }, target };
}

test('a loss may train a number that is no network, at a rate of its own', async () => {
  const moved = async (group: string | undefined) => {
    const { options, encoder } = prepared();
    const { term, target } = movingTarget(group);
    const schedule: Schedule = { rate: (_, name) => (name === 'target' ? 0.5 : 0.001) };
    const asked = { ...options, terms: [term], schedule, steps: 1, reports: 1 };
    for await (const _ of train(asked));
    const value = Math.abs(target.dataSync()[0]!);
    target.dispose();
    encoder.dispose();
    options.optimizer.dispose();
    return value;
  };
  // Adam's first step is as long as the rate.
  assert.ok(Math.abs((await moved('target')) - 0.5) < 1e-3);
  assert.ok(Math.abs((await moved(undefined)) - 0.001) < 1e-5);
});

test('such a number is put back with the other weights when training diverges', async () => {
  const { options, encoder } = prepared();
  const { term, target } = movingTarget();
  let calls = 0;
  const sick: LossTerm = {
    ...{ name: 'sick', weight: 1 },
    compute: ({ z }) => tf.mul(tf.mean(z), ++calls > 12 ? Number.NaN : 1) as tf.Scalar,
  };
  let good = 0;
  const run = async () => {
    for await (const _ of train({ ...options, terms: [term, sick] })) good = target.dataSync()[0]!;
  };
  await assert.rejects(run(), /diverged|finite/);
  assert.notEqual(good, 0);
  assert.equal(target.dataSync()[0], good);
  target.dispose();
  encoder.dispose();
});

test('losses see the rows of their batch, and how far training is', async () => {
  const { options, encoder } = prepared();
  const done: number[] = [];
  const seen: LossTerm = {
    ...{ name: 'seen', weight: 1 },
    compute({ batch, input, z, done: part }) {
      done.push(part);
      assert.equal(input.matrix, matrix);
      assert.deepEqual(input.rows.subarray(0, batch.rowCount), batch.rows.subarray(0, batch.rowCount));
      assert.equal(z.shape[0], batch.rowCount);
      return tf.mean(z) as tf.Scalar;
    },
  };
  for await (const _ of train({ ...options, terms: [seen], steps: 4, reports: 2 }));
  assert.deepEqual(done, [0, 0.25, 0.5, 0.75]);
  encoder.dispose();
});

test('rows may come later: training waits for a forward pass that fetches them', async () => {
  const { options, encoder } = prepared();
  const events: string[] = [];
  const forward: Forward = {
    ...options.forward,
    async begin() {
      await new Promise((resolve) => setTimeout(resolve, 1));
      await options.forward.begin();
      events.push('rows');
    },
    apply(place) {
      events.push('step');
      return options.forward.apply(place);
    },
  };
  for await (const _ of train({ ...options, forward, steps: 3, reports: 3 }));
  assert.deepEqual(events.slice(0, 6), ['rows', 'step', 'rows', 'step', 'rows', 'step']);
  encoder.dispose();
});

test('rows that cannot be fetched end the training with their reason', async () => {
  const before = tf.memory().numTensors;
  const { options, encoder } = prepared();
  const forward: Forward = {
    ...options.forward,
    begin: () => Promise.reject(new Error('the source is gone')),
  };
  const run = async () => {
    for await (const _ of train({ ...options, forward }));
  };
  await assert.rejects(run(), /the source is gone/);
  encoder.dispose();
  assert.equal(tf.memory().numTensors, before);
});

/** Halves the rate after each report. */
function plateau(): Schedule {
  let rate = 0.02;
  return {
    rate: () => rate,
    report() {
      rate /= 2;
    },
    state: () => rate,
    restore(state) {
      rate = state as number;
    },
  };
}

test('a schedule sees each report, and its state is part of the training’s', async () => {
  const whole = await ended(prepared(adam(), plateau()));
  assert.deepEqual(
    whole.states.map(({ schedule }) => schedule),
    Array.from({ length: 8 }, (_, i) => 0.02 / 2 ** (i + 1)),
  );
  const again = prepared(adam(), plateau());
  await restoreTraining(again.options, again.streams, whole.states[4]!);
  const { weights } = await ended({ ...again, options: { ...again.options, from: whole.states[4]! } });
  assert.deepEqual(weights, whole.weights);
});

test('schedules fall from their peak to 0, or stay', () => {
  const at = (schedule: Schedule) => [0, 25, 50, 100].map((step) => schedule.rate(step));
  const near = (found: number[], expected: number[]) =>
    assert.ok(
      found.every((rate, i) => Math.abs(rate - expected[i]!) < 1e-12),
      `${found}`,
    );
  near(at(constantRate(0.1)), [0.1, 0.1, 0.1, 0.1]);
  near(at(linearDecay(0.1, 100)), [0.1, 0.075, 0.05, 0]);
  near(at(cosineDecay(0.1, 100)), [0.1, 0.05 * (1 + Math.SQRT1_2), 0.05, 0]);
});

test('the states of streams bring back all that they would have drawn', () => {
  const streams = streamsOf(createRandom('s'));
  const [a, b] = [streams.fork('a'), streams.fork('b')];
  a.normal();
  b.uint32();
  const state = streams.state();
  const draw = () => [a.normal(), a.normal(), a.next(), b.integer(1000), b.uint32()];
  const first = draw();
  streams.restore(state);
  assert.deepEqual(draw(), first);
});

test('a schedule is asked once per step and group, however many variables there are', async () => {
  const { options, encoder } = prepared();
  const asked: number[] = [];
  const schedule: Schedule = {
    rate(step) {
      asked.push(step);
      return 0.01;
    },
  };
  for await (const _ of train({ ...options, schedule, steps: 4, reports: 1 }));
  // Once more for the report.
  assert.deepEqual(asked, [0, 1, 2, 3, 3]);
  encoder.dispose();
});

test('a schedule of groups keeps the state of each part, behind a warm-up too', async () => {
  const make = () =>
    withWarmUp(withGroups(plateau(), { temperature: plateau(), normalization: constantRate(0.1) }), 5);
  const whole = await ended(prepared(adam(), make()));
  const halved = 0.02 / 2 ** 5;
  assert.deepEqual(whole.states[4]!.schedule, { '': halved, temperature: halved });
  const again = prepared(adam(), make());
  await restoreTraining(again.options, again.streams, whole.states[4]!);
  const { weights } = await ended({ ...again, options: { ...again.options, from: whole.states[4]! } });
  assert.deepEqual(weights, whole.weights);
});
