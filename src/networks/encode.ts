/** Rows through a network, batch by batch. */
import * as tf from '@tensorflow/tfjs';
import type { Matrix, Network } from '../types.js';
import { rowSize } from './network.js';

/** Applies a network in inference mode to every row: n x inputs to n x outputs, `batchSize` rows at a time. */
export async function encode(
  network: Pick<Network, 'inputShape' | 'outputShape' | 'apply'>,
  { data, shape }: Matrix,
  batchSize: number,
): Promise<Matrix> {
  const [rows, columns] = shape;
  const width = rowSize(network.outputShape);
  const out = new Float32Array(rows * width);
  for (let start = 0; start < rows; start += batchSize) {
    const end = Math.min(start + batchSize, rows);
    const result = tf.tidy(() => {
      const x = tf.tensor(data.subarray(start * columns, end * columns), [
        end - start,
        ...network.inputShape,
      ]);
      return network.apply(x, false);
    });
    try {
      out.set(await result.data<'float32'>(), start * width);
    } finally {
      result.dispose();
    }
  }
  return { data: out, shape: [rows, width] };
}

/** The softmax of each row: logits to probabilities. */
export async function softmax({ data, shape }: Matrix): Promise<Matrix> {
  const probabilities = tf.tidy(() => tf.softmax(tf.tensor2d(data, [...shape])));
  try {
    return { data: await probabilities.data<'float32'>(), shape };
  } finally {
    probabilities.dispose();
  }
}
