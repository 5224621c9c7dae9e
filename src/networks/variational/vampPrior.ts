/** Priors of the latent space: the standard normal, and a mixture of posteriors. */

import * as tf from '../../core/tf.js';
import type { Matrix, Network, Random, Trainable } from '../../core/types.js';
import type { VariationalHead } from './encoder.js';

/** log(2 pi). */
export const LOG_2PI = Math.log(2 * Math.PI);

/** A distribution of latent points. */
export interface Prior {
  /** What is trained with it. */
  readonly trained: readonly Trainable[];
  /** Logarithm of the density at each point, `[rows]`, with all constants. Differentiable. */
  logDensity(z: tf.Tensor2D): tf.Tensor1D;
}

/** N(0, I). */
export const standardNormal: Prior = {
  trained: [],
  logDensity: (z) => tf.mul(tf.add(tf.sum(tf.square(z), 1), z.shape[1] * LOG_2PI), -0.5) as tf.Tensor1D,
};

/** Options of `vampPrior`. */
export interface VampPriorOptions {
  /** The trunk on the backend, not on threads: its inputs are trained. */
  readonly trunk: Network;
  readonly head: VariationalHead;
  /** First pseudo-inputs, as the trunk takes rows: rows of the data. */
  readonly pseudoInputs: Matrix;
}

/** Diagonal Gaussians of equal weight, a row each. */
export interface Components {
  readonly mean: Matrix;
  readonly logVariance: Matrix;
}

/** A mixture whose components are the posteriors, before the flow, of trained pseudo-inputs. */
export interface VampPrior extends Prior, Trainable {
  /** The pseudo-inputs, `[components, values of a row]`. */
  readonly variable: tf.Variable<tf.Rank.R2>;
  /** The mixture as it is now, which does not follow the training. Dispose of it. */
  fixed(): Prior & { dispose(): void };
  /** Means and log-variances of the components. */
  components(): Promise<Components>;
}

/** The prior of Tomczak and Welling (2018): the mean of the posteriors of pseudo-inputs. */
export function vampPrior({ trunk, head, pseudoInputs }: VampPriorOptions): VampPrior {
  const variable = tf.tidy(() =>
    tf.variable(tf.tensor2d(pseudoInputs.data.slice(), [...pseudoInputs.shape])),
  );
  const count = pseudoInputs.shape[0];
  const gaussians = () =>
    head.distribution(trunk.apply(tf.reshape(variable, [count, ...trunk.inputShape]), false));
  const terms = () => {
    const { mean, logVariance } = gaussians();
    return termsOf(mean, logVariance);
  };
  const prior: VampPrior = {
    variable,
    variables: () => [variable],
    weights: () => [variable],
    dispose() {
      if (!variable.isDisposed) variable.dispose();
    },
    trained: [],
    logDensity: (z) => mixtureLogDensity(z, terms()),
    fixed() {
      const kept = tf.tidy(terms);
      return {
        trained: [],
        logDensity: (z) => mixtureLogDensity(z, kept),
        dispose: () => {
          tf.dispose(kept);
        },
      };
    },
    async components() {
      const [mean, logVariance] = tf.tidy(() => {
        const gaussian = gaussians();
        return [gaussian.mean, gaussian.logVariance];
      }) as [tf.Tensor2D, tf.Tensor2D];
      try {
        const [means, logVariances] = await Promise.all([mean.data(), logVariance.data()]);
        return {
          mean: { data: Float32Array.from(means), shape: mean.shape },
          logVariance: { data: Float32Array.from(logVariances), shape: mean.shape },
        };
      } finally {
        tf.dispose([mean, logVariance]);
      }
    },
  };
  return Object.assign(prior, { trained: [prior] });
}

/** Samples of a mixture of Gaussians, on the host. */
export function sampleComponents({ mean, logVariance }: Components, count: number, random: Random): Matrix {
  const [components, dimensions] = mean.shape;
  const data = new Float32Array(count * dimensions);
  for (let i = 0; i < count; i++) {
    const from = random.integer(components) * dimensions;
    for (let j = 0; j < dimensions; j++) {
      data[i * dimensions + j] =
        mean.data[from + j]! + Math.exp(logVariance.data[from + j]! / 2) * random.normal();
    }
  }
  return { data, shape: [count, dimensions] };
}

/**
 * What the density of a mixture needs of its components, so that a matrix product compares all points with all of them:
 * precisions and means times precisions, both `[components, dimensions]`, and sums over dimensions of mean² precision +
 * logVariance with the constants, `[1, components]`.
 */
type MixtureTerms = [precision: tf.Tensor2D, weighted: tf.Tensor2D, offset: tf.Tensor2D];

function termsOf(mean: tf.Tensor2D, logVariance: tf.Tensor2D): MixtureTerms {
  const [count, dimensions] = mean.shape;
  const precision = tf.exp(tf.neg(logVariance)) as tf.Tensor2D;
  const weighted = tf.mul(mean, precision) as tf.Tensor2D;
  const sums = tf.sum(tf.add(tf.mul(mean, weighted), logVariance), 1);
  const constant = dimensions * LOG_2PI + 2 * Math.log(count);
  return [precision, weighted, tf.reshape(tf.add(sums, constant), [1, count])];
}

/** log of the mean of N(z; m, v) over the components: -(z² p - 2 z m p + offset) / 2, then log-sum-exp. */
function mixtureLogDensity(z: tf.Tensor2D, [precision, weighted, offset]: MixtureTerms): tf.Tensor1D {
  const squares = tf.matMul(tf.square(z), precision, false, true);
  const products = tf.matMul(z, weighted, false, true);
  const logs = tf.sub(products, tf.mul(tf.add(squares, offset), 0.5)) as tf.Tensor2D;
  return logSumExp(logs);
}

/** log of the sum of exp(x) over each row. Its gradient is the softmax. */
function logSumExp(x: tf.Tensor2D): tf.Tensor1D {
  const compute = tf.customGrad((...given: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [logs, save] = given as [tf.Tensor2D, tf.GradSaveFunc];
    const largest = tf.max(logs, 1, true);
    const shares = tf.exp(tf.sub(logs, largest));
    const sums = tf.sum(shares, 1, true);
    save([tf.div(shares, sums)]);
    return {
      value: tf.squeeze(tf.add(tf.log(sums), largest), [1]),
      gradFunc: (dy, saved) => tf.mul(tf.expandDims(dy as tf.Tensor, 1), saved[0]!),
    };
  });
  return compute(x) as tf.Tensor1D;
}
