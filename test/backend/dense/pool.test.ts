import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import type { DenseGradients, DenseLayer } from '../../../src/backend/dense/layout.js';
import { type DensePool, openDensePool } from '../../../src/backend/dense/pool.js';
import { createRandom } from '../../../src/core/random.js';
import { allClose, largest } from '../../helpers/assert.js';

await tf.setBackend('cpu');

const stack = (...sizes: [inputs: number, outputs: number, bias: boolean, relu: boolean][]): DenseLayer[] =>
  sizes.map(([inputs, outputs, bias, relu]) => ({ inputs, outputs, bias, relu }));

/** Widths that are multiples of vectors, tiles and panels, and others. */
const stacks: Readonly<Record<string, DenseLayer[]>> = {
  'one layer': stack([3, 2, true, false]),
  'odd widths': stack([7, 13, true, true], [13, 5, false, true], [5, 3, true, false]),
  'odd widths, wide enough to skip zeros': stack(
    [37, 59, true, true],
    [59, 51, true, true],
    [51, 33, false, false],
  ),
  'ReLU at the end': stack([4, 8, true, true], [8, 9, true, true]),
  'the default encoder': stack(
    [64, 100, true, true],
    [100, 100, true, true],
    [100, 100, true, true],
    [100, 2, true, false],
  ),
  'the default decoder': stack([2, 100, true, true], [100, 100, true, true], [100, 64, true, false]),
};

interface Drawn {
  readonly x: Float32Array;
  readonly outputGradient: Float32Array;
  readonly weights: readonly Float32Array[];
}

function draw(layers: readonly DenseLayer[], rows: number): Drawn {
  const random = createRandom(`dense ${rows}`);
  const normals = (length: number) => Float32Array.from({ length }, () => random.normal());
  return {
    x: normals(rows * layers[0]!.inputs),
    outputGradient: normals(rows * layers.at(-1)!.outputs),
    weights: layers.flatMap(({ inputs, outputs, bias }) => {
      const kernel = normals(inputs * outputs).map((value) => value / Math.sqrt(inputs));
      return bias ? [kernel, normals(outputs)] : [kernel];
    }),
  };
}

/** Results of the pool: the outputs, the gradient of the inputs, and those of the weights. */
function onPool(pool: DensePool, { x, outputGradient, weights }: Drawn): Float32Array[] {
  pool.setInputs(x);
  pool.setWeights(weights);
  pool.startForward();
  return [pool.result(), ...pool.backward(outputGradient)];
}

/** The same by operations of TensorFlow.js. */
function byOperations(
  layers: readonly DenseLayer[],
  rows: number,
  { x, outputGradient, weights }: Drawn,
): Float32Array[] {
  const shapes = layers.flatMap(({ inputs, outputs, bias }) =>
    bias ? [[inputs, outputs], [outputs]] : [[inputs, outputs]],
  );
  const found = tf.tidy(() => {
    const given = [
      tf.tensor(x, [rows, layers[0]!.inputs]),
      ...weights.map((values, i) => tf.tensor(values, shapes[i]!)),
    ];
    const apply = (...[first, ...rest]: tf.Tensor[]) => {
      let value = first!;
      for (const { bias, relu } of layers) {
        value = tf.matMul(value as tf.Tensor2D, rest.shift() as tf.Tensor2D);
        if (bias) value = tf.add(value, rest.shift()!);
        if (relu) value = tf.relu(value);
      }
      return value;
    };
    return [
      apply(...given),
      ...tf.grads(apply)(given, tf.tensor(outputGradient, [rows, layers.at(-1)!.outputs])),
    ];
  });
  const values = found.map((tensor) => tensor.dataSync<'float32'>());
  tf.dispose(found);
  return values;
}

/** A pool all of whose workers have started. */
async function startedPool(
  layers: DenseLayer[],
  threads: number,
  gradients: DenseGradients,
): Promise<DensePool> {
  const pool = (await openDensePool(layers, { threads, gradients }))!;
  const deadline = Date.now() + 20_000;
  while (pool.workers() < threads - 1 && Date.now() < deadline) await setTimeout(5);
  assert.equal(pool.workers(), threads - 1);
  return pool;
}

function assertClose(name: string, got: readonly Float32Array[], expected: readonly Float32Array[]): void {
  assert.equal(got.length, expected.length, name);
  got.forEach((values, i) => {
    const scale = Math.max(1e-3, largest(expected[i]!));
    allClose(values, expected[i]!, 5e-6 * scale, `${name}: result ${i}, value`);
  });
}

test('values and gradients are those of the operations, for any widths and numbers of rows', async () => {
  for (const [name, layers] of Object.entries(stacks)) {
    const pool = (await openDensePool(layers, { threads: 1, gradients: 'inputs' }))!;
    // More rows, fewer, fewer than parts, and more again than there was ever room for.
    for (const rows of [40, 17, 1, 5, 301]) {
      const drawn = draw(layers, rows);
      assertClose(`${name}, ${rows} rows`, onPool(pool, drawn), byOperations(layers, rows, drawn));
    }
    pool.close();
  }
});

test('rows and layers that are mostly 0 give what the operations give', async () => {
  for (const [name, layers] of Object.entries(stacks)) {
    const pool = (await openDensePool(layers, { threads: 1, gradients: 'inputs' }))!;
    for (const share of [0.9, 0.6, 0.4]) {
      const drawn = draw(layers, 90);
      const random = createRandom(share);
      for (let i = 0; i < drawn.x.length; i++) if (random.next() < share) drawn.x[i] = 0;
      // Biases that close most units.
      for (const weights of drawn.weights) {
        if (weights.length < 200) for (let i = 0; i < weights.length; i++) weights[i]! -= 1.5 * share;
      }
      assertClose(`${name}, ${share} zeros`, onPool(pool, drawn), byOperations(layers, 90, drawn));
    }
    pool.close();
  }
});

test('rows set while others are computed form the next batch', async () => {
  const layers = stacks['the default encoder']!;
  const batches = [300, 300, 120, 300, 7].map((rows) => draw(layers, rows));
  const alone = (await openDensePool(layers, { threads: 1, gradients: 'none' }))!;
  alone.setWeights(batches[0]!.weights);
  const expected = batches.map(({ x }) => {
    alone.setInputs(x);
    alone.startForward();
    return alone.result();
  });
  alone.close();
  const pool = await startedPool(layers, 2, 'none');
  pool.setWeights(batches[0]!.weights);
  for (let turn = 0; turn < 20; turn++) {
    pool.setInputs(batches[0]!.x);
    batches.forEach((_, i) => {
      pool.startForward();
      const next = batches[i + 1];
      if (next) pool.setInputs(next.x);
      assert.deepEqual(pool.result(), expected[i], `batch ${i}`);
    });
  }
  pool.close();
});

test('a pool tells whether its inputs are finite', async () => {
  const pool = (await openDensePool(stack([7, 3, true, false]), { threads: 1, gradients: 'none' }))!;
  const finite = (x: Float32Array) => {
    pool.setInputs(x);
    pool.startForward();
    pool.result();
    return pool.inputsFinite();
  };
  for (const rows of [1, 2, 9]) {
    const x = new Float32Array(7 * rows).fill(3e38);
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (let at = 0; at < x.length; at++) {
        assert.ok(finite(x));
        assert.ok(!finite(x.with(at, wrong)), `${wrong} at ${at} of ${x.length}`);
      }
    }
  }
  pool.close();
});

test('any number of threads gives the same bits', async () => {
  const layers = stacks['the default encoder']!;
  const rows = 1999;
  const drawn = draw(layers, rows);
  const alone = (await openDensePool(layers, { threads: 1, gradients: 'inputs' }))!;
  const expected = onPool(alone, drawn);
  for (const threads of [2, 3, 8]) {
    const pool = await startedPool(layers, threads, 'inputs');
    for (let pass = 0; pass < 20; pass++)
      assert.deepEqual(onPool(pool, drawn), expected, `${threads} threads`);
    pool.close();
  }
  alone.close();
});

test('a result is a new array, which later passes leave unchanged', async () => {
  const layers = stacks['odd widths']!;
  const pool = (await openDensePool(layers, { threads: 1, gradients: 'inputs' }))!;
  const first = onPool(pool, draw(layers, 20));
  const before = first.map((values) => values.slice());
  onPool(pool, draw(layers, 30));
  assert.deepEqual(first, before);
  pool.close();
});

test('a value that is not finite is passed on', async () => {
  const layers = stacks['odd widths']!;
  const pool = (await openDensePool(layers, { threads: 1, gradients: 'inputs' }))!;
  const drawn = draw(layers, 20);
  drawn.x[0] = Number.POSITIVE_INFINITY;
  const [values] = onPool(pool, drawn);
  assert.ok(!values!.every(Number.isFinite));
  pool.close();
});
