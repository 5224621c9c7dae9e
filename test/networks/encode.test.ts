import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { encode } from '../../src/networks/encode.js';
import { networkOf } from '../../src/networks/network.js';

await tf.setBackend('cpu');
const { layers } = tf;

/** An encoder of rows of 4 values that counts how often it is applied. */
function counting(model: tf.LayersModel) {
  const network = networkOf(model, 'encoder', true);
  let batches = 0;
  const apply: typeof network.apply = (x, training) => {
    batches++;
    return network.apply(x, training);
  };
  return { network: { ...network, apply }, batches: () => batches };
}

const rows = (count: number) => ({ data: new Float32Array(4 * count).fill(1), shape: [count, 4] as const });

test('the widest layer determines the batch size, wherever it is', async () => {
  // 2^17 floats a row: 64 rows fit 32 MB.
  const wide = () => [
    layers.dense({ units: 2 ** 17, inputShape: [4], kernelInitializer: 'zeros' }),
    layers.dense({ units: 2, kernelInitializer: 'zeros' }),
  ];
  const inner = tf.sequential({ layers: wide() });
  const models = [tf.sequential({ layers: wide() }), tf.sequential({ layers: [inner] })];
  for (const model of models) {
    const { network, batches } = counting(model);
    assert.deepEqual((await encode(network, rows(65))).shape, [65, 2]);
    assert.equal(batches(), 2);
    network.dispose();
  }
});

test('a layer may be used at two widths', async () => {
  const shared = layers.leakyReLU();
  const input = tf.input({ shape: [4] });
  const first = shared.apply(layers.dense({ units: 8 }).apply(input));
  const second = shared.apply(layers.dense({ units: 2 }).apply(first));
  const { network, batches } = counting(tf.model({ inputs: input, outputs: second as tf.SymbolicTensor }));
  assert.deepEqual((await encode(network, rows(10))).shape, [10, 2]);
  assert.equal(batches(), 1);
  await encode(network, rows(10), { batchSize: 3 });
  assert.equal(batches(), 5);
  network.dispose();
});
