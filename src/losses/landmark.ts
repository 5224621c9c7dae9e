/** Landmarks: rows that should stay where they are told while the rest of the map is learned. */

import { gatherRows } from '../backend/gatherRows.js';
import * as tf from '../core/tf.js';
import type { LossTerm, Matrix } from '../core/types.js';

/** Compares wanted and found places, both `[landmarks, nComponents]`. Returns a scalar, or a value a landmark. */
export type LandmarkLoss = (target: tf.Tensor, prediction: tf.Tensor) => tf.Tensor;

export interface LandmarkOptions {
  /** A place for every row; NaN in a row leaves it free. */
  readonly positions: Matrix;
  readonly lossFn: LandmarkLoss;
  readonly weight: number;
}

/** Mean distance of a batch's landmarks from their places; 0 for a batch that holds none. */
export function landmarkLoss({ positions, lossFn, weight }: LandmarkOptions): LossTerm {
  const isLandmark = landmarkRows(positions);
  const columns = positions.shape[1];
  return {
    name: 'landmark',
    weight,
    compute({ batch, z }) {
      const places: number[] = [];
      for (let i = 0; i < batch.rowCount; i++) if (isLandmark[batch.rows[i]!]) places.push(i);
      if (places.length === 0) return tf.scalar(0);
      const rows = Int32Array.from(places, (i) => batch.rows[i]!);
      const target = gatherRows(positions, rows, rows.length, [columns]);
      return tf.mean(lossFn(target, tf.gather(z, tf.tensor1d(places, 'int32')))) as tf.Scalar;
    },
  };
}

/** 1 for each row that has a place: all of its coordinates are numbers. */
export function landmarkRows({ data, shape }: Matrix): Uint8Array {
  const [rows, columns] = shape;
  const has = new Uint8Array(rows).fill(1);
  for (let i = 0; i < data.length; i++) if (Number.isNaN(data[i]!)) has[Math.floor(i / columns)] = 0;
  return has;
}

/** Euclidean distance of each landmark from its place; the small constant keeps the gradient finite at 0. */
export const euclideanLandmarkLoss: LandmarkLoss = (target, prediction) =>
  tf.sqrt(tf.add(tf.sum(tf.squaredDifference(target, prediction), 1), 1e-10));
