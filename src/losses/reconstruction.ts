/** The way back: a decoder that learns to give the rows for their places on the map. */

import { gatherRows } from '../backend/gatherRows.js';
import { blockOf, inBlocks, type Work, whole } from '../core/pauses.js';
import * as tf from '../core/tf.js';
import type { LossTerm, Matrix, Network } from '../core/types.js';
import { nearRowsInParts } from '../networks/outliers.js';
import { detach } from './gradient.js';
import { suppliedLoss } from './supplied.js';

/** Compares rows with what the decoder gave for them; both `[rows, ...dims]`. Returns a scalar, or a value a row. */
export type ReconstructionLoss = (target: tf.Tensor, prediction: tf.Tensor) => tf.Tensor;

export interface ReconstructionOptions {
  readonly decoder: Network;
  readonly lossFn: ReconstructionLoss;
  readonly weight: number;
  /** Lets the gradient go on into the encoder. Without it the decoder learns from a map it cannot change. */
  readonly autoencoder: boolean;
}

/** Rows of a batch that are reconstructed: a decoder is as wide as the data, and these many say enough. */
const RECONSTRUCTED = 1000;

/** Mean reconstruction loss over (at most 1,000) rows of a batch (Sainburg et al. 2021, section 3.4). */
export function reconstructionLoss({
  decoder,
  lossFn,
  weight,
  autoencoder,
}: ReconstructionOptions): LossTerm {
  return {
    name: 'reconstruction',
    weight,
    trained: [decoder],
    compute({ batch, input, z }) {
      const count = Math.min(batch.rowCount, RECONSTRUCTED);
      const target = gatherRows(input.matrix, input.rows, count, decoder.outputShape);
      const places = tf.slice(autoencoder ? z : detach(z), [0, 0], [count, z.shape[1]]);
      const prediction = decoder.apply(places, true);
      return tf.mean(lossFn(target, prediction)) as tf.Scalar;
    },
  };
}

/**
 * Mean binary cross-entropy of logits r for values x in [0, 1], in the form that cannot overflow:
 * max(r, 0) - r x + log(1 + exp(-|r|)).
 */
export const logitsCrossEntropy: ReconstructionLoss = (target, logits) =>
  tf.mean(tf.add(tf.sub(tf.relu(logits), tf.mul(logits, target)), tf.log1p(tf.exp(tf.neg(tf.abs(logits))))));

/** Mean binary cross-entropy of probabilities, for decoders that end in a sigmoid of their own. */
export const probabilityCrossEntropy: ReconstructionLoss = (target, probability) => {
  const p = tf.clipByValue(probability, 1e-7, 1 - 1e-7);
  const cost = tf.add(tf.mul(target, tf.log(p)), tf.mul(tf.sub(1, target), tf.log(tf.sub(1, p))));
  return tf.neg(tf.mean(cost));
};

/**
 * Mean squared error divided by `variance`, the mean variance of a column: 1 is what a constant guess costs. With `limit`, an
 * error r beyond it counts only 2 limit |r| - limit^2 = r^2 - (|r| - limit)^2 (Huber, 1964), so that a bad cell does not
 * outweigh all others.
 */
export function squaredError(variance: number, limit?: number): ReconstructionLoss {
  return (target, prediction) => {
    const squared = tf.squaredDifference(target, prediction);
    if (limit === undefined) return tf.div(tf.mean(squared), variance);
    const beyond = tf.relu(tf.sub(tf.abs(tf.sub(target, prediction)), limit));
    return tf.div(tf.mean(tf.sub(squared, tf.square(beyond))), variance);
  };
}

/** Which loss a decoder is trained with, and so what it puts out. Plain data: it is saved with the model. */
export type Reconstruction =
  | { readonly kind: 'logits' | 'probabilities' | 'custom' }
  | {
      readonly kind: 'squared';
      readonly variance: number;
      /** Error from which on the cost grows in proportion; absent where no value lies far outside. */
      readonly limit?: number;
    };

/**
 * The default for rows and a decoder: binary cross-entropy when the rows lie in [0, 1] (on probabilities for a
 * decoder that ends in a sigmoid, else on logits), the mean squared error otherwise.
 */
export function* defaultReconstructionInParts(
  { data, shape }: Matrix,
  decoder: Network,
): Work<Reconstruction> {
  let within = true;
  yield* inBlocks(data.length, blockOf(1), (from, to) => {
    for (let i = from; within && i < to; i++) within = data[i]! >= 0 && data[i]! <= 1;
  });
  if (within) {
    const last = decoder.model.layers.findLast((layer) => layer.countParams() > 0 || 'activation' in layer);
    return { kind: activationOf(last) === 'sigmoid' ? 'probabilities' : 'logits' };
  }
  const near = yield* nearRowsInParts({ data, shape });
  const variance = (yield* meanVariance(near ?? { data, shape })) || 1;
  return { kind: 'squared', variance, ...(near && { limit: OUTLYING * Math.sqrt(variance) }) };
}

/** Error, in deviations of the data, from which on it counts in proportion, if rows lie far outside. */
const OUTLYING = 10;

/** Mean over the columns of their variances. */
function* meanVariance({ data, shape: [rows, columns] }: Matrix): Work<number> {
  let variance = 0;
  for (let c = 0; c < columns; c++) {
    let sum = 0;
    let squares = 0;
    for (let i = c; i < data.length; i += columns) sum += data[i]!;
    const mean = sum / rows;
    for (let i = c; i < data.length; i += columns) squares += (data[i]! - mean) ** 2;
    variance += squares / rows / columns;
    if (c % blockOf(rows) === 0) yield;
  }
  return variance;
}

/** As {@link defaultReconstructionInParts}, at once. */
export const defaultReconstruction = whole(defaultReconstructionInParts);

function activationOf(layer: tf.layers.Layer | undefined): unknown {
  return layer?.getConfig().activation;
}

/** The loss of a kind of reconstruction; `custom` is the caller's. Undefined when that is missing. */
export function reconstructionLossFn(
  reconstruction: Reconstruction,
  custom: ReconstructionLoss | null,
): ReconstructionLoss | undefined {
  if (reconstruction.kind === 'custom') {
    return custom ? suppliedLoss('parametricReconstructionLossFn', custom) : undefined;
  }
  if (reconstruction.kind === 'squared') return squaredError(reconstruction.variance, reconstruction.limit);
  return reconstruction.kind === 'logits' ? logitsCrossEntropy : probabilityCrossEntropy;
}
