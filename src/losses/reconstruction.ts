/** Reconstruction loss: trains a decoder that maps positions in the embedding back to rows. */

import { gatherRows } from '../backend/gatherRows.js';
import { blockOf, inBlocks, type Work, whole } from '../core/pauses.js';
import * as tf from '../core/tf.js';
import type { LossTerm, Matrix, Network } from '../core/types.js';
import { nearRowsInParts } from '../networks/outliers.js';
import { detach } from './gradient.js';
import { suppliedLoss } from './supplied.js';

/** Compares rows with their reconstructions, both `[rows, ...dims]`. Returns a scalar, or a value per row. */
export type ReconstructionLoss = (target: tf.Tensor, prediction: tf.Tensor) => tf.Tensor;

export interface ReconstructionOptions {
  readonly decoder: Network;
  readonly lossFn: ReconstructionLoss;
  readonly weight: number;
  /** Whether the gradient also reaches the encoder. If false, only the decoder is trained. */
  readonly autoencoder: boolean;
}

/** Most rows per batch that are reconstructed: a decoder is as wide as the data, and this many give a good estimate. */
const RECONSTRUCTED = 1000;

/** Mean reconstruction loss over the rows of a batch, 1,000 at most (Sainburg et al. 2021, section 3.4). */
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
      const positions = tf.slice(autoencoder ? z : detach(z), [0, 0], [count, z.shape[1]]);
      const prediction = decoder.apply(positions, true);
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

/** Mean binary cross-entropy of probabilities, for decoders that end in a sigmoid. */
export const probabilityCrossEntropy: ReconstructionLoss = (target, probability) => {
  const p = tf.clipByValue(probability, 1e-7, 1 - 1e-7);
  const cost = tf.add(tf.mul(target, tf.log(p)), tf.mul(tf.sub(1, target), tf.log(tf.sub(1, p))));
  return tf.neg(tf.mean(cost));
};

/**
 * Mean squared error divided by `variance`, the mean variance of a column: the loss of a constant prediction is 1.
 * With `limit`, an error r beyond it costs only 2 limit |r| - limit^2 = r^2 - (|r| - limit)^2 (Huber, 1964), so that one
 * outlier does not outweigh all other values.
 */
export function squaredError(variance: number, limit?: number): ReconstructionLoss {
  return (target, prediction) => {
    const squared = tf.squaredDifference(target, prediction);
    if (limit === undefined) return tf.div(tf.mean(squared), variance);
    const beyond = tf.relu(tf.sub(tf.abs(tf.sub(target, prediction)), limit));
    return tf.div(tf.mean(tf.sub(squared, tf.square(beyond))), variance);
  };
}

/** The loss of a decoder, and with it the meaning of its output. Plain data: it is saved with the model. */
export type Reconstruction =
  | { readonly kind: 'logits' | 'probabilities' | 'custom' }
  | {
      readonly kind: 'squared';
      readonly variance: number;
      /** Error from which on the loss is linear; absent for data without outliers. */
      readonly limit?: number;
    };

/**
 * The default loss for rows and a decoder: binary cross-entropy for rows in [0, 1] (on probabilities if the decoder ends
 * in a sigmoid, else on logits), otherwise the mean squared error.
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

/** Error from which on the loss is linear, in standard deviations of the data, for data with outliers. */
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

/** Same as {@link defaultReconstructionInParts}, in one call. */
export const defaultReconstruction = whole(defaultReconstructionInParts);

function activationOf(layer: tf.layers.Layer | undefined): unknown {
  return layer?.getConfig().activation;
}

/** The loss function of a kind of reconstruction; `custom` is the user-supplied one. Undefined where that is missing. */
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
