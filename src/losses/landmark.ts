/** Landmark loss: keeps chosen rows near given positions while the rest of the embedding is trained. */

import { gatherRows } from '../backend/gatherRows.js';
import * as tf from '../core/tf.js';
import type { LossTerm, Matrix } from '../core/types.js';

/** Compares target and current positions, both `[landmarks, nComponents]`. Returns a scalar, or a value per landmark. */
export type LandmarkLoss = (target: tf.Tensor, prediction: tf.Tensor) => tf.Tensor;

export interface LandmarkOptions {
  /** One position per row; a row with NaN is no landmark. */
  readonly positions: Matrix;
  readonly lossFn: LandmarkLoss;
  readonly weight: number;
}

/** Mean loss of the landmarks in a batch; 0 for a batch without landmarks. */
export function landmarkLoss({ positions, lossFn, weight }: LandmarkOptions): LossTerm {
  const isLandmark = landmarkRows(positions);
  const columns = positions.shape[1];
  return {
    name: 'landmark',
    weight,
    compute({ batch, z }) {
      const inBatch: number[] = [];
      for (let i = 0; i < batch.rowCount; i++) if (isLandmark[batch.rows[i]!]) inBatch.push(i);
      if (inBatch.length === 0) return tf.scalar(0);
      const rows = Int32Array.from(inBatch, (i) => batch.rows[i]!);
      const target = gatherRows(positions, rows, rows.length, [columns]);
      return tf.mean(lossFn(target, tf.gather(z, tf.tensor1d(inBatch, 'int32')))) as tf.Scalar;
    },
  };
}

/** 1 for each landmark: a row whose coordinates are all numbers. */
export function landmarkRows({ data, shape }: Matrix): Uint8Array {
  const [rows, columns] = shape;
  const has = new Uint8Array(rows).fill(1);
  for (let i = 0; i < data.length; i++) if (Number.isNaN(data[i]!)) has[Math.floor(i / columns)] = 0;
  return has;
}

/** Euclidean distance of each landmark from its target position; the small constant keeps the gradient finite at 0. */
export const euclideanLandmarkLoss: LandmarkLoss = (target, prediction) =>
  tf.sqrt(tf.add(tf.sum(tf.squaredDifference(target, prediction), 1), 1e-10));
