/** Dense layers of variational networks, with seeded first values. */

import * as tf from '../../core/tf.js';
import type { Random } from '../../core/types.js';
import { initialKernel, type KernelInitializer } from './initialize.js';

/** How layers of one network are made. */
export interface DenseOptions {
  /** First values of kernels. Biases start at 0. */
  readonly initializer: KernelInitializer;
  /** Share of units that a training step leaves out, in [0, 1). */
  readonly dropout: number;
  readonly random: Random;
  /** Start of the layers' names. */
  readonly name: string;
}

/** Applies a dense layer whose kernel is drawn from the stream. */
export function dense(
  x: tf.SymbolicTensor,
  units: number,
  activation: 'relu' | 'linear',
  { initializer, random }: Pick<DenseOptions, 'initializer' | 'random'>,
  name: string,
): tf.SymbolicTensor {
  // Zeros at first: the initializers of TensorFlow.js are slow, or need their classes to load a model.
  const layer = tf.layers.dense({ units, activation, name, kernelInitializer: 'zeros' });
  const output = layer.apply(x) as tf.SymbolicTensor;
  setKernel(layer.weights[0]!, initializer, random);
  return output;
}

/** Dense ReLU layers, each followed by dropout unless that is 0. */
export function denseStack(
  input: tf.SymbolicTensor,
  hidden: readonly number[],
  options: DenseOptions,
): tf.SymbolicTensor {
  const { dropout, name } = options;
  return hidden.reduce((x, units, i) => {
    const output = dense(x, units, 'relu', options, `${name}_dense${i}`);
    return dropout > 0 ? dropOut(output, dropout, `${name}_dropout${i}`) : output;
  }, input);
}

/** Applies a dropout layer. */
export function dropOut(x: tf.SymbolicTensor, rate: number, name: string): tf.SymbolicTensor {
  return tf.layers.dropout({ rate, name }).apply(x) as tf.SymbolicTensor;
}

/** Draws the first values of a kernel `[inputs, outputs]`, times `gain`. */
export function setKernel(
  weight: tf.LayerVariable,
  initializer: KernelInitializer,
  random: Random,
  gain = 1,
): void {
  const variable = weight.read() as tf.Variable;
  const [inputs, outputs] = variable.shape as [number, number];
  const values = initialKernel(initializer, inputs, outputs, random);
  if (gain !== 1) for (let i = 0; i < values.length; i++) values[i]! *= gain;
  tf.tidy(() => variable.assign(tf.tensor2d(values, [inputs, outputs])));
}
