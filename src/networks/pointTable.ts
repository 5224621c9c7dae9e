/** A table of points in place of a network: the embedding without parameters for new rows, one trained point per fitted row. */

import { DataError } from '../core/errors.js';
import * as tf from '../core/tf.js';
import type { Matrix, Network } from '../core/types.js';
import { networkOf } from './network.js';

/** Row numbers are 32-bit floats, which are exact up to here. */
const MOST_ROWS = 2 ** 24;

/**
 * An embedding layer, from a row's number to its point: so losses, training loop, and saved models treat it as any network.
 * All points start at 0; see `setPoints`. Throws `DataError` for more rows than 32-bit floats can number.
 */
export function pointTable(rows: number, dimensions: number, name: string): Network {
  if (rows > MOST_ROWS) {
    throw new DataError(
      `fit: expected at most ${MOST_ROWS} rows for an embedding without a network, got ${rows}; train a network, or fit a sample`,
    );
  }
  const input = tf.input({ shape: [1], name: `${name}_row` });
  const points = tf.layers.embedding({
    ...{ inputDim: rows, outputDim: dimensions, name: `${name}_points` },
    embeddingsInitializer: 'zeros',
    // Left out, a loaded table would have another configuration, and be saved otherwise.
    inputShape: [1],
  });
  const flat = tf.layers.flatten({ name: `${name}_flatten` });
  const outputs = flat.apply(points.apply(input)) as tf.SymbolicTensor;
  return networkOf(tf.model({ inputs: input, outputs, name }), name, true);
}

/** The inputs of a table of points: the number of each row. */
export function rowNumbers(rows: number): Matrix {
  return { data: Float32Array.from({ length: rows }, (_, row) => row), shape: [rows, 1] };
}

/** Moves all points of a table. */
export function setPoints(table: Network, { data, shape }: Matrix): void {
  tf.tidy(() => table.variables()[0]!.assign(tf.tensor2d(data.slice(), [...shape])));
}

/** All points of a table, a row each. */
export async function readPoints(table: Network): Promise<Matrix> {
  const [points] = table.variables() as [tf.Variable];
  const data = Float32Array.from(await points.data());
  return { data, shape: points.shape as [number, number] };
}
