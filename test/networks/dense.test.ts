import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { denseLayers, withThreads } from '../../src/networks/dense.js';
import { mlp } from '../../src/networks/mlp.js';
import { networkOf } from '../../src/networks/network.js';
import { createRandom } from '../../src/random.js';
import type { Network } from '../../src/types.js';

await useBackend('wasm');
const { layers } = tf;

const network = (model: tf.LayersModel): Network => networkOf(model, 'encoder', true);
const encoder = (inputShape: number[], outputShape: number[]) =>
  network(mlp({ inputShape, outputShape, hidden: [9, 6], random: createRandom(3), name: 'encoder' }));

/** The outcome, and the gradients of the weights, and of the rows, of a sum that weighs every value differently. */
function passes(apply: (x: tf.Tensor) => tf.Tensor, of: Network, x: tf.Tensor): number[][] {
  const weigh = (z: tf.Tensor) =>
    tf.sum(tf.mul(z, tf.cos(tf.range(0, z.size)).reshape(z.shape))) as tf.Scalar;
  const tensors = tf.tidy(() => {
    const { grads } = tf.variableGrads(() => weigh(apply(x)), of.variables());
    return [
      apply(x),
      ...of.variables().map(({ name }) => grads[name]!),
      tf.grad((rows) => weigh(apply(rows)))(x),
    ];
  });
  const numbers = tensors.map((tensor) => Array.from(tensor.dataSync()));
  tf.dispose(tensors);
  return numbers;
}

test('a network trained by threads has the values, shapes and gradients of the model', async () => {
  for (const [inputShape, outputShape] of [
    [[5], [2]],
    [[3, 4], [2]],
    [[2], [4, 3, 1]],
  ] as const) {
    const plain = encoder([...inputShape], [...outputShape]);
    const before = tf.memory().numTensors;
    const { network: quick, close } = await withThreads(plain, { differentiable: true });
    assert.notEqual(quick, plain);
    const x = tf.randomNormal([11, ...inputShape], 0, 1, 'float32', 4);
    const wanted = passes((rows) => plain.model.apply(rows, { training: true }) as tf.Tensor, plain, x);
    const got = passes((rows) => quick.apply(rows, true), quick, x);
    got.forEach((values, i) => {
      assert.equal(values.length, wanted[i]!.length);
      values.forEach((value, j) => {
        assert.ok(Math.abs(value - wanted[i]![j]!) < 1e-5, `result ${i}, ${j}`);
      });
    });
    const z = tf.tidy(() => quick.apply(x, true));
    assert.deepEqual(z.shape, [11, ...outputShape]);
    tf.dispose([x, z]);
    close();
    assert.equal(tf.memory().numTensors, before);
    plain.dispose();
  }
});

test('a gradient belongs to its own pass, whatever was applied since', async () => {
  const plain = encoder([5], [2]);
  const { network: quick, close } = await withThreads(plain, {});
  const [x, other] = [1, 2].map((seed) => tf.randomNormal([7, 5], 0, 1, 'float32', seed));
  const gradient = (between: () => void) =>
    tf.tidy(() => {
      const { grads } = tf.variableGrads(() => {
        const z = quick.apply(x!, true);
        between();
        return tf.sum(tf.square(z)) as tf.Scalar;
      }, quick.variables());
      return Object.values(grads).map((slope) => Array.from(slope.dataSync()));
    });
  const wanted = gradient(() => {});
  const got = gradient(() => void quick.apply(other!, true));
  assert.deepEqual(got, wanted);
  close();
  tf.dispose([x!, other!]);
  plain.dispose();
});

test('anything but dense layers with ReLU or nothing, all of them trained, stays with TensorFlow.js', async () => {
  const shared = layers.dense({ units: 4, inputShape: [4], activation: 'relu' });
  const frozen = layers.dense({ units: 4, inputShape: [4], trainable: false });
  const input = tf.input({ shape: [4] });
  const branch = layers.dense({ units: 4 });
  const others: Readonly<Record<string, tf.LayersModel>> = {
    'another activation': tf.sequential({
      layers: [layers.dense({ units: 2, inputShape: [4], activation: 'tanh' })],
    }),
    dropout: tf.sequential({ layers: [shared, layers.dropout({ rate: 0.5 }), layers.dense({ units: 2 })] }),
    'a layer that is not trained': tf.sequential({ layers: [frozen, layers.dense({ units: 2 })] }),
    'a layer used twice': tf.model({
      inputs: input,
      outputs: branch.apply(branch.apply(input)) as tf.SymbolicTensor,
    }),
    'two ways': tf.model({
      inputs: input,
      outputs: layers.add().apply([input, branch.apply(input) as tf.SymbolicTensor]) as tf.SymbolicTensor,
    }),
    'no weights': tf.sequential({ layers: [layers.flatten({ inputShape: [2, 2] })] }),
  };
  for (const [name, model] of Object.entries(others)) {
    const plain = network(model);
    assert.equal(denseLayers(plain), undefined, name);
    assert.equal((await withThreads(plain, { differentiable: true })).network, plain, name);
  }
  const whole = tf.sequential({
    layers: [layers.dense({ units: 3, inputShape: [4], useBias: false }), layers.dense({ units: 2 })],
  });
  assert.deepEqual(denseLayers(network(whole)), [
    { inputs: 4, outputs: 3, bias: false, relu: false },
    { inputs: 3, outputs: 2, bias: true, relu: false },
  ]);
});
