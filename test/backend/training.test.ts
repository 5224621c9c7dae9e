import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { available, onBoth, source } from '../helpers/backends.js';

const { layers } = tf;
/** Initialized by number, so that both backends start from the same weights. */
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

for (const backend of ['wasm', 'tensorflow', 'webgpu'] as const) {
  const skip = await available(backend);
  if (skip) {
    test(`${backend}: trains as plain JavaScript does`, { skip }, () => {});
    continue;
  }
  for (const [name, network] of Object.entries(networks)) {
    test(`${backend}: a ${name} network has the loss and gradients of plain JavaScript`, () =>
      onBoth(
        name,
        () => {
          const model = tf.sequential({ layers: withInput(network.layers(), network.input) });
          const x = source(name)([7, ...network.input]);
          const loss = () => tf.square(model.apply(x, { training: true }) as tf.Tensor).mean<tf.Scalar>();
          return lossAndGradients(model, loss);
        },
        1e-5,
        backend,
      ));
  }

  test(`${backend}: an embedding table has the gradient of plain JavaScript`, () =>
    onBoth(
      'embedding',
      () => {
        const table = { inputDim: 9, outputDim: 4, inputLength: 3, embeddingsInitializer: init(1) };
        const model = tf.sequential({
          layers: [
            layers.embedding(table),
            layers.flatten(),
            layers.dense({ units: 2, kernelInitializer: init(2) }),
          ],
        });
        const x = tf.tensor2d([0, 8, 3, 3, 3, 1], [2, 3], 'int32');
        return lossAndGradients(model, () => tf.square(model.apply(x) as tf.Tensor).mean());
      },
      1e-5,
      backend,
    ));

  test(`${backend}: training leaks no tensor and lowers the loss`, async () => {
    await useBackend(backend);
    const x = source('fit')([50, 4]);
    const y = tf.tidy(() => tf.sin(x.sum(1, true)));
    const model = tf.sequential({
      layers: [
        layers.dense({ units: 16, activation: 'relu', inputShape: [4], kernelInitializer: init(1) }),
        layers.dense({ units: 1, kernelInitializer: init(2) }),
      ],
    });
    const optimizer = tf.train.adam(0.02);
    const step = async () => {
      const loss = tf.tidy(
        () => optimizer.minimize(() => tf.losses.meanSquaredError(y, model.predict(x) as tf.Tensor), true)!,
      );
      const [value] = await loss.data();
      loss.dispose();
      return value!;
    };
    const first = await step();
    const { numTensors } = tf.memory();
    const dataIds = tf.backend().numDataIds();
    let last = first;
    for (let i = 0; i < 60; i++) last = await step();
    assert.equal(tf.memory().numTensors, numTensors);
    assert.equal(tf.backend().numDataIds(), dataIds);
    assert.ok(last < first / 4, `loss ${first} -> ${last}`);
  });
}

/** The loss, then the gradient of each weight in the model's order. Disposes of the model. */
function lossAndGradients(model: tf.LayersModel, loss: () => tf.Scalar): tf.Tensor[] {
  const { value, grads } = tf.variableGrads(loss);
  const gradients = model.trainableWeights.map((weight) => grads[(weight.read() as tf.Variable).name]!);
  model.dispose();
  return [value, ...gradients];
}

function withInput(stack: tf.layers.Layer[], shape: number[]): tf.layers.Layer[] {
  return [layers.inputLayer({ inputShape: shape }), ...stack];
}
