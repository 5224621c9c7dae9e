/** What a step of training knows about the posterior of its rows. Types only, no code. */
import type * as tf from '../../core/tf.js';
import type { Step } from '../../core/types.js';
import type { Gaussian } from './posterior.js';

/** The posterior of a batch's rows, and one sample of it. All are `[rows, dimensions]`, except `logScale`. */
export interface Posterior extends Gaussian {
  /** The standard normal numbers of the sample; a constant. */
  readonly epsilon: tf.Tensor2D;
  /** mean + exp(logVariance / 2) epsilon: the sample before the flow. */
  readonly z0: tf.Tensor2D;
  /** Logarithm of the determinant of the flow's Jacobian, `[rows]`; zeros without a flow. */
  readonly logScale: tf.Tensor1D;
}

/** A step whose `z` is a sample of the posterior, after the flow. */
export interface VariationalStep extends Step {
  readonly posterior: Posterior;
}
