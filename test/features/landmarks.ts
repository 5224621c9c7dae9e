/** Landmarks: rows that stay where they are told, in one fit or from fit to fit. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { DataError, NotFittedError, OptionError } from '../../src/core/errors.js';
import type { LandmarkPositions } from '../../src/index.js';
import type { Options } from '../checks/estimator.js';
import type { Subject, Trait } from '../checks/subject.js';
import { saying } from '../helpers/assert.js';
import { digits, greys, images } from '../helpers/fixtures.js';
import { briefly, feature, refusals, sums } from './feature.js';

const { test, check } = feature('landmarks');

/** For a later fit on other rows. */
const other: readonly Trait[] = ['newRows'];
const otherLabeled: readonly Trait[] = ['newRows', 'supervised'];
const otherImages: readonly Trait[] = ['newRows', 'ownEncoder'];

/** Every tenth row on a circle. */
const circle = greys.map((_, i) =>
  i % 10 === 0 ? [5 * Math.cos(i / 40), 5 * Math.sin(i / 40)] : null,
) satisfies LandmarkPositions;

/** Mean distance of rows from places; free rows do not count. */
function away(map: readonly (readonly number[])[], places: readonly (readonly number[] | null)[]): number {
  let sum = 0;
  let count = 0;
  places.forEach((place, i) => {
    if (!place) return;
    sum += Math.hypot(map[i]![0]! - place[0]!, map[i]![1]! - place[1]!);
    count++;
  });
  return sum / count;
}

async function mapWith(
  subject: Subject,
  options: Options,
  landmarkPositions?: LandmarkPositions,
): Promise<number[][]> {
  const umap = briefly(subject, { ...subject.epochs(15), ...options });
  const map = await umap.fitTransform(greys, null, landmarkPositions && { landmarkPositions });
  umap.dispose();
  return map;
}

test('landmarks come to their positions, and more so with more weight', async (subject) => {
  const free = away(await mapWith(subject, {}), circle);
  const light = away(await mapWith(subject, { landmarkLossWeight: 0.01 }, circle), circle);
  const heavy = away(await mapWith(subject, { landmarkLossWeight: 1 }, circle), circle);
  assert.ok(heavy < 0.5 * light && light < 0.9 * free, `${heavy}, ${light}, ${free}`);
});

test('positions come in every form', async (subject) => {
  const wanted = await mapWith(subject, subject.epochs(5), circle);
  const nan = circle.map((place) => place ?? [Number.NaN, Number.NaN]);
  const tensor = tf.tensor2d(nan);
  for (const form of [
    nan,
    circle.map((place) => place ?? [null, 3]),
    nan.map((place) => Float64Array.from(place)),
    { data: Float32Array.from(nan.flat()), shape: [300, 2] },
    tensor,
  ]) {
    assert.deepEqual(await mapWith(subject, subject.epochs(5), form), wanted);
  }
  tensor.dispose();
});

test('the weight is part of the sum, of the option or of the one fit, and acts at once', async (subject) => {
  const assertSum = sums(subject);
  const umap = briefly(subject, { landmarkLossWeight: 0.25 });
  await umap.fit(greys, null, { landmarkPositions: circle });
  assertSum(umap.history, { landmark: 0.25 });
  const reports = umap.history.loss!.length;
  await umap.fit(greys, null, { landmarkPositions: circle, landmarkLossWeight: 7 });
  assertSum(umap.history, { landmark: 7 }, reports);
  await umap.fit(greys, null, { landmarkPositions: circle, landmarkLossWeight: 0 });
  assertSum(umap.history, {}, 2 * reports);
  assert.ok(umap.history.landmark!.every((value) => value > 0));
  umap.dispose();
});

test('a weight given later pulls as much as one given from the start', async (subject) => {
  const moved = async (weight: number) => {
    const umap = briefly(subject, { ...subject.epochs(15), landmarkLossWeight: 0 });
    await umap.fit(greys, null, { landmarkPositions: circle });
    await umap.fit(greys, null, { landmarkPositions: circle, landmarkLossWeight: weight });
    const distance = away(await umap.transform(greys), circle);
    umap.dispose();
    return distance;
  };
  assert.ok((await moved(10)) < 0.3 * (await moved(0)));
});

test('a user-supplied loss is used', async (subject) => {
  const assertSum = sums(subject);
  let calls = 0;
  const umap = briefly(subject, {
    landmarkLossFn(target: tf.Tensor, prediction: tf.Tensor) {
      calls++;
      return tf.mean(tf.squaredDifference(target, prediction));
    },
  });
  await umap.fit(greys, null, { landmarkPositions: circle });
  assert.ok(calls > 3);
  assertSum(umap.history, { landmark: 1 });
  umap.dispose();
});

/** An estimator that has seen the digits 0 to 4, and rows of all kinds for a second fit. */
const old = greys.filter((_, i) => digits.y[i]! < 5);
const fresh = greys.filter((_, i) => digits.y[i]! >= 5);

async function grown(subject: Subject, weight: number | undefined) {
  const umap = briefly(subject, subject.epochs(20));
  await umap.fit(old);
  const before = await umap.transform(old);
  if (weight !== undefined) await umap.addLandmarks(old, { fraction: 0.3, landmarkLossWeight: weight });
  const map = await umap.fitTransform(fresh);
  const after = await umap.transform(old);
  return { umap, map, drift: away(after, before) };
}

test('kept landmarks hold the map while new rows are learned', other, async (subject) => {
  const free = await grown(subject, undefined);
  const held = await grown(subject, 10);
  // Without a network, rows that are no landmarks are placed anew among those of the second fit: 0.55 was measured.
  const most = subject.traits.parametric ? 0.5 : 0.8;
  assert.ok(held.drift < most * free.drift, `${held.drift} against ${free.drift}`);
  assert.equal(held.map.length, fresh.length, 'only the rows that were given come out');
  free.umap.dispose();
  held.umap.dispose();
});

test('the weight of addLandmarks holds for the next fits; default: the option’s', other, async (subject) => {
  const assertSum = sums(subject);
  const umap = await briefly(subject, { landmarkLossWeight: 3 }).fit(old, null, {
    landmarkPositions: old.map((_, i) => (i < 50 ? [0, i] : null)),
  });
  const before = () => umap.history.loss!.length;
  let reports = before();
  await umap.addLandmarks(old, { fraction: 0.3, landmarkLossWeight: 0.5 });
  for (let fits = 0; fits < 2; fits++) await umap.fit(fresh);
  assertSum(umap.history, { landmark: 0.5 }, reports);
  reports = before();
  await umap.fit(fresh, null, { landmarkLossWeight: 7 });
  assertSum(umap.history, { landmark: 7 }, reports);
  reports = before();
  await umap.addLandmarks(old);
  await umap.fit(fresh);
  assertSum(umap.history, { landmark: 3 }, reports);
  umap.dispose();
});

test('removeLandmarks lets go', other, async (subject) => {
  const umap = await briefly(subject).fit(old);
  await umap.addLandmarks(old, { fraction: 0.1 });
  umap.removeLandmarks();
  await umap.fit(fresh);
  assert.equal('landmark' in umap.history, false);
  umap.dispose();
});

test('adding landmarks is seeded, and changes neither the map nor the rows', async (subject) => {
  const umap = await briefly(subject).fit(old);
  const map = await umap.transform(old);
  const rows = async () => (await umap.toArtifact()).tables.landmarks!.arrays.rows;
  await umap.addLandmarks(old, { fraction: 0.1 });
  const first = await rows();
  assert.deepEqual(await umap.transform(old), map);
  await umap.addLandmarks(old, { fraction: 0.1 });
  assert.deepEqual(await rows(), first);
  await umap.addLandmarks(old, { indices: [4, 2] });
  assert.deepEqual(
    (await rows()) as { data: ArrayLike<number> },
    { data: Float32Array.from([...old[4]!, ...old[2]!]), shape: [2, 64] } as never,
  );
  umap.dispose();
});

test('resetting the optimizer resets it, and not resetting does not', async (subject) => {
  const umap = await briefly(subject).fit(old);
  const taken = async () => {
    const state = (await umap.toArtifact()).tables.optimizer?.state as { taken: number } | undefined;
    return state?.taken ?? 0;
  };
  const steps = await taken();
  assert.ok(steps > 0);
  await umap.addLandmarks(old, { resetOptimizer: false });
  assert.equal(await taken(), steps);
  await umap.addLandmarks(old);
  assert.equal(await taken(), 0);
  umap.dispose();
});

test('landmarks go together with labels, known or not', otherLabeled, async (subject) => {
  const labels = (rows: number[][]) => rows.map((_, i) => (i % 4 === 0 ? null : i % 3));
  for (const y of [labels(old), undefined]) {
    const umap = await briefly(subject).fit(old, labels(old));
    await umap.addLandmarks(old, { fraction: 0.2, y });
    await umap.fit(fresh, labels(fresh));
    assert.ok(umap.history.landmark!.every(Number.isFinite));
    if (subject.traits.needsGraph)
      assert.equal(umap.graph.vertices, fresh.length + Math.floor(old.length * 0.2));
    umap.dispose();
  }
});

test('landmarks go together with continuous targets', otherLabeled, async (subject) => {
  const umap = await briefly(subject, { targetMetric: 'euclidean' }).fit(
    old,
    old.map((_, i) => i / 7),
  );
  await umap.addLandmarks(old, { fraction: 0.2, y: Float32Array.from(old, (_, i) => i / 7) });
  await umap.fit(
    fresh,
    fresh.map((_, i) => i / 5),
  );
  assert.ok(umap.history.landmark!.length > 0);
  // Landmarks without targets of their own are rows whose target is not known.
  await umap.addLandmarks(old, { fraction: 0.2 });
  await umap.fit(
    fresh,
    fresh.map((_, i) => i / 5),
  );
  await umap.fit(
    fresh,
    fresh.map((_, i) => [i / 5, 0]),
  );
  await umap.addLandmarks(old, { fraction: 0.2, y: Float32Array.from(old, (_, i) => i / 7) });
  await assert.rejects(
    umap.fit(
      fresh,
      fresh.map((_, i) => [i / 5, 0]),
    ),
    saying(DataError, 'addLandmarks', 'y'),
  );
  umap.dispose();
});

test(
  'landmarks go together with precomputed distances, which then cover them too',
  ['parametric', 'needsGraph'],
  async (subject) => {
    const distances = (rows: number[][]) =>
      rows.map((a) => rows.map((b) => Math.hypot(...a.map((value, c) => value - b[c]!))));
    const umap = await briefly(subject, { metric: 'precomputed' }).fit(old, null, {
      distances: distances(old),
    });
    const indices = [0, 5, 9, 30, 31, 32];
    await umap.addLandmarks(old, { indices });
    const all = [...fresh, ...indices.map((i) => old[i]!)];
    await umap.fit(fresh, null, { distances: distances(all) });
    assert.equal(umap.graph.vertices, all.length);
    assert.equal(umap.history.landmark!.length, umap.history.loss!.length / 2);
    const short = saying(DataError, 'distances', String(all.length), String(fresh.length), 'kept landmarks');
    await assert.rejects(umap.fit(fresh, null, { distances: distances(fresh) }), short);
    umap.dispose();
  },
);

test('landmarks go together with image-shaped rows, in either shape', otherImages, async (subject) => {
  const umap = await briefly(subject, { dims: [8, 8, 1] }).fit(images.slice(0, 200));
  await umap.addLandmarks(images.slice(0, 200), { fraction: 0.1 });
  await umap.fit(images.slice(200));
  await umap.addLandmarks(greys.slice(0, 200), { fraction: 0.1 });
  await umap.fit(greys.slice(200));
  if (subject.traits.needsGraph) assert.equal(umap.graph.vertices, 120);
  umap.dispose();
});

test('positions that do not fit are refused before training', async (subject) => {
  const assertRefused = refusals(subject);
  const named = (kind: new (message: string) => Error, ...parts: (string | RegExp)[]) =>
    saying(kind, 'landmarkPositions', ...parts);
  const wrong: [unknown, (error: unknown) => boolean][] = [
    [circle.slice(1), named(DataError, '300 x 2', '299 x 2')],
    [circle.map((place) => place && [...place, 0]), named(DataError)],
    [greys.map(() => [1, 2, 3]), named(DataError, '300 x 2', '300 x 3')],
    [greys.map(() => null), named(DataError, 'all 300 rows')],
    [greys.map(() => [Number.NaN, Number.NaN]), named(DataError, 'all 300 rows')],
    [greys.map(() => [Number.POSITIVE_INFINITY, 0]), named(DataError, 'Infinity')],
    [greys.map(() => ['left', 'up']), named(DataError)],
    ['circle', named(OptionError)],
    [null, named(OptionError)],
  ];
  for (const [places, expected] of wrong) {
    await assertRefused({ inputs: { landmarkPositions: places as LandmarkPositions } }, expected);
  }
  for (const landmarkLossWeight of [-1, Number.NaN, '1' as unknown as number]) {
    const inputs = { landmarkPositions: circle, landmarkLossWeight };
    await assertRefused({ inputs }, saying(OptionError, 'landmarkLossWeight'));
  }
});

test('landmarks that do not fit are refused, and nothing changes', otherLabeled, async (subject) => {
  const umap = briefly(subject);
  await assert.rejects(umap.addLandmarks(old), saying(NotFittedError, 'addLandmarks'));
  await umap.fit(old);
  const state = await umap.toArtifact();
  await assert.rejects(umap.addLandmarks([[1, 2]]), saying(DataError, 'addLandmarks', '64', '2'));
  await assert.rejects(umap.addLandmarks([]), saying(DataError, 'addLandmarks'));
  await assert.rejects(
    umap.addLandmarks(old, { y: [1] }),
    saying(DataError, `expected ${old.length} entries`, 'got 1'),
  );
  await assert.rejects(umap.addLandmarks(old, { indices: [999] }), saying(DataError, '999'));
  await assert.rejects(umap.addLandmarks(old, { fraction: 2 }), saying(OptionError, 'fraction', '2'));
  assert.deepEqual(await umap.toArtifact(), state);
  await umap.addLandmarks(old, { indices: [0, 1] });
  const wanted = saying(DataError, `(${fresh.length})`, 'got 3 entries');
  await assert.rejects(umap.fit(fresh, [1, 2, 3]), wanted);
  umap.dispose();
});

/** Registers the tests of this feature. */
export const checkLandmarks = check;
