/** An embedding without a network: every fitted row has a point of its own, and new rows are placed among them. */
import assert from 'node:assert/strict';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { OptionError } from '../../src/core/errors.js';
import { embeddingLog, type FitInputs } from '../../src/index.js';
import type { FeaturedEstimator, Options } from '../checks/estimator.js';
import { fitted, quickly, type Subject } from '../checks/subject.js';
import { assertFinite, saying } from '../helpers/assert.js';
import { groups } from '../helpers/data.js';
import { withDirectory } from '../helpers/files.js';
import { greys } from '../helpers/fixtures.js';
import { briefly, feature, refusals } from './feature.js';

const { test, check } = feature('points');

const rows = groups();
const fresh = groups(30, 6, 'new rows');

/** A fit that is long enough for the three groups to part. */
const long = (subject: Subject, options: Options = {}) =>
  fitted(subject, { ...subject.epochs(30), ...options }) as Promise<FeaturedEstimator>;

const nearest = (map: readonly (readonly number[])[], at: readonly number[]) => {
  const squared = map.map((row) => row.reduce((sum, value, c) => sum + (value - at[c]!) ** 2, 0));
  return squared.indexOf(Math.min(...squared));
};

test('rows that are all equal have a map, as with a network', async (subject) => {
  const estimator = quickly(subject) as FeaturedEstimator;
  assertFinite((await estimator.fitTransform(Array.from({ length: 40 }, () => rows[0]!))).flat());
  estimator.dispose();
});

test('fitTransform gives the points, and transform gives a fitted row its own', async (subject) => {
  const estimator = quickly(subject) as FeaturedEstimator;
  const map = await estimator.fitTransform(rows);
  const [points] = estimator.encoder.getWeights();
  assert.deepEqual(points!.shape, [60, 2]);
  assert.deepEqual(map.flat(), [...points!.dataSync()]);
  const order = [17, 3, 59, 3, 0];
  const some = order.map((i) => rows[i]!);
  assert.deepEqual(
    await estimator.transform(some),
    order.map((i) => map[i]!),
  );
  estimator.dispose();
});

test('rows that are fitted twice have two points, and transform gives the first', async (subject) => {
  const twice = [...rows.slice(0, 40), ...rows.slice(0, 20)];
  const estimator = quickly(subject);
  const map = await estimator.fitTransform(twice);
  assert.equal(map.length, 60);
  assert.deepEqual(await estimator.transform(twice), [...map.slice(0, 40), ...map.slice(0, 20)]);
  estimator.dispose();
});

test('new rows come among their like, each by itself', async (subject) => {
  const estimator = await long(subject);
  const map = await estimator.transform(rows);
  const placed = await estimator.transform(fresh);
  assertFinite(placed.flat());
  const right = placed.filter((at, i) => nearest(map, at) % 3 === i % 3).length;
  assert.ok(right >= 27, `${right} of 30 are beside a row of their group`);
  for (const i of [0, 13, 29]) assert.deepEqual(await estimator.transform([fresh[i]!]), [placed[i]!]);
  assert.deepEqual(await estimator.transform([...rows.slice(0, 9), ...fresh].reverse()), [
    ...placed.toReversed(),
    ...map.slice(0, 9).reverse(),
  ]);
  assert.deepEqual(await estimator.transform(rows), map, 'fitted rows stay');
  estimator.dispose();
});

test('a loaded model places new rows to the same bits', async (subject) => {
  await withDirectory(async (directory) => {
    const estimator = await fitted(subject);
    await estimator.save(path.join(directory, 'model'));
    const loaded = await subject.load(path.join(directory, 'model'));
    assert.deepEqual(await loaded.transform(fresh), await estimator.transform(fresh));
    assert.deepEqual(await loaded.transform(rows), await estimator.transform(rows));
    estimator.dispose();
    loaded.dispose();
  });
});

test('a second fit starts where the points of the first place the rows', ['callbacks'], async (subject) => {
  const log = embeddingLog({ rows: Array.from({ length: 30 }, (_, i) => i) });
  const estimator = quickly(subject, { callbacks: [log] });
  await estimator.fit(rows);
  const places = await estimator.transform(fresh);
  await estimator.fit(fresh);
  const start = log.records.filter(({ fit }) => fit === 2)[0]!;
  assert.equal(start.moment, 'start');
  assert.deepEqual([...start.positions.data], places.flat());
  estimator.dispose();
});

test(
  'moments of the optimizer stay with the rows, and other rows start without',
  ['landmarks'],
  async (subject) => {
    const others = groups(60, 6, 'other rows');
    const after = async (forget: boolean, X: number[][]) => {
      const estimator = (await fitted(subject)) as FeaturedEstimator;
      if (forget) await estimator.addLandmarks(rows, { resetOptimizer: true });
      estimator.removeLandmarks();
      const controller = new AbortController();
      await assert.rejects(async () => {
        for await (const _ of estimator.steps(others, null, { signal: controller.signal }))
          controller.abort(new Error('enough'));
      }, /enough/);
      const map = await estimator.fitTransform(X);
      estimator.dispose();
      return map;
    };
    assert.deepEqual(await after(false, others), await after(true, others));
    assert.notDeepEqual(await after(false, rows), await after(true, rows), 'moments of the same rows stay');
  },
);

test('a given first layout is where the points start', ['callbacks'], async (subject) => {
  const init = rows.map((_, i) => [i % 7, -i]);
  const log = embeddingLog({ rows: Array.from({ length: 60 }, (_, i) => i) });
  const estimator = await fitted(subject, { init, callbacks: [log] });
  assert.deepEqual([...log.records[0]!.positions.data], init.flat());
  estimator.dispose();
});

test('every named first layout is taken up', async (subject) => {
  const maps = new Set<string>();
  for (const init of ['spectral', 'pca', 'random']) {
    const estimator = quickly(subject, { init });
    const map = await estimator.fitTransform(rows);
    assertFinite(map.flat());
    maps.add(JSON.stringify(map));
    estimator.dispose();
  }
  assert.equal(maps.size, 3);
});

test('what acts on a network, or on rows held out, is refused by name before training', async (subject) => {
  const assertRefused = refusals(subject);
  const encoder = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [64] })] });
  for (const options of [{ encoder }, { inputNoise: 0.1 }, { reconstructionValidation: greys }]) {
    await assertRefused(
      { options },
      saying(OptionError, subject.name, Object.keys(options)[0]!, 'got false', 'network'),
    );
  }
  encoder.dispose();
  for (const validation of [0.2, greys.slice(0, 50)]) {
    const inputs: FitInputs = { validation };
    await assertRefused({ inputs }, saying(OptionError, subject.name, 'validation', 'held-out'));
  }
});

test('with given distances, fitted rows have points, and what needs distances to new rows is refused', async (subject) => {
  const distances = rows.map((a) => rows.map((b) => Math.hypot(...a.map((v, c) => v - b[c]!))));
  const estimator = quickly(subject, { metric: 'precomputed' });
  const map = await estimator.fitTransform(rows, null, { distances });
  assertFinite(map.flat());
  const held = tf.memory().numTensors;
  await assert.rejects(estimator.transform(fresh), saying(OptionError, 'precomputed', 'distances'));
  await assert.rejects(
    estimator.fit(rows, null, { distances }),
    saying(OptionError, 'precomputed', 'distances'),
  );
  assert.equal(tf.memory().numTensors, held);
  estimator.dispose();
});

test('an own optimizer takes a later fit on another number of rows', ['batches'], async (subject) => {
  const before = tf.memory().numTensors;
  const optimizer = tf.train.adam(0.1);
  const estimator = quickly(subject, { optimizer });
  await estimator.fit(rows);
  await estimator.fit(groups(45, 6, 'other rows'));
  await estimator.fit(rows);
  assertFinite((await estimator.transform(rows)).flat());
  estimator.dispose();
  optimizer.dispose();
  assert.equal(tf.memory().numTensors, before);
});

test('the classifier is of the points, and takes new rows', ['classifier'], async (subject) => {
  const y = rows.map((_, i) => ['ash', 'elm', 'oak'][i % 3]!);
  const estimator = (await briefly(subject, {
    ...subject.quick,
    ...subject.epochs(30),
    classifier: true,
  }).fit(rows, y)) as FeaturedEstimator;
  const right = (await estimator.predict(fresh)).filter((name, i) => name === y[i]).length;
  assert.ok(right >= 27, `${right} of 30`);
  estimator.dispose();
});

/** Registers the tests of this feature. */
export const checkPoints = check;
