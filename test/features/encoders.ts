/** User-supplied encoders: dense, convolutional, with normalization and dropout, sequential and functional. */
import assert from 'node:assert/strict';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { DataError, OptionError } from '../../src/core/errors.js';
import type { Options } from '../checks/estimator.js';
import type { Subject } from '../checks/subject.js';
import { assertFinite, farthest, saying } from '../helpers/assert.js';
import { withDirectory } from '../helpers/files.js';
import { greys, images } from '../helpers/fixtures.js';
import { briefly, feature, refusals } from './feature.js';

const { test, check } = feature('parametric', 'ownEncoder');

const X = greys.slice(0, 120);
const shaped = images.slice(0, 120);

/** Options of a short training on 120 digits. */
const quick = ({ names, epochs }: Subject): Options => ({ [names.batchSize]: 120, ...epochs(3) });

const kernel = (seed: number) => ({ kernelInitializer: tf.initializers.glorotUniform({ seed }) });

function sequential(...layers: tf.layers.Layer[]): tf.LayersModel {
  return tf.sequential({ layers });
}

function functional(shape: number[], ...layers: tf.layers.Layer[]): tf.LayersModel {
  const input = tf.input({ shape });
  let x = input;
  for (const layer of layers) x = layer.apply(x) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: x });
}

const { dense, conv2d, flatten, maxPooling2d, batchNormalization, dropout } = tf.layers;

/** Makers of encoders from a row of 64, or an image of 8 x 8 x 1, to two places. */
const makers: Readonly<Record<string, () => tf.LayersModel>> = {
  'sequential dense': () =>
    sequential(
      dense({ units: 16, activation: 'relu', inputShape: [64], ...kernel(1) }),
      dense({ units: 2, ...kernel(2) }),
    ),
  'functional dense': () =>
    functional(
      [64],
      dense({ units: 16, activation: 'tanh', ...kernel(1) }),
      dense({ units: 2, ...kernel(2) }),
    ),
  'sequential convolution': () =>
    sequential(
      conv2d({ filters: 4, kernelSize: 3, activation: 'relu', inputShape: [8, 8, 1], ...kernel(1) }),
      maxPooling2d({ poolSize: 2 }),
      flatten(),
      dense({ units: 2, ...kernel(2) }),
    ),
  'functional convolution with strides': () =>
    functional(
      [8, 8, 1],
      conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu', ...kernel(1) }),
      flatten(),
      dense({ units: 2, ...kernel(2) }),
    ),
  'batch normalization': () =>
    sequential(
      dense({ units: 16, inputShape: [64], useBias: false, ...kernel(1) }),
      batchNormalization(),
      tf.layers.activation({ activation: 'relu' }),
      dense({ units: 2, ...kernel(2) }),
    ),
  dropout: () =>
    functional(
      [64],
      dense({ units: 16, activation: 'relu', ...kernel(1) }),
      dropout({ rate: 0.5 }),
      dense({ units: 2, ...kernel(2) }),
    ),
  'a model within a model': () =>
    sequential(
      sequential(dense({ units: 16, activation: 'relu', inputShape: [64], ...kernel(1) })) as never,
      dense({ units: 2, ...kernel(2) }),
    ),
};

async function fitted(subject: Subject, encoder: tf.LayersModel, options: Options = {}, rows: unknown = X) {
  return briefly(subject, { ...quick(subject), encoder, ...options }).fit(rows as number[][]);
}

const weightsOf = (model: tf.LayersModel) => model.weights.map((weight) => weight.read().dataSync().slice());

for (const [name, make] of Object.entries(makers)) {
  test(`${name}: trains, and places flat and image-shaped rows alike`, async (subject) => {
    const before = tf.memory().numTensors;
    const encoder = make();
    const held = tf.memory().numTensors;
    const start = weightsOf(encoder);
    const umap = await fitted(subject, encoder);
    weightsOf(encoder).forEach((weight, i) => {
      assert.notDeepEqual(weight, start[i], encoder.weights[i]!.name);
    });
    const map = await umap.transform(X);
    assert.deepEqual([map.length, map[0]!.length], [120, 2]);
    assertFinite(map.flat());
    assert.deepEqual(await umap.transform(shaped), map);
    assert.equal(umap.encoder, encoder);
    umap.dispose();
    assert.equal(tf.memory().numTensors, held, 'only the user-supplied weights are left');
    const input = tf.tensor(X.flat(), [120, ...encoder.inputs[0]!.shape.slice(1)] as number[]);
    const output = encoder.predict(input) as tf.Tensor;
    assert.ok(farthest(output.dataSync(), map.flat()) < 1e-5, 'the user-supplied model is the trained one');
    tf.dispose([input, output]);
    encoder.dispose();
    assert.equal(tf.memory().numTensors, before);
  });

  test(`${name}: the shape of the rows does not matter to the fit`, async (subject) => {
    const maps: number[][][] = [];
    for (const rows of [X, shaped]) {
      const encoder = make();
      const umap = await fitted(subject, encoder, {}, rows);
      maps.push(await umap.transform(X));
      umap.dispose();
      encoder.dispose();
    }
    assert.deepEqual(maps[0], maps[1]);
  });

  test(`${name}: saves, loads and goes on as it would have`, async (subject) => {
    const encoder = make();
    const umap = await fitted(subject, encoder);
    await withDirectory(async (directory) => {
      await umap.save(path.join(directory, 'model'));
      const loaded = await subject.load(path.join(directory, 'model'));
      assert.deepEqual(await loaded.transform(shaped), await umap.transform(X));
      for (const each of [umap, loaded]) await each.fit(shaped);
      assert.deepEqual(await loaded.transform(X), await umap.transform(X));
      loaded.dispose();
    });
    umap.dispose();
    encoder.dispose();
  });
}

test('an encoder is not asked for where the rows come as images: the default one takes them flat', async (subject) => {
  const maps: number[][][] = [];
  for (const [rows, dims] of [
    [X, null],
    [shaped, null],
    [X, [8, 8, 1]],
  ] as const) {
    const umap = briefly(subject, { ...quick(subject), dims });
    maps.push(await umap.fitTransform(rows as number[][]));
    assert.deepEqual(umap.encoder.inputs[0]!.shape.slice(1), dims ?? (rows === X ? [64] : [8, 8, 1]));
    umap.dispose();
  }
  assert.deepEqual(maps[1], maps[0]);
  assert.deepEqual(maps[2], maps[0]);
});

test('batch normalization learns its statistics in training, and only uses them afterwards', async (subject) => {
  const encoder = makers['batch normalization']!();
  const norm = encoder.layers[1]!;
  const umap = await fitted(subject, encoder);
  const [, , mean, variance] = norm.getWeights().map((weight) => weight.dataSync().slice());
  assert.ok(mean!.some((value) => Math.abs(value) > 1e-3));
  assert.ok(variance!.some((value) => Math.abs(value - 1) > 1e-3));
  const all = await umap.transform(X);
  const [alone] = await umap.transform([X[5]!]);
  assert.ok(farthest(all[5]!, alone!) < 1e-5, 'no statistics of the batch');
  assert.deepEqual(norm.getWeights()[2]!.dataSync(), mean);
  umap.dispose();
  encoder.dispose();
});

test('a fit that is aborted puts the statistics of batch normalization back too', async (subject) => {
  const encoder = makers['batch normalization']!();
  const before = weightsOf(encoder);
  const umap = briefly(subject, { ...quick(subject), encoder });
  const controller = new AbortController();
  const run = async () => {
    for await (const _ of umap.steps(X, null, { signal: controller.signal }))
      controller.abort(new Error('enough'));
  };
  await assert.rejects(run(), /enough/);
  assert.deepEqual(weightsOf(encoder), before);
  await umap.fit(X);
  umap.dispose();
  encoder.dispose();
});

test('dropout drops in training, never afterwards, and with the seed', async (subject) => {
  const run = async (rate: number, seed = 1) => {
    const encoder = functional(
      [64],
      dense({ units: 16, activation: 'relu', ...kernel(1) }),
      dropout({ rate }),
      dense({ units: 2, ...kernel(2) }),
    );
    const umap = await fitted(subject, encoder, { [subject.names.seed]: seed });
    const map = await umap.transform(X);
    assert.deepEqual(await umap.transform(X), map);
    umap.dispose();
    encoder.dispose();
    return map;
  };
  const dropped = await run(0.5);
  assert.notDeepEqual(dropped, await run(0));
  assert.deepEqual(await run(0.5), dropped);
  const original = Math.random;
  Math.random = () => {
    throw new Error('Math.random was called');
  };
  try {
    assert.deepEqual(await run(0.5), dropped);
  } finally {
    Math.random = original;
  }
});

test('noise layers are seeded too, and draw anew at every step', async (subject) => {
  const masks: string[] = [];
  class Watched extends tf.layers.Layer {
    static className = 'WatchedForTests';
    override computeOutputShape(shape: tf.Shape) {
      return shape;
    }
    override call(inputs: tf.Tensor | tf.Tensor[]) {
      const x = Array.isArray(inputs) ? inputs[0]! : inputs;
      masks.push(
        [...x.dataSync()]
          .slice(0, 40)
          .map((value) => (value === 0 ? '0' : '1'))
          .join(''),
      );
      return x;
    }
  }
  const run = async () => {
    const encoder = functional(
      [64],
      dense({ units: 16, activation: 'sigmoid', ...kernel(1) }),
      dropout({ rate: 0.5 }),
      new Watched({}),
      tf.layers.gaussianNoise({ stddev: 0.1 }),
      tf.layers.gaussianDropout({ rate: 0.1 }),
      dense({ units: 2, ...kernel(2) }),
    );
    masks.length = 0;
    const umap = await fitted(subject, encoder, subject.epochs(2));
    const map = await umap.transform(X);
    umap.dispose();
    encoder.dispose();
    return map;
  };
  const map = await run();
  const training = masks.filter((mask) => mask.includes('0'));
  assert.ok(training.length >= 3);
  assert.equal(new Set(training).size, training.length);
  assert.deepEqual(await run(), map);
});

test('frozen layers stay as they are', async (subject) => {
  const encoder = makers['sequential dense']!();
  encoder.layers[0]!.trainable = false;
  const weights = () =>
    encoder.layers.map((layer) => layer.getWeights().map((weight) => weight.dataSync().slice()));
  const before = weights();
  const umap = await fitted(subject, encoder);
  await umap.fit(X);
  assert.deepEqual(weights()[0], before[0]);
  assert.notDeepEqual(weights()[1], before[1]);
  umap.dispose();
  encoder.dispose();
});

test('regularization of user-supplied layers is part of the loss', async (subject) => {
  const withPenalty = (l2: number) =>
    sequential(
      dense({
        units: 16,
        inputShape: [64],
        ...kernel(1),
        ...(l2 > 0 && { kernelRegularizer: tf.regularizers.l2({ l2 }) }),
      }),
      dense({ units: 2, ...kernel(2) }),
    );
  const size = async (l2: number) => {
    const encoder = withPenalty(l2);
    const umap = await fitted(subject, encoder, subject.epochs(20));
    let sum = 0;
    for (const value of weightsOf(encoder)[0]!) sum += value * value;
    const { history } = umap;
    umap.dispose();
    encoder.dispose();
    return { sum, history };
  };
  const free = await size(0);
  const held = await size(0.5);
  assert.ok(held.sum < 0.5 * free.sum, `${held.sum} against ${free.sum}`);
  assert.equal('regularization' in free.history, false);
  held.history.loss!.forEach((total, i) => {
    const sum = held.history[subject.names.mainLoss]![i]! + held.history.regularization![i]!;
    assert.ok(Math.abs(total - sum) < 1e-4 * Math.abs(sum));
  });
});

test('every backend trains a convolution to the same losses', async (subject) => {
  const losses: number[][] = [];
  const active = tf.getBackend();
  for (const backend of ['cpu', 'wasm'] as const) {
    await useBackend(backend);
    const encoder = makers['functional convolution with strides']!();
    const umap = await fitted(subject, encoder, { backend, ...subject.epochs(10) });
    losses.push([...umap.history.loss!]);
    umap.dispose();
    encoder.dispose();
  }
  await tf.setBackend(active);
  losses[0]!.forEach((loss, i) => {
    assert.ok(Math.abs(losses[1]![i]! / loss - 1) < 0.01, `report ${i}: ${losses[1]![i]} for ${loss}`);
  });
});

test('a convolutional decoder goes with a convolutional encoder', ['reconstruction'], async (subject) => {
  const encoder = makers['sequential convolution']!();
  const decoder = sequential(
    dense({ units: 16, activation: 'relu', inputShape: [2], ...kernel(3) }),
    tf.layers.reshape({ targetShape: [4, 4, 1] }),
    tf.layers.conv2dTranspose({ filters: 1, kernelSize: 3, strides: 2, padding: 'same', ...kernel(4) }),
  );
  const start = weightsOf(decoder);
  const umap = await fitted(subject, encoder, {
    decoder,
    parametricReconstruction: true,
    autoencoderLoss: true,
  });
  weightsOf(decoder).forEach((weight, i) => {
    assert.notDeepEqual(weight, start[i], decoder.weights[i]!.name);
  });
  const back = await umap.inverseTransform(await umap.transform(X));
  assert.deepEqual([back.length, back[0]!.length], [120, 64]);
  assert.ok(back.flat().every((value) => value >= 0 && value <= 1));
  umap.dispose();
  encoder.dispose();
  decoder.dispose();
});

test('an encoder that does not fit is refused before training', async (subject) => {
  const assertRefused = refusals(subject);
  const twice = tf.input({ shape: [64] });
  const outputs = [1, 2].map(() => dense({ units: 2 }).apply(twice) as tf.SymbolicTensor);
  const open = functional(
    [null as unknown as number, 8, 1],
    tf.layers.globalMaxPooling2d({}),
    dense({ units: 2 }),
  );
  const models: [tf.LayersModel, new (message: string) => Error, ...(string | RegExp)[]][] = [
    [sequential(dense({ units: 3, inputShape: [64] })), OptionError, 'encoder', 'output', '2', '3'],
    [sequential(dense({ units: 2, inputShape: [63] })), DataError, '63', '64'],
    [tf.model({ inputs: twice, outputs }), OptionError, 'encoder', '1 output', '2'],
    [open, OptionError, 'encoder', 'known size', 'null'],
    [tf.sequential(), OptionError, 'encoder', '1 input', '0'],
  ];
  for (const [encoder, kind, ...parts] of models) {
    await assertRefused({ options: { encoder } }, saying(kind, ...parts));
  }
  await assertRefused({ options: { dims: [8, 9] } }, saying(DataError, '72', '64', 'dims'));
  const encoder = makers['sequential convolution']!();
  await assertRefused({ options: { encoder, dims: [8, 9, 1] } }, saying(DataError, '72', '64'));
  encoder.dispose();
});

test('an encoder that starts from one point for all rows learns, or is an error', async (subject) => {
  const zeros = { kernelInitializer: 'zeros' } as const;
  const options = { ...quick(subject), ...subject.epochs(20) };
  const starts = [
    sequential(dense({ units: 2, inputShape: [64], ...zeros })),
    sequential(
      dense({ units: 16, inputShape: [64], activation: 'relu', ...kernel(1) }),
      dense({ units: 2, ...zeros }),
    ),
  ];
  for (const encoder of starts) {
    const umap = briefly(subject, { ...options, encoder });
    await umap.fitTransform(X).then(
      (map) => {
        const places = new Set(map.map(String)).size;
        assert.ok(places > 100, `${places} different places`);
      },
      // Of a loss without a gradient between points that coincide.
      saying(OptionError, 'encoder', 'one point', 'random'),
    );
    umap.dispose();
    encoder.dispose();
  }
  // Behind ReLU units whose weights are 0 there is no gradient.
  const dead = sequential(
    dense({ units: 16, inputShape: [64], activation: 'relu', ...zeros }),
    dense({ units: 2, ...zeros }),
  );
  const umap = briefly(subject, { ...options, encoder: dead });
  await assert.rejects(umap.fit(X), saying(OptionError, 'encoder', 'one point', 'random'));
  umap.dispose();
  dead.dispose();
});

/** Registers the tests of this feature. */
export const checkEncoders = check;
