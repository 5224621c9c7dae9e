/** A single number that is trained beside a network: the logarithm of a normalization or of a temperature. */
import * as tf from '../core/tf.js';
import type { Trainable } from '../core/types.js';

/** One trainable number. */
export interface ScalarParameter extends Trainable {
  /** The number as a variable of shape []. */
  readonly variable: tf.Variable<tf.Rank.R0>;
  /** Name of its learning rate, see `Schedule.rate`. */
  readonly group: string;
  /** The number. */
  value(): Promise<number>;
  /** The number at once; undefined on WebGPU, which cannot be read synchronously. */
  valueNow(): number | undefined;
  /** Sets the number. */
  set(value: number): void;
}

/** A trainable number with its first value, and the name of its learning rate. */
export function scalarParameter(value: number, group: string): ScalarParameter {
  const variable = tf.tidy(() => tf.variable(tf.scalar(value)));
  return {
    variable,
    group,
    variables: () => [variable],
    weights: () => [variable],
    value: async () => (await variable.data<'float32'>())[0]!,
    valueNow: () => (tf.getBackend() === 'webgpu' ? undefined : variable.dataSync<'float32'>()[0]!),
    set: (number) => tf.tidy(() => variable.assign(tf.scalar(number))),
    dispose() {
      if (!variable.isDisposed) variable.dispose();
    },
  };
}

/** The values of parameters by name. */
export async function readScalars(
  parameters: Readonly<Record<string, ScalarParameter>>,
): Promise<Record<string, number>> {
  const values = await Promise.all(Object.values(parameters).map((parameter) => parameter.value()));
  return Object.fromEntries(Object.keys(parameters).map((name, i) => [name, values[i]!]));
}
