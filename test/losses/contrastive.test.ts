import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import { COLDEST, type ContrastiveLossOptions, contrastiveLoss } from '../../src/losses/contrastive.js';
import { contrastiveOnHost } from '../../src/losses/contrastiveHost.js';
import { contrastivePairs } from '../../src/losses/contrastiveNegatives.js';
import { contrastiveByTensors } from '../../src/losses/contrastiveTensors.js';
import { scalarParameter } from '../../src/networks/scalar.js';
import { allClose, close, largest, near, saying } from '../helpers/assert.js';
import { batchOfPairs, formOf, golden, losses, modeOf, plain, runWay, ways } from './contrastiveCases.js';
import { fullBatch, stepOf } from './steps.js';

const pairsFor = (options: Partial<ContrastiveLossOptions>, seed = 1) =>
  contrastivePairs({ ...plain, ...options, random: createRandom(seed) });

const heads = [...Array(golden.B).keys()];
const goldenBatch = batchOfPairs(
  2 * golden.B,
  heads,
  heads.map((i) => golden.B + i),
);

for (const name of Object.keys(ways)) {
  test(`${name}: sums and gradients are those of contrastive-ne`, async () => {
    const pairs = pairsFor({ negativeSamples: 'full' })(goldenBatch);
    for (const { mode, similarity, kappa, logZ, temperature, sum, grad } of golden.cases) {
      const form = {
        ...{ mode: modeOf(mode), cosine: similarity === 'cosine', tangent: 1e-3 },
        ...{ kappa: mode === 'nce' ? Math.exp(logZ) : kappa, temperature, factor: temperature },
      };
      const found = await runWay(name, golden.features.flat(), 2, pairs, form);
      const what = `${mode} ${similarity} ${kappa}`;
      close(found.value, sum, 1e-4 * sum, what);
      const expected = grad.flat();
      allClose(found.gradient, expected, 1e-4 * largest(expected), `${what}: gradient`);
      // Each element by itself, but for what is next to nothing beside the rest.
      expected.forEach((g, i) => {
        if (Math.abs(g) > 0.01) close(found.gradient[i]!, g, 1e-4 * Math.abs(g), `${what}: element ${i}`);
      });
    }
  });
}

test('the term gives the same sum on a device that is read synchronously and on one that is not', async () => {
  for (const backend of ['cpu', 'wasm'] as const) {
    await useBackend(backend);
    const before = tf.memory().numTensors;
    for (const { mode, similarity, kappa, logZ, temperature, sum, grad } of golden.cases) {
      const term = contrastiveLoss({
        ...{ ...plain, mode: modeOf(mode), temperature, negativeSamples: 'full', random: createRandom(1) },
        similarity: similarity === 'cosine' ? 'cosine' : 'cauchy',
        attraction: () => kappa,
        logZ: mode === 'nce' ? scalarParameter(logZ, 'normalization') : undefined,
      });
      assert.equal(term.name, modeOf(mode));
      tf.tidy(() => {
        const loss = (z: tf.Tensor) => tf.mul(term.compute(stepOf(goldenBatch, z as tf.Tensor2D)), 3);
        const { value, grad: found } = tf.valueAndGrad(loss)(tf.tensor2d(golden.features));
        close(value.dataSync()[0]!, 3 * sum, 3e-4 * sum, `${mode} on ${backend}`);
        const expected = grad.flat().map((g) => 3 * g);
        allClose(found.dataSync(), expected, 1e-4 * largest(expected), `${mode} on ${backend}: gradient`);
      });
      for (const part of term.trained!) part.dispose();
    }
    assert.equal(tf.memory().numTensors, before, 'tensors left');
  }
});

test('the gradient equals finite differences, those by log Z and log T included', () => {
  const random = createRandom('differences');
  for (const of of losses) {
    for (const columns of [1, 2, 5]) {
      const n = 12;
      const points = Float64Array.from({ length: n * columns }, () => 2 * random.normal());
      // Distances beyond 100, where the original's gradients vanish.
      if (!of.cosine) points[0] = 200;
      const pairs = pairsFor({ negativeSamples: 7 })({
        ...batchOfPairs(n, [0, 1, 2, 3, 0], [4, 5, 6, 7, 2]),
        pairWeights: Float32Array.from([1, 2, 0.5, 1, 3]),
      });
      const form = formOf(of);
      const cost = (moved: Float64Array, changed = form) =>
        contrastiveOnHost(moved, columns, pairs, changed, new Float64Array(moved.length)).value;
      const quotient = (of: (by: number) => number, h = 1e-5) => (of(h) - of(-h)) / (2 * h);
      const gradient = new Float64Array(points.length);
      const found = contrastiveOnHost(points, columns, pairs, form, gradient);
      const what = `${of.mode}, cosine ${of.cosine}, ${columns} columns`;
      for (let i = 0; i < points.length; i++) {
        const numeric = quotient((by) =>
          cost(
            points.map((x, j) => (j === i ? x + by : x)),
            form,
          ),
        );
        near(gradient[i]!, numeric, 1e-6, `${what}: element ${i}`);
      }
      if (!of.mode.startsWith('infonce') && of.mode !== 'umap') {
        const numeric = quotient((by) => cost(points, { ...form, kappa: form.kappa * Math.exp(by) }));
        near(found.byLogKappa, numeric, 1e-6, `${what}: by log kappa`);
      }
      const numeric = quotient((by) => cost(points, { ...form, temperature: 0.5 * Math.exp(by) }));
      near(found.byLogTemperature, numeric, 1e-6, `${what}: by log T`);
    }
  }
});

test('log Z and log T are trained: their gradients go to the variables', async () => {
  for (const backend of ['cpu', 'wasm'] as const) {
    await useBackend(backend);
    const random = createRandom(7);
    const z = tf.tensor2d(
      Float32Array.from({ length: 30 }, () => random.normal()),
      [10, 3],
    );
    const logZ = scalarParameter(Math.log(2), 'normalization');
    const logTemperature = scalarParameter(Math.log(0.4), 'temperature');
    const term = contrastiveLoss({
      ...{ ...plain, mode: 'nce', similarity: 'cosine', negativeSamples: 'full', random },
      ...{ logZ, logTemperature, temperature: 0.4 },
    });
    assert.deepEqual(
      term.trained!.map(({ group }) => group),
      ['normalization', 'temperature'],
    );
    near(await logZ.value(), Math.log(2), 1e-6, 'log Z');
    near(logTemperature.valueNow()!, Math.log(0.4), 1e-6, 'log T');
    const tensors = tf.memory().numTensors;
    const cost = () => tf.tidy(() => term.compute(stepOf(fullBatch(10), z)).dataSync()[0]!);
    const { value, grads } = tf.variableGrads(
      () => term.compute(stepOf(fullBatch(10), z)),
      [logZ, logTemperature].map(({ variable }) => variable),
    );
    for (const part of [logZ, logTemperature]) {
      const at = await part.value();
      const [above, below] = [0.01, -0.01].map((by) => {
        part.set(at + by);
        return cost();
      });
      part.set(at);
      const numeric = (above! - below!) / 0.02;
      const found = grads[part.variable.name]!.dataSync()[0]!;
      close(found, numeric, 2e-3 * Math.abs(numeric) + 1e-3, `${part.group} on ${backend}`);
    }
    tf.dispose([value, ...Object.values(grads)]);
    assert.equal(tf.memory().numTensors, tensors, 'tensors left');
    z.dispose();
    logZ.dispose();
    logZ.dispose();
    logTemperature.dispose();
  }
});

for (const name of Object.keys(ways)) {
  test(`${name}: a batch whose points coincide has a finite cost and no gradient`, async () => {
    const pairs = pairsFor({ negativeSamples: 'full' })(fullBatch(8));
    for (const of of losses) {
      for (const [at, columns] of [
        [0, 2],
        [3, 2],
        [0, 6],
        [3, 6],
      ] as const) {
        const points = Float32Array.from({ length: 8 * columns }, (_, i) => at * (1 + (i % columns)));
        const found = await runWay(name, points, columns, pairs, formOf(of));
        const what = `${of.mode}, ${of.cosine ? 'cosine' : 'cauchy'}, ${columns} columns at ${at}`;
        assert.ok(Number.isFinite(found.value) && Number.isFinite(found.byLogTemperature), what);
        // Cosines of rows that are not 0 round.
        allClose(found.gradient, new Float32Array(points.length), of.cosine ? 1e-5 : 0, what);
      }
    }
  });
}

test('below the coldest temperature a learned one can come back up, and goes no further down', async () => {
  // Pairs that point apart cost less at a higher temperature, pairs that point the same way at a lower one.
  const angles = (apart: boolean) => [0, 1, 2, 3, 4, 5].map((i) => (apart ? 2 * i : i - (i % 2)));
  const batch = batchOfPairs(6, [0, 2, 4], [1, 3, 5]);
  for (const backend of ['cpu', 'wasm'] as const) {
    await useBackend(backend);
    const before = tf.memory().numTensors;
    for (const { mode } of losses.filter(({ cosine }) => cosine)) {
      for (const apart of [true, false]) {
        const logZ = mode === 'nce' ? scalarParameter(0, 'normalization') : undefined;
        const logTemperature = scalarParameter(0, 'temperature');
        const shared = { ...plain, mode, similarity: 'cosine', negativeSamples: 'full' } as const;
        const attraction = () => 1;
        const term = contrastiveLoss({
          ...shared,
          attraction,
          logZ,
          logTemperature,
          random: createRandom(1),
        });
        const pairs = pairsFor({ negativeSamples: 'full' })(batch);
        const z = tf.tensor2d(angles(apart).map((angle) => [Math.cos(angle), Math.sin(angle)]));
        const form = { ...formOf({ mode, cosine: true }, 1), coldest: COLDEST };
        const learned = { logZ: logZ?.variable, logTemperature: logTemperature.variable };
        for (const compute of [
          () => term.compute(stepOf(batch, z)),
          () => contrastiveByTensors(z, pairs, form, learned),
        ]) {
          const [above, below] = [COLDEST * 1.0001, COLDEST / 20].map((temperature) => {
            logTemperature.set(Math.log(temperature));
            const { value, grads } = tf.variableGrads(compute, [logTemperature.variable]);
            const [slope] = grads[logTemperature.variable.name]!.dataSync();
            tf.dispose([value, ...Object.values(grads)]);
            return slope!;
          });
          const what = `${mode} on ${backend}, ${apart ? 'apart' : 'together'}: ${above}, ${below}`;
          assert.ok(apart ? above! < 0 : above! >= 0, what);
          close(below!, Math.min(0, above!), 0.01 * Math.abs(above!), what);
        }
        z.dispose();
        for (const part of term.trained!) part.dispose();
      }
    }
    assert.equal(tf.memory().numTensors, before, 'tensors left');
  }
});

test('nce without a log Z to train is refused by name', () => {
  assert.throws(() => contrastiveLoss({ ...plain, mode: 'nce', random: createRandom(1) }), /expected logZ/);
});

test('umap with cosines is refused by name', () => {
  assert.throws(
    () => contrastiveLoss({ ...plain, mode: 'umap', similarity: 'cosine', random: createRandom(1) }),
    saying(OptionError, 'umap', 'cosine', 'neg'),
  );
});

test('the attraction follows the part of training that is done; mean is the sum by the number of pairs', async () => {
  await useBackend('cpu');
  const z = tf.tensor2d(golden.features);
  const cost = (options: Partial<ContrastiveLossOptions>, done = 0) =>
    tf.tidy(() => {
      const term = contrastiveLoss({
        ...plain,
        negativeSamples: 'full',
        ...options,
        random: createRandom(1),
      });
      return term.compute({ ...stepOf(goldenBatch, z), done }).dataSync()[0]!;
    });
  const attraction = (done: number) => (done < 1 / 3 ? 4 : 1);
  // The golden sums of neg with kappa 4 and 1.
  near(cost({ attraction }, 0.2), 34.6102676, 1e-5);
  near(cost({ attraction }, 0.5), 34.7074394, 1e-5);
  near(cost({ attraction, aggregation: 'mean' }, 0.5), 34.7074394 / golden.B, 1e-5);
  z.dispose();
});
