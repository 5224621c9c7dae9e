/** A loss whose value and gradient are computed together, outside TensorFlow.js' tape. */
import * as tf from '@tensorflow/tfjs';

/**
 * A differentiable scalar of `z`. `evaluate` reads the values, adds its gradient into an array of zeros of the
 * same length, and returns the value. Needs a backend that can be read synchronously (all but WebGPU).
 */
export function withGradient(
  z: tf.Tensor2D,
  evaluate: (values: Float32Array, gradient: Float32Array) => number,
): tf.Scalar {
  const loss = tf.customGrad((...inputs: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const input = inputs[0] as tf.Tensor2D;
    const save = inputs[1] as tf.GradSaveFunc;
    const values = input.dataSync<'float32'>();
    const gradient = new Float32Array(values.length);
    const value = evaluate(values, gradient);
    save([tf.tensor2d(gradient, input.shape)]);
    return { value: tf.scalar(value), gradFunc: (dy, saved) => tf.mul(saved[0]!, dy) };
  });
  return loss(z) as tf.Scalar;
}

/** The same values, through which no gradient passes. */
export function detach(z: tf.Tensor2D): tf.Tensor2D {
  const stop = tf.customGrad((...inputs: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const input = inputs[0] as tf.Tensor2D;
    return { value: tf.clone(input), gradFunc: () => tf.zeros(input.shape) };
  });
  return stop(z) as tf.Tensor2D;
}
