/** Labels and numbers: what they do to the graph, and the classifier on the embedding. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { DataError, NotFittedError, OptionError } from '../../src/core/errors.js';
import type { Targets } from '../../src/data/targets.js';
import type { FeaturedEstimator, Options } from '../checks/estimator.js';
import type { Subject } from '../checks/subject.js';
import { saying } from '../helpers/assert.js';
import { groups } from '../helpers/data.js';
import { digits, greys, images, supervised } from '../helpers/fixtures.js';
import { briefly, feature, refusals, sums } from './feature.js';

const { test, check } = feature('supervised');

const [unsupervised] = digits.cases;
const knn = { indices: unsupervised!.knnIndices, distances: unsupervised!.knnDistances };

async function graphOf(subject: Subject, options: Options, y?: Targets | null) {
  const umap = await briefly(subject, { ...subject.epochs(1), ...options }).fit(digits.X, y, { knn });
  const { graph } = umap;
  umap.dispose();
  return graph;
}

test(
  'unknown labels may be null, undefined or -1, and labels words or numbers of any array',
  ['needsGraph'],
  async (subject) => {
    const wanted = await graphOf(subject, {}, supervised.labels);
    const { labels } = supervised;
    const forms: Targets[] = [
      labels.map((label) => (label === -1 ? null : label)),
      labels.map((label) => (label === -1 ? undefined : `digit ${label}`)),
      Int32Array.from(labels),
      Float64Array.from(labels),
      labels.map((label) => (label === -1 ? -1 : 100 - label)),
    ];
    for (const y of forms) assert.deepEqual(await graphOf(subject, {}, y), wanted);
    assert.deepEqual(await graphOf(subject, {}, null), await graphOf(subject, {}));
    assert.notDeepEqual(wanted, await graphOf(subject, {}));
  },
);

test(
  'a target weight of 0 leaves the graph to the rows, and the neighbors of targets act',
  ['needsGraph'],
  async (subject) => {
    const plain = await graphOf(subject, {});
    assert.deepEqual(await graphOf(subject, { targetWeight: 0 }, supervised.labels), plain);
    const numbers = { targetMetric: 'euclidean' } as const;
    const few = await graphOf(subject, { ...numbers, targetNNeighbors: 5 }, supervised.target);
    assert.notDeepEqual(few, await graphOf(subject, numbers, supervised.target));
    assert.deepEqual(
      await graphOf(subject, { ...numbers, targetNNeighbors: 15 }, supervised.target),
      await graphOf(subject, numbers, supervised.target),
    );
  },
);

test('the labels are left alone', ['needsGraph'], async (subject) => {
  const y = Object.freeze(digits.y.map((label, i) => (i % 3 === 0 ? null : label)));
  const copy = [...y];
  await graphOf(subject, {}, y);
  assert.deepEqual(y, copy);
});

/** Three clear groups of 60 rows, two of each labeled. */
const rows = groups();
const names = ['ash', 'elm', 'oak'];
const few = rows.map((_, i) => (i < 6 ? names[i % 3]! : null));

/** A longer training on them, with a classifier. */
function classifying(subject: Subject, options: Options = {}): FeaturedEstimator {
  const { quick, epochs } = subject;
  return subject.create({ ...quick, ...epochs(30), classifier: true, ...options }) as FeaturedEstimator;
}

test(
  'a few labels teach the classifier all rows, and new ones',
  ['newRows', 'classifier'],
  async (subject) => {
    const assertSum = sums(subject);
    const umap = await classifying(subject).fit(rows, few);
    assert.deepEqual(umap.classes, names);
    const fresh = groups(90, 6, 'unseen');
    for (const [X, count] of [
      [rows, 60],
      [fresh, 90],
    ] as const) {
      const right = (await umap.predict(X)).filter((name, i) => name === names[i % 3]).length;
      assert.ok(right >= 0.95 * count, `${right} of ${count}`);
    }
    assert.deepEqual(Object.keys(umap.history), ['loss', subject.names.mainLoss, 'classification']);
    assertSum(umap.history, { classification: 1 });
    umap.dispose();
  },
);

test(
  'probabilities are in the order of the classes, sum to 1, and agree with predict',
  ['classifier'],
  async (subject) => {
    const assertSum = sums(subject);
    const umap = await classifying(subject, { classifierLossWeight: 0.3 }).fit(rows, few);
    const probabilities = await umap.predictProba(rows);
    const predicted = await umap.predict(rows);
    assert.equal(probabilities.length, 60);
    probabilities.forEach((row, i) => {
      assert.equal(row.length, 3);
      assert.ok(Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) < 1e-5);
      assert.ok(row.every((value) => value >= 0 && value <= 1));
      assert.equal(umap.classes[row.indexOf(Math.max(...row))], predicted[i]);
    });
    assert.deepEqual(await umap.predict(rows, { batchSize: 7 }), predicted);
    assertSum(umap.history, { classification: 0.3 });
    umap.dispose();
  },
);

test('number labels come back as numbers, sorted by value', ['classifier'], async (subject) => {
  const umap = await classifying(subject, subject.epochs(2)).fit(
    rows,
    Int16Array.from(rows, (_, i) => (i < 9 ? [10, 9, 200][i % 3]! : -1)),
  );
  assert.deepEqual(umap.classes, [9, 10, 200]);
  assert.ok((await umap.predict(rows)).every((label) => [9, 10, 200].includes(label as number)));
  umap.dispose();
});

test('a user-supplied classifier is trained, and not freed', ['classifier'], async (subject) => {
  const classifier = tf.sequential({
    layers: [
      tf.layers.dense({
        units: 3,
        inputShape: [2],
        kernelInitializer: tf.initializers.glorotUniform({ seed: 3 }),
      }),
    ],
  });
  const before = classifier.getWeights()[0]!.dataSync().slice();
  const umap = await classifying(subject, { classifier }).fit(rows, few);
  const after = classifier.getWeights()[0]!.dataSync().slice();
  assert.notDeepEqual(after, before);
  umap.dispose();
  assert.deepEqual(classifier.getWeights()[0]!.dataSync(), after);
  classifier.dispose();
});

test(
  'the classifier goes on over later fits, with labels, without, and with all unknown',
  ['classifier'],
  async (subject) => {
    const tensors = tf.memory().numTensors;
    const umap = await classifying(subject, subject.epochs(10)).fit(rows, few);
    const reports = umap.history.loss!.length;
    const classified = umap.history.classification!.length;
    await umap.fit(rows);
    await umap.fit(
      rows,
      rows.map(() => null),
    );
    assert.equal(umap.history.loss!.length, 3 * reports);
    assert.equal(umap.history.classification!.length, classified, 'no label, no loss');
    assert.deepEqual(umap.classes, names);
    await umap.fit(
      rows,
      rows.map((_, i) => (i < 6 ? names[i % 2]! : null)),
    );
    assert.deepEqual(umap.classes, names);
    assert.equal(umap.history.classification!.length, 2 * classified);
    const held = tf.memory().numTensors;
    await assert.rejects(
      umap.fit(
        rows,
        rows.map((_, i) => `tree ${i % 2}`),
      ),
      saying(DataError, '3 classes', '5'),
    );
    await assert.rejects(
      umap.fit(
        rows,
        rows.map((_, i) => i % 2),
      ),
      saying(DataError, 'one type'),
    );
    assert.equal(tf.memory().numTensors, held);
    assert.equal((await umap.predict(rows)).length, 60);
    umap.dispose();
    assert.equal(tf.memory().numTensors, tensors);
  },
);

test('the classifier takes rows in every form and shape', ['classifier', 'ownEncoder'], async (subject) => {
  const y = digits.y.slice(0, 100);
  const umap = await briefly(subject, { classifier: true, dims: [8, 8, 1] }).fit(images.slice(0, 100), y);
  const wanted = await umap.predict(images);
  const tensor = tf.tensor2d(greys);
  assert.deepEqual(await umap.predict(greys), wanted);
  assert.deepEqual(await umap.predict(tensor), wanted);
  await assert.rejects(umap.predict([[1, 2]]), saying(DataError, 'predict', '64', '2'));
  tensor.dispose();
  umap.dispose();
});

test('labels that do not fit are refused before training', async (subject) => {
  const assertRefused = refusals(subject);
  const at = (i: number, value: unknown) =>
    digits.y.map((label, row) => (row === i ? value : label)) as Targets;
  for (const classifier of subject.traits.classifier ? [false, true] : [false]) {
    const refused = (y: Targets, ...parts: (string | RegExp)[]) =>
      assertRefused({ options: { classifier }, y }, saying(DataError, 'y', ...parts));
    await refused(digits.y.slice(1), '(300)', '299 entries');
    await refused([], '(300)', '0 entries');
    await refused('labels' as unknown as Targets, '(300)', 'labels');
    await refused(at(7, 'seven'), 'one type', 'numbers and strings');
    await refused(at(7, Number.NaN), 'NaN', 'row 7');
    await refused(at(7, true), 'true', 'row 7');
    await refused(at(7, { label: 7 }), 'object', 'row 7');
  }
  const numbers = { targetMetric: 'euclidean' } as const;
  await assertRefused(
    { options: numbers, y: at(7, Number.POSITIVE_INFINITY) },
    saying(DataError, 'finite numbers', 'Infinity', 'row 7'),
  );
  await assertRefused({ options: numbers, y: at(7, 'x') }, saying(DataError, 'finite numbers', 'row 7'));
  await assertRefused({ options: numbers, y: [1] }, saying(DataError, '(300)', '1 entries'));
});

test('a classifier that cannot be is refused before training', ['classifier'], async (subject) => {
  const assertRefused = refusals(subject);
  const dense = (inputs: number, units: number) =>
    tf.sequential({ layers: [tf.layers.dense({ units, inputShape: [inputs] })] });
  const classifier = true;
  await assertRefused({ options: { classifier } }, saying(DataError, 'classifier', 'y'));
  const one = digits.y.map(() => 4);
  await assertRefused({ options: { classifier }, y: one }, saying(DataError, 'at least 2 classes', 'got 1'));
  const none = digits.y.map(() => null);
  await assertRefused({ options: { classifier }, y: none }, saying(DataError, 'at least 2 classes', 'got 0'));
  await assertRefused(
    { options: { classifier, targetMetric: 'euclidean' }, y: digits.y },
    saying(OptionError, 'classifier', 'euclidean'),
  );
  for (const [model, ...parts] of [
    [dense(2, 9), 'classifier', 'output', '10', '9'],
    [dense(3, 10), 'classifier', 'input', '2', '3'],
  ] as const) {
    const found = saying(OptionError, ...parts);
    const attempt = () => assertRefused({ options: { classifier: model }, y: digits.y }, found);
    await attempt();
    model.dispose();
  }
});

test('without a classifier, predictions are refused', async (subject) => {
  const umap = await briefly(subject, subject.epochs(1)).fit(greys, digits.y);
  await assert.rejects(umap.predict(greys), saying(NotFittedError, 'predict', 'classifier: true'));
  await assert.rejects(umap.predictProba(greys), saying(NotFittedError, 'predictProba', 'classifier: true'));
  assert.deepEqual(umap.classes, []);
  umap.dispose();
});

/** Registers the tests of this feature. */
export const checkSupervision = check;
