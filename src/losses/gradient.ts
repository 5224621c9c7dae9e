/** A loss whose value and gradient are computed together, outside TensorFlow.js' tape. */
import * as tf from '../core/tf.js';

/** A value, and its gradient with respect to what it was computed from. */
export interface Evaluation {
  readonly value: number;
  readonly gradient: tf.Tensor2D;
}

/**
 * A differentiable scalar of `z`, from a function that gives its value and its gradient. Needs a backend that can be read
 * synchronously (all but WebGPU).
 */
export function withGradient(z: tf.Tensor2D, evaluate: (z: tf.Tensor2D) => Evaluation): tf.Scalar {
  const loss = tf.customGrad((...inputs: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const save = inputs[1] as tf.GradSaveFunc;
    const { value, gradient } = evaluate(inputs[0] as tf.Tensor2D);
    save([gradient]);
    return { value: tf.scalar(value), gradFunc: (dy, saved) => scaled(saved[0]!, dy as tf.Scalar) };
  });
  return loss(z) as tf.Scalar;
}

/** The gradient times the slope of what the loss became part of; as it is for 1, when it is all there is. */
function scaled(gradient: tf.Tensor, slope: tf.Scalar): tf.Tensor {
  return slope.dataSync<'float32'>()[0] === 1 ? tf.clone(gradient) : tf.mul(gradient, slope);
}

/**
 * Such a function from one that works on the host: it reads the values, adds its gradient into an array of
 * zeros of the same length, and returns the value.
 */
export function onHost(
  evaluate: (values: Float32Array, gradient: Float32Array) => number,
): (z: tf.Tensor2D) => Evaluation {
  return (z) => {
    const values = z.dataSync<'float32'>();
    const gradient = new Float32Array(values.length);
    const value = evaluate(values, gradient);
    return { value, gradient: tf.tensor2d(gradient, z.shape) };
  };
}

/** The same values, or what `of` makes of them, through which no gradient passes. */
export function detach<T extends tf.Tensor>(z: T, of: (z: T) => T = tf.clone): T {
  const stop = tf.customGrad((...inputs: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const input = inputs[0] as T;
    return { value: of(input), gradFunc: () => tf.zeros(input.shape) };
  });
  return stop(z) as T;
}
