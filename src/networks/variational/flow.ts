/**
 * One step of an inverse autoregressive flow (Kingma et al. 2016), as one masked network (Germain et al. 2015): new coordinate j
 * depends on coordinates up to j alone, so the Jacobian is triangular, and the number of operations does not depend on how many
 * coordinates there are.
 */

import * as tf from '../../core/tf.js';

/** What a flow makes of points. */
export interface Transformed {
  readonly z: tf.Tensor2D;
  /** `[rows, dimensions]`, in the order before; the sum of a row is the logarithm of the Jacobian's determinant there. */
  readonly logScale: tf.Tensor2D;
}

/** Configuration of an `AutoregressiveFlow` layer. */
export interface AutoregressiveFlowConfig {
  readonly name?: string;
  /** Hidden units. */
  readonly hiddenUnits: number;
}

/**
 * Added to the gate's argument, so that a new flow hardly moves a point: it keeps sigmoid(3) = 0.95 of it. With 1, as in the original, five
 * steps keep 0.21, and the signal that the encoder learns from is as much weaker.
 */
export const OFFSET = 3;

/**
 * z' = g z + (1 - g) m with the gate g = sigmoid(3 + t), then in reversed order of coordinates. Shift m and t come from a network
 * with one hidden layer of ReLU units, whose inputs are the context h and the coordinates before; a unit of degree q sees the
 * first q coordinates, and coordinate j has units of degree at most j. Inputs of the layer are [h, z].
 */
export class AutoregressiveFlow extends tf.layers.Layer {
  static readonly className = 'AutoregressiveFlow';
  readonly hiddenUnits: number;
  readonly #weights: tf.LayerVariable[] = [];
  #masks!: Masks;

  constructor({ hiddenUnits, ...config }: AutoregressiveFlowConfig) {
    super({ ...config });
    this.hiddenUnits = hiddenUnits;
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const [context, dimensions] = (inputShape as tf.Shape[]).map((shape) => shape.at(-1)!) as [
      number,
      number,
    ];
    const hidden = this.hiddenUnits;
    const add = (name: string, shape: number[]) =>
      this.#weights.push(this.addWeight(name, shape, 'float32', tf.initializers.zeros()));
    add('context_kernel', [context, hidden]);
    add('hidden_kernel', [dimensions, hidden]);
    add('hidden_bias', [hidden]);
    add('output_kernel', [hidden, 2 * dimensions]);
    add('output_bias', [2 * dimensions]);
    this.#masks = masksOf(dimensions, hidden);
    super.build(inputShape);
  }

  /**
   * The weights in order: kernel of the context, kernel of the point, bias of the hidden units, kernel of the outputs (shifts
   * first), bias of the outputs.
   */
  parameters(): tf.Tensor[] {
    return this.#weights.map((weight) => weight.read());
  }

  /** Moves the points `z` by what the context `h` says. */
  transform(h: tf.Tensor, z: tf.Tensor): Transformed {
    const [rows, dimensions] = z.shape as [number, number];
    const [fromContext, fromPoint, hiddenBias, toOutput, outputBias] = this.parameters() as [
      tf.Tensor2D,
      tf.Tensor2D,
      tf.Tensor1D,
      tf.Tensor2D,
      tf.Tensor1D,
    ];
    const { hidden, output } = this.#masks;
    const ofPoint = tf.matMul(z as tf.Tensor2D, masked(fromPoint, hidden));
    const units = tf.relu(tf.add(tf.add(tf.matMul(h as tf.Tensor2D, fromContext), hiddenBias), ofPoint));
    const outputs = tf.add(tf.matMul(units, masked(toOutput, output)), outputBias) as tf.Tensor2D;
    const shift = tf.slice(outputs, [0, 0], [rows, dimensions]);
    const argument = tf.add(tf.slice(outputs, [0, dimensions], [rows, dimensions]), OFFSET);
    const moved = tf.add(shift, tf.mul(tf.sigmoid(argument), tf.sub(z, shift)));
    return { z: tf.reverse(moved, 1) as tf.Tensor2D, logScale: logSigmoid(argument) as tf.Tensor2D };
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [h, z] = inputs as [tf.Tensor, tf.Tensor];
    return tf.tidy(() => this.transform(h, z).z);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return (inputShape as tf.Shape[])[1]!;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), hiddenUnits: this.hiddenUnits };
  }
}

tf.serialization.registerClass(AutoregressiveFlow);

/** Which entries of the kernels are in use, 1 or 0 for each. */
export interface Masks {
  /** `[dimensions, hidden units]`. */
  readonly hidden: Float32Array;
  /** `[hidden units, 2 dimensions]`. */
  readonly output: Float32Array;
}

/** The number of coordinates that a hidden unit sees: all numbers from 0 to dimensions - 1 about equally often. */
export function degreeOf(unit: number, units: number, dimensions: number): number {
  return Math.floor((unit * dimensions) / units);
}

export function masksOf(dimensions: number, units: number): Masks {
  const hidden = new Float32Array(dimensions * units);
  const output = new Float32Array(units * 2 * dimensions);
  for (let unit = 0; unit < units; unit++) {
    const degree = degreeOf(unit, units, dimensions);
    for (let j = 0; j < dimensions; j++) {
      if (j < degree) hidden[j * units + unit] = 1;
      if (degree > j) continue;
      output[unit * 2 * dimensions + j] = 1;
      output[unit * 2 * dimensions + dimensions + j] = 1;
    }
  }
  return { hidden, output };
}

function masked(kernel: tf.Tensor2D, mask: Float32Array): tf.Tensor2D {
  return tf.mul(kernel, tf.tensor2d(mask, kernel.shape));
}

/** log sigmoid(x) = min(x, 0) - log(1 + exp(-|x|)), whose gradient is sigmoid(-x). */
function logSigmoid(x: tf.Tensor): tf.Tensor {
  const compute = tf.customGrad((...given: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [argument, save] = given as [tf.Tensor, tf.GradSaveFunc];
    save([argument]);
    const value = tf.sub(tf.minimum(argument, 0), tf.log1p(tf.exp(tf.neg(tf.abs(argument)))));
    return {
      value,
      gradFunc: (dy, saved) => tf.mul(dy as tf.Tensor, tf.sigmoid(tf.neg(saved[0]!))),
    };
  });
  return compute(x);
}
