import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { createRandom } from '../../src/core/random.js';
import type { LossTerm } from '../../src/core/types.js';
import { klWeightOf } from '../../src/losses/klWeight.js';
import {
  estimatedKl,
  klDivergence,
  reconstructionNats,
  rowNats,
  sampleKl,
} from '../../src/losses/variational.js';
import { decoderParts, variationalDecoder } from '../../src/networks/variational/decoder.js';
import { variationalEncoder, variationalParts } from '../../src/networks/variational/encoder.js';
import { samplePosterior } from '../../src/networks/variational/sample.js';
import type { VariationalStep } from '../../src/networks/variational/step.js';
import { sampleComponents, standardNormal, vampPrior } from '../../src/networks/variational/vampPrior.js';
import { allClose, assertFinite, close, near } from '../helpers/assert.js';
import { available, onBoth, source, withGradients } from '../helpers/backends.js';
import { batchOf, stepOf } from './steps.js';

await useBackend('wasm');

const logNormal = (x: number, mean = 0, logVariance = 0) =>
  -0.5 * ((x - mean) ** 2 / Math.exp(logVariance) + logVariance + Math.log(2 * Math.PI));

function partsOf(flowLength: number, dimensions = 2) {
  const model = variationalEncoder({
    ...{ inputShape: [4], dimensions, trunk: [6], flowLength, dropout: 0, name: 'encoder' },
    ...{ initializer: 'orthogonal', random: createRandom(5) },
  });
  const parts = variationalParts(model);
  const random = createRandom('weights');
  for (const variable of parts.head.variables()) {
    const values = Float32Array.from({ length: variable.size }, () => 0.3 * random.normal());
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
  return parts;
}

/** A step for made rows, whose posterior the parts give. */
function stepFor(
  { trunk, head }: Pick<ReturnType<typeof partsOf>, 'trunk' | 'head'>,
  rows: tf.Tensor2D,
  seed = 'sample',
): VariationalStep {
  const h = trunk.apply(rows, true);
  const sampled = samplePosterior(head, h, head.distribution(h), createRandom(seed));
  const step = stepOf(batchOf(Array.from({ length: rows.shape[0] }, (_, i) => i)), sampled.z);
  return { ...step, ...sampled };
}

const value = (compute: () => tf.Tensor): number => tf.tidy(() => compute().dataSync()[0]!);

/** The gradients of variables equal central differences. */
function assertGradients(compute: () => tf.Scalar, variables: tf.Variable[], step = 1e-2): void {
  tf.tidy(() => {
    const { grads } = tf.variableGrads(compute, variables);
    for (const variable of variables) {
      const gradient = grads[variable.name]!.dataSync();
      const values = Float32Array.from(variable.dataSync());
      const most = Math.max(1e-2, ...gradient.map(Math.abs));
      for (let i = 0; i < Math.min(values.length, 6); i++) {
        const moved = (by: number) => {
          const changed = values.slice();
          changed[i]! += by;
          variable.assign(tf.tensor(changed, variable.shape));
          return value(compute);
        };
        const slope = (moved(step) - moved(-step)) / (2 * step);
        variable.assign(tf.tensor(values.slice(), variable.shape));
        close(gradient[i]!, slope, 2e-2 * most, `${variable.name} ${i}`);
      }
    }
  });
}

test('the nats of a row are those of the formulas', () => {
  const target = [
    [1, 0, 0.25],
    [0, 1, 0.5],
  ];
  const prediction = [
    [0.5, -1, 2],
    [-90, 90, 0],
  ];
  const logs = [0.3, -1, 2];
  const nats = (kind: Parameters<typeof rowNats>[0]) =>
    tf.tidy(() => rowNats(kind, tf.tensor2d(target), tf.tensor2d(prediction), tf.tensor1d(logs)).dataSync());
  const sums = (cost: (x: number, y: number, c: number) => number) =>
    target.map((row, i) => row.reduce((sum, x, c) => sum + cost(x, prediction[i]![c]!, c), 0));
  allClose(
    nats('gaussian'),
    sums((x, y) => (x - y) ** 2 / 2),
    (_, each) => 1e-6 * (1 + each),
  );
  allClose(
    nats('learnedGaussian'),
    sums((x, y, c) => -logNormal(x, y, logs[c])),
    (_, each) => 1e-6 * (1 + each),
  );
  const bernoulli = (x: number, r: number) => Math.log1p(Math.exp(-Math.abs(r))) + Math.max(r, 0) - x * r;
  allClose(nats('bernoulli'), sums(bernoulli), 1e-5);
  // By the probabilities themselves, where these can be had.
  const p = [0.5, -1, 2].map((r) => 1 / (1 + Math.exp(-r)));
  const direct = -Math.log(p[0]!) - Math.log(1 - p[1]!) - 0.25 * Math.log(p[2]!) - 0.75 * Math.log(1 - p[2]!);
  near(nats('bernoulli')[0]!, direct);
});

for (const kind of ['gaussian', 'learnedGaussian', 'bernoulli'] as const) {
  test(`the ${kind} reconstruction is a mean over the rows, with gradients of decoder and latent points`, () => {
    const decoder = variationalDecoder({
      ...{ dimensions: 2, outputShape: [3], trunk: [5], likelihood: kind, dropout: 0, name: 'decoder' },
      ...{ initializer: 'orthogonal', random: createRandom(2) },
    });
    const { core, logVariance, dispose } = decoderParts(decoder);
    const matrix = { data: Float32Array.of(0.1, 0.9, 0.4, 1, 0, 0, 0.2, 0.3, 0.9), shape: [3, 3] as const };
    const term = reconstructionNats({ decoder: core, likelihood: kind, logVariance });
    const z = tf.variable(tf.tensor2d([0.3, -1, 2, 0.5], [2, 2]));
    const compute = () =>
      term.compute(stepOf(batchOf([2, 0]), tf.add(z, 0) as tf.Tensor2D, matrix) as VariationalStep);
    const rows = tf.tidy(() => {
      const target = tf.tensor2d([0.2, 0.3, 0.9, 0.1, 0.9, 0.4], [2, 3]);
      return rowNats(kind, target, core.apply(z, false), logVariance?.variable).dataSync();
    });
    near(value(compute), (rows[0]! + rows[1]!) / 2);
    const variables = term.trained!.flatMap((part) => part.variables());
    assert.equal(variables.length, kind === 'learnedGaussian' ? 5 : 4);
    assertGradients(compute, [z, ...variables]);
    z.dispose();
    dispose();
  });
}

test('without a flow the divergence is exact: the formula, which the mean over samples approaches', () => {
  const parts = partsOf(0, 3);
  const rows = 20000;
  tf.tidy(() => {
    const x = tf.tile(tf.tensor2d([[1, -1, 0.5, 2]]), [rows, 1]) as tf.Tensor2D;
    const step = stepFor(parts, x);
    const [mean, logs] = [step.posterior.mean.dataSync(), step.posterior.logVariance.dataSync()];
    let direct = 0;
    for (let j = 0; j < 3; j++) direct += (mean[j]! ** 2 + Math.exp(logs[j]!) - logs[j]! - 1) / 2;
    const weight = klWeightOf(1, 3);
    for (const analytic of [true, false])
      near(klDivergence({ analytic, weight }).compute(step).dataSync()[0]!, direct, 1e-4);
    const samples = sampleKl(step.posterior, step.z);
    close(tf.mean(samples).dataSync()[0]!, direct, 0.05);
  });
  parts.dispose();
});

test('with a flow the estimate has the mean of log q(z | x) - log p(z), less noise, and the gradients of all weights', () => {
  const parts = partsOf(2);
  tf.tidy(() => {
    const x = tf.tile(tf.tensor2d([[1, -1, 0.5, 2]]), [20000, 1]) as tf.Tensor2D;
    const { posterior, z } = stepFor(parts, x);
    const moments = (values: tf.Tensor) => {
      const { mean, variance } = tf.moments(values);
      return [mean.dataSync()[0]!, Math.sqrt(variance.dataSync()[0]!)] as const;
    };
    const [mean, deviation] = moments(estimatedKl(posterior, z));
    const [plain, noise] = moments(sampleKl(posterior, z));
    close(mean, plain, (5 * (deviation + noise)) / Math.sqrt(20000));
    assert.ok(deviation < noise, `${deviation} of ${noise}`);
  });
  const x = tf.tensor2d([
    [1, -1, 0.5, 2],
    [0.2, 0.1, -2, 0],
    [0, 1, 1, -1],
  ]);
  const term = klDivergence({ analytic: false, weight: klWeightOf(1, 2) });
  const compute = () => term.compute(stepFor(parts, x));
  const expected = tf.tidy(() => {
    const { posterior, z } = stepFor(parts, x);
    const [mean, logs, z0, scale, end] = [
      posterior.mean,
      posterior.logVariance,
      posterior.z0,
      posterior.logScale,
      z,
    ].map((each) => each.dataSync());
    let sum = 0;
    for (let i = 0; i < 6; i++) {
      sum += (mean![i]! ** 2 + Math.exp(logs![i]!) - logs![i]! - 1) / 2;
      sum += logNormal(z0![i]!) - logNormal(end![i]!);
    }
    for (let i = 0; i < 3; i++) sum -= scale![i]!;
    return sum / 3;
  });
  near(value(compute), expected, 1e-4);
  assertGradients(compute, [...parts.trunk.variables(), ...parts.head.variables()], 3e-3);
  x.dispose();
  parts.dispose();
});

test('free bits are for each dimension where there is no flow, else for their sum', () => {
  const posterior = {
    mean: tf.tensor2d([[2, 0.1]]),
    logVariance: tf.tensor2d([[0, 0]]),
    epsilon: tf.tensor2d([[0.5, -0.5]]),
    z0: tf.tensor2d([[2.5, -0.4]]),
    logScale: tf.tensor1d([0]),
  };
  const step = { ...stepOf(batchOf([0]), posterior.z0), posterior } as VariationalStep;
  const weight = klWeightOf(1, 2);
  const of = (analytic: boolean, freeBits: number) =>
    value(() => klDivergence({ analytic, weight, freeBits }).compute(step));
  near(of(true, 0), 2 + 0.005);
  near(of(true, 0.3), 2 + 0.3);
  near(of(false, 0), 2 + 0.005);
  near(of(false, 0.3), 2 + 0.005);
  near(of(false, 4), 8);
  tf.dispose(Object.values(posterior));
});

test('the weight is a number, rises, or keeps the divergence at its target', () => {
  assert.equal(klWeightOf(0.3, 2).at(0.9), 0.3);
  const rising = klWeightOf({ warmUp: 0.5 }, 2);
  assert.deepEqual([0, 0.25, 0.5, 0.9].map(rising.at), [0, 0.5, 1, 1]);
  assert.equal(klWeightOf({ warmUp: 0.2, to: 4 }, 2).at(0.1), 2);
  assert.equal(klWeightOf({ warmUp: 0 }, 2).at(0), 1);
  // What tests are compared with: the weight in the end, or the divergence that is kept, once they are reached.
  assert.equal(klWeightOf(0.3, 2).settled(0, 7), 0.3);
  assert.deepEqual(
    [0, 0.49, 0.5, 1].map((done) => klWeightOf({ warmUp: 0.5, to: 3 }, 2).settled(done, 7)),
    [undefined, undefined, 3, 3],
  );
  assert.deepEqual(
    [3.5, 3.7, 4, 4.3, 4.5].map((nats) => klWeightOf({ target: 2 }, 2).settled(0, nats)),
    [undefined, 0, 0, 0, undefined],
  );
  // A model whose divergence falls with the weight, reached slowly, as in training.
  for (const target of [0.5, 2, 6]) {
    const weight = klWeightOf({ target }, 3);
    const random = createRandom(target);
    let nats = 0.01;
    for (let step = 0; step < 8000; step++) {
      const settled = 20 / (1 + weight.at(0.5)) ** 0.5;
      nats += 0.02 * (settled - nats);
      weight.observe!(nats + 0.3 * random.normal());
      if (step > 5000) close(nats, 3 * target, 0.1 * 3 * target + 0.2, `step ${step} of target ${target}`);
    }
    // A weight restored goes on alike.
    const other = klWeightOf({ target }, 3);
    other.restore!(JSON.parse(JSON.stringify(weight.state!())));
    for (const each of [weight, other]) each.observe!(4);
    assert.equal(other.at(0), weight.at(0));
    other.restore!(undefined);
    assert.equal(other.at(0), 1);
  }
});

test('the term takes the weight of its step, and tells the weight its divergence', () => {
  const parts = partsOf(0);
  const seen: number[] = [];
  const weight = {
    at: (done: number) => done + seen.length,
    settled: () => undefined,
    observe: (nats: number) => seen.push(nats),
  };
  const term: LossTerm<VariationalStep> = klDivergence({ analytic: true, weight });
  const found = tf.tidy(() => {
    const step = { ...stepFor(parts, tf.ones([2, 4])), done: 0.25 };
    return term.compute(step).dataSync()[0]!;
  });
  assert.equal(term.weight, 0.25);
  assert.deepEqual(seen, [found]);
  parts.dispose();
});

test('a VampPrior is the mixture of the posteriors of its pseudo-inputs, and trains them', async () => {
  const parts = partsOf(1, 3);
  const random = createRandom('pseudo');
  const pseudoInputs = {
    data: Float32Array.from({ length: 20 }, () => random.normal()),
    shape: [5, 4] as const,
  };
  const before = tf.memory().numTensors;
  const prior = vampPrior({ ...parts, pseudoInputs });
  const { mean, logVariance } = await prior.components();
  assert.deepEqual(mean.shape, [5, 3]);
  const points = [0.1, -1, 2, 5, 0, -3];
  const expected = [0, 1].map((i) => {
    let density = 0;
    for (let k = 0; k < 5; k++) {
      let log = 0;
      for (let j = 0; j < 3; j++)
        log += logNormal(points[3 * i + j]!, mean.data[3 * k + j], logVariance.data[3 * k + j]);
      density += Math.exp(log) / 5;
    }
    return Math.log(density);
  });
  const z = tf.tensor2d(points, [2, 3]);
  const found = tf.tidy(() => prior.logDensity(z).dataSync());
  allClose(found, expected, 1e-4);
  const fixed = prior.fixed();
  assert.deepEqual(
    tf.tidy(() => fixed.logDensity(z).dataSync()),
    found,
  );
  fixed.dispose();
  const moving = tf.variable(z);
  const compute = () => tf.sum(prior.logDensity(tf.add(moving, 0) as tf.Tensor2D)) as tf.Scalar;
  assert.deepEqual(prior.trained, [prior]);
  assertGradients(compute, [moving, ...prior.variables(), ...parts.trunk.variables()], 5e-3);
  // Far from all components nothing overflows.
  assertFinite(tf.tidy(() => prior.logDensity(tf.mul(z, 1e6)).dataSync()));
  tf.dispose([z, moving]);
  prior.dispose();
  assert.equal(tf.memory().numTensors, before);
  parts.dispose();
});

test('samples of the components have their moments', () => {
  const components = {
    mean: { data: Float32Array.of(-3, 1, 3, 1), shape: [2, 2] as const },
    logVariance: { data: Float32Array.of(0, 2, 0, 2), shape: [2, 2] as const },
  };
  const { data, shape } = sampleComponents(components, 20000, createRandom(1));
  assert.deepEqual(shape, [20000, 2]);
  const column = (c: number) => data.filter((_, i) => i % 2 === c);
  const moment = (values: Float32Array, power: number) =>
    values.reduce((sum, each) => sum + each ** power, 0) / values.length;
  close(moment(column(0), 1), 0, 0.1);
  close(moment(column(0), 2), 10, 0.2);
  close(moment(column(1), 1), 1, 0.1);
  close(moment(column(1), 2), 1 + Math.exp(2), 0.4);
});

test('the density of the standard normal is with its constant', () => {
  const found = tf.tidy(() => standardNormal.logDensity(tf.tensor2d([[1, 2]])).dataSync());
  near(found[0]!, logNormal(1) + logNormal(2));
});

for (const backend of ['wasm', 'tensorflow'] as const) {
  test(`the losses on ${backend} have the values and gradients of the reference`, {
    skip: await available(backend),
  }, async () => {
    for (const kind of ['gaussian', 'learnedGaussian', 'bernoulli'] as const) {
      await onBoth(
        kind,
        () => {
          const random = source(kind);
          const target = tf.sigmoid(random([9, 4, 2]));
          return withGradients([tf.mul(random([9, 4, 2]), 5), random([4, 2])], (rows, logs) =>
            tf.add(rowNats(kind, target, rows!, logs), tf.mul(tf.sum(logs!), 0)),
          );
        },
        1e-5,
        backend,
      );
    }
    await onBoth(
      'divergence',
      () => {
        const parts = partsOf(2);
        const rows = source('pseudo')([6, 4]);
        const prior = vampPrior({
          ...parts,
          pseudoInputs: { data: rows.dataSync<'float32'>(), shape: [6, 4] },
        });
        const term = klDivergence({ analytic: false, prior, weight: klWeightOf(1, 2) });
        const variables = [...parts.trunk.variables(), ...parts.head.variables(), ...prior.variables()];
        const { value: total, grads } = tf.variableGrads(
          () => term.compute(stepFor(parts, source('x')([8, 4]) as tf.Tensor2D)),
          variables,
        );
        const results = [total, ...variables.map(({ name }) => grads[name]!)];
        prior.dispose();
        parts.dispose();
        return results;
      },
      1e-4,
      backend,
    );
    await useBackend('wasm');
  });
}
