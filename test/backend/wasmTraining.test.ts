import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { onBoth, source } from './onBoth.js';

before(() => useBackend('wasm'));

const { layers } = tf;
/** Initialised by number, so that both backends start from the same weights. */
const init = (seed: number) => tf.initializers.glorotUniform({ seed });

const networks: Readonly<Record<string, { input: number[]; layers: () => tf.layers.Layer[] }>> = {
  dense: {
    input: [6],
    layers: () => [
      layers.dense({ units: 9, activation: 'relu', kernelInitializer: init(1) }),
      layers.batchNormalization(),
      layers.dropout({ rate: 0.4, seed: 11 }),
      layers.dense({ units: 5, activation: 'tanh', kernelInitializer: init(2) }),
      layers.dense({ units: 2, activation: 'softplus', kernelInitializer: init(3) }),
    ],
  },
  convolutional: {
    input: [8, 8, 2],
    layers: () => [
      layers.conv2d({
        filters: 4,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        kernelInitializer: init(1),
      }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer: init(2) }),
      layers.averagePooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 2, kernelInitializer: init(3) }),
    ],
  },
  decoder: {
    input: [5],
    layers: () => [
      layers.dense({ units: 12, kernelInitializer: init(1) }),
      layers.reshape({ targetShape: [2, 2, 3] }),
      layers.conv2dTranspose({
        filters: 4,
        kernelSize: 3,
        strides: 2,
        padding: 'same',
        kernelInitializer: init(2),
      }),
      layers.leakyReLU({ alpha: 0.1 }),
      layers.upSampling2d({ size: [2, 2] }),
      layers.separableConv2d({
        filters: 2,
        kernelSize: 3,
        depthwiseInitializer: init(3),
        pointwiseInitializer: init(4),
      }),
      layers.globalAveragePooling2d({}),
    ],
  },
};

for (const [name, network] of Object.entries(networks)) {
  test(`a ${name} network has the same loss and gradients as in plain JavaScript`, () =>
    onBoth(
      name,
      () => {
        const model = tf.sequential({ layers: withInput(network.layers(), network.input) });
        const x = source(name)([7, ...network.input]);
        const { value, grads } = tf.variableGrads(() =>
          tf.square(model.apply(x, { training: true }) as tf.Tensor).mean(),
        );
        const results = [
          value,
          ...model.trainableWeights.map((w) => grads[(w.read() as tf.Variable).name]!.clone()),
        ];
        model.dispose();
        return results;
      },
      1e-5,
    ));
}

test('an embedding table has the same gradient as in plain JavaScript', () =>
  onBoth('embedding', () => {
    const model = tf.sequential({
      layers: [
        layers.embedding({ inputDim: 9, outputDim: 4, inputLength: 3, embeddingsInitializer: init(1) }),
        layers.flatten(),
        layers.dense({ units: 2, kernelInitializer: init(2) }),
      ],
    });
    const x = tf.tensor2d(
      [
        [0, 8, 3],
        [3, 3, 1],
      ],
      [2, 3],
      'int32',
    );
    const { value, grads } = tf.variableGrads(() => tf.square(model.apply(x) as tf.Tensor).mean());
    const results = [
      value,
      ...model.trainableWeights.map((w) => grads[(w.read() as tf.Variable).name]!.clone()),
    ];
    model.dispose();
    return results;
  }));

test('training with an optimizer leaves nothing behind and lowers the loss', async () => {
  await useBackend('wasm');
  const x = source('fit')([50, 4]);
  const y = tf.tidy(() => tf.sin(x.sum(1, true)));
  const model = tf.sequential({
    layers: [
      layers.dense({ units: 16, activation: 'relu', inputShape: [4], kernelInitializer: init(1) }),
      layers.dense({ units: 1, kernelInitializer: init(2) }),
    ],
  });
  const optimizer = tf.train.adam(0.02);
  const step = () =>
    tf.tidy(() => {
      const loss = optimizer.minimize(
        () => tf.losses.meanSquaredError(y, model.predict(x) as tf.Tensor),
        true,
      )!;
      return loss.dataSync()[0]!;
    });
  const first = step();
  const { numTensors } = tf.memory();
  const dataIds = tf.backend().numDataIds();
  let last = first;
  for (let i = 0; i < 60; i++) last = step();
  assert.equal(tf.memory().numTensors, numTensors);
  assert.equal(tf.backend().numDataIds(), dataIds);
  assert.ok(last < first / 4, `loss ${first} -> ${last}`);
});

function withInput(stack: tf.layers.Layer[], shape: number[]): tf.layers.Layer[] {
  return [layers.inputLayer({ inputShape: shape }), ...stack];
}
