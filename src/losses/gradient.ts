/** Losses whose value and gradient are computed together, outside the gradient tape of TensorFlow.js. */
import * as tf from '../core/tf.js';

/** A value, and its gradient with respect to what it was computed from. */
export interface Evaluation {
  readonly value: number;
  readonly gradient: tf.Tensor2D;
}

/**
 * A differentiable scalar of `z`, from a function that returns its value and its gradient. The backend must allow
 * synchronous reads (all but WebGPU do).
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

/** The gradient times the upstream gradient `dy`; unchanged where that is 1, as for a loss that is the total. */
function scaled(gradient: tf.Tensor, dy: tf.Scalar): tf.Tensor {
  return dy.dataSync<'float32'>()[0] === 1 ? tf.clone(gradient) : tf.mul(gradient, dy);
}

/**
 * Makes such a function from one that runs on the host: `evaluate` gets the values and an array of zeros of the same length,
 * adds the gradient to that, and returns the loss.
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

/** The values of `z`, or `of` them, as a constant: no gradient passes through. */
export function detach<T extends tf.Tensor>(z: T, of: (z: T) => T = tf.clone): T {
  const stop = tf.customGrad((...inputs: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const input = inputs[0] as T;
    return { value: of(input), gradFunc: () => tf.zeros(input.shape) };
  });
  return stop(z) as T;
}
