/** Layers that shift and scale each value of a row by numbers that are not trained. */

import * as tf from '../../core/tf.js';

/** Mean and standard deviation of each value of a row; deviation 0 for a value that never differs. */
export interface RowStatistics {
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
}

/** Configuration of a `Standardization` layer. */
export interface StandardizationConfig {
  readonly name?: string;
  /** Whether the layer goes back to data space. Default false. */
  readonly inverse?: boolean;
  /**
   * Whether the layer holds a trained logarithm of a variance for each value, in the space that it leads from, for the
   * likelihood. It does not change what the layer computes. Default false.
   */
  readonly variance?: boolean;
}

/**
 * (x - mean) / deviation, or 0 where the deviation is 0; `inverse`: x deviation + mean. Rows of any shape. The statistics are
 * weights that are saved with the model and never trained.
 */
export class Standardization extends tf.layers.Layer {
  static readonly className = 'RowStandardization';
  readonly inverse: boolean;
  readonly #withVariance: boolean;
  #mean?: tf.LayerVariable;
  #deviation?: tf.LayerVariable;
  #logVariance?: tf.LayerVariable;

  constructor({ inverse = false, variance = false, ...config }: StandardizationConfig = {}) {
    super({ ...config });
    this.inverse = inverse;
    this.#withVariance = variance;
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const shape = (inputShape as tf.Shape).slice(1) as number[];
    const add = (name: string, value: number, trainable: boolean) =>
      this.addWeight(name, shape, 'float32', tf.initializers.constant({ value }), undefined, trainable);
    this.#mean = add('mean', 0, false);
    this.#deviation = add('deviation', 1, false);
    if (this.#withVariance) this.#logVariance = add('log_variance', 0, true);
    super.build(inputShape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = [inputs].flat()[0]!;
      const mean = this.#mean!.read();
      const deviation = this.#deviation!.read();
      if (this.inverse) return tf.add(tf.mul(x, deviation), mean);
      return tf.mul(tf.sub(x, mean), factors(deviation));
    });
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return inputShape as tf.Shape;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), inverse: this.inverse, variance: this.#withVariance };
  }

  /** The learned log-variance of each value; undefined without one. */
  get logVariance(): tf.Variable | undefined {
    return this.#logVariance?.read() as tf.Variable | undefined;
  }

  /** Sets the statistics. */
  setStatistics({ mean, deviation }: RowStatistics): void {
    tf.tidy(() => {
      for (const [weight, values] of [
        [this.#mean!, mean],
        [this.#deviation!, deviation],
      ] as const) {
        (weight.read() as tf.Variable).assign(tf.tensor(values.slice(), weight.shape as number[]));
      }
    });
  }

  /** Reads the statistics. */
  async statistics(): Promise<RowStatistics> {
    const [mean, deviation] = await Promise.all(
      [this.#mean!, this.#deviation!].map(async (weight) => Float32Array.from(await weight.read().data())),
    );
    return { mean: mean!, deviation: deviation! };
  }
}

/** 1 / deviation, or 0 where that is 0. */
function factors(deviation: tf.Tensor): tf.Tensor {
  return tf.divNoNan(1, deviation);
}

tf.serialization.registerClass(Standardization);

/**
 * The logarithm of how much standardizing shrinks volumes: log p(x) = log p(standardized x) + this. Values whose deviation is 0
 * are left out.
 */
export function logDeterminantOf({ deviation }: RowStatistics): number {
  let sum = 0;
  for (const value of deviation) if (value > 0) sum -= Math.log(value);
  return sum;
}

/** (x - mean) / deviation of rows on the host, as the layer computes it. */
export function standardizeRows(
  data: Float32Array,
  { mean, deviation }: RowStatistics,
  to: Float32Array = new Float32Array(data.length),
): Float32Array {
  const columns = mean.length;
  const factor = deviation.map((value) => (value === 0 ? 0 : 1 / value));
  for (let i = 0; i < data.length; i += columns) {
    for (let c = 0; c < columns; c++) to[i + c] = (data[i + c]! - mean[c]!) * factor[c]!;
  }
  return to;
}
