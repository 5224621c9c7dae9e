import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../src/core/random.js';
import type { Matrix, Network } from '../../src/core/types.js';
import {
  defaultReconstruction,
  logitsCrossEntropy,
  probabilityCrossEntropy,
  reconstructionLoss,
  reconstructionLossFn,
  squaredError,
} from '../../src/losses/reconstruction.js';
import { mlp } from '../../src/networks/mlp.js';
import { networkOf } from '../../src/networks/network.js';
import { near } from '../helpers/assert.js';
import { batchOf, stepOf } from './steps.js';

await tf.setBackend('cpu');

const random = createRandom('reconstruction');
const matrix: Matrix = { data: Float32Array.from({ length: 24 }, () => random.next()), shape: [8, 3] };

/** A small decoder from two places to three values, ending in `activation`. */
function decoderOf(activation: 'linear' | 'sigmoid' = 'linear'): Network {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({
        units: 3,
        activation,
        inputShape: [2],
        kernelInitializer: tf.initializers.glorotUniform({ seed: 3 }),
      }),
    ],
  });
  return networkOf(model, 'decoder', true);
}

const scalar = (value: tf.Tensor) => value.dataSync()[0]!;

test('cross-entropy of logits is -x log s - (1 - x) log(1 - s), mean over all values', () => {
  const x = [0, 1, 0.3, 0.8];
  const r = [-1.5, 2, 0.4, -3];
  let wanted = 0;
  r.forEach((logit, i) => {
    const s = 1 / (1 + Math.exp(-logit));
    wanted -= (x[i]! * Math.log(s) + (1 - x[i]!) * Math.log(1 - s)) / 4;
  });
  near(scalar(logitsCrossEntropy(tf.tensor2d(x, [2, 2]), tf.tensor2d(r, [2, 2]))), wanted);
  const probabilities = tf.tensor2d(
    r.map((logit) => 1 / (1 + Math.exp(-logit))),
    [2, 2],
  );
  near(scalar(probabilityCrossEntropy(tf.tensor2d(x, [2, 2]), probabilities)), wanted);
});

test('neither cross-entropy overflows, and certainty that is wrong costs much', () => {
  const x = tf.tensor1d([0, 1, 0, 1]);
  near(scalar(logitsCrossEntropy(x, tf.tensor1d([-1e4, 1e4, -1e4, 1e4]))), 0);
  near(scalar(logitsCrossEntropy(x, tf.tensor1d([1e4, -1e4, 1e4, -1e4]))), 1e4);
  const wrong = scalar(probabilityCrossEntropy(x, tf.tensor1d([1, 0, 1, 0])));
  assert.ok(Number.isFinite(wrong) && wrong > 10);
  const slope = tf.grad((r: tf.Tensor) => logitsCrossEntropy(x, r) as tf.Scalar);
  const gradient = slope(tf.tensor1d([-1e4, 1e4, 0, 0])).dataSync();
  [0, 0, 0.125, -0.125].forEach((wanted, i) => {
    near(gradient[i]!, wanted);
  });
});

test('the squared error is in units of the variance', () => {
  const x = tf.tensor1d([1, 2]);
  near(scalar(squaredError(4)(x, tf.tensor1d([3, 2]))), 0.5);
});

test('the default loss follows the data and the decoder', () => {
  const linear = decoderOf();
  const sigmoid = decoderOf('sigmoid');
  const shape = [2, 2] as const;
  const table = (...data: number[]): Matrix => ({ data: Float32Array.from(data), shape });
  assert.deepEqual(defaultReconstruction(table(0, 0.5, 1, 0.2), linear), { kind: 'logits' });
  assert.deepEqual(defaultReconstruction(table(0, 0.5, 1, 0.2), sigmoid), { kind: 'probabilities' });
  // Columns 0 and 1.5 have variance 0.5625, columns 2 and -2 have 4.
  assert.deepEqual(defaultReconstruction(table(0, 2, 1.5, -2), linear), {
    kind: 'squared',
    variance: (0.5625 + 4) / 2,
  });
  assert.deepEqual(defaultReconstruction(table(2, 3, 2, 3), linear), { kind: 'squared', variance: 1 });
  assert.equal(defaultReconstruction(table(0, 0, 1.01, 0), linear).kind, 'squared');
  assert.equal(defaultReconstruction(table(0, 0, -0.01, 0), sigmoid).kind, 'squared');
  linear.dispose();
  sigmoid.dispose();
});

test('a sigmoid in a layer of its own, or before a reshape, is seen', () => {
  const withLast = (...last: tf.layers.Layer[]) =>
    networkOf(
      tf.sequential({ layers: [tf.layers.dense({ units: 4, inputShape: [2] }), ...last] }),
      'd',
      true,
    );
  const data: Matrix = { data: Float32Array.of(0, 1, 0, 1), shape: [1, 4] };
  const kinds = [
    [tf.layers.activation({ activation: 'sigmoid' })],
    [tf.layers.activation({ activation: 'sigmoid' }), tf.layers.reshape({ targetShape: [2, 2] })],
    [tf.layers.reshape({ targetShape: [2, 2] })],
  ].map((layers) => {
    const decoder = withLast(...layers);
    const { kind } = defaultReconstruction(data, decoder);
    decoder.dispose();
    return kind;
  });
  assert.deepEqual(kinds, ['probabilities', 'probabilities', 'logits']);
});

test('each kind has its loss, and a custom one is user-supplied', () => {
  const own = () => tf.scalar(7);
  assert.equal(reconstructionLossFn({ kind: 'logits' }, own), logitsCrossEntropy);
  assert.equal(reconstructionLossFn({ kind: 'probabilities' }, null), probabilityCrossEntropy);
  const custom = reconstructionLossFn({ kind: 'custom' }, own)!;
  near(scalar(custom(tf.tensor1d([2]), tf.tensor1d([0]))), 7);
  assert.equal(reconstructionLossFn({ kind: 'custom' }, null), undefined);
  const squared = reconstructionLossFn({ kind: 'squared', variance: 2 }, null)!;
  near(scalar(squared(tf.tensor1d([2]), tf.tensor1d([0]))), 2);
});

/** Gradients of the reconstruction loss for the encoder's weights and the decoder's. */
function gradients(autoencoder: boolean) {
  const seeds = createRandom('networks');
  const encoder = networkOf(
    mlp({ inputShape: [3], outputShape: [2], hidden: [5], random: seeds, name: 'e' }),
    'encoder',
    true,
  );
  const decoder = decoderOf();
  const term = reconstructionLoss({
    decoder,
    lossFn: logitsCrossEntropy,
    weight: 1,
    autoencoder,
  });
  const batch = batchOf([5, 0, 3]);
  const variables = [...encoder.variables(), ...decoder.variables()];
  const result = tf.tidy(() => {
    const x = tf.tensor2d(
      [5, 0, 3].flatMap((row) => [...matrix.data.subarray(3 * row, 3 * row + 3)]),
      [3, 3],
    );
    const { value, grads } = tf.variableGrads(() => {
      const z = encoder.apply(x, true) as tf.Tensor2D;
      return term.compute(stepOf(batch, z, matrix));
    }, variables);
    const largest = (network: Network) =>
      Math.max(...network.variables().flatMap((v) => [...grads[v.name]!.dataSync()].map(Math.abs)));
    const z = encoder.apply(x, false);
    const wanted = logitsCrossEntropy(x, decoder.apply(z, false));
    return {
      value: scalar(value),
      wanted: scalar(wanted),
      encoder: largest(encoder),
      decoder: largest(decoder),
    };
  });
  encoder.dispose();
  decoder.dispose();
  return result;
}

test('without the autoencoder loss no gradient reaches the encoder, with it some does', () => {
  const apart = gradients(false);
  assert.equal(apart.encoder, 0);
  assert.ok(apart.decoder > 1e-3);
  const together = gradients(true);
  assert.ok(together.encoder > 1e-3);
  assert.equal(together.decoder, apart.decoder);
  assert.equal(together.value, apart.value);
});

test('the value is the loss of the batch’s rows, and the decoder is trained', () => {
  const { value, wanted } = gradients(false);
  near(value, wanted);
  const decoder = decoderOf();
  const term = reconstructionLoss({
    decoder,
    lossFn: () => tf.tensor1d([1, 2, 6]),
    weight: 3,
    autoencoder: false,
  });
  assert.deepEqual([term.name, term.weight, term.trained], ['reconstruction', 3, [decoder]]);
  // A loss of one value a row is averaged.
  const step = stepOf(batchOf([0, 1, 2]), tf.zeros([3, 2]) as tf.Tensor2D, matrix);
  near(scalar(tf.tidy(() => term.compute(step))), 3);
  decoder.dispose();
});
