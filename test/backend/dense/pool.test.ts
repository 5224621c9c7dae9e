import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import type { DenseLayer, DenseReach } from '../../../src/backend/dense/passes.js';
import { type DenseCrew, openDenseCrew } from '../../../src/backend/dense/pool.js';
import { createRandom } from '../../../src/core/random.js';
import { allClose, largest } from '../../helpers/assert.js';

await tf.setBackend('cpu');

const stack = (...sizes: [inputs: number, outputs: number, bias: boolean, relu: boolean][]): DenseLayer[] =>
  sizes.map(([inputs, outputs, bias, relu]) => ({ inputs, outputs, bias, relu }));

/** Widths that fill no vector, tile or panel, as well as those that do. */
const stacks: Readonly<Record<string, DenseLayer[]>> = {
  'one layer': stack([3, 2, true, false]),
  'odd widths': stack([7, 13, true, true], [13, 5, false, true], [5, 3, true, false]),
  'odd widths, worth skipping zeros': stack(
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
  readonly slope: Float32Array;
  readonly weights: readonly Float32Array[];
}

function draw(layers: readonly DenseLayer[], rows: number): Drawn {
  const random = createRandom(`dense ${rows}`);
  const normals = (length: number) => Float32Array.from({ length }, () => random.normal());
  return {
    x: normals(rows * layers[0]!.inputs),
    slope: normals(rows * layers.at(-1)!.outputs),
    weights: layers.flatMap(({ inputs, outputs, bias }) => {
      const kernel = normals(inputs * outputs).map((value) => value / Math.sqrt(inputs));
      return bias ? [kernel, normals(outputs)] : [kernel];
    }),
  };
}

/** What the crew gives: the outcome, the gradient of the rows, and those of the weights. */
function byCrew(crew: DenseCrew, { x, slope, weights }: Drawn): Float32Array[] {
  crew.put(x);
  crew.weigh(weights);
  crew.start();
  return [crew.result(), ...crew.backward(slope)];
}

/** The same by operations of TensorFlow.js. */
function byOperations(
  layers: readonly DenseLayer[],
  rows: number,
  { x, slope, weights }: Drawn,
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
    return [apply(...given), ...tf.grads(apply)(given, tf.tensor(slope, [rows, layers.at(-1)!.outputs]))];
  });
  const values = found.map((tensor) => tensor.dataSync<'float32'>());
  tf.dispose(found);
  return values;
}

/** A crew all of whose workers are there. */
async function staffed(layers: DenseLayer[], threads: number, reach: DenseReach): Promise<DenseCrew> {
  const crew = (await openDenseCrew(layers, { threads, reach }))!;
  const deadline = Date.now() + 20_000;
  while (crew.workers() < threads - 1 && Date.now() < deadline) await setTimeout(5);
  assert.equal(crew.workers(), threads - 1);
  return crew;
}

function assertClose(name: string, got: readonly Float32Array[], wanted: readonly Float32Array[]): void {
  assert.equal(got.length, wanted.length, name);
  got.forEach((values, i) => {
    const scale = Math.max(1e-3, largest(wanted[i]!));
    allClose(values, wanted[i]!, 5e-6 * scale, `${name}: result ${i}, value`);
  });
}

test('values and gradients are those of the operations, for any widths and numbers of rows', async () => {
  for (const [name, layers] of Object.entries(stacks)) {
    const crew = (await openDenseCrew(layers, { threads: 1, reach: 'rows' }))!;
    // More rows, fewer, fewer than parts, and more again than there was ever room for.
    for (const rows of [40, 17, 1, 5, 301]) {
      const drawn = draw(layers, rows);
      assertClose(`${name}, ${rows} rows`, byCrew(crew, drawn), byOperations(layers, rows, drawn));
    }
    crew.close();
  }
});

test('rows and layers that are mostly 0 give what the operations give', async () => {
  for (const [name, layers] of Object.entries(stacks)) {
    const crew = (await openDenseCrew(layers, { threads: 1, reach: 'rows' }))!;
    for (const share of [0.9, 0.6, 0.4]) {
      const drawn = draw(layers, 90);
      const random = createRandom(share);
      for (let i = 0; i < drawn.x.length; i++) if (random.next() < share) drawn.x[i] = 0;
      // Biases that close most units.
      for (const weights of drawn.weights) {
        if (weights.length < 200) for (let i = 0; i < weights.length; i++) weights[i]! -= 1.5 * share;
      }
      assertClose(`${name}, ${share} zeros`, byCrew(crew, drawn), byOperations(layers, 90, drawn));
    }
    crew.close();
  }
});

test('rows that are put while others are computed come next', async () => {
  const layers = stacks['the default encoder']!;
  const batches = [300, 300, 120, 300, 7].map((rows) => draw(layers, rows));
  const alone = (await openDenseCrew(layers, { threads: 1, reach: 'none' }))!;
  alone.weigh(batches[0]!.weights);
  const wanted = batches.map(({ x }) => {
    alone.put(x);
    alone.start();
    return alone.result();
  });
  alone.close();
  const crew = await staffed(layers, 2, 'none');
  crew.weigh(batches[0]!.weights);
  for (let turn = 0; turn < 20; turn++) {
    crew.put(batches[0]!.x);
    batches.forEach((_, i) => {
      crew.start();
      const next = batches[i + 1];
      if (next) crew.put(next.x);
      assert.deepEqual(crew.result(), wanted[i], `batch ${i}`);
    });
  }
  crew.close();
});

test('a crew knows whether its rows are finite', async () => {
  const crew = (await openDenseCrew(stack([7, 3, true, false]), { threads: 1, reach: 'none' }))!;
  const finite = (x: Float32Array) => {
    crew.put(x);
    crew.start();
    crew.result();
    return crew.finite();
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
  crew.close();
});

test('threads change no bit', async () => {
  const layers = stacks['the default encoder']!;
  const rows = 1999;
  const drawn = draw(layers, rows);
  const alone = (await openDenseCrew(layers, { threads: 1, reach: 'rows' }))!;
  const wanted = byCrew(alone, drawn);
  for (const threads of [2, 3, 8]) {
    const crew = await staffed(layers, threads, 'rows');
    for (let pass = 0; pass < 20; pass++) assert.deepEqual(byCrew(crew, drawn), wanted, `${threads} threads`);
    crew.close();
  }
  alone.close();
});

test('a result belongs to the caller: the next pass leaves it alone', async () => {
  const layers = stacks['odd widths']!;
  const crew = (await openDenseCrew(layers, { threads: 1, reach: 'rows' }))!;
  const first = byCrew(crew, draw(layers, 20));
  const before = first.map((values) => values.slice());
  byCrew(crew, draw(layers, 30));
  assert.deepEqual(first, before);
  crew.close();
});

test('a value that is not finite comes through', async () => {
  const layers = stacks['odd widths']!;
  const crew = (await openDenseCrew(layers, { threads: 1, reach: 'rows' }))!;
  const drawn = draw(layers, 20);
  drawn.x[0] = Number.POSITIVE_INFINITY;
  const [values] = byCrew(crew, drawn);
  assert.ok(!values!.every(Number.isFinite));
  crew.close();
});
