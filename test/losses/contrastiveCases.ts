/** What the tests of the contrastive losses share: every way to compute them, made-up and golden batches. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import {
  type ContrastiveForm,
  type ContrastivePairs,
  contrastiveCosts,
  contrastiveOnStandalone,
  type LossMode,
  lossModes,
} from '../../src/backend/contrastiveLoss.js';
import type { Batch } from '../../src/core/types.js';
import type { ContrastiveLossOptions } from '../../src/losses/contrastive.js';
import { contrastiveOnHost } from '../../src/losses/contrastiveHost.js';
import { contrastiveByTensors } from '../../src/losses/contrastiveTensors.js';
import { fixture } from '../helpers/fixtures.js';

/** A cost, its gradient, and its derivatives with respect to log Z and the log of the temperature. */
export interface Found {
  readonly value: number;
  readonly gradient: ArrayLike<number>;
  readonly byLogZ: number;
  readonly byLogTemperature: number;
}

export type Way = (points: tf.Tensor2D, pairs: ContrastivePairs, form: ContrastiveForm) => Found;

function byKernel(compute: typeof contrastiveCosts): Way {
  return (points, pairs, form) => {
    const { value, gradient, byLogKappa, byLogTemperature } = compute(points, pairs, form)!;
    const found = Float32Array.from(gradient.dataSync());
    gradient.dispose();
    return { value, gradient: found, byLogZ: byLogKappa, byLogTemperature };
  };
}

const byTensors: Way = (points, pairs, form) =>
  tf.tidy(() => {
    const [logZ, logT] = [tf.scalar(Math.log(form.kappa)), tf.scalar(Math.log(form.temperature))];
    const loss = (z: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => {
      const learned = { logZ: a as tf.Scalar, logTemperature: b as tf.Scalar };
      const cost = contrastiveByTensors(z as tf.Tensor2D, pairs, { ...form, coldest: 0.01 }, learned);
      // Every input needs a gradient.
      return tf.addN([cost, tf.mul(0, a), tf.mul(0, b)]);
    };
    const { value, grads } = tf.valueAndGrads(loss)([points, logZ, logT]);
    const [gradient, byLogZ, byLogT] = grads.map((grad) => Float32Array.from(grad.dataSync()));
    return {
      ...{ value: value.dataSync()[0]!, gradient: gradient! },
      ...{ byLogZ: byLogZ![0]!, byLogTemperature: byLogT![0]! },
    };
  });

const onHost: Way = (points, pairs, form) => {
  const gradient = new Float32Array(points.size);
  const found = contrastiveOnHost(points.dataSync(), points.shape[1], pairs, form, gradient);
  return { ...found, byLogZ: found.byLogKappa, gradient };
};

/** All ways to compute a loss; they run on the WebAssembly backend. */
export const ways: Readonly<Record<string, Way>> = {
  host: onHost,
  kernel: byKernel(contrastiveCosts),
  'kernel in separate memory': byKernel(contrastiveOnStandalone),
  tensors: byTensors,
};

/** Runs one way; nothing is left behind. */
export async function runWay(
  name: string,
  points: ArrayLike<number>,
  columns: number,
  pairs: ContrastivePairs,
  form: ContrastiveForm,
): Promise<Found> {
  await useBackend('wasm');
  const tensors = tf.memory().numTensors;
  const z = tf.tensor2d(Float32Array.from(points), [points.length / columns, columns]);
  const found = ways[name]!(z, pairs, form);
  z.dispose();
  assert.equal(tf.memory().numTensors, tensors, `tensors left by ${name}`);
  return found;
}

/** Every loss with every similarity it has. */
export const losses: readonly { mode: LossMode; cosine: boolean }[] = lossModes.flatMap((mode) =>
  [false, true].filter((cosine) => !cosine || mode !== 'umap').map((cosine) => ({ mode, cosine })),
);

/** The numbers of a loss. */
export function formOf(of: { mode: LossMode; cosine: boolean }, kappa = 0.7): ContrastiveForm {
  return { ...of, kappa, temperature: 0.5, factor: 0.5, tangent: 1e-3 };
}

/** Options of a loss: kappa 0.7, temperature 0.5, the sum over the pairs. */
export const plain: Omit<ContrastiveLossOptions, 'random'> = {
  ...({ mode: 'neg', similarity: 'cauchy', negativeSamples: 5, aggregation: 'sum' } as const),
  attraction: () => 0.7,
  temperature: 0.5,
};

/** A batch of `rowCount` rows with these pairs. */
export function batchOfPairs(rowCount: number, heads: readonly number[], tails: readonly number[]): Batch {
  return {
    rows: Int32Array.from({ length: rowCount }, (_, i) => i),
    ...{ rowCount, pairCount: heads.length },
    ...{ heads: Int32Array.from(heads), tails: Int32Array.from(tails) },
  };
}

interface GoldenCase {
  readonly mode: string;
  readonly similarity: 'euclidean' | 'cosine';
  readonly kappa: number;
  readonly logZ: number;
  readonly temperature: number;
  readonly sum: number;
  readonly grad: number[][];
}

/** Sum and gradient of contrastive-ne for every loss; rows from B on are the tails of the first B. */
export const golden: { features: number[][]; B: number; cases: GoldenCase[] } = fixture('contrastive_loss');

/** Our name of a mode of contrastive-ne. */
export const modeOf = (name: string) => (name === 'infonce_alt' ? 'infonceAlt' : name) as LossMode;
