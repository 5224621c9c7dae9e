/**
 * All steps of a flow, one after another. On the host in one pass where that is quicker: some forty small tensor operations a step
 * cost more than the arithmetic. By tensor operations where there are many coordinates, or where tensors cannot be read at once.
 */

import * as tf from '../../core/tf.js';
import { type AutoregressiveFlow, degreeOf, OFFSET } from './flow.js';

/** Points after a flow, and the logarithm of the determinant of its Jacobian for each row. */
export interface Moved {
  readonly z: tf.Tensor2D;
  readonly logScale: tf.Tensor1D;
}

/** Most coordinates times hidden units for which the host is quicker. */
const MOST_ON_HOST = 640;

/** Moves the points `z0` by all steps, for the context `h`. */
export function moveThrough(flows: readonly AutoregressiveFlow[], h: tf.Tensor, z0: tf.Tensor2D): Moved {
  if (flows.length === 0) return { z: z0, logScale: tf.zeros([z0.shape[0]]) };
  const units = flows[0]!.hiddenUnits;
  const alike = flows.every(({ hiddenUnits }) => hiddenUnits === units);
  return alike && tf.getBackend() !== 'webgpu' && z0.shape[1] * units <= MOST_ON_HOST
    ? moveOnHost(flows, h as tf.Tensor2D, z0)
    : moveByTensors(flows, h, z0);
}

/** Moves by tensor operations. */
export function moveByTensors(flows: readonly AutoregressiveFlow[], h: tf.Tensor, z0: tf.Tensor2D): Moved {
  let z = z0;
  const logScales: tf.Tensor2D[] = [];
  for (const flow of flows) {
    const moved = flow.transform(h, z);
    z = moved.z;
    logScales.push(moved.logScale);
  }
  const sum = logScales.reduce((total, each) => tf.add(total, each));
  return { z, logScale: tf.sum(sum, 1) };
}

/** Weights of a step, see `AutoregressiveFlow.parameters`. */
const PARAMETERS = 5;

/** Moves on the host; the products with the context, of all steps at once, remain with the backend. */
export function moveOnHost(flows: readonly AutoregressiveFlow[], h: tf.Tensor2D, z0: tf.Tensor2D): Moved {
  const [rows, dimensions] = z0.shape;
  const sizes = { rows, dimensions, steps: flows.length, units: flows[0]!.hiddenUnits };
  const compute = tf.customGrad((...given: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [context, point, ...rest] = given as [tf.Tensor2D, tf.Tensor2D, ...tf.Tensor[]];
    const weights = rest.slice(0, -1);
    const save = rest.at(-1) as unknown as tf.GradSaveFunc;
    const steps = flows.map((_, k) => weights.slice(k * PARAMETERS, (k + 1) * PARAMETERS));
    const kernels = tf.concat(
      steps.map(([kernel]) => kernel as tf.Tensor2D),
      1,
    );
    const pass = new HostPass(
      sizes,
      steps.map((each) => each.slice(1).map(floats) as unknown as StepWeights),
      floats(tf.matMul(context, kernels)),
    );
    save([context, kernels]);
    return {
      value: tf.tensor2d(pass.forward(floats(point)), [rows, dimensions + 1]),
      gradFunc(dy, saved) {
        const { dPoint, dContext, dWeights } = pass.backward(floats(dy as tf.Tensor));
        const slope = tf.tensor2d(dContext, [rows, sizes.steps * sizes.units]);
        const [features, joined] = saved as [tf.Tensor2D, tf.Tensor2D];
        const ofKernels = tf.split(tf.matMul(features, slope, true), sizes.steps, 1);
        return [
          tf.matMul(slope, joined, false, true),
          tf.tensor2d(dPoint, [rows, dimensions]),
          ...dWeights.flatMap((each, k) => [
            ofKernels[k]!,
            ...each.map((values, i) => tf.tensor(values, steps[k]![i + 1]!.shape)),
          ]),
        ];
      },
    };
  });
  const both = compute(h, z0, ...flows.flatMap((flow) => flow.parameters())) as tf.Tensor2D;
  const logScale = tf.reshape(tf.slice(both, [0, dimensions], [rows, 1]), [rows]) as tf.Tensor1D;
  return { z: tf.slice(both, [0, 0], [rows, dimensions]), logScale };
}

function floats(tensor: tf.Tensor): Float32Array {
  return tensor.dataSync<'float32'>();
}

interface Sizes {
  readonly rows: number;
  readonly dimensions: number;
  readonly steps: number;
  readonly units: number;
}

type StepWeights = readonly [
  fromPoint: Float32Array,
  hiddenBias: Float32Array,
  toOutput: Float32Array,
  outputBias: Float32Array,
];

/** The passes over all rows and steps, forward and then backward. */
class HostPass {
  readonly #sizes: Sizes;
  readonly #weights: readonly StepWeights[];
  readonly #context: Float32Array;
  /** The points before each step, and the points at the end. */
  readonly #points: Float32Array[] = [];
  /** Activations of the hidden units, shifts m and gates g of each step. */
  readonly #hidden: Float32Array[] = [];
  readonly #shifts: Float32Array[] = [];
  readonly #gates: Float32Array[] = [];
  readonly #degrees: Int32Array;

  constructor(sizes: Sizes, weights: readonly StepWeights[], context: Float32Array) {
    this.#sizes = sizes;
    this.#weights = weights;
    this.#context = context;
    const { units, dimensions } = sizes;
    this.#degrees = Int32Array.from({ length: units }, (_, unit) => degreeOf(unit, units, dimensions));
  }

  /** The points after all steps, with the logarithm of the determinant as a last column. */
  forward(points: Float32Array): Float32Array {
    const { rows, dimensions, steps } = this.#sizes;
    const out = new Float32Array(rows * (dimensions + 1));
    this.#points.push(points);
    for (let k = 0; k < steps; k++) this.#step(k, out);
    const end = this.#points[steps]!;
    for (let r = 0; r < rows; r++) {
      for (let j = 0; j < dimensions; j++) out[r * (dimensions + 1) + j] = end[r * dimensions + j]!;
    }
    return out;
  }

  #step(k: number, out: Float32Array): void {
    const { rows, dimensions: d, steps, units } = this.#sizes;
    const [fromPoint, hiddenBias, toOutput, outputBias] = this.#weights[k]!;
    const degrees = this.#degrees;
    const context = this.#context;
    const points = this.#points[k]!;
    const next = new Float32Array(rows * d);
    const hidden = new Float32Array(rows * units);
    const shifts = new Float32Array(rows * d);
    const gates = new Float32Array(rows * d);
    const outputs = new Float64Array(2 * d);
    for (let r = 0; r < rows; r++) {
      const point = r * d;
      outputs.set(outputBias);
      for (let u = 0; u < units; u++) {
        const degree = degrees[u]!;
        let sum = context[(r * steps + k) * units + u]! + hiddenBias[u]!;
        for (let i = 0; i < degree; i++) sum += points[point + i]! * fromPoint[i * units + u]!;
        if (!(sum > 0)) continue;
        hidden[r * units + u] = sum;
        const kernel = u * 2 * d;
        for (let j = degree; j < d; j++) {
          outputs[j]! += sum * toOutput[kernel + j]!;
          outputs[d + j]! += sum * toOutput[kernel + d + j]!;
        }
      }
      let logs = 0;
      for (let j = 0; j < d; j++) {
        const argument = outputs[d + j]! + OFFSET;
        const gate = 1 / (1 + Math.exp(-argument));
        const shift = outputs[j]!;
        logs += Math.min(argument, 0) - Math.log1p(Math.exp(-Math.abs(argument)));
        next[point + d - 1 - j] = shift + gate * (points[point + j]! - shift);
        shifts[point + j] = shift;
        gates[point + j] = gate;
      }
      out[r * (d + 1) + d]! += logs;
    }
    this.#hidden.push(hidden);
    this.#shifts.push(shifts);
    this.#gates.push(gates);
    this.#points.push(next);
  }

  /** Gradients of what `forward` took, from that of what it gave. */
  backward(dy: Float32Array) {
    const { rows, dimensions: d, steps, units } = this.#sizes;
    const dContext = new Float32Array(rows * steps * units);
    const dLog = Float32Array.from({ length: rows }, (_, r) => dy[r * (d + 1) + d]!);
    let dPoint = new Float32Array(rows * d);
    for (let r = 0; r < rows; r++) {
      for (let j = 0; j < d; j++) dPoint[r * d + j] = dy[r * (d + 1) + j]!;
    }
    const dWeights: Float32Array[][] = [];
    for (let k = steps - 1; k >= 0; k--) {
      const gradients = this.#weights[k]!.map(({ length }) => new Float32Array(length));
      dPoint = this.#stepBack(k, dPoint, dLog, dContext, gradients);
      dWeights.unshift(gradients);
    }
    return { dPoint, dContext, dWeights };
  }

  #stepBack(
    k: number,
    dNext: Float32Array,
    dLog: Float32Array,
    dContext: Float32Array,
    [dFromPoint, dHiddenBias, dToOutput, dOutputBias]: Float32Array[],
  ): Float32Array<ArrayBuffer> {
    const { rows, dimensions: d, steps, units } = this.#sizes;
    const [fromPoint, , toOutput] = this.#weights[k]!;
    const degrees = this.#degrees;
    const points = this.#points[k]!;
    const hidden = this.#hidden[k]!;
    const shifts = this.#shifts[k]!;
    const gates = this.#gates[k]!;
    const dPoints = new Float32Array(rows * d);
    const dOutputs = new Float64Array(2 * d);
    for (let r = 0; r < rows; r++) {
      const point = r * d;
      for (let j = 0; j < d; j++) {
        // z' = m + g (z - m), and the logarithm of g, whose derivative by t is 1 - g.
        const gate = gates[point + j]!;
        const upstream = dNext[point + d - 1 - j]!;
        const difference = points[point + j]! - shifts[point + j]!;
        dPoints[point + j] = upstream * gate;
        dOutputs[j] = upstream * (1 - gate);
        dOutputs[d + j] = (upstream * difference * gate + dLog[r]!) * (1 - gate);
      }
      for (let j = 0; j < 2 * d; j++) dOutputBias![j]! += dOutputs[j]!;
      for (let u = 0; u < units; u++) {
        const active = hidden[r * units + u]!;
        if (active === 0) continue;
        const degree = degrees[u]!;
        const kernel = u * 2 * d;
        let slope = 0;
        for (let j = degree; j < d; j++) {
          slope += toOutput[kernel + j]! * dOutputs[j]! + toOutput[kernel + d + j]! * dOutputs[d + j]!;
          dToOutput![kernel + j]! += active * dOutputs[j]!;
          dToOutput![kernel + d + j]! += active * dOutputs[d + j]!;
        }
        dContext[(r * steps + k) * units + u] = slope;
        dHiddenBias![u]! += slope;
        for (let i = 0; i < degree; i++) {
          dFromPoint![i * units + u]! += points[point + i]! * slope;
          dPoints[point + i]! += fromPoint[i * units + u]! * slope;
        }
      }
    }
    return dPoints;
  }
}
