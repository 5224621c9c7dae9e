import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../src/core/random.js';
import type { Batch, Matrix, Network } from '../../src/core/types.js';
import { everyRowSampler } from '../../src/data/sampler.js';
import { mlp } from '../../src/networks/mlp.js';
import { networkOf } from '../../src/networks/network.js';
import { rowsForward } from '../../src/training/forward.js';
import { type Evaluation, validate } from '../../src/training/validation.js';
import { near } from '../helpers/assert.js';

await tf.setBackend('cpu');

const random = createRandom('validation');
/** More rows than are reconstructed at once, and not a multiple of that. */
const rows = 1203;
const matrix: Matrix = {
  data: Float32Array.from({ length: rows * 3 }, () => random.next()),
  shape: [rows, 3],
};

function setUp() {
  const parts = { hidden: [4], random: createRandom('networks') };
  const encoder = networkOf(mlp({ ...parts, inputShape: [3], outputShape: [2], name: 'e' }), 'e', true);
  const trained: boolean[] = [];
  const watched: Network = {
    ...encoder,
    apply(x, training) {
      trained.push(training);
      return encoder.apply(x, training);
    },
  };
  const batch: Batch = {
    rows: Int32Array.of(4, 9, 2),
    rowCount: 3,
    heads: Int32Array.of(0),
    tails: Int32Array.of(1),
    pairCount: 1,
  };
  let calls = 0;
  const pairs: Evaluation = {
    name: 'valPairs',
    forward: rowsForward({ matrix, encoder: watched, sampler: { next: () => batch }, training: false }),
    batches: 4,
    compute: ({ z }) => tf.add(tf.mul(tf.sum(z), 0), ++calls),
  };
  const everyRow: Evaluation = {
    name: 'valRows',
    forward: rowsForward({
      ...{ matrix, encoder: watched, training: false },
      sampler: everyRowSampler(rows, 500),
    }),
    batches: 3,
    compute: ({ z }) => tf.mean(tf.square(z)),
  };
  return { encoder, trained, evaluations: [everyRow, pairs] };
}

test('a loss is the mean over all held-out rows, or over the batches of pairs', async () => {
  const { encoder, trained, evaluations } = setUp();
  // Twice: a sampler goes on with the first row.
  for (const means of [2.5, 6.5]) {
    const { valRows, valPairs } = await validate(evaluations);
    const expected = tf.tidy(() => {
      const x = tf.tensor2d(matrix.data, [rows, 3]);
      return tf.mean(tf.square(encoder.apply(x, false))).dataSync()[0]!;
    });
    near(valRows!, expected);
    assert.equal(valPairs, means);
  }
  assert.ok(trained.length > 0 && trained.every((training) => !training), 'inference mode');
  encoder.dispose();
});

test('validation leaves no tensor and no change behind, also when a loss throws', async () => {
  const before = tf.memory().numTensors;
  const { encoder, evaluations } = setUp();
  const held = tf.memory().numTensors;
  const weights = encoder.variables().map((variable) => variable.dataSync());
  await validate(evaluations);
  assert.equal(tf.memory().numTensors, held);
  assert.deepEqual(
    encoder.variables().map((variable) => variable.dataSync()),
    weights,
  );
  const broken: Evaluation = {
    ...evaluations[0]!,
    compute() {
      throw new Error('no such loss');
    },
  };
  await assert.rejects(validate([broken]), /no such loss/);
  assert.equal(tf.memory().numTensors, held);
  encoder.dispose();
  assert.equal(tf.memory().numTensors, before);
});
