/** Short trainings on 300 real digits, and fits that must not begin. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import type { MatrixInput } from '../../src/data/matrix.js';
import type { Targets } from '../../src/data/targets.js';
import type { ParametricUMAPOptions } from '../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../src/estimators/umap/parametricUmap.js';
import type { FitInputs } from '../../src/estimators/umap/prepare.js';
import { greys } from '../helpers/fixtures.js';

/** Options of a short training. */
export const brief = { nEpochs: 5, batchSize: 300, init: 'random', lossReportFrequency: 3 } as const;

/** A call of `fit` and the options of its estimator. */
export interface Attempt {
  readonly options?: Partial<ParametricUMAPOptions>;
  readonly X?: MatrixInput;
  readonly y?: Targets;
  readonly inputs?: FitInputs;
}

/** The fit (or the constructor) throws what `expected` wants, before any training, and leaves nothing behind. */
export async function assertRefused(
  { options = {}, X = greys, y, inputs = {} }: Attempt,
  expected: (error: unknown) => boolean,
): Promise<void> {
  const before = tf.memory().numTensors;
  let started = false;
  const callbacks: tf.CustomCallbackArgs[] = [
    {
      onTrainBegin: async () => {
        started = true;
      },
    },
  ];
  await assert.rejects(async () => {
    await new ParametricUMAP({ ...brief, callbacks, ...options }).fit(X, y, inputs);
  }, expected);
  assert.equal(started, false, 'training began');
  assert.equal(tf.memory().numTensors, before, 'tensors left');
}

/** `total = umap + sum of weight * term` holds in every report. */
export function assertSum(
  history: Readonly<Record<string, readonly number[]>>,
  weights: Readonly<Record<string, number>>,
  from = 0,
): void {
  const { loss } = history;
  for (let report = from; report < loss!.length; report++) {
    let sum = history.umap![report]!;
    for (const [name, weight] of Object.entries(weights)) sum += weight * history[name]![report]!;
    assert.ok(
      Math.abs(sum - loss![report]!) < 1e-4 * Math.max(1, Math.abs(sum)),
      `report ${report}: ${loss![report]} is not ${sum}`,
    );
  }
}
