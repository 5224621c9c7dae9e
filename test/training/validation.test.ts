import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../src/core/random.js';
import type { Batch, LossTerm, Matrix, Network, Sampler } from '../../src/core/types.js';
import { logitsCrossEntropy, squaredError } from '../../src/losses/reconstruction.js';
import { mlp } from '../../src/networks/mlp.js';
import { networkOf } from '../../src/networks/network.js';
import { type ValidationOptions, validate } from '../../src/training/validation.js';
import { near } from '../losses/steps.js';

await tf.setBackend('cpu');

const random = createRandom('validation');
/** More rows than are reconstructed at once, and not a multiple of that. */
const rows = 1203;
const matrix: Matrix = {
  data: Float32Array.from({ length: rows * 3 }, () => random.next()),
  shape: [rows, 3],
};

function setUp(overrides: Partial<ValidationOptions> = {}) {
  const parts = { hidden: [4], random: createRandom('networks') };
  const encoder = networkOf(mlp({ ...parts, inputShape: [3], outputShape: [2], name: 'e' }), 'e', true);
  const decoder = networkOf(mlp({ ...parts, inputShape: [2], outputShape: [3], name: 'd' }), 'd', true);
  const trained: boolean[] = [];
  const watch = (network: Network): Network => ({
    ...network,
    apply(x, training) {
      trained.push(training);
      return network.apply(x, training);
    },
  });
  const batch: Batch = {
    rows: Int32Array.of(4, 9, 2),
    rowCount: 3,
    heads: Int32Array.of(0),
    tails: Int32Array.of(1),
    pairCount: 1,
  };
  const sampler: Sampler = { next: () => batch };
  let calls = 0;
  const umap: LossTerm = {
    name: 'umap',
    weight: 1,
    compute: ({ z }) => tf.add(tf.mul(tf.sum(z), 0), ++calls) as tf.Scalar,
  };
  const options: ValidationOptions = {
    matrix,
    raw: matrix,
    encoder: watch(encoder),
    decoder: watch(decoder),
    lossFn: logitsCrossEntropy,
    sampler,
    umap,
    batches: 4,
    ...overrides,
  };
  const free = () => {
    encoder.dispose();
    decoder.dispose();
  };
  return { options, encoder, decoder, trained, free };
}

test('valLoss is the reconstruction loss of all held-out rows alone, valUmap the mean over the batches', async () => {
  for (const lossFn of [logitsCrossEntropy, squaredError(2)]) {
    const { options, encoder, decoder, trained, free } = setUp({ lossFn });
    const { valLoss, valUmap } = await validate(options);
    const wanted = tf.tidy(() => {
      const x = tf.tensor2d(matrix.data, [rows, 3]);
      return lossFn(x, decoder.apply(encoder.apply(x, false), false)).dataSync()[0]!;
    });
    near(valLoss, wanted);
    assert.equal(valUmap, 2.5);
    assert.ok(trained.length > 0 && trained.every((training) => !training), 'inference mode');
    free();
  }
});

test('the encoder sees its own rows, the loss the rows in data space', async () => {
  const raw: Matrix = { data: matrix.data.map((value) => value + 10), shape: matrix.shape };
  const targets: number[] = [];
  const lossFn = (target: tf.Tensor) => {
    targets.push(target.dataSync()[0]!);
    return tf.scalar(1);
  };
  const { options, free } = setUp({ raw, lossFn });
  await validate(options);
  assert.ok(Math.abs(targets[0]! - raw.data[0]!) < 1e-6);
  free();
});

test('validation leaves no tensor and no change behind, also when a loss throws', async () => {
  const before = tf.memory().numTensors;
  const { options, encoder, free } = setUp();
  const held = tf.memory().numTensors;
  const weights = encoder.variables().map((variable) => variable.dataSync());
  await validate(options);
  assert.equal(tf.memory().numTensors, held);
  assert.deepEqual(
    encoder.variables().map((variable) => variable.dataSync()),
    weights,
  );
  const lossFn = () => {
    throw new Error('no such loss');
  };
  await assert.rejects(validate({ ...options, lossFn }), /no such loss/);
  assert.equal(tf.memory().numTensors, held);
  free();
  assert.equal(tf.memory().numTensors, before);
});
