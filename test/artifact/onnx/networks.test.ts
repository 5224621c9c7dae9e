/** Networks of every kind of layer, in ONNX Runtime and here: equal outputs for 1, 7 and 1,000 rows. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { layerWriters } from '../../../src/artifact/onnx/layers.js';
import { onnxModel } from '../../../src/artifact/onnx/onnx.js';
import { useBackend } from '../../../src/backend/choose.js';
import { createRandom } from '../../../src/core/random.js';
import * as tf from '../../../src/core/tf.js';
import { variationalDecoder } from '../../../src/networks/variational/decoder.js';
import { variationalEncoder } from '../../../src/networks/variational/encoder.js';
import { onnxSession } from '../../helpers/onnxRuntime.js';

const { layers } = tf;

/** Classes that the networks of this file have been made of. */
const used = new Set<string>();

before(async () => {
  await useBackend('auto');
});

/** Every weight random, so that means, biases and masks count; variances are positive. */
function randomize(model: tf.LayersModel, seed: string): void {
  const random = createRandom(seed);
  for (const weight of model.weights) {
    const variable = weight.read() as tf.Variable;
    const positive =
      /variance|deviation/.test(weight.originalName) && !/log_variance/.test(weight.originalName);
    const scale = 1 / Math.sqrt(Math.max(1, variable.size / variable.shape.at(-1)!));
    const values = Float32Array.from({ length: variable.size }, () =>
      positive ? 0.5 + random.next() : scale * random.normal(),
    );
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
}

function collect(model: tf.LayersModel): void {
  for (const layer of model.layers) {
    if ('layers' in layer) collect(layer as tf.LayersModel);
    else used.add(layer.getClassName());
  }
}

async function compare(name: string, model: tf.LayersModel, whole = false): Promise<void> {
  randomize(model, name);
  collect(model);
  const bytes = await onnxModel({
    ...{ name, inputName: 'rows', outputName: 'embedding' },
    networks: [[name, model]],
  });
  const session = await onnxSession(bytes);
  try {
    assert.deepEqual([session.inputName, session.outputName], ['rows', 'embedding']);
    const rowShape = model.inputs[0]!.shape.slice(1) as number[];
    const size = rowShape.reduce((product, each) => product * each, 1);
    const random = createRandom(`${name} rows`);
    for (const rows of [1, 7, 1000]) {
      const x = Float32Array.from({ length: rows * size }, () =>
        whole ? random.integer(10) : random.normal(),
      );
      const theirs = await session.run(x, [rows, ...rowShape]);
      const y = tf.tidy(
        () => model.predict(tf.tensor(x, [rows, ...rowShape]), { batchSize: 1024 }) as tf.Tensor,
      );
      const ours = await y.data();
      const { shape } = y;
      y.dispose();
      assert.deepEqual([...theirs.dims].map(Number), shape);
      let largest = 0;
      let scale = 1;
      for (let i = 0; i < ours.length; i++) {
        largest = Math.max(largest, Math.abs(ours[i]! - theirs.data[i]!));
        scale = Math.max(scale, Math.abs(ours[i]!));
        if (Number.isNaN(theirs.data[i]!)) assert.fail(`${name}: value ${i} is NaN`);
      }
      assert.ok(
        largest <= 1e-5 * scale,
        `${name}, ${rows} rows: differ by ${largest}, values up to ${scale}`,
      );
    }
  } finally {
    await session.close();
    model.dispose();
  }
}

const image = (...stack: tf.layers.Layer[]) => chain([12, 12, 2], ...stack);
function chain(inputShape: number[], ...stack: tf.layers.Layer[]): tf.LayersModel {
  const input = tf.input({ shape: inputShape });
  return tf.model({
    inputs: input,
    outputs: stack.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input),
  });
}
const conv = (filters: number, more: object = {}) =>
  layers.conv2d({ filters, kernelSize: 3, padding: 'same', activation: 'relu', ...more });

const networks: Readonly<Record<string, () => tf.LayersModel>> = {
  'dense stack': () =>
    chain(
      [20],
      layers.dense({ units: 32, activation: 'relu' }),
      layers.dropout({ rate: 0.5 }),
      layers.dense({ units: 32, activation: 'tanh', useBias: false }),
      layers.dense({ units: 2 }),
    ),
  'sequential with a nested model': () => {
    const inner = tf.sequential({
      layers: [layers.dense({ units: 8, inputShape: [6], activation: 'elu' }), layers.dense({ units: 5 })],
    });
    return tf.sequential({
      layers: [layers.dense({ units: 6, inputShape: [4] }), inner, layers.dense({ units: 3 })],
    });
  },
  'convolution with strides, the encoder of the docs': () =>
    chain(
      [28, 28, 1],
      conv(16, { strides: 2 }),
      conv(24, { strides: 2 }),
      layers.flatten(),
      layers.dense({ units: 32, activation: 'relu' }),
      layers.dense({ units: 2 }),
    ),
  'convolution without padding, with dilation': () =>
    image(
      layers.conv2d({ filters: 4, kernelSize: [3, 2], activation: 'swish' }),
      layers.conv2d({ filters: 3, kernelSize: 2, dilationRate: 2, padding: 'same', useBias: false }),
      layers.globalAveragePooling2d({}),
    ),
  'convolution of an odd image by strides that leave a rest': () =>
    chain([11, 7, 3], conv(5, { kernelSize: 4, strides: [3, 2] }), conv(4, { strides: 2 }), layers.flatten()),
  'softmax along channels': () => image(layers.conv2d({ filters: 4, kernelSize: 1, activation: 'softmax' })),
  'channels first': () =>
    chain(
      [2, 10, 10],
      conv(4, { dataFormat: 'channelsFirst' }),
      layers.maxPooling2d({ poolSize: 2, dataFormat: 'channelsFirst' }),
      layers.flatten({ dataFormat: 'channelsFirst' }),
    ),
  'convolution and pooling in one dimension': () =>
    chain(
      [21, 3],
      layers.conv1d({ filters: 6, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
      layers.maxPooling1d({ poolSize: 2 }),
      layers.conv1d({ filters: 4, kernelSize: 2 }),
      layers.averagePooling1d({ poolSize: 2, strides: 1, padding: 'same' }),
      layers.globalMaxPooling1d(),
    ),
  'mean over time': () =>
    chain([9, 4], layers.dense({ units: 6, activation: 'selu' }), layers.globalAveragePooling1d()),
  'convolution and pooling in three dimensions': () =>
    chain(
      [6, 6, 6, 1],
      layers.conv3d({ filters: 3, kernelSize: 3, padding: 'same', activation: 'relu' }),
      layers.maxPooling3d({ poolSize: [2, 2, 2] }),
      layers.averagePooling3d({ poolSize: [2, 2, 2], padding: 'same' }),
      layers.conv3dTranspose({ filters: 2, kernelSize: 2, strides: 2 }),
      layers.flatten(),
    ),
  'depthwise and separable': () =>
    image(
      layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 3, padding: 'same', activation: 'relu6' }),
      layers.separableConv2d({ filters: 5, kernelSize: 3, depthMultiplier: 2, activation: 'mish' }),
      layers.depthwiseConv2d({ kernelSize: 2, strides: 2, useBias: false }),
      layers.globalMaxPooling2d({}),
    ),
  'pooling with padding': () =>
    chain(
      [11, 13, 2],
      layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      layers.averagePooling2d({ poolSize: [2, 3], strides: 2, padding: 'same' }),
      layers.averagePooling2d({ poolSize: 2, strides: 1 }),
      layers.flatten(),
    ),
  'decoder by transposed convolution': () =>
    chain(
      [2],
      layers.dense({ units: 7 * 7 * 4, activation: 'relu' }),
      layers.reshape({ targetShape: [7, 7, 4] }),
      layers.conv2dTranspose({ filters: 6, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
      layers.conv2dTranspose({ filters: 4, kernelSize: 2, strides: 3 }),
      layers.conv2dTranspose({ filters: 3, kernelSize: 5, strides: 2, padding: 'valid', useBias: false }),
      layers.conv2dTranspose({ filters: 1, kernelSize: 4, padding: 'same', activation: 'sigmoid' }),
    ),
  'decoder by upsampling': () =>
    chain(
      [3],
      layers.dense({ units: 4 * 4 * 3 }),
      layers.reshape({ targetShape: [4, 4, 3] }),
      layers.upSampling2d({ size: [2, 3] }),
      conv(4),
      layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' }),
      layers.zeroPadding2d({
        padding: [
          [1, 2],
          [3, 0],
        ],
      }),
      layers.cropping2D({
        cropping: [
          [2, 1],
          [0, 3],
        ],
      }),
      layers.permute({ dims: [3, 1, 2] }),
    ),
  'batch normalization': () =>
    image(
      conv(4, { activation: 'linear', useBias: false }),
      layers.batchNormalization(),
      layers.activation({ activation: 'relu' }),
      layers.batchNormalization({ axis: 1, center: false }),
      layers.batchNormalization({ scale: false, epsilon: 0.1 }),
      layers.flatten(),
      layers.batchNormalization(),
    ),
  'layer normalization': () =>
    chain(
      [5, 6],
      layers.layerNormalization(),
      layers.layerNormalization({ axis: [1, 2], epsilon: 0.01 }),
      layers.layerNormalization({ axis: 1, center: false }),
      layers.flatten(),
      layers.layerNormalization({ scale: false }),
    ),
  'residual blocks and merging': () => {
    const input = tf.input({ shape: [8] });
    const dense = (x: tf.SymbolicTensor, activation: 'relu' | 'sigmoid') =>
      layers.dense({ units: 8, activation }).apply(x) as tf.SymbolicTensor;
    const first = layers.add().apply([input, dense(input, 'relu')]) as tf.SymbolicTensor;
    const second = layers.multiply().apply([first, dense(first, 'sigmoid'), input]) as tf.SymbolicTensor;
    const merged = [layers.average(), layers.maximum(), layers.minimum()].map(
      (layer) => layer.apply([first, second]) as tf.SymbolicTensor,
    );
    const wide = layers.repeatVector({ n: 3 }).apply(second) as tf.SymbolicTensor;
    const broadcast = layers.add().apply([wide, first]) as tf.SymbolicTensor;
    const flat = layers.flatten().apply(broadcast) as tf.SymbolicTensor;
    return tf.model({
      inputs: input,
      outputs: layers.concatenate().apply([...merged, flat]) as tf.SymbolicTensor,
    });
  },
  'a layer that is used twice': () => {
    const input = tf.input({ shape: [6] });
    const shared = layers.dense({ units: 6, activation: 'softsign' });
    const once = shared.apply(input) as tf.SymbolicTensor;
    return tf.model({ inputs: input, outputs: shared.apply(once) as tf.SymbolicTensor });
  },
  'activation layers': () =>
    image(
      conv(3, { activation: 'linear' }),
      layers.leakyReLU({ alpha: 0.1 }),
      layers.prelu(),
      layers.prelu({ sharedAxes: [1, 2] }),
      layers.elu(),
      layers.reLU({ maxValue: 2 }),
      layers.reLU(),
      layers.thresholdedReLU({ theta: 0.2 }),
      layers.softmax({ axis: -1 }),
    ),
  'embedding and rescaling': () =>
    chain(
      [5],
      layers.embedding({ inputDim: 10, outputDim: 3, inputLength: 5 }),
      layers.rescaling({ scale: 2, offset: -1 }),
    ),
  'layers of training': () =>
    chain(
      [6, 4],
      layers.gaussianNoise({ stddev: 1 }),
      layers.spatialDropout1d({ rate: 0.4 }),
      layers.gaussianDropout({ rate: 0.3 }),
      layers.alphaDropout({ rate: 0.3 }),
      layers.dense({ units: 3 }),
    ),
  'variational encoder with a flow': () =>
    variationalEncoder({
      ...{ inputShape: [9], dimensions: 3, trunk: [12, 10], flowLength: 3, name: 'encoder' },
      ...{ initializer: 'orthogonal', dropout: 0.1, random: createRandom('flow') },
      standardization: { mean: new Float32Array(9), deviation: new Float32Array(9).fill(1) },
    }),
  'variational decoder': () =>
    variationalDecoder({
      ...{
        dimensions: 3,
        outputShape: [3, 3, 1],
        trunk: [10],
        likelihood: 'learnedGaussian',
        name: 'decoder',
      },
      ...{ initializer: 'orthogonal', dropout: 0, random: createRandom('decoder') },
      standardization: { mean: new Float32Array(9), deviation: new Float32Array(9).fill(1) },
    }),
};

const functions = [
  'elu',
  'hardSigmoid',
  'linear',
  'relu',
  'relu6',
  'selu',
  'sigmoid',
  'softmax',
  'softplus',
  'softsign',
  'tanh',
  'swish',
  'mish',
  'gelu',
  'gelu_new',
  'logSoftmax',
] as const;

for (const [name, build] of Object.entries(networks)) {
  test(`ONNX: ${name}`, () => compare(name, build(), name.startsWith('embedding')));
}

test('ONNX: every activation function', async () => {
  for (const activation of functions) {
    const dense = layers.dense({ units: 4, activation: activation as 'relu' });
    await compare(activation, chain([5], dense));
  }
});

test('ONNX: no writer of a layer is without a network above', () => {
  const never = Object.keys(layerWriters).filter((className) => !used.has(className));
  assert.deepEqual(never, []);
});

test('ONNX: a layer or an activation function without a form is named', async () => {
  const parts = { name: 'encoder', inputName: 'rows', outputName: 'embedding' };
  const lstm = chain([4, 3], layers.lstm({ units: 2, name: 'memory' }));
  await assert.rejects(onnxModel({ ...parts, networks: [['encoder', lstm]] }), {
    name: 'OptionError',
    message: /got a layer LSTM \(memory of the encoder\)/,
  });
  lstm.dispose();
});

after(() => tf.disposeVariables());
