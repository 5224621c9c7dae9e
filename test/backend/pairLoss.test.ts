import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { onStandalone, type PairCurve, pairLoss, type WeightedPairs } from '../../src/backend/pairLoss.js';
import { createRandom } from '../../src/core/random.js';
import { drawNegatives, pairTable } from '../../src/losses/negatives.js';
import { crossEntropy, umapLoss } from '../../src/losses/umap.js';
import { close } from '../helpers/assert.js';
import { available, onBoth } from '../helpers/backends.js';
import { stepOf } from '../losses/steps.js';

const powers = [0.4, 0.8951, 1.9];
const curveOf = (b: number, a = 1.5769): PairCurve => ({
  a,
  b,
  tiny: 1e-12,
  tangent: 1e-3,
  farthest: (1e4 / a) ** (1 / b),
  pull: b / ((1e4 / a) ** (1 / b) * 10001),
});

function pairsOf(heads: number[], tails: number[], positives: number, weights?: number[]): WeightedPairs {
  return {
    heads: Int32Array.from(heads),
    tails: Int32Array.from(tails),
    weights: Float32Array.from(weights ?? heads.map(() => 1)),
    positives,
    count: heads.length,
  };
}

/** Value and gradient by the kernel, and by the loop in JavaScript. */
async function both(points: Float32Array, columns: number, pairs: WeightedPairs, curve: PairCurve) {
  await useBackend('wasm');
  const tensors = tf.memory().numTensors;
  const z = tf.tensor2d(points, [points.length / columns, columns]);
  const { value, gradient } = pairLoss(z, pairs, curve)!;
  const kernel = { value, gradient: await gradient.data<'float32'>() };
  tf.dispose([z, gradient]);
  assert.equal(tf.memory().numTensors, tensors);
  const plain = new Float32Array(points.length);
  const table = { ...pairs, fill() {} };
  const expected = crossEntropy(points, columns, table, curve.a, curve.b, plain);
  return { kernel, plain: { value: expected, gradient: plain } };
}

for (const b of powers) {
  test(`cost and gradient of each pair are those of JavaScript, near and far, b = ${b}`, async () => {
    const random = createRandom(b);
    const distances = [0, 1e-8, 1e-6, 1e-3, 0.0316, 0.03163, 0.1, 0.7, 1, 1.5, 10, 1e3, 1e5, 1e8];
    for (const columns of [1, 2, 3]) {
      for (const distance of distances) {
        const points = new Float32Array(2 * columns);
        const length = Math.hypot(...Array.from({ length: columns }, (_, c) => c + 1));
        for (let c = 0; c < columns; c++) points[columns + c] = (distance * (c + 1)) / length;
        for (const positives of [1, 0]) {
          const curve = curveOf(b, 0.2 + 3 * random.next());
          const { kernel, plain } = await both(points, columns, pairsOf([0], [1], positives), curve);
          const exact = distance >= 0.01 && distance <= 100 ? 2e-6 : 1e-5;
          // Derivatives below the smallest normal 32-bit number may be 0.
          const least = 2 ** -126 * Math.max(1, distance);
          const what = `columns ${columns}, distance ${distance}, positives ${positives}`;
          close(kernel.value, plain.value, exact * Math.abs(plain.value), `cost at ${what}`);
          plain.gradient.forEach((expected, i) => {
            close(
              kernel.gradient[i]!,
              expected,
              exact * Math.abs(expected) + least,
              `gradient ${i} at ${what}`,
            );
          });
        }
      }
    }
  });
}

const sizes: [rows: number, columns: number, positives: number, count: number][] = [
  [200, 2, 101, 1500],
  [200, 2, 256, 512],
  [50, 2, 0, 333],
  [50, 2, 77, 77],
  [120, 3, 300, 1111],
  [40, 8, 5, 258],
  [30, 1, 10, 21],
];
for (const [rows, columns, positives, count] of sizes) {
  test(`${positives} positive pairs of ${count}, ${rows} points in ${columns} columns`, async () => {
    const random = createRandom(`${rows} ${columns} ${positives} ${count}`);
    const points = Float32Array.from({ length: rows * columns }, () => random.normal());
    // Two coincident points, one pair within the range of the tangent, one point far away.
    points.copyWithin(columns, 0, columns);
    points.copyWithin(2 * columns, 0, columns);
    points[2 * columns]! += 0.01;
    points[4 * columns] = 1e8;
    const draw = () => Array.from({ length: count }, (_, p) => (p < 3 ? p : random.integer(rows)));
    const weights = Array.from({ length: count }, () => random.next() / count);
    const pairs = pairsOf(draw(), draw(), positives, weights);
    for (const b of powers) {
      const { kernel, plain } = await both(points, columns, pairs, curveOf(b));
      close(kernel.value, plain.value, 2e-7 * plain.value, 'cost');
      const largest = plain.gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
      plain.gradient.forEach((expected, i) => {
        close(kernel.gradient[i]!, expected, 1e-6 * largest, `gradient ${i}, b = ${b}`);
      });
      assert.deepEqual((await both(points, columns, pairs, curveOf(b))).kernel, kernel, 'the same twice');
    }
  });
}

test('in separate memory, which grows, the kernel gives the same bits', async () => {
  await useBackend('wasm');
  const random = createRandom('standalone');
  const rows = 300;
  for (const count of [10, 12_000, 500]) {
    const draw = () => Array.from({ length: count }, () => random.integer(rows));
    const weights = Array.from({ length: count }, () => random.next());
    const pairs = pairsOf(draw(), draw(), Math.floor(count / 3), weights);
    const z = tf.tensor2d(
      Float32Array.from({ length: 2 * rows }, () => random.normal()),
      [rows, 2],
    );
    const [there, here] = [pairLoss(z, pairs, curveOf(0.9))!, onStandalone(z, pairs, curveOf(0.9))!];
    assert.equal(here.value, there.value);
    assert.deepEqual(await here.gradient.data(), await there.gradient.data());
    tf.dispose([z, here.gradient, there.gradient]);
  }
});

test('the kernel draws the same negative pairs as the host', async () => {
  await useBackend('wasm');
  const random = createRandom('drawn');
  for (const [rows, pairCount, draws, tailsPerHead] of [
    [2, 1, 1, 0],
    [2, 1, 1, 3],
    [3, 7, 40, 1],
    [900, 1000, 40, 3],
  ] as const) {
    const points = Float32Array.from({ length: 2 * rows }, () => random.normal());
    const some = () => Int32Array.from({ length: pairCount }, () => random.integer(rows));
    const ids = new Int32Array(rows);
    const batch = { rows: ids, rowCount: rows, heads: some(), tails: some(), pairCount, tailsPerHead };
    const pairWeights = Float32Array.from({ length: pairCount }, () => random.next());
    const table = pairTable({ negativeSampleRate: 5, negativeDraws: draws, random });
    table.fill({ ...batch, pairWeights });
    assert.ok(table.negatives);
    const z = tf.tensor2d(points, [rows, 2]);
    const here = pairLoss(z, table, curveOf(0.9))!;
    const standalone = onStandalone(z, table, curveOf(0.9))!;
    drawNegatives(table);
    assert.equal(table.negatives, undefined);
    const there = pairLoss(z, table, curveOf(0.9))!;
    for (const drawn of [here, standalone]) {
      assert.equal(drawn.value, there.value);
      assert.deepEqual(await drawn.gradient.data(), await there.gradient.data());
    }
    tf.dispose([z, here.gradient, standalone.gradient, there.gradient]);
  }
});

test('no pairs cost nothing', async () => {
  const { kernel } = await both(Float32Array.of(1, 2, 3, 4), 2, pairsOf([], [], 0), curveOf(0.9));
  assert.deepEqual(kernel, { value: 0, gradient: new Float32Array(4) });
});

test('entries beyond the count are ignored', async () => {
  const pairs = { ...pairsOf([0, 1, 9, 9], [1, 0, 9, 9], 1), count: 2 };
  const { kernel, plain } = await both(Float32Array.of(1, 2, 3, 4), 2, pairs, curveOf(0.9));
  close(kernel.value, plain.value, 1e-8, 'cost');
});

test('values that are not finite, and rows out of range, give NaN', async () => {
  const one = pairsOf([0, 1, 1], [1, 0, 2], 1);
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY]) {
    for (const columns of [2, 3]) {
      const points = Float32Array.from({ length: 4 * columns }, (_, i) => (i === 1 ? wrong : i));
      assert.ok(Number.isNaN((await both(points, columns, one, curveOf(0.9))).kernel.value));
    }
  }
  for (const [heads, tails] of [
    [
      [0, 4],
      [1, 1],
    ],
    [
      [0, 1],
      [-1, 2],
    ],
  ] as const) {
    for (const columns of [2, 3]) {
      const pairs = pairsOf([...heads], [...tails], 1);
      const points = new Float32Array(4 * columns);
      assert.ok(Number.isNaN((await both(points, columns, pairs, curveOf(0.9))).kernel.value));
    }
  }
});

test('plain JavaScript has no such kernel', async () => {
  await useBackend('cpu');
  tf.tidy(() => {
    assert.equal(pairLoss(tf.zeros([2, 2]), pairsOf([0], [1], 1), curveOf(1)), undefined);
  });
});

for (const backend of ['wasm', 'tensorflow'] as const) {
  const skip = backend === 'tensorflow' && (await available(backend));

  test(`${backend}: the UMAP loss and its gradient are those of the plain backend`, { skip }, () =>
    onBoth(
      'umapLoss',
      () => {
        const random = createRandom(3);
        const z = tf.tensor2d(
          Float32Array.from({ length: 40 }, () => random.normal()),
          [20, 2],
        );
        const ids = Int32Array.from({ length: 20 }, (_, i) => i);
        const batch = { rows: ids, rowCount: 20, heads: ids, tails: ids.map((i) => 19 - i), pairCount: 20 };
        const term = umapLoss({ a: 1.58, b: 0.9, negativeSampleRate: 5, random });
        // Half the gradient: that of the loss times 0.5.
        const loss = (x: tf.Tensor) => tf.mul(term.compute(stepOf(batch, x as tf.Tensor2D)), 0.5);
        const { value, grad } = tf.valueAndGrad(loss)(z);
        return [value, grad];
      },
      1e-6,
      backend,
    ),
  );
}
