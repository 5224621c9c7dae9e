/** The way back: decoder, its losses, what reaches the encoder, held-out rows. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { DataError, NotFittedError, OptionError } from '../../src/core/errors.js';
import { earlyStopping, type MatrixInput } from '../../src/index.js';
import { logitsCrossEntropy } from '../../src/losses/reconstruction.js';
import type { Options } from '../checks/estimator.js';
import type { Subject } from '../checks/subject.js';
import { allClose, saying } from '../helpers/assert.js';
import { logged } from '../helpers/child.js';
import { digits, greys, images } from '../helpers/fixtures.js';
import { briefly, feature, heldOutName, refusals, sums } from './feature.js';

const { test, check } = feature('decoder', 'reconstruction');

const reconstruction = { parametricReconstruction: true } as const;

/** A dense model of the given sizes, the last layer with an activation. */
function dense(sizes: readonly number[], activation: 'linear' | 'sigmoid' = 'linear'): tf.LayersModel {
  const layers = sizes.slice(1).map((units, i) =>
    tf.layers.dense({
      units,
      activation: i === sizes.length - 2 ? activation : 'relu',
      kernelInitializer: tf.initializers.glorotUniform({ seed: 11 + i }),
      ...(i === 0 && { inputShape: [sizes[0]!] }),
    }),
  );
  return tf.sequential({ layers });
}

const predict = (model: tf.LayersModel, rows: number[][]) =>
  tf.tidy(() => (model.predict(tf.tensor2d(rows)) as tf.Tensor2D).arraySync());

async function fit(subject: Subject, options: Options, X: MatrixInput = greys) {
  return briefly(subject, { ...reconstruction, ...options }).fit(X);
}

/** What `verbose` logs during a fit. */
const logOf = (subject: Subject, options: Options, X: MatrixInput) =>
  logged(async () => (await fit(subject, { ...options, verbose: true }, X)).dispose());

test('the default loss follows the data, and is logged in one line', async (subject) => {
  const cases: [Options, number[][], RegExp][] = [
    [{}, greys, /binary cross-entropy on logits/],
    [{}, digits.X, /mean squared error/],
    [{ decoder: dense([2, 64], 'sigmoid') }, greys, /sigmoid/],
    [
      { parametricReconstructionLossFn: (x: tf.Tensor, r: tf.Tensor) => tf.mean(tf.abs(tf.sub(x, r))) },
      greys,
      /user-supplied/,
    ],
  ];
  for (const [options, X, wanted] of cases) {
    const lines = (await logOf(subject, options, X))
      .split('\n')
      .filter((line) => line.includes('reconstruction loss'));
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, wanted);
  }
});

test('inverseTransform gives values in data space, never logits', async (subject) => {
  const decoder = dense([2, 30, 64]);
  const umap = await fit(subject, { decoder, ...subject.epochs(60) });
  const map = await umap.transform(greys);
  const rows = await umap.inverseTransform(map);
  const logits = predict(decoder, map);
  allClose(
    rows.flat(),
    logits.flat().map((logit) => 1 / (1 + Math.exp(-logit))),
    1e-4,
  );
  assert.ok(
    logits.flat().some((logit) => logit < -1),
    'logits as such would leave [0, 1]',
  );
  umap.dispose();
});

test('what comes back resembles the rows, in units of the data', async (subject) => {
  for (const X of [greys, digits.X]) {
    const umap = await fit(subject, subject.epochs(60), X);
    const rows = await umap.inverseTransform(await umap.transform(X));
    let error = 0;
    let variance = 0;
    for (let c = 0; c < 64; c++) {
      const mean = X.reduce((sum, row) => sum + row[c]! / 300, 0);
      for (let i = 0; i < 300; i++) {
        error += (X[i]![c]! - rows[i]![c]!) ** 2;
        variance += (X[i]![c]! - mean) ** 2;
      }
    }
    assert.ok(error < 0.8 * variance, `${error / variance} of the variance is left`);
    umap.dispose();
  }
});

test('a decoder that ends in a sigmoid, and a user-supplied loss, give their output unchanged', async (subject) => {
  const squared = (x: tf.Tensor, r: tf.Tensor) => tf.mean(tf.squaredDifference(x, r));
  for (const options of [
    { decoder: dense([2, 64], 'sigmoid') },
    { decoder: dense([2, 64]), parametricReconstructionLossFn: squared },
  ]) {
    const umap = await fit(subject, options);
    const map = await umap.transform(greys);
    const back = await umap.inverseTransform(map);
    allClose(back.flat(), predict(options.decoder, map).flat(), 1e-4);
    umap.dispose();
    assert.equal(predict(options.decoder, map).length, 300, 'the decoder is not freed');
  }
});

test('a user-supplied loss gets rows and reconstructions in the decoder’s shape', async (subject) => {
  const shapes = new Set<string>();
  const umap = await fit(
    subject,
    {
      parametricReconstructionLossFn: (x: tf.Tensor, r: tf.Tensor) => {
        shapes.add(JSON.stringify([x.shape.slice(1), r.shape.slice(1)]));
        assert.equal(x.shape[0], r.shape[0]);
        assert.ok(tf.max(x).dataSync()[0]! <= 1);
        return tf.mean(tf.squaredDifference(x, r), [1, 2, 3]);
      },
    },
    images,
  );
  assert.deepEqual([...shapes], ['[[8,8,1],[8,8,1]]']);
  umap.dispose();
});

test('reconstructions come in the shape of the rows', ['ownEncoder'], async (subject) => {
  const images8 = await fit(subject, {}, images);
  const map = await images8.transform(images);
  const back = (await images8.inverseTransform(map)) as unknown as number[][][][];
  assert.deepEqual(
    [back.length, back[0]!.length, back[0]![0]!.length, back[0]![0]![0]!.length],
    [300, 8, 8, 1],
  );
  const flat = await images8.inverseTransform({ data: Float32Array.from(map.flat()), shape: [300, 2] });
  assert.deepEqual(flat.shape, [300, 8, 8, 1]);
  images8.dispose();
  const rows = await fit(subject, { dims: [8, 8, 1] });
  const plain = await rows.inverseTransform([[0, 0]]);
  assert.equal(plain[0]!.length, 64);
  await assert.rejects(
    rows.inverseTransform([[0, 0, 0]]),
    saying(DataError, 'inverseTransform', /\b2\b/, /\b3\b/),
  );
  rows.dispose();
});

test('the total is the sum of the terms by their weights', async (subject) => {
  const assertSum = sums(subject);
  const umap = await fit(subject, {
    parametricReconstructionLossWeight: 2.5,
    globalCorrelationLossWeight: 0.5,
  });
  assert.deepEqual(Object.keys(umap.history), [
    'loss',
    subject.names.mainLoss,
    'reconstruction',
    'correlation',
  ]);
  assertSum(umap.history, { reconstruction: 2.5, correlation: 0.5 });
  umap.dispose();
});

test('without the autoencoder loss the map is, to the last bit, the one without a decoder', async (subject) => {
  const map = async (options: Options) => {
    const umap = briefly(subject, options);
    const places = await umap.fitTransform(greys);
    umap.dispose();
    return places;
  };
  const wanted = await map({});
  const heavy = { parametricReconstruction: true, parametricReconstructionLossWeight: 100 };
  assert.deepEqual(await map(heavy), wanted);
  assert.notDeepEqual(await map({ ...heavy, autoencoderLoss: true }), wanted);
});

test(
  'valLoss is the reconstruction loss of the held-out rows alone, and that of the main loss stands beside it',
  ['parametric', 'ownEncoder', 'callbacks'],
  async (subject) => {
    const assertSum = sums(subject);
    const [train, held] = [greys.slice(0, 220), greys.slice(220)];
    const encoder = dense([64, 20, 2]);
    const decoder = dense([2, 20, 64]);
    const umap = await fit(
      subject,
      {
        encoder,
        decoder,
        reconstructionValidation: held,
        globalCorrelationLossWeight: 1,
        parametricReconstructionLossWeight: 3,
        callbacks: [earlyStopping({ monitor: heldOutName(subject), patience: 99 })],
      },
      train,
    );
    const { history } = umap;
    const reports = history.loss!.length;
    assert.ok(reports >= 3);
    for (const [name, values] of Object.entries(history)) {
      assert.equal(values.length, reports, name);
      assert.ok(values.every(Number.isFinite), name);
    }
    const wanted = tf.tidy(() => {
      const logits = tf.tensor2d(predict(decoder, predict(encoder, held)));
      return logitsCrossEntropy(tf.tensor2d(held), logits).dataSync()[0]!;
    });
    assert.ok(Math.abs(history.valLoss!.at(-1)! - wanted) < 1e-4, `${history.valLoss!.at(-1)} for ${wanted}`);
    assert.ok(history[heldOutName(subject)]!.every((value) => value > 0));
    assertSum(history, { reconstruction: 3, correlation: 1 });
    umap.dispose();
  },
);

test('held-out rows take no part in training', ['heldOut'], async (subject) => {
  const alone = await fit(subject, {});
  const wanted = await alone.transform(greys);
  const watched = await fit(subject, { reconstructionValidation: digits.X.slice(0, 40) });
  assert.deepEqual(await watched.transform(greys), wanted);
  alone.dispose();
  watched.dispose();
});

test('few held-out rows, image-shaped ones and tensors are as good', ['heldOut'], async (subject) => {
  const held = tf.tensor2d(greys.slice(0, 20));
  for (const reconstructionValidation of [greys.slice(0, 3), images.slice(0, 30), held]) {
    const umap = await fit(subject, { reconstructionValidation });
    assert.ok(umap.history.valLoss!.every(Number.isFinite));
    umap.dispose();
  }
  assert.equal(held.isDisposed, false);
  held.dispose();
});

test('a later fit may add a loss to the history', ['landmarks'], async (subject) => {
  const umap = await fit(subject, {});
  const places = greys.map((_, i) => (i < 9 ? [i, i] : null));
  await umap.fit(greys, null, { landmarkPositions: places });
  const reports = umap.history.loss!.length / 2;
  assert.equal(umap.history.landmark!.length, reports);
  assert.equal(umap.history[subject.names.mainLoss]!.length, 2 * reports);
  umap.dispose();
});

test('what does not fit is refused before training', async (subject) => {
  const assertRefused = refusals(subject);
  const wrong: [Options, new (message: string) => Error, ...(RegExp | string)[]][] = [
    [{ decoder: dense([2, 63]) }, OptionError, 'decoder', '64', '63'],
    [{ decoder: dense([3, 64]) }, OptionError, 'decoder', 'input', /\b2\b/, /\b3\b/],
  ];
  const heldOut: typeof wrong = [
    [{ reconstructionValidation: [[1, 2, 3]] }, DataError, 'reconstructionValidation', '64', '3'],
    [{ reconstructionValidation: [[Number.NaN]] }, DataError, 'reconstructionValidation', 'NaN'],
    [{ reconstructionValidation: [greys[0]!] }, DataError, 'reconstructionValidation', /\b1\b/],
    [{ reconstructionValidation: [] }, DataError, 'reconstructionValidation', '0'],
  ];
  if (subject.traits.heldOut) wrong.push(...heldOut);
  for (const [options, kind, ...parts] of wrong) {
    await assertRefused({ options: { ...reconstruction, ...options } }, saying(kind, ...parts));
  }
});

test('options of the reconstruction without one are refused, not ignored', async (subject) => {
  const assertRefused = refusals(subject);
  for (const options of [
    { decoder: dense([2, 64]) },
    { autoencoderLoss: true },
    ...(subject.traits.heldOut ? [{ reconstructionValidation: greys }] : []),
    { parametricReconstructionLossFn: logitsCrossEntropy },
  ]) {
    const [name] = Object.keys(options);
    await assertRefused({ options }, saying(OptionError, name!, 'parametricReconstruction: true'));
  }
  const umap = await briefly(subject).fit(greys);
  await assert.rejects(umap.inverseTransform([[0, 0]]), saying(NotFittedError, 'parametricReconstruction'));
  umap.dispose();
});

/** Registers the tests of this feature. */
export const checkReconstruction = check;
