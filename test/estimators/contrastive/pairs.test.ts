/** Contrastive embeddings trained on pairs that are given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useBackend } from '../../../src/backend/choose.js';
import { createRandom } from '../../../src/core/random.js';
import * as tf from '../../../src/core/tf.js';
import {
  ContrastiveEmbedding,
  DataError,
  fromFiles,
  OptionError,
  type PairSource,
  toFiles,
} from '../../../src/index.js';
import { saying } from '../../helpers/assert.js';

const options = { similarity: 'cosine', nComponents: 4, lossReportFrequency: 4, seed: 3 } as const;

/** Rows around three centers in 8 dimensions, and their numbers. */
function sample(count: number, seed: number) {
  const random = createRandom(seed);
  const classes = Int32Array.from({ length: count }, () => random.integer(3));
  const data = Float32Array.from({ length: count * 8 }, (_, at) => {
    const own = classes[at >> 3]! === (at & 7) % 3 ? 2 : 0;
    return own + 0.7 * random.normal();
  });
  return { classes, rows: { data, shape: [count, 8] as const } };
}

/** Two noisy views of random rows, `batches` times. */
function* views(batches: number, seed = 1, size = 24): Generator<[tf.Tensor, tf.Tensor]> {
  for (let batch = 0; batch < batches; batch++) {
    const random = createRandom(`${seed} ${batch}`);
    const { data } = sample(size, 1000 * seed + batch).rows;
    const noisy = () =>
      tf.tensor2d(
        data.map((value) => value + 0.3 * random.normal()),
        [size, 8],
      );
    yield [noisy(), noisy()];
  }
}

async function embeddingOf(source: PairSource, steps: number, more = {}) {
  const embedding = new ContrastiveEmbedding({ ...options, ...more });
  await embedding.fit(source, null, { steps });
  const { data } = await embedding.transform(sample(40, 7).rows);
  return { embedding, data };
}

test('what is alike lies together after a fit on pairs alone, and the loss falls', async () => {
  const { embedding, data } = await embeddingOf(() => views(20), 120);
  const { infonce } = embedding.history;
  assert.ok(infonce!.at(-1)! < infonce![0]!, `${infonce}`);
  const { classes } = sample(40, 7);
  const cosine = (i: number, j: number) => {
    const [a, b] = [i, j].map((row) => data.subarray(4 * row, 4 * row + 4));
    return a!.reduce((sum, x, c) => sum + x * b![c]!, 0) / (Math.hypot(...a!) * Math.hypot(...b!));
  };
  const mean = { same: [0, 0], other: [0, 0] };
  for (let i = 0; i < 40; i++) {
    for (let j = 0; j < i; j++) {
      const of = classes[i] === classes[j] ? mean.same : mean.other;
      of[0]! += cosine(i, j);
      of[1]!++;
    }
  }
  const [same, other] = [mean.same, mean.other].map(([sum, count]) => sum! / count!);
  assert.ok(same! > other! + 0.3, `same ${same}, other ${other}`);
  assert.throws(() => embedding.graph, /fitted on pairs/);
  embedding.dispose();
});

test('the same pairs and seed give the same bits; a second fit goes on; a saved model gives the same rows', async () => {
  const first = await embeddingOf(() => views(10), 20);
  const second = await embeddingOf(() => views(10), 20);
  assert.deepEqual(first.data, second.data);
  const loaded = await ContrastiveEmbedding.fromArtifact(await artifactOf(first.embedding));
  assert.deepEqual((await loaded.transform(sample(40, 7).rows)).data, first.data);
  await second.embedding.fit(() => views(10, 2), null, { steps: 8 });
  assert.equal(second.embedding.history.infonce!.length, 8);
  for (const embedding of [first.embedding, second.embedding, loaded]) embedding.dispose();
});

async function artifactOf(embedding: ContrastiveEmbedding) {
  const files = await toFiles(await embedding.toArtifact());
  return fromFiles(async (name) => files.get(name)!);
}

test('a decoder, a learned temperature and weight decay work with pairs; nothing is left behind', async () => {
  await useBackend();
  const before = tf.memory().numTensors;
  const more = { parametricReconstruction: true, learnTemperature: true, optimizer: 'sgd', momentum: 0.9 };
  const { embedding } = await embeddingOf(() => views(5), 12, more);
  const rows = await embedding.inverseTransform([[1, 2, 3, 4]]);
  assert.equal(rows[0]!.length, 8);
  const { temperature } = await embedding.learnedNumbers();
  assert.ok(temperature! > 0 && temperature !== 0.5);
  embedding.dispose();
  assert.equal(tf.memory().numTensors, before, 'tensors left');
});

test('progress has the numbers in force; kappa is that of the spectrum, exaggerated only where s is given', async () => {
  const kappas = async (more: object) => {
    const embedding = new ContrastiveEmbedding({ ...options, ...more });
    const seen: number[] = [];
    for await (const { numbers } of embedding.steps(() => views(8), null, { steps: 8 })) {
      seen.push(numbers!.kappa!);
    }
    embedding.dispose();
    return seen;
  };
  assert.deepEqual(await kappas({}), [1, 1, 1, 1]);
  assert.deepEqual(await kappas({ s: 0 }), [4, 1, 1, 1]);
  assert.deepEqual(await kappas({ s: 0, earlyExaggeration: false }), [1, 1, 1, 1]);
});

test('what has no meaning for pairs is refused by name before training', async () => {
  await useBackend();
  const before = tf.memory().numTensors;
  const source = () => views(3);
  const refused = async (more: object, y: unknown, inputs: object, ...words: string[]) => {
    const embedding = new ContrastiveEmbedding({ ...options, ...more });
    await assert.rejects(embedding.fit(source, y as number[], inputs), saying(OptionError, ...words));
    embedding.dispose();
  };
  await refused({}, null, {}, 'steps', 'got none');
  await refused({}, [1, 2], { steps: 3 }, 'y', 'pairs');
  await refused({}, null, { steps: 3, validation: 0.2 }, 'validation', 'pairs');
  await refused({ parametric: false }, null, { steps: 3 }, 'parametric');
  await refused({ metric: 'cosine' }, null, { steps: 3 }, 'metric', 'pairs');
  await refused({ lossMode: 'neg', s: 0 }, null, { steps: 3 }, 's', 'neg');
  await refused({ nEpochs: 3 }, null, { steps: 3 }, 'nEpochs');
  const embedding = new ContrastiveEmbedding(options);
  await assert.rejects(
    embedding.fit(
      [
        [1, 2],
        [3, 4],
      ],
      null,
      { steps: 3 },
    ),
    saying(OptionError, 'steps', 'rows'),
  );
  await assert.rejects(embedding.fitTransform(source as never), saying(OptionError, 'fitTransform', 'pairs'));
  embedding.dispose();
  assert.equal(tf.memory().numTensors, before, 'tensors left');
});

test('a source that ends early or changes width leaves the estimator as it was', async () => {
  await useBackend();
  const before = tf.memory().numTensors;
  const { embedding, data } = await embeddingOf(() => views(5), 5);
  await assert.rejects(
    embedding.fit(views(3), null, { steps: 9 }),
    saying(DataError, 'expected 9 batches', '3'),
  );
  function* widening(): Generator<[tf.Tensor, tf.Tensor]> {
    yield* views(2);
    yield [tf.zeros([4, 5]), tf.zeros([4, 5])];
  }
  await assert.rejects(embedding.fit(widening, null, { steps: 9 }), saying(DataError, '[8]', '[5]'));
  const wide: [tf.Tensor, tf.Tensor][] = [[tf.zeros([4, 6]), tf.zeros([4, 6])]];
  await assert.rejects(embedding.fit(wide, null, { steps: 2 }), saying(DataError, '8', '6'));
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  await assert.rejects(embedding.fit(views(9), null, { steps: 9, signal: controller.signal }), /enough/);
  assert.deepEqual((await embedding.transform(sample(40, 7).rows)).data, data);
  embedding.dispose();
  tf.dispose(wide);
  assert.ok(
    tf.memory().numTensors <= before + 2,
    'only the views of the array, which are the user’s, are left',
  );
});

test('an array of batches needs no steps: nEpochs passes over it', async () => {
  const batches = [...views(3)];
  const embedding = new ContrastiveEmbedding({ ...options, nEpochs: 2, lossReportFrequency: 6 });
  await embedding.fit(batches);
  assert.equal(embedding.history.loss!.length, 6);
  embedding.dispose();
  assert.ok(batches.every(([a]) => !a.isDisposed));
  tf.dispose(batches.flat());
});
