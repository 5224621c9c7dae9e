/** Loss for global structure: correlation between distances in the embedding and in the data. */
import * as tf from '../core/tf.js';
import type { LossTerm, Matrix, Random } from '../core/types.js';

export interface CorrelationOptions {
  readonly weight: number;
  /** Pairs per step. Default 1,000. */
  readonly pairs?: number;
  readonly random: Random;
}

/**
 * Minus Pearson's correlation between the distances of random pairs of a batch in the data and in the embedding. (The Python
 * original pairs consecutive rows of the batch, which depend on the order of the edges.)
 */
export function correlationLoss({ weight, pairs = 1000, random }: CorrelationOptions): LossTerm {
  const first = new Int32Array(pairs);
  const second = new Int32Array(pairs);
  const inData = new Float32Array(pairs);
  return {
    name: 'correlation',
    weight,
    compute({ batch, input, z }) {
      const { rowCount } = batch;
      const { matrix, rows } = input;
      if (rowCount < 3) return tf.scalar(0);
      for (let p = 0; p < pairs; p++) {
        const i = random.integer(rowCount);
        // Any row but i.
        const j = (i + 1 + random.integer(rowCount - 1)) % rowCount;
        first[p] = i;
        second[p] = j;
        inData[p] = distance(matrix, rows[i]!, rows[j]!);
      }
      const a = tf.gather(z, tf.tensor1d(first.slice(), 'int32'));
      const b = tf.gather(z, tf.tensor1d(second.slice(), 'int32'));
      const inEmbedding = tf.sqrt(tf.add(tf.sum(tf.squaredDifference(a, b), 1), 1e-10)) as tf.Tensor1D;
      return tf.neg(pearson(tf.tensor1d(inData.slice()), inEmbedding));
    },
  };
}

/** cov(x, y) / sqrt(var x var y), with a small constant for vectors that do not vary. */
function pearson(x: tf.Tensor1D, y: tf.Tensor1D): tf.Scalar {
  const dx = tf.sub(x, tf.mean(x));
  const dy = tf.sub(y, tf.mean(y));
  const variances = tf.mul(tf.mean(tf.square(dx)), tf.mean(tf.square(dy)));
  return tf.div(tf.mean(tf.mul(dx, dy)), tf.sqrt(tf.add(variances, 1e-12)));
}

function distance({ data, shape }: Matrix, row: number, other: number): number {
  const columns = shape[1];
  const from = row * columns;
  const to = other * columns;
  let sum = 0;
  for (let c = 0; c < columns; c++) {
    const difference = data[from + c]! - data[to + c]!;
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}
