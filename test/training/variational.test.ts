import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { createRandom } from '../../src/core/random.js';
import type { Matrix } from '../../src/core/types.js';
import { klWeightOf } from '../../src/losses/klWeight.js';
import { klDivergence, reconstructionNats } from '../../src/losses/variational.js';
import { decoderParts, variationalDecoder } from '../../src/networks/variational/decoder.js';
import { variationalEncoder, variationalParts } from '../../src/networks/variational/encoder.js';
import { vampPrior } from '../../src/networks/variational/vampPrior.js';
import { adam } from '../../src/training/optimizer.js';
import { constantRate } from '../../src/training/schedule.js';
import { train } from '../../src/training/train.js';
import { elboOf, importanceLogLikelihood } from '../../src/training/variationalEvaluation.js';
import { variationalForward } from '../../src/training/variationalForward.js';
import { allClose, near } from '../helpers/assert.js';
import { groups } from '../helpers/data.js';
import { batchOf } from '../losses/steps.js';

await useBackend('wasm');

/** Loadings of a linear Gaussian model x = z W + e in three dimensions; its columns are orthogonal or not. */
const orthogonal = [
  [1.2, 0, 0.5],
  [-0.3, 0.9, 0.72],
];
const oblique = [
  [1.2, 0, 0.5],
  [0.9, 0.8, 0.3],
];

/**
 * Probabilistic principal components (Tipping and Bishop, 1999) with noise of unit variance: the decoder is linear, the trunk
 * splits rows into their positive and negative parts, and the posterior is the exact one, as far as a diagonal one can be:
 * covariance S = (I + W W')^-1, mean x W' S.
 */
function linearModel(loadings: readonly number[][], scale = 1) {
  const encoder = variationalEncoder({
    ...{ inputShape: [3], dimensions: 2, trunk: [6], flowLength: 0, dropout: 0, name: 'encoder' },
    ...{ initializer: 'orthogonal', random: createRandom(1) },
  });
  const decoder = variationalDecoder({
    ...{ dimensions: 2, outputShape: [3], trunk: [4], likelihood: 'gaussian', dropout: 0, name: 'decoder' },
    ...{ initializer: 'orthogonal', random: createRandom(1) },
  });
  const [a, b] = loadings as [number[], number[]];
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  const [p, q, r] = [1 + dot(a, a), dot(a, b), 1 + dot(b, b)];
  const determinant = p * r - q * q;
  const inverse = [
    [r / determinant, -q / determinant],
    [-q / determinant, p / determinant],
  ];
  // From x to the mean: W' S.
  const toMean = [0, 1, 2].map((i) => [0, 1].map((j) => a[i]! * inverse[0]![j]! + b[i]! * inverse[1]![j]!));
  const { head, trunk } = variationalParts(encoder);
  const { core } = decoderParts(decoder);
  // The bound -4 + 10 tanh((s + 4) / 10), inverted.
  const raw = (variance: number) => 10 * Math.atanh((Math.log(variance) + 4) / 10) - 4;
  const signs = (rows: number[][]) => [...rows, ...rows.map((row) => row.map((value) => -value))];
  const eye = (count: number) =>
    Array.from({ length: count }, (_, i) => Array.from({ length: count }, (_, j) => +(i === j)));
  const set = (variables: tf.Variable[], values: (number[] | number[][])[]) =>
    tf.tidy(() => {
      for (const [i, variable] of variables.entries()) {
        variable.assign(tf.tensor(values[i]!.flat(), variable.shape));
      }
    });
  const plusMinus = (rows: number[][]) => rows.map((row) => [...row, ...row.map((value) => -value)]);
  set(trunk.variables(), [plusMinus(eye(3)), new Array<number>(6).fill(0)]);
  set(head.variables(), [
    eye(6).map((row) => [...row, ...row]),
    new Array<number>(12).fill(0),
    signs(toMean),
    [0, 0],
    new Array<number>(12).fill(0),
    [raw(scale * inverse[0]![0]!), raw(scale * inverse[1]![1]!)],
  ]);
  set(core.variables(), [plusMinus(eye(2)), [0, 0, 0, 0], signs(loadings as number[][]), [0, 0, 0]]);
  return { trunk, head, decoder: core, likelihood: 'gaussian' as const };
}

/** log N(x; 0, W'W + I) of three numbers. */
function truth(loadings: readonly number[][], x: ArrayLike<number>): number {
  const c = [0, 1, 2].map((i) =>
    [0, 1, 2].map((j) => +(i === j) + loadings.reduce((sum, row) => sum + row[i]! * row[j]!, 0)),
  );
  const minor = (i: number, j: number) => {
    const [r, s] = [0, 1, 2].filter((each) => each !== i) as [number, number];
    const [t, u] = [0, 1, 2].filter((each) => each !== j) as [number, number];
    return c[r]![t]! * c[s]![u]! - c[r]![u]! * c[s]![t]!;
  };
  const determinant = [0, 1, 2].reduce((sum, j) => sum + (-1) ** j * c[0]![j]! * minor(0, j), 0);
  let form = 0;
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) form += ((-1) ** (i + j) * minor(i, j) * x[i]! * x[j]!) / determinant;
  }
  return -0.5 * (form + Math.log(determinant) + 3 * Math.log(2 * Math.PI));
}

const rows: Matrix = {
  data: Float32Array.of(0, 0, 0, 1, -1, 2, 0.3, 2, -0.4, -3, 1, 0.2, 0.5, 0.5, 0.5),
  shape: [5, 3],
};
const truths = (loadings: readonly number[][]) =>
  Array.from({ length: 5 }, (_, i) => truth(loadings, rows.data.subarray(3 * i, 3 * i + 3)));

test('where the posterior is exact, every sample and the bound give the likelihood of the linear Gaussian model', async () => {
  const model = linearModel(orthogonal);
  const random = createRandom(4);
  allClose(await importanceLogLikelihood({ model, matrix: rows, random }), truths(orthogonal), 1e-4);
  const shifted = { model, matrix: rows, random, samples: 7, logDeterminant: 1.5 };
  const found = await importanceLogLikelihood(shifted);
  allClose(
    found,
    truths(orthogonal).map((each) => each + 1.5),
    1e-4,
  );
  // The reconstruction still depends on the sample; its mean does not.
  const { elbo, reconstruction, kl } = await elboOf({ model, matrix: rows, random, samples: 20000 });
  allClose(elbo, truths(orthogonal), 0.05);
  near(
    -reconstruction - kl - 1.5 * Math.log(2 * Math.PI),
    elbo.reduce((sum, each) => sum + each, 0) / 5,
    1e-6,
  );
});

test('with another posterior importance sampling comes to the likelihood, from below on average', async () => {
  const model = linearModel(oblique, 1.3);
  const random = createRandom(9);
  const expected = truths(oblique);
  const few = await importanceLogLikelihood({ model, matrix: rows, random });
  const many = await importanceLogLikelihood({ model, matrix: rows, random, samples: 5000 });
  allClose(many, expected, 0.05);
  const { elbo } = await elboOf({ model, matrix: rows, random, samples: 5000 });
  for (const [i, bound] of elbo.entries()) assert.ok(bound < many[i]! - 0.05, `bound ${bound}, ${many[i]}`);
  assert.ok(few.some((value, i) => Math.abs(value - expected[i]!) > 0.05));
});

test('an evaluation does not depend on its batches but for the numbers it draws, and repeats', async () => {
  const before = tf.memory().numTensors;
  const model = linearModel(orthogonal);
  const random = createRandom(2);
  const weights = tf.memory().numTensors;
  const first = await elboOf({ model, matrix: rows, random });
  random.normal();
  assert.deepEqual(await elboOf({ model, matrix: rows, random }), first);
  for (const batchSize of [1, 2, 3]) {
    const found = await importanceLogLikelihood({ model, matrix: rows, random, samples: 4, batchSize });
    allClose(found, truths(orthogonal), 1e-4);
  }
  const means = [...(await elboOf({ model, matrix: rows, random, batchSize: 2 })).means.variance];
  allClose(means, [...first.means.variance], 1e-6);
  assert.equal(tf.memory().numTensors, weights);
  assert.ok(weights > before);
});

for (const [name, flowLength, mixture] of [
  ['plain', 0, false],
  ['flow', 2, false],
  ['VampPrior and flow', 1, true],
] as const) {
  test(`a brief training raises the bound, ${name}, leaves no tensor, and repeats by its seed`, async () => {
    const table = groups(120, 6);
    const matrix: Matrix = { data: Float32Array.from(table.flat()), shape: [120, 6] };
    const fit = async () => {
      const random = createRandom(11);
      const options = { dropout: 0.1, initializer: 'truncated_normal' as const, random, dimensions: 2 };
      const encoder = variationalEncoder({
        ...options,
        ...{ inputShape: [6], trunk: [16], flowLength, name: 'encoder' },
      });
      const decoder = variationalDecoder({
        ...options,
        ...{ outputShape: [6], trunk: [16], likelihood: 'learnedGaussian', name: 'decoder' },
      });
      const { trunk, head, dispose } = variationalParts(encoder);
      const parts = decoderParts(decoder);
      const pseudoInputs: Matrix = { data: matrix.data.slice(0, 60), shape: [10, 6] };
      const prior = mixture ? vampPrior({ trunk, head, pseudoInputs }) : undefined;
      const draws = random.fork('batches');
      const sampler = { next: () => batchOf(Array.from({ length: 30 }, () => draws.integer(120))) };
      // Dropout of the trunk and of the decoder is left out: it is seeded from outside.
      const plain = <T extends { apply: (x: tf.Tensor, training: boolean) => tf.Tensor }>(network: T): T => ({
        ...network,
        apply: (x: tf.Tensor) => network.apply(x, false),
      });
      const forward = variationalForward({
        ...{ trunk: plain(trunk), head, sampler, matrix, random: random.fork('latent') },
      });
      const { core, logVariance } = parts;
      const terms = [
        reconstructionNats({ decoder: plain(core), likelihood: 'learnedGaussian', logVariance }),
        klDivergence({ analytic: flowLength === 0, prior, weight: klWeightOf({ target: 0.8 }, 2) }),
      ];
      const model = { trunk, head, decoder: core, likelihood: 'learnedGaussian' as const, logVariance };
      const evaluate = async () => {
        const fixed = prior?.fixed();
        const found = await elboOf({ model: { ...model, prior: fixed }, matrix, random, samples: 3 });
        fixed?.dispose();
        return found.elbo.reduce((sum, each) => sum + each, 0) / 120;
      };
      const start = await evaluate();
      const optimizer = adam();
      const schedule = constantRate(3e-3);
      const run = train({ forward, terms, optimizer, schedule, steps: 400, reports: 4, clipValue: 4 });
      const losses: number[] = [];
      for await (const report of run) losses.push(report.losses.loss!, report.losses.kl!);
      const end = await evaluate();
      optimizer.dispose();
      prior?.dispose();
      parts.dispose();
      dispose();
      return { start, end, losses };
    };
    const before = tf.memory().numTensors;
    const first = await fit();
    assert.equal(tf.memory().numTensors, before);
    assert.ok(first.end > first.start + 1.5, `${first.start} to ${first.end}`);
    assert.deepEqual(await fit(), first);
  });
}

test('inference draws the same sample each time it is prepared, without dropout; training goes on with its stream', () => {
  const random = createRandom(3);
  const encoder = variationalEncoder({
    ...{ inputShape: [6], trunk: [8], flowLength: 1, name: 'encoder', dropout: 0.5, dimensions: 2 },
    ...{ initializer: 'lecun_normal', random },
  });
  const { trunk, head, dispose } = variationalParts(encoder);
  const matrix: Matrix = { data: Float32Array.from(groups(20, 6).flat()), shape: [20, 6] };
  const sampler = { next: () => batchOf([0, 3, 5]) };
  const apply = (training: boolean) => {
    const forward = variationalForward({ trunk, head, sampler, matrix, random, training });
    forward.begin();
    return tf.tidy(() => {
      const { z, posterior, input } = forward.apply({ done: 0, ahead: false });
      assert.equal(input.matrix, matrix);
      assert.deepEqual([z.shape, posterior.logScale.shape], [[3, 2], [3]]);
      return Float32Array.from(z.dataSync());
    });
  };
  assert.deepEqual(apply(false), apply(false));
  assert.notDeepEqual(apply(true), apply(true));
  dispose();
});
