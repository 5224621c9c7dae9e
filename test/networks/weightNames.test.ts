import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../src/core/random.js';
import { mlp } from '../../src/networks/mlp.js';
import { networkOf } from '../../src/networks/network.js';
import { namedVariables } from '../../src/networks/weightNames.js';

await tf.setBackend('cpu');

function namesOf(model: tf.LayersModel): string[] {
  const network = networkOf(model, 'encoder', true);
  const names = namedVariables('encoder', network.weights()).map(({ name }) => name);
  network.dispose();
  return names;
}

test('weights of equal networks have equal names, however many TensorFlow.js has numbered', () => {
  const { dense, batchNormalization, conv2d, flatten } = tf.layers;
  const build = () =>
    tf.sequential({
      layers: [
        conv2d({ inputShape: [4, 4, 1], filters: 2, kernelSize: 3 }),
        flatten(),
        dense({ units: 3 }),
        batchNormalization(),
        dense({ units: 2, useBias: false, name: 'last_one' }),
      ],
    });
  const expected = [
    ...['conv2d1/kernel', 'conv2d1/bias', 'dense1/kernel', 'dense1/bias'],
    ...['batch_normalization1/gamma', 'batch_normalization1/beta', 'last_one/kernel'],
    ...['batch_normalization1/moving_mean', 'batch_normalization1/moving_variance'],
  ].map((name) => `encoder/${name}`);
  assert.deepEqual(namesOf(build()).sort(), expected.toSorted());
  assert.deepEqual(namesOf(build()).sort(), expected.toSorted());
});

test('the default network names its layers itself', () => {
  const build = () =>
    mlp({ inputShape: [3], outputShape: [2], hidden: [4], random: createRandom(1), name: 'encoder' });
  const expected = ['dense0/kernel', 'dense0/bias', 'dense1/kernel', 'dense1/bias'];
  for (let i = 0; i < 2; i++)
    assert.deepEqual(
      namesOf(build()),
      expected.map((name) => `encoder/${name}`),
    );
});

test('no two names are equal, and variables without a layer have names too', () => {
  const variables = ['a/b', 'a/b_1', 'number', 'number_1'].map((name) =>
    tf.variable(tf.scalar(1), true, name),
  );
  assert.deepEqual(
    namedVariables('flow', variables).map(({ name }) => name),
    ['flow/a/b', 'flow/a/b_2', 'flow/number', 'flow/number_2'],
  );
  tf.dispose(variables);
});
