/** The layer that gives the mean and the log-variance of a Gaussian posterior. */

import * as tf from '../../core/tf.js';

/** A diagonal Gaussian for each row, both `[rows, dimensions]`. */
export interface Gaussian {
  readonly mean: tf.Tensor2D;
  readonly logVariance: tf.Tensor2D;
}

/** Configuration of a `GaussianPosterior` layer. */
export interface GaussianPosteriorConfig {
  readonly name?: string;
  /** Dimensions of the latent space. */
  readonly units: number;
}

/** Middle and half width of the log-variances that can occur, -14 to 6. */
const MIDDLE = -4;
const HALF = 10;

/**
 * Mean and log-variance as linear maps of the two halves of the inputs. The log-variance is bounded smoothly, by
 * -4 + 10 tanh((s + 4) / 10), so that no input makes it overflow. `call` gives the mean.
 */
export class GaussianPosterior extends tf.layers.Layer {
  static readonly className = 'GaussianPosterior';
  readonly units: number;
  readonly #weights: tf.LayerVariable[] = [];

  constructor({ units, ...config }: GaussianPosteriorConfig) {
    super({ ...config });
    this.units = units;
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const inputs = (inputShape as tf.Shape).at(-1)! / 2;
    for (const part of ['mean', 'log_variance']) {
      this.#weights.push(
        this.addWeight(`${part}_kernel`, [inputs, this.units], 'float32', tf.initializers.zeros()),
        this.addWeight(`${part}_bias`, [this.units], 'float32', tf.initializers.zeros()),
      );
    }
    super.build(inputShape);
  }

  /** The posterior of each row of the inputs `[rows, inputs]`. */
  distribution(inputs: tf.Tensor): Gaussian {
    const [rows, columns] = inputs.shape as [number, number];
    const [kernel, bias] = this.#weights.slice(2).map((weight) => weight.read());
    const half = tf.slice(inputs as tf.Tensor2D, [0, columns / 2], [rows, columns / 2]);
    const linear = tf.add(tf.matMul(half, kernel as tf.Tensor2D), bias!);
    const bounded = tf.tanh(tf.mul(tf.sub(linear, MIDDLE), 1 / HALF));
    const logVariance = tf.add(tf.mul(bounded, HALF), MIDDLE) as tf.Tensor2D;
    return { mean: this.#mean(inputs), logVariance };
  }

  #mean(inputs: tf.Tensor): tf.Tensor2D {
    const [rows, columns] = inputs.shape as [number, number];
    const [kernel, bias] = this.#weights.map((weight) => weight.read());
    const half = tf.slice(inputs as tf.Tensor2D, [0, 0], [rows, columns / 2]);
    return tf.add(tf.matMul(half, kernel as tf.Tensor2D), bias!);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => this.#mean([inputs].flat()[0]!));
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return [(inputShape as tf.Shape)[0]!, this.units];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), units: this.units };
  }
}

tf.serialization.registerClass(GaussianPosterior);
