/** The default networks: small multilayer perceptrons, as in Parametric UMAP (Sainburg et al. 2021). */
import * as tf from '../core/tf.js';
import type { Random } from '../core/types.js';
import { rowSize } from './network.js';

/** Units of the hidden layers of the default networks. */
export const DEFAULT_HIDDEN: readonly number[] = [100, 100, 100];

export interface MlpOptions {
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  /** Units of the hidden layers, each with ReLU. Default [100, 100, 100]. */
  readonly hidden?: readonly number[];
  readonly random: Random;
  readonly name: string;
}

/**
 * A multilayer perceptron: flattened input, dense ReLU layers, a linear layer, reshaped if the output has several
 * axes.
 */
export function mlp({
  inputShape,
  outputShape,
  hidden = DEFAULT_HIDDEN,
  random,
  name,
}: MlpOptions): tf.LayersModel {
  const dense = (units: number, activation: 'relu' | 'linear', index: number) =>
    tf.layers.dense({
      units,
      activation,
      name: `${name}_dense${index}`,
      // Glorot uniform, as in Keras. A seed per layer, because equal seeds would give equal kernels.
      kernelInitializer: tf.initializers.glorotUniform({ seed: random.tfSeed() }),
    });
  const input = tf.input({ shape: [...inputShape], name: `${name}_input` });
  let x = input;
  if (inputShape.length > 1) x = tf.layers.flatten({ name: `${name}_flatten` }).apply(x) as tf.SymbolicTensor;
  hidden.forEach((units, index) => {
    x = dense(units, 'relu', index).apply(x) as tf.SymbolicTensor;
  });
  x = dense(rowSize(outputShape), 'linear', hidden.length).apply(x) as tf.SymbolicTensor;
  if (outputShape.length > 1) {
    const reshape = tf.layers.reshape({ targetShape: [...outputShape], name: `${name}_reshape` });
    x = reshape.apply(x) as tf.SymbolicTensor;
  }
  return tf.model({ inputs: input, outputs: x, name });
}
