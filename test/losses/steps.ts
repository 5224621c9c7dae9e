/** What the tests of losses share: a step of training made by hand, gradients by finite differences. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import type { Batch, LossTerm, Matrix, Step } from '../../src/core/types.js';

/** A batch of these data rows, without pairs. */
export function batchOf(rows: readonly number[]): Batch {
  return {
    rows: Int32Array.from(rows),
    rowCount: rows.length,
    heads: new Int32Array(0),
    tails: new Int32Array(0),
    pairCount: 0,
  };
}

/** A batch of n rows, each the head of a pair with the next. */
export function fullBatch(n: number, pairWeights?: Float32Array): Batch {
  const ids = Int32Array.from({ length: n }, (_, i) => i);
  return {
    rows: ids,
    rowCount: n,
    heads: ids,
    tails: ids.map((i) => (i + 1) % n),
    pairCount: n,
    pairWeights,
  };
}

/** A step of training with this embedding of the batch; `matrix` holds all rows in data space. */
export function stepOf(
  batch: Batch,
  z: tf.Tensor2D,
  matrix: Matrix = { data: new Float32Array(0), shape: [0, 0] },
): Step {
  return { batch, z, input: { matrix, rows: batch.rows }, done: 0 };
}

/** Value of a term for places `z` of the batch, and its gradient there. */
export function evaluate(
  term: LossTerm,
  rows: readonly number[],
  z: readonly (readonly number[])[],
  matrix?: Matrix,
): { value: number; gradient: Float32Array } {
  return tf.tidy(() => {
    const places = tf.tensor2d(z as number[][]);
    const batch = batchOf(rows);
    const { value, grad } = tf.valueAndGrad((moving: tf.Tensor) => {
      const loss = term.compute(stepOf(batch, moving as tf.Tensor2D, matrix));
      // A constant loss has no gradient of its own; in training it is added to others.
      return tf.add(loss, tf.mul(0, tf.sum(moving)));
    })(places);
    return { value: value.dataSync()[0]!, gradient: Float32Array.from(grad.dataSync()) };
  });
}

/** The gradient equals central differences of the value, to `tolerance` of the largest. */
export function assertGradient(
  make: () => LossTerm,
  rows: readonly number[],
  z: readonly (readonly number[])[],
  tolerance = 2e-3,
  matrix?: Matrix,
): void {
  const { gradient } = evaluate(make(), rows, z, matrix);
  const columns = z[0]!.length;
  const largest = Math.max(...gradient.map(Math.abs));
  assert.ok(largest > 0, 'a gradient');
  const step = 1e-2;
  for (let i = 0; i < gradient.length; i++) {
    const moved = (by: number) => {
      const places = z.map((row) => [...row]);
      places[Math.floor(i / columns)]![i % columns]! += by;
      return evaluate(make(), rows, places, matrix).value;
    };
    const slope = (moved(step) - moved(-step)) / (2 * step);
    assert.ok(
      Math.abs(slope - gradient[i]!) < tolerance * largest,
      `element ${i}: gradient ${gradient[i]}, difference quotient ${slope}`,
    );
  }
}
