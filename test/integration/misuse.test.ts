/** What a caller may hand over that cannot work: each a typed error that names it, and the model stays as it was. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { DataError, OptionError } from '../../src/core/errors.js';
import type { MatrixInput } from '../../src/data/matrix.js';
import type { Targets } from '../../src/data/targets.js';
import type { ParametricUMAPOptions } from '../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../src/estimators/umap/parametricUmap.js';
import type { FitInputs } from '../../src/fit/inputs.js';
import { saying } from '../helpers/assert.js';
import { groups } from '../helpers/data.js';
import { quick } from '../subjects/parametricUmap.js';

await useBackend('wasm');

const rows = groups();
const columns = rows[0]!.length;
const { dense } = tf.layers;
const kernelInitializer = () => tf.initializers.glorotUniform({ seed: 1 });

function network(inputs: number, outputs: number): tf.Sequential {
  const hidden = dense({
    inputShape: [inputs],
    units: 8,
    activation: 'tanh',
    kernelInitializer: kernelInitializer(),
  });
  return tf.sequential({
    layers: [hidden, dense({ units: outputs, kernelInitializer: kernelInitializer() })],
  });
}

function frozen(model: tf.Sequential): tf.Sequential {
  for (const layer of model.layers) layer.trainable = false;
  return model;
}

function disposed(model: tf.Sequential): tf.Sequential {
  model.dispose();
  return model;
}

interface Misuse {
  readonly options?: object;
  readonly y?: Targets;
  readonly inputs?: FitInputs;
  readonly X?: MatrixInput;
}

/** A first fit that is refused, and leaves no tensor. */
async function refused(
  { options = {}, y, inputs = {}, X = rows }: Misuse,
  kind: typeof OptionError | typeof DataError,
  ...parts: (RegExp | string)[]
) {
  const before = tf.memory().numTensors;
  await assert.rejects(
    async () => {
      await new ParametricUMAP({ ...quick, ...(options as Partial<ParametricUMAPOptions>) }).fit(
        X,
        y,
        inputs,
      );
    },
    saying(kind, ...parts),
  );
  assert.equal(tf.memory().numTensors, before, 'tensors');
}

test('a disposed network is named, when it is given, fitted again, or used to transform', async () => {
  await refused(
    { options: { encoder: disposed(network(columns, 2)) } },
    OptionError,
    'encoder: ',
    'disposed',
  );
  const decoder = disposed(network(2, columns));
  await refused(
    { options: { parametricReconstruction: true, decoder } },
    OptionError,
    'decoder: ',
    'disposed',
  );
  const classifier = disposed(network(2, 3));
  const y = rows.map((_, i) => i % 3);
  await refused({ options: { classifier }, y }, OptionError, 'classifier: ', 'disposed');
  const encoder = network(columns, 2);
  const umap = await new ParametricUMAP({ ...quick, encoder }).fit(rows);
  encoder.dispose();
  await assert.rejects(umap.fit(rows), saying(OptionError, 'encoder: ', 'disposed'));
  await assert.rejects(umap.transform(rows), saying(OptionError, 'transform: ', 'disposed'));
  umap.dispose();
});

test('an encoder with nothing to train is refused, unless another network learns behind it', async () => {
  for (const init of ['random', 'spectral'] as const) {
    const encoder = frozen(network(columns, 2));
    await refused(
      { options: { encoder, init } },
      OptionError,
      'encoder: ',
      'got one with none',
      'trainable = true',
    );
    const options = { ...quick, init, encoder, parametricReconstruction: true, nEpochs: 60 };
    const before = encoder.getWeights().map((weight) => Array.from(weight.dataSync()));
    const umap = await new ParametricUMAP(options).fit(rows);
    const { reconstruction } = umap.history;
    assert.ok(reconstruction!.at(-1)! < reconstruction![0]!, 'the decoder learns');
    assert.deepEqual(
      encoder.getWeights().map((weight) => Array.from(weight.dataSync())),
      before,
    );
    umap.dispose();
    encoder.dispose();
  }
});

test('an encoder whose output does not depend on what is trainable is refused', async () => {
  const input = tf.input({ shape: [columns] });
  const idle = dense({ units: 2, trainable: true, name: 'idle' }).apply(input) as tf.SymbolicTensor;
  const fixed = dense({ units: 2, trainable: false }).apply(input) as tf.SymbolicTensor;
  class First extends tf.layers.Layer {
    static readonly className = 'First';
    override computeOutputShape(shapes: tf.Shape | tf.Shape[]): tf.Shape {
      return shapes[0] as tf.Shape;
    }
    override call(tensors: tf.Tensor | tf.Tensor[]): tf.Tensor {
      return tf.clone((tensors as tf.Tensor[])[0]!);
    }
  }
  const encoder = tf.model({ inputs: input, outputs: new First().apply([fixed, idle]) as tf.SymbolicTensor });
  await refused({ options: { encoder } }, OptionError, 'encoder: ', 'depends on its trainable weights');
  encoder.dispose();
});

test('what is no model is refused by the constructor', () => {
  for (const encoder of [dense({ units: 2 }), Promise.resolve(network(columns, 2)), {}]) {
    const options = { encoder } as unknown as Partial<ParametricUMAPOptions>;
    assert.throws(
      () => new ParametricUMAP(options),
      saying(OptionError, 'encoder: expected a tf.LayersModel'),
    );
  }
  const layer = dense({ units: 2 }) as unknown as tf.LayersModel;
  assert.throws(
    () => new ParametricUMAP({ classifier: layer }),
    saying(OptionError, 'classifier', 'a layer is not a model'),
  );
});

type Loss = (target: tf.Tensor, prediction: tf.Tensor) => unknown;
const mean: Loss = (target, prediction) => tf.mean(tf.squaredDifference(target, prediction));
const losses: readonly (readonly [Loss, string])[] = [
  [() => undefined, 'got undefined'],
  [async (a, b) => mean(a, b), 'got a promise'],
  [() => Promise.reject(new Error('nobody hears this')), 'got a promise'],
  [() => 1, 'got 1'],
  [(a, b) => [mean(a, b)], 'got an array of 1'],
  [() => tf.scalar(1), 'got a constant'],
  [(_, b) => tf.scalar(tf.sum(b).dataSync()[0]!), 'got a constant'],
  [(a) => tf.mean(tf.square(a)), 'got a constant'],
  [(a, b) => tf.greater(b, a), 'dtype bool'],
  [() => tf.tensor(['far']), 'dtype string'],
  [() => tf.tensor([]), 'an empty tensor'],
  [
    (a, b) => {
      const value = mean(a, b) as tf.Tensor;
      value.dispose();
      return value;
    },
    'a disposed tensor',
  ],
];

test('a user-supplied loss that returns no tensor to learn from is named', async () => {
  const landmarkPositions = rows.map((_, i) => (i < 30 ? [i, i] : null));
  for (const [loss, message] of losses) {
    const options = { parametricReconstruction: true, parametricReconstructionLossFn: loss };
    await refused({ options }, OptionError, /^parametricReconstructionLossFn: expected .*, got /, message);
    const landmarks = { options: { landmarkLossFn: loss }, inputs: { landmarkPositions } };
    await refused(landmarks, OptionError, /^landmarkLossFn: expected .*, got /, message);
  }
});

test('a user-supplied loss may be a scalar or a value per row, and its own error comes through', async () => {
  const perRow: Loss = (a, b) => tf.sum(tf.abs(tf.sub(a, b)), 1);
  for (const loss of [mean, perRow]) {
    const options = { parametricReconstruction: true, parametricReconstructionLossFn: loss, nEpochs: 60 };
    const umap = new ParametricUMAP({ ...quick, ...(options as Partial<ParametricUMAPOptions>) });
    const { reconstruction } = (await umap.fit(rows)).history;
    assert.ok(reconstruction!.at(-1)! < reconstruction![0]!);
    umap.dispose();
  }
  const broken = () => {
    throw new Error('mine');
  };
  const options = { ...quick, parametricReconstruction: true, parametricReconstructionLossFn: broken };
  await assert.rejects(new ParametricUMAP(options).fit(rows), /^Error: mine$/);
});

test('a learning rate that is no rate ends the fit at the first such step, and the model is as before', async () => {
  const wrong = [
    undefined,
    Number.NaN,
    -0.1,
    Number.POSITIVE_INFINITY,
    '0.1',
    null,
    1n,
    Promise.resolve(0.01),
  ];
  for (const rate of wrong) {
    await refused({ options: { learningRate: () => rate } }, OptionError, 'learningRate', 'at step 0 of ');
  }
  let armed = false;
  const learningRate = (done: number) => (armed && done >= 0.5 ? (undefined as unknown as number) : 0.01);
  const umap = await new ParametricUMAP({ ...quick, learningRate }).fit(rows);
  const map = await umap.transform(rows);
  const history = structuredClone(umap.history);
  armed = true;
  const steps = /got undefined at step (\d+) of (\d+);/;
  await assert.rejects(umap.fit(rows), (error: Error) => {
    const [, step, all] = steps.exec(error.message)!.map(Number);
    assert.ok(error instanceof OptionError);
    return step === Math.ceil(all! / 2);
  });
  assert.deepEqual(await umap.transform(rows), map);
  assert.deepEqual(umap.history, history);
  umap.dispose();
  // A rate of 0 is one: nothing moves.
  const still = await new ParametricUMAP({ ...quick, learningRate: () => 0 }).fit(rows);
  assert.equal(still.history.loss!.length > 0, true);
  still.dispose();
});

test('one row, and rows of which none are neighbors, are refused with the cause', async () => {
  await refused({ X: [[1, 2, 3]] }, DataError, 'fit: expected at least 2 rows, got 1');
  for (const init of ['random', 'spectral'] as const) {
    const cut = { disconnectionDistance: 1e-6, init };
    await refused(
      { options: cut },
      DataError,
      'disconnectionDistance of 0.000001',
      'raise disconnectionDistance',
    );
  }
  const strangers = rows.map((_, i) => rows.map((__, j) => (i === j ? 1 : 0)));
  await refused(
    { options: { metric: 'jaccard' }, X: strangers },
    DataError,
    'disconnectionDistance of 1,',
    '1 apart',
  );
  const everyOneItsOwn = { options: { targetWeight: 1 }, y: rows.map((_, i) => i) };
  await refused(everyOneItsOwn, DataError, 'targetWeight 1', 'lower targetWeight');
});

test('a metric that gives no number is named, null and texts of digits too', async () => {
  for (const distance of [undefined, null, '3', Number.NaN, -1, Promise.resolve(1)]) {
    await refused({ options: { metric: () => distance } }, DataError, 'a number of at least 0', /got [^0]/);
  }
});

test('a first layout needs a position for every row, in its shape', async () => {
  const positions = rows.map((_, i) => [i, -i]);
  await refused(
    { options: { init: positions.with(2, null as never) } },
    DataError,
    'init: ',
    'none for row 2',
  );
  await refused({ options: { init: positions.with(3, [1, Number.NaN]) } }, DataError, 'none for row 3');
  await refused({ options: { init: positions.slice(1) } }, DataError, 'init: expected 60 x 2', 'got 59 x 2');
  await refused({ options: { init: positions.map(([x]) => [x]) } }, DataError, 'got 60 x 1');
});

test('a disposed optimizer and a disposed tensor of rows are named', async () => {
  const optimizer = tf.train.adam(0.01);
  optimizer.dispose();
  await refused({ options: { optimizer } }, OptionError, 'optimizer: ', 'disposed');
  const X = tf.tensor2d(rows);
  X.dispose();
  await refused({ X }, DataError, 'fit: expected a live tensor, got a disposed one');
});
