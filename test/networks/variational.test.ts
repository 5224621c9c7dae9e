import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { networkArtifacts, networkFrom } from '../../src/artifact/layersModel.js';
import { useBackend } from '../../src/backend/choose.js';
import { OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import { decoderParts, type Likelihood, variationalDecoder } from '../../src/networks/variational/decoder.js';
import {
  type VariationalEncoderOptions,
  type VariationalHead,
  variationalEncoder,
  variationalParts,
} from '../../src/networks/variational/encoder.js';
import { AutoregressiveFlow } from '../../src/networks/variational/flow.js';
import { moveByTensors, moveOnHost } from '../../src/networks/variational/flowChain.js';
import { initialKernel } from '../../src/networks/variational/initialize.js';
import { logDeterminantOf, standardizeRows } from '../../src/networks/variational/standardization.js';
import { allClose, assertFinite, largest, near, saying } from '../helpers/assert.js';
import { available, onBoth, source } from '../helpers/backends.js';

await useBackend('wasm');

const statistics = (columns: number) => ({
  mean: Float32Array.from({ length: columns }, (_, c) => c - 1),
  deviation: Float32Array.from({ length: columns }, (_, c) => (c === 1 ? 0 : 0.5 + c)),
});

function encoderOf(options: Partial<VariationalEncoderOptions> = {}): tf.LayersModel {
  return variationalEncoder({
    ...{ inputShape: [5], dimensions: 3, trunk: [8, 6], flowLength: 2, dropout: 0, name: 'encoder' },
    ...{ initializer: 'orthogonal', random: createRandom(7), ...options },
  });
}

/** Large weights everywhere, so that what should not depend on something would show it. */
function shake(head: VariationalHead, size = 0.3): void {
  const random = createRandom('shake');
  for (const variable of head.variables()) {
    const values = Float32Array.from({ length: variable.size }, () => size * random.normal());
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
}

/** log |det| by Gaussian elimination with pivots. */
function logDeterminant(matrix: readonly Float64Array[]): number {
  const rows = matrix.map((row) => Float64Array.from(row));
  let sum = 0;
  for (let i = 0; i < rows.length; i++) {
    const pivot = rows.slice(i).reduce((best, row, at) => {
      return Math.abs(row[i]!) > Math.abs(rows[best]![i]!) ? i + at : best;
    }, i);
    [rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!];
    sum += Math.log(Math.abs(rows[i]![i]!));
    for (const row of rows.slice(i + 1)) {
      const factor = row[i]! / rows[i]![i]!;
      for (let c = i; c < rows.length; c++) row[c]! -= factor * rows[i]![c]!;
    }
  }
  return sum;
}

for (const dimensions of [1, 2, 5, 16]) {
  for (const flowLength of [1, 2, 3]) {
    test(`a flow of ${flowLength} in ${dimensions} dimensions has a triangular Jacobian of the determinant it gives`, async () => {
      const model = encoderOf({ dimensions, flowLength });
      const { head } = variationalParts(model);
      shake(head);
      const random = createRandom(3);
      const draw = (size: number) => Float32Array.from({ length: size }, () => random.normal());
      const context = draw(6);
      const point = draw(dimensions);
      const step = 2e-3;
      // One row unmoved, then two for each coordinate, moved forth and back.
      const rows = 1 + 2 * dimensions;
      const points = Float32Array.from({ length: rows * dimensions }, (_, i) => point[i % dimensions]!);
      for (let j = 0; j < dimensions; j++) {
        points[(1 + 2 * j) * dimensions + j]! += step;
        points[(2 + 2 * j) * dimensions + j]! -= step;
      }
      const [moved, scale] = tf.tidy(() => {
        const h = tf.tile(tf.tensor2d(context, [1, 6]), [rows, 1]);
        const { z, logScale } = head.transform(h, tf.tensor2d(points, [rows, dimensions]));
        return [z.dataSync(), logScale.dataSync()];
      });
      // Each layer reverses the order, so an odd number of them gives the output in reversed order.
      const place = (i: number) => (flowLength % 2 === 1 ? dimensions - 1 - i : i);
      const jacobian = Array.from({ length: dimensions }, (_, i) =>
        Float64Array.from({ length: dimensions }, (_, j) => {
          const at = (row: number) => moved![row * dimensions + place(i)]!;
          const width = points[(1 + 2 * j) * dimensions + j]! - points[(2 + 2 * j) * dimensions + j]!;
          return (at(1 + 2 * j) - at(2 + 2 * j)) / width;
        }),
      );
      // One layer: lower triangular, to the last bit. Two layers see the coordinates from both ends.
      if (flowLength === 1) {
        for (let i = 0; i < dimensions; i++) {
          for (let j = i + 1; j < dimensions; j++) assert.equal(jacobian[i]![j], 0, `${i} by ${j}`);
          if (i > 0)
            assert.ok(
              jacobian[i]!.subarray(0, i).some((value) => value !== 0),
              `row ${i} depends`,
            );
        }
      }
      near(scale![0]!, logDeterminant(jacobian), 5e-3, 'log determinant');
      model.dispose();
    });
  }
}

test('each layer of a flow is triangular, whatever its place', () => {
  const model = encoderOf({ dimensions: 4, flowLength: 3 });
  shake(variationalParts(model).head);
  for (const layer of model.layers.filter((each) => each.getClassName() === 'AutoregressiveFlow')) {
    const apply = (z: number[]) =>
      tf.tidy(() => (layer.apply([tf.ones([1, 6]), tf.tensor2d([z])]) as tf.Tensor).dataSync());
    const base = apply([0.1, 0.2, 0.3, 0.4]);
    for (let j = 0; j < 4; j++) {
      const moved = apply([0.1, 0.2, 0.3, 0.4].map((value, i) => (i === j ? value + 1 : value)));
      // Coordinate i is the output 3 - i.
      for (let i = 0; i < j; i++) assert.equal(moved[3 - i], base[3 - i], `${i} by ${j}`);
      assert.notEqual(moved[3 - j], base[3 - j]);
    }
  }
  model.dispose();
});

test('a new flow hardly depends on the row, and its gate is sigmoid(1)', () => {
  const model = encoderOf({ dimensions: 2, flowLength: 1 });
  const { head } = variationalParts(model);
  const z = tf.tidy(() => head.transform(tf.zeros([1, 6]), tf.zeros([1, 2])).z);
  allClose(z.dataSync(), [0, 0], 1e-6);
  z.dispose();
  model.dispose();
});

test('the posterior is linear in the halves of its inputs, with bounded log-variances of finite gradients', () => {
  const model = encoderOf({ flowLength: 0 });
  const { head, trunk } = variationalParts(model);
  const x = tf.tensor2d([0, 1, -1, 1e4, -1e4, 1e30, -1e30], [7, 1]).tile([1, 5]) as tf.Tensor2D;
  const { grads, value } = tf.variableGrads(() => {
    const { logVariance } = head.distribution(trunk.apply(x, true));
    const values = logVariance.dataSync();
    assertFinite(values);
    for (const each of values) assert.ok(each >= -14 && each <= 6, `${each}`);
    return tf.mean(tf.exp(logVariance)) as tf.Scalar;
  }, head.variables().slice(3));
  assertFinite(value.dataSync());
  tf.dispose([x, value]);
  tf.dispose(grads);
  model.dispose();
});

for (const flowLength of [0, 3]) {
  test(`a saved encoder with a flow of ${flowLength} gives the same, and its parts train on`, async () => {
    const before = tf.memory().numTensors;
    const model = encoderOf({ flowLength, dropout: 0.3, standardization: statistics(5) });
    const made = variationalParts(model);
    shake(made.head);
    const json = JSON.parse(JSON.stringify((await networkArtifacts(model)).modelTopology)) as object;
    assert.ok(JSON.stringify(json).includes('GaussianPosterior'));
    const loaded = await networkFrom(await networkArtifacts(model));
    const parts = variationalParts(loaded);
    assert.equal(parts.head.flowLength, flowLength);
    assert.equal(parts.head.dimensions, 3);
    assert.deepEqual(
      parts.head.variables().map(({ shape }) => shape),
      made.head.variables().map(({ shape }) => shape),
    );
    assert.deepEqual(await parts.standardization?.statistics(), statistics(5));
    tf.tidy(() => {
      const x = tf.randomNormal([6, 5], 0, 2, 'float32', 5);
      const expected = (model.predict(x) as tf.Tensor).dataSync();
      assert.deepEqual((loaded.predict(x) as tf.Tensor).dataSync(), expected);
      // The parts give what the model gives.
      const standardized = parts.standardization!.apply(x) as tf.Tensor;
      const h = parts.trunk.apply(standardized, false);
      const { z } = parts.head.transform(h, parts.head.distribution(h).mean);
      allClose(z.dataSync(), expected, 1e-6);
      const columns = standardizeRows(x.dataSync<'float32'>(), statistics(5));
      allClose(standardized.dataSync(), columns, 1e-6);
      const { grads } = tf.variableGrads(() => {
        const features = parts.trunk.apply(standardized, true);
        const { mean, logVariance } = parts.head.distribution(features);
        const moved = parts.head.transform(features, mean);
        return tf.add(
          tf.sum(tf.square(moved.z)),
          tf.add(tf.sum(logVariance), tf.sum(moved.logScale)),
        ) as tf.Scalar;
      }, [...parts.trunk.variables(), ...parts.head.variables()]);
      const trained = [...parts.trunk.variables(), ...parts.head.variables()];
      assert.equal(Object.keys(grads).length, trained.length);
      // Training the parts trains the model: they share the weights, all but the statistics.
      assert.deepEqual(
        new Set(loaded.trainableWeights.map((weight) => weight.read().id)),
        new Set(trained.map(({ id }) => id)),
      );
    });
    parts.dispose();
    made.dispose();
    assert.equal(tf.memory().numTensors, before);
  });
}

test('the trunk of a user is part of the model, trained in place, and spared on disposal', async () => {
  const trunk = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [4, 4, 1], filters: 3, kernelSize: 3, activation: 'relu' }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
    ],
  });
  const model = encoderOf({ inputShape: [4, 4, 1], trunk });
  const { trunk: network, head, dispose } = variationalParts(model);
  assert.deepEqual(network.outputShape, [3]);
  assert.equal(network.variables()[0], trunk.trainableWeights[0]!.read());
  const x = tf.ones([2, 4, 4, 1]);
  const loaded = await networkFrom(await networkArtifacts(model));
  const [expected, found] = [model, loaded].map((each) =>
    tf.tidy(() => (each.predict(x) as tf.Tensor).dataSync()),
  );
  assert.deepEqual(found, expected);
  assert.deepEqual(variationalParts(loaded).trunk.outputShape, [3]);
  dispose([trunk]);
  assert.ok(head.variables()[0]!.isDisposed);
  assert.ok(!(trunk.weights[0]!.read() as tf.Variable).isDisposed);
  tf.dispose(x);
});

test('a model without a posterior is named', () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
  assert.throws(() => variationalParts(model), saying(OptionError, 'GaussianPosterior', 'got none'));
  model.dispose();
});

for (const likelihood of ['gaussian', 'learnedGaussian', 'bernoulli'] as Likelihood[]) {
  test(`the ${likelihood} decoder gives rows, and its core what training compares`, async () => {
    const before = tf.memory().numTensors;
    const model = variationalDecoder({
      ...{ dimensions: 2, outputShape: [2, 3], trunk: [4, 8], likelihood, dropout: 0.2, name: 'decoder' },
      ...{ initializer: 'lecun_normal', random: createRandom(1) },
      ...(likelihood !== 'bernoulli' && {
        standardization: { mean: new Float32Array(6).fill(3), deviation: new Float32Array(6).fill(2) },
      }),
    });
    const loaded = await networkFrom(await networkArtifacts(model));
    const { core, logVariance } = decoderParts(loaded);
    assert.deepEqual(core.outputShape, [2, 3]);
    assert.deepEqual(logVariance?.variable.shape, likelihood === 'learnedGaussian' ? [2, 3] : undefined);
    tf.tidy(() => {
      const z = tf.randomNormal([4, 2], 0, 1, 'float32', 2);
      const values = core.apply(z, false);
      const rows = likelihood === 'bernoulli' ? tf.sigmoid(values) : tf.add(tf.mul(values, 2), 3);
      allClose((loaded.predict(z) as tf.Tensor).dataSync(), rows.dataSync(), 1e-6);
      assert.deepEqual(
        (model.predict(z) as tf.Tensor).dataSync(),
        (loaded.predict(z) as tf.Tensor).dataSync(),
      );
    });
    decoderParts(loaded).dispose();
    decoderParts(model).dispose();
    assert.equal(tf.memory().numTensors, before);
  });
}

test('orthogonal kernels are orthonormal and well mixed, at any shape', () => {
  for (const [inputs, outputs] of [
    [1, 1],
    [2, 1],
    [7, 3],
    [3, 7],
    [96, 96],
    [200, 64],
  ] as const) {
    const kernel = initialKernel('orthogonal', inputs, outputs, createRandom('o'));
    const short = Math.min(inputs, outputs);
    const at = (i: number, long: number) =>
      inputs >= outputs ? kernel[long * outputs + i]! : kernel[i * outputs + long]!;
    for (let a = 0; a < short; a++) {
      for (let b = 0; b <= a; b++) {
        let product = 0;
        for (let i = 0; i < Math.max(inputs, outputs); i++) product += at(a, i) * at(b, i);
        near(product, a === b ? 1 : 0, 1e-5, `${a} by ${b} of ${inputs} x ${outputs}`);
      }
    }
    // Normal numbers have a fourth moment of 3 times the squared variance; a sparse kernel has far more.
    if (inputs < 90) continue;
    const variance = 1 / Math.max(inputs, outputs);
    const fourth = kernel.reduce((sum, value) => sum + value ** 4, 0) / kernel.length;
    assert.ok(Math.abs(fourth / variance ** 2 - 3) < 0.3, `kurtosis ${fourth / variance ** 2}`);
  }
});

test('normal kernels have the variance of their fan-in, and are cut off', () => {
  for (const [kind, scale] of [
    ['lecun_normal', 1],
    ['truncated_normal', 2],
  ] as const) {
    const kernel = initialKernel(kind, 50, 400, createRandom('n'));
    const variance = kernel.reduce((sum, value) => sum + value * value, 0) / kernel.length;
    near(variance * 50, scale, 0.03, kind);
    const most = (2 * Math.sqrt(scale / 50)) / 0.8796256610342398;
    assert.ok(kernel.every((value) => Math.abs(value) <= most * (1 + 1e-6)));
    assert.notDeepEqual(kernel, initialKernel(kind, 50, 400, createRandom('m')));
  }
});

test('the log-determinant leaves out values that never differ', () => {
  near(logDeterminantOf({ mean: new Float32Array(3), deviation: Float32Array.of(2, 0, 4) }), -Math.log(8));
});

for (const backend of ['wasm', 'tensorflow'] as const) {
  test(`posterior and flow on ${backend} have the values and gradients of the reference`, {
    skip: await available(backend),
  }, async () => {
    for (const dimensions of [1, 2, 9]) {
      await onBoth(
        `dimensions ${dimensions}`,
        () => {
          const model = encoderOf({ dimensions, flowLength: 3 });
          const { head, dispose } = variationalParts(model);
          shake(head);
          const h = source('h')([7, 6]);
          const [weigh, weighScale] = [source('w')([7, dimensions]), source('s')([7])];
          const { value, grads } = tf.variableGrads(() => {
            const { mean, logVariance } = head.distribution(h);
            const { z, logScale } = head.transform(h, tf.add(mean, tf.exp(logVariance)) as tf.Tensor2D);
            return tf.add(tf.sum(tf.mul(z, weigh)), tf.sum(tf.mul(logScale, weighScale))) as tf.Scalar;
          }, head.variables());
          const results = [value, ...head.variables().map(({ name }) => grads[name]!)];
          dispose();
          return results;
        },
        1e-4,
        backend,
      );
    }
    await useBackend('wasm');
  });
}

for (const [dimensions, flowLength] of [
  [1, 1],
  [2, 5],
  [7, 3],
] as const) {
  test(`${flowLength} flows of ${dimensions} on the host equal tensor operations, gradients too`, () => {
    const model = encoderOf({ dimensions, flowLength });
    const { head, dispose } = variationalParts(model);
    shake(head);
    const flows = model.layers.filter((layer) => layer instanceof AutoregressiveFlow);
    const before = tf.memory().numTensors;
    const both = [moveOnHost, moveByTensors].map((move) =>
      tf.tidy(() => {
        const [h, z0] = [source('h')([9, 6]), source('z')([9, dimensions])].map((x) => tf.variable(x));
        const [weigh, weighScale] = [source('w')([9, dimensions]), source('s')([9])];
        const flowVariables = head.variables().slice(6);
        const { value, grads } = tf.variableGrads(() => {
          const { z, logScale } = move(flows, tf.add(h!, 0), tf.add(z0!, 0) as tf.Tensor2D);
          return tf.add(tf.sum(tf.mul(z, weigh)), tf.sum(tf.mul(logScale, weighScale))) as tf.Scalar;
        }, [h!, z0!, ...flowVariables]);
        const found = [value, ...[h!, z0!, ...flowVariables].map(({ name }) => grads[name]!)];
        tf.dispose([h!, z0!]);
        return found.map((each) => Float32Array.from(each.dataSync()));
      }),
    );
    const [host, tensors] = both as [Float32Array[], Float32Array[]];
    assert.equal(host.length, 3 + 5 * flowLength);
    for (const [i, values] of host.entries()) {
      const scale = 1e-4 * Math.max(1, largest(tensors[i]!));
      allClose(values, tensors[i]!, scale, `result ${i}`);
    }
    assert.equal(tf.memory().numTensors, before);
    dispose();
  });
}
