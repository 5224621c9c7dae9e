/**
 * Trains a dense network on few, well-scaled inputs and hands the result back in terms of the raw ones.
 *
 * A linear map x -> (x - mean) P / scale in front of a dense layer is itself a dense layer:
 *   W_raw = P W / scale,   b_raw = b - mean W_raw.
 * So the encoder can learn on principal components of unit scale, where its steps are cheap and well
 * conditioned, and still take raw rows when it is used, saved and shipped.
 */

import { encode } from './networks/encode.js';
import { networkOf } from './networks/network.js';
import type { Pauses } from './pauses.js';
import * as tf from './tf.js';
import type { Matrix, Network, Random } from './types.js';

/** Rows -> (row - mean) P / scale, with orthonormal columns of P. */
export interface Projection {
  readonly mean: Float32Array;
  /** P transposed: one component a row, components x columns. */
  readonly components: Matrix;
  readonly scale: number;
}

/** Rows that are projected at once: few, so that the event loop need not wait, and large buffers are not left behind. */
const PROJECTED = 1024;

/** The rows as a network behind the projection takes them. */
export function projectRows(
  matrix: Matrix,
  { mean, components, scale }: Projection,
  pauses?: Pauses,
): Promise<Matrix> {
  const [count, columns] = components.shape;
  const projection = {
    inputShape: [columns],
    outputShape: [count],
    apply(rows: tf.Tensor) {
      const axes = tf.tensor2d(components.data, [count, columns]);
      return tf.div(tf.matMul(tf.sub(rows, mean) as tf.Tensor2D, axes, false, true), scale);
    },
  };
  return encode(projection, matrix, { batchSize: PROJECTED, pauses });
}

export interface Folded {
  /** The network to train: the encoder with a first layer for projected rows; later layers are shared. */
  readonly network: Network;
  /** Writes what the first layer has learnt into the encoder's own. */
  fold(): void;
  /** Frees the first layer; the encoder stays. */
  dispose(): void;
}

/**
 * Puts a first layer for projected rows in front of a dense encoder. With `fresh` it starts anew (Glorot and
 * Bengio's uniform start for its own number of inputs), else from what the encoder's own first layer knows,
 * which is exact when that layer lives in the span of the components.
 */
export function foldEncoder(
  encoder: Network,
  projection: Projection,
  fresh: boolean,
  random: Random,
): Folded {
  const layers = encoder.model.layers.filter((layer) => layer.getClassName() !== 'InputLayer');
  const at = layers.findIndex((layer) => layer.getClassName() === 'Dense');
  const raw = layers[at]!;
  const [kernel, bias] = raw.weights;
  const inputs = projection.components.shape[0];
  const first = tf.layers.dense({
    units: bias!.shape[0]!,
    activation: 'relu',
    name: `${raw.name}_projected`,
    kernelInitializer: tf.initializers.glorotUniform({ seed: random.tfSeed() }),
  });
  const input = tf.input({ shape: [inputs] });
  let x = first.apply(input) as tf.SymbolicTensor;
  for (const layer of layers.slice(at + 1)) x = layer.apply(x) as tf.SymbolicTensor;
  const trunk = tf.model({ inputs: input, outputs: x });
  const components = () => tf.tensor2d(projection.components.data, [...projection.components.shape]);
  if (!fresh) {
    tf.tidy(() => {
      // The inverse: W = scale P^T W_raw, b = b_raw + mean W_raw.
      const w = kernel!.read();
      const offset = tf.matMul(tf.tensor2d(projection.mean, [1, projection.mean.length]), w as tf.Tensor2D);
      first.setWeights([
        tf.mul(tf.matMul(components(), w as tf.Tensor2D), projection.scale),
        tf.add(bias!.read(), tf.reshape(offset, [-1])),
      ]);
    });
  }
  const fold = () =>
    tf.tidy(() => {
      const [w, b] = first.getWeights();
      const whole = tf.div(tf.matMul(components(), w as tf.Tensor2D, true), projection.scale) as tf.Tensor2D;
      const offset = tf.matMul(tf.tensor2d(projection.mean, [1, projection.mean.length]), whole);
      raw.setWeights([whole, tf.sub(b!, tf.reshape(offset, [-1]))]);
    });
  return {
    network: networkOf(trunk, 'encoder', false),
    fold,
    dispose: () => {
      first.dispose();
    },
  };
}
