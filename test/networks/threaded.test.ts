import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { gatherRows } from '../../src/backend/gatherRows.js';
import { DataError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { Network, Random } from '../../src/core/types.js';
import { encode } from '../../src/networks/encode.js';
import { mlp } from '../../src/networks/mlp.js';
import { networkOf } from '../../src/networks/network.js';
import { inputNoise, withInputNoise } from '../../src/networks/noise.js';
import { denseLayers, withThreads } from '../../src/networks/threaded.js';

await useBackend('wasm');
const { layers } = tf;

const network = (model: tf.LayersModel): Network => networkOf(model, 'encoder', true);
const encoder = (inputShape: number[], outputShape: number[]) =>
  network(mlp({ inputShape, outputShape, hidden: [9, 6], random: createRandom(3), name: 'encoder' }));

/** The outputs, and the gradients of weights and rows, of a sum that weights every value differently. */
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
        // Made here, it is disposed by the time that gradients are computed.
        const z = quick.apply(tf.clone(x!), true);
        between();
        return tf.sum(tf.square(z)) as tf.Scalar;
      }, quick.variables());
      return Object.values(grads).map((gradient) => Array.from(gradient.dataSync()));
    });
  const wanted = gradient(() => {});
  const got = gradient(() => void quick.apply(other!, true));
  assert.deepEqual(got, wanted);
  close();
  tf.dispose([x!, other!]);
  plain.dispose();
});

test('rows of a table, with noise, are read as they are gathered for TensorFlow.js', async () => {
  const random = createRandom(8);
  for (const columns of [3, 64]) {
    const plain = encoder([columns], [2]);
    const table = {
      data: Float32Array.from({ length: 200 * columns }, () => random.normal()),
      shape: [200, columns] as const,
    };
    // The largest batch has more values than there is noise: the ring is read more than once.
    const batches = [40, 7, 5000].map((n) => Int32Array.from({ length: n }, () => random.integer(200)));
    const noise = () => inputNoise(0.5, createRandom('noise'))!;
    const noisy = withInputNoise(plain, noise());
    const { network: quick, close } = await withThreads(plain, { table, noise: noise() });
    for (const [turn, rows] of batches.entries()) {
      const x = gatherRows(table, rows, rows.length, [columns]);
      const wanted = tf.tidy(() => Array.from(noisy.apply(x, true).dataSync()));
      quick.reader!.fetch(rows, rows.length);
      rows.fill(0);
      // Another pass in between does not replace the rows.
      if (turn === 1) tf.tidy(() => void quick.apply(x, true));
      const got = tf.tidy(() => Array.from(quick.reader!.apply().dataSync()));
      assert.equal(got.length, wanted.length);
      got.forEach((value, i) => {
        assert.ok(Math.abs(value - wanted[i]!) < 1e-4, `${columns} columns, value ${i} of batch ${turn}`);
      });
      x.dispose();
    }
    assert.equal(quick.reader!.table, table);
    close();
    plain.dispose();
  }
});

test('a gradient of rows fetched before others were is still theirs', async () => {
  const random = createRandom(9);
  const plain = encoder([5], [2]);
  const table = { data: Float32Array.from({ length: 150 }, () => random.normal()), shape: [30, 5] as const };
  const { network: quick, close } = await withThreads(plain, {
    table,
    noise: inputNoise(0.1, createRandom('n')),
  });
  const reader = quick.reader!;
  const [first, second] = [Int32Array.of(1, 2, 3, 4), Int32Array.of(9, 8, 7)];
  const gradient = (between: () => void) =>
    tf.tidy(() => {
      const { grads } = tf.variableGrads(() => {
        const z = reader.apply();
        between();
        return tf.sum(tf.square(z)) as tf.Scalar;
      }, quick.variables());
      return Object.values(grads).map((gradient) => Array.from(gradient.dataSync()));
    });
  reader.fetch(first, 4);
  const wanted = gradient(() => {});
  assert.deepEqual(
    gradient(() => {}),
    wanted,
    'applied twice to the same rows',
  );
  assert.deepEqual(
    gradient(() => reader.fetch(second, 3)),
    wanted,
  );
  assert.equal(
    tf.tidy(() => reader.apply().shape[0]),
    3,
    'the rows fetched last come next',
  );
  close();
  plain.dispose();
});

test('anything but trained dense layers with ReLU or no activation stays with TensorFlow.js', async () => {
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
    'rows turned over': tf.sequential({
      layers: [
        layers.flatten({ inputShape: [2, 3, 2], dataFormat: 'channelsFirst' }),
        layers.dense({ units: 2 }),
      ],
    }),
    'a layer of one axis': tf.sequential({
      layers: [layers.dense({ units: 1, inputShape: [3, 4] }), layers.reshape({ targetShape: [3] })],
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

/** The network, with an `apply` that fails: rows must be encoded by the thread pool. */
const poolOnly = (plain: Network): Network => ({
  ...plain,
  apply: () => assert.fail('the model was applied'),
});

/** Rows of which most values are 0. */
function sparseRows(count: number, columns: number, random: Random) {
  const values = () => (random.next() < 0.7 ? 0 : random.normal());
  return { data: Float32Array.from({ length: columns * count }, values), shape: [count, columns] as const };
}

test('a pool that is kept open encodes rows as the model does, with its current weights', async () => {
  const random = createRandom(11);
  const plain = encoder([30], [2]);
  for (const count of [1, 1023, 1024, 1025, 3000]) {
    const given = sparseRows(count, 30, random);
    const { data, shape } = await encode(poolOnly(plain), given);
    assert.deepEqual(shape, [count, 2]);
    const wanted = tf.tidy(() => plain.apply(tf.tensor2d(given.data, [count, 30]), false).dataSync());
    data.forEach((value, i) => {
      assert.ok(Math.abs(value - wanted[i]!) < 1e-5, `value ${i} of ${count} rows`);
    });
    // For any batch size, and so for any neighbors within a batch.
    for (const batchSize of [7, 500]) {
      assert.deepEqual((await encode(poolOnly(plain), given, { batchSize })).data, data);
    }
    // Weights may be assigned between two calls.
    for (const weight of plain.variables()) tf.tidy(() => weight.assign(tf.mul(weight, 0.9)));
  }
  plain.dispose();
});

test('many threads and one thread give the same bits, also to concurrent calls', async () => {
  const random = createRandom(12);
  const plain = network(
    mlp({ inputShape: [64], outputShape: [2], hidden: [100, 100, 100], random, name: 'encoder' }),
  );
  // Enough work for threads.
  const many = sparseRows(12_000, 64, random);
  const few = { data: many.data.subarray(0, 64 * 100), shape: [100, 64] as const };
  const [one, all, again, part] = await Promise.all(
    [few, many, many, few].map((rows) => encode(poolOnly(plain), rows)),
  );
  assert.deepEqual(again!.data, all!.data);
  assert.deepEqual(all!.data.slice(0, 200), one!.data);
  assert.deepEqual(part!.data, one!.data);
  plain.dispose();
});

test('few rows and many weights are left to the model, and changed layers get a new pool', async () => {
  const wide = encoder([400], [2]);
  const hidden = network(tf.sequential({ layers: [layers.dense({ units: 500, inputShape: [400] })] }));
  const row = sparseRows(1, 400, createRandom(13));
  await assert.rejects(encode(poolOnly(hidden), row), /the model was applied/);
  assert.equal((await encode(poolOnly(wide), row)).shape[1], 2);
  const model = tf.sequential();
  const given = { data: Float32Array.of(1, -2, 3), shape: [1, 3] as const };
  for (const [activation, wanted] of [
    ['linear', [1, -2]],
    ['relu', [1, 0]],
  ] as const) {
    if (model.layers.length > 0) model.pop();
    const layer = layers.dense({ units: 2, inputShape: [3], activation });
    model.add(layer);
    tf.tidy(() => layer.setWeights([tf.tensor2d([1, 0, 0, 1, 0, 0], [3, 2]), tf.zeros([2])]));
    const { data } = await encode(poolOnly(network(model)), given);
    assert.deepEqual(data, Float32Array.from(wanted), activation);
  }
  for (const each of [wide, hidden]) each.dispose();
});

test('a weight that is not finite is not skipped with the zeros it meets', async () => {
  // Enough columns for zeros to be skipped.
  const units = 40;
  const plain = network(tf.sequential({ layers: [layers.dense({ units, inputShape: [4] })] }));
  const kernel = new Float32Array(4 * units).fill(1).with(0, Number.NaN);
  tf.tidy(() => plain.model.setWeights([tf.tensor2d(kernel, [4, units]), tf.zeros([units])]));
  const { data } = await encode(poolOnly(plain), { data: Float32Array.of(0, 0, 0, 1), shape: [1, 4] });
  assert.deepEqual(data, new Float32Array(units).fill(1).with(0, Number.NaN));
  plain.dispose();
});

test('values that are not finite are found in any batch, and later calls work as before', async () => {
  const plain = encoder([3], [2]);
  const good = { data: new Float32Array(3 * 2500).fill(1), shape: [2500, 3] as const };
  const wanted = await encode(plain, good, { caller: 'transform' });
  for (const row of [0, 1023, 1024, 2499]) {
    const wrong = { ...good, data: good.data.with(3 * row + 1, Number.NaN) };
    await assert.rejects(encode(plain, wrong, { caller: 'transform' }), (error: Error) => {
      assert.ok(error instanceof DataError);
      assert.match(error.message, new RegExp(`^transform: .* NaN at row ${row}, column 1`));
      return true;
    });
    assert.deepEqual(await encode(plain, good, { caller: 'transform' }), wanted);
  }
  plain.dispose();
});
