import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../src/core/random.js';
import type { PairTable } from '../../src/losses/negatives.js';
import { byTensors, crossEntropy, umapLoss } from '../../src/losses/umap.js';
import { near } from '../helpers/assert.js';
import { fixture } from '../helpers/fixtures.js';
import { fullBatch, stepOf } from './steps.js';

await tf.setBackend('cpu');

interface Fixture {
  a: number;
  b: number;
  heads: number[][];
  tails: number[][];
  perm: number[][];
  attraction: number[];
  repulsion: number[][];
  mean: number;
}
const golden: Fixture = fixture('umap_loss');

/** The fixture's pairs: heads are points 0 to 7, tails 8 to 15; weights as the reference means them. */
function goldenPairs(): { points: Float32Array; pairs: PairTable } {
  const B = golden.heads.length;
  const R = golden.perm.length;
  const heads = [...Array(B).keys()];
  const tails = heads.map((i) => B + i);
  for (const order of golden.perm) {
    for (let i = 0; i < B; i++) {
      heads.push(i);
      tails.push(B + order[i]!);
    }
  }
  const points = Float32Array.from([...golden.heads, ...golden.tails].flat());
  return { points, pairs: table(heads, tails, B, 1 / (B * (1 + R))) };
}

function table(heads: number[], tails: number[], positives: number, weight: number): PairTable {
  return {
    heads: Int32Array.from(heads),
    tails: Int32Array.from(tails),
    weights: new Float32Array(heads.length).fill(weight),
    positives,
    count: heads.length,
    fill() {},
  };
}

test('the mean equals the reference’s, on the host and in tensors', () => {
  const { points, pairs } = goldenPairs();
  const { a, b, mean } = golden;
  near(crossEntropy(points, 2, pairs, a, b, new Float32Array(points.length)), mean, 1e-5, 'host');
  const tensors = tf.tidy(() =>
    byTensors(tf.tensor2d(points, [16, 2]), pairs, {
      a,
      b,
      negativeSampleRate: 5,
      random: createRandom(1),
    }).dataSync(),
  );
  near(tensors[0]!, mean, 1e-5, 'tensors');
});

test('each pair costs the same as in the reference', () => {
  const { points, pairs } = goldenPairs();
  const single = (pair: number) => {
    const one = table([pairs.heads[pair]!], [pairs.tails[pair]!], pair < 8 ? 1 : 0, 1);
    return crossEntropy(points, 2, one, golden.a, golden.b, new Float32Array(points.length));
  };
  const wanted = [...golden.attraction, ...golden.repulsion.flat()];
  wanted.forEach((cost, pair) => {
    near(single(pair), cost, 1e-5, `pair ${pair}`);
  });
});

const shapes: [string, number, number][] = [
  ['the default curve', 1.5769, 0.8951],
  ['b below one half', 1, 0.4],
  ['b above one', 0.583, 1.334],
];
for (const [name, a, b] of shapes) {
  test(`the gradient equals finite differences: ${name}`, () => {
    const random = createRandom(`gradient ${name}`);
    const columns = 3;
    const n = 12;
    const points = Float32Array.from({ length: n * columns }, () => random.normal());
    // One pair nearer than the tangent's reach, and one far away.
    points.set(points.subarray(0, columns), columns);
    points[columns]! += 0.01;
    points[2 * columns] = 500;
    const heads = Array.from({ length: 40 }, (_, p) => (p < 2 ? 0 : random.integer(n)));
    const tails = heads.map((h, p) => (p < 2 ? 1 + p : (h + 1 + random.integer(n - 1)) % n));
    // Both kinds of pair for the close one: first as positive, then again as negative.
    const pairs = table([...heads, 0, 0], [...tails, 1, 2], 20, 0.1);
    const gradient = new Float32Array(points.length);
    crossEntropy(points, columns, pairs, a, b, gradient);
    const cost = (at: number, value: number) => {
      const moved = Float64Array.from(points) as unknown as Float32Array;
      moved[at] = value;
      return crossEntropy(moved, columns, pairs, a, b, new Float32Array(points.length));
    };
    for (let i = 0; i < points.length; i++) {
      const h = 1e-5;
      const numeric = (cost(i, points[i]! + h) - cost(i, points[i]! - h)) / (2 * h);
      near(gradient[i]!, numeric, 2e-4, `component ${i}`);
    }
  });
}

test('tensors give the host’s value and gradient, close pairs included', () => {
  const { points, pairs } = goldenPairs();
  points.set([0.5, 0.5, 0.5, 0.51], 0);
  const close = table([...pairs.heads, 0], [...pairs.tails, 1], pairs.positives, 0.02);
  const { a, b } = golden;
  const gradient = new Float32Array(points.length);
  const value = crossEntropy(points, 2, close, a, b, gradient);
  tf.tidy(() => {
    const f = (z: tf.Tensor) =>
      byTensors(z as tf.Tensor2D, close, { a, b, negativeSampleRate: 5, random: createRandom(1) });
    const { value: other, grad } = tf.valueAndGrad(f)(tf.tensor2d(points, [16, 2]));
    near(other.dataSync()[0]!, value, 1e-5, 'value');
    grad.dataSync().forEach((g, i) => {
      near(g, gradient[i]!, 1e-4, `gradient ${i}`);
    });
  });
});

test('coincident and distant points give finite values and gradients', () => {
  for (const b of [0.4, 0.8951, 1.9]) {
    const points = Float32Array.from([0, 0, 0, 0, 1e8, 0, -1e8, 1e8]);
    const pairs = table([0, 2, 0, 2, 0], [1, 3, 1, 3, 2], 2, 1);
    const gradient = new Float32Array(points.length);
    assert.ok(Number.isFinite(crossEntropy(points, 2, pairs, 1, b, gradient)));
    assert.ok(gradient.every(Number.isFinite));
  }
});

test('coincident points are pushed apart as if they lay at the tangent, and not pulled', () => {
  const { a, b } = golden;
  const tangent = 1e-3;
  for (const columns of [1, 2, 3, 20]) {
    const points = new Float32Array(4 * columns).fill(0.5);
    const gradient = new Float32Array(points.length);
    // A positive pair, then a negative one.
    crossEntropy(points, columns, table([0, 2], [1, 3], 1, 1), a, b, gradient);
    assert.ok(gradient.subarray(0, 2 * columns).every((g) => g === 0));
    const [head, tail] = [gradient.subarray(2 * columns, 3 * columns), gradient.subarray(3 * columns)];
    // 2 |d cost / d d²| d at d² = 1e-3, along some direction.
    const length = Math.sqrt(tangent) * ((2 * b) / (tangent * (1 + a * tangent ** b)));
    near(Math.hypot(...head), length, 1e-4 * length, `${columns} columns`);
    head.forEach((g, c) => {
      assert.equal(g, -tail[c]!);
    });
    const f = (z: tf.Tensor) =>
      byTensors(z as tf.Tensor2D, table([0, 2], [1, 3], 1, 1), {
        ...{ a, b, negativeSampleRate: 5, random: createRandom(1) },
      });
    const tensors = tf.tidy(() =>
      tf
        .grad(f)(tf.tensor2d(points, [4, columns]))
        .dataSync(),
    );
    tensors.forEach((g, i) => {
      near(g, gradient[i]!, 1e-4 * length, `${columns} columns, gradient ${i} of tensors`);
    });
  }
});

test('a negative pair whose similarity is below 1e-4 is pulled together, the more the farther', () => {
  const { a, b } = golden;
  // a d^(2b) = 1e4
  const edge = (1e4 / a) ** (1 / (2 * b));
  const pair = (distance: number) => {
    const gradient = new Float32Array(4);
    const points = Float32Array.from([0, 0, distance, 0]);
    const cost = crossEntropy(points, 2, table([0], [1], 0, 1), a, b, gradient);
    const f = (z: tf.Tensor) =>
      byTensors(z as tf.Tensor2D, table([0], [1], 0, 1), {
        ...{ a, b, negativeSampleRate: 5, random: createRandom(1) },
      });
    const { value, grad } = tf.tidy(() => {
      const found = tf.valueAndGrad(f)(tf.tensor2d(points, [2, 2]));
      return { value: found.value.dataSync()[0]!, grad: found.grad.dataSync() };
    });
    near(value, cost, 1e-5 * Math.abs(cost), `cost of tensors at ${distance}`);
    near(grad[2]!, gradient[2]!, 1e-5 * Math.abs(gradient[2]!), `gradient of tensors at ${distance}`);
    return { cost, along: gradient[2]! };
  };
  // At the edge the cost is log(1 + 1e-4), and the pull is what the push has come to: 2b / (d (1 + 1e4)).
  const push = (2 * b) / (edge * (1 + 1e4));
  near(pair(0.9999 * edge).along, -push, 1e-3 * push, 'the last push');
  near(pair(1.0001 * edge).along, push, 1e-3 * push, 'the first pull');
  near(pair(1.0001 * edge).cost, Math.log1p(1e-4), 1e-7, 'cost at the edge');
  for (const times of [3, 100]) {
    near(pair(times * edge).along, times * push, 1e-4 * times * push, `pull at ${times}`);
    const rise = (push * edge * (times ** 2 - 1)) / 2;
    near(pair(times * edge).cost - Math.log1p(1e-4), rise, 1e-4 * rise, `cost at ${times}`);
  }
});

test('negativeSampleRate, repulsionStrength and pair weights act', () => {
  const points = tf.tensor2d([0, 0, 1, 0, 0, 2, 3, 3, 5, 1], [5, 2]);
  const loss = (options: object, weights?: Float32Array) =>
    tf.tidy(() =>
      umapLoss({ a: 1.58, b: 0.9, negativeSampleRate: 5, random: createRandom(9), ...options })
        .compute(stepOf(fullBatch(5, weights), points))
        .dataSync(),
    )[0]!;
  const plain = loss({});
  assert.notEqual(loss({ negativeSampleRate: 2 }), plain);
  const attraction = loss({ negativeSampleRate: 0 });
  const strong = loss({ repulsionStrength: 2 });
  // loss = (attraction + repulsion) / 6 with repulsion linear in the strength.
  near(strong - plain, plain - attraction / 6, 1e-5, 'twice the repulsion');
  near(loss({}, new Float32Array(5).fill(3)), plain, 1e-6, 'equal weights are no weights');
  assert.notEqual(loss({}, Float32Array.from([1, 0, 0, 0, 0])), plain);
  points.dispose();
});
