/**
 * Trains a dense network on few, well-scaled inputs and hands the result back in terms of the raw ones.
 *
 * A linear map x -> (x - mean) P / scale in front of a dense layer is itself a dense layer:
 *   W_raw = P W / scale,   b_raw = b - mean W_raw.
 * So the encoder can learn on principal components of unit scale, where its steps are cheap and well
 * conditioned, and still take raw rows when it is used, saved and shipped. Where rows lie far outside, a layer of ReLU
 * units in front of it draws them nearer, in the same way as the rows that it was trained on.
 */

import * as tf from '../core/tf.js';
import type { Network, Random } from '../core/types.js';
import { networkOf } from './network.js';
import { bendAt, type Projection, slopeBehind } from './projection.js';

export interface Folded {
  /** The network to train: the encoder with a first layer for projected rows; later layers are shared. */
  readonly network: Network;
  /** Writes what the first layer has learnt into the encoder's own. */
  fold(): void;
  /** Frees the first layer; the encoder stays. */
  dispose(): void;
}

/** Layers of the raw encoder that have to do with the projection. */
interface RawLayers {
  /** Two layers that take raw rows along the components and bend them; none without bends. */
  readonly bending: readonly tf.layers.Layer[];
  /** Has what the first layer for projected rows has learned. */
  readonly first: tf.layers.Layer;
  readonly later: readonly tf.layers.Layer[];
}

/** Units of the layers of the encoder, in front of its own, that a projection with bends needs; none without. */
export function bendingUnits({ bends }: Projection): readonly number[] {
  if (!bends) return [];
  const { length } = segmentsOf(bends);
  return [length, length];
}

/**
 * Puts a first layer for projected rows in front of a dense encoder. With `fresh` it starts anew (Glorot and
 * Bengio's uniform start for its own number of inputs), else from what the encoder's own first layer knows,
 * which is exact when that layer lives in the span of the components.
 */
export function foldEncoder(
  encoder: Network,
  projection: Projection,
  fresh: boolean,
  random: Random,
): Folded {
  const { bending, first: raw, later } = rawLayers(encoder, projection);
  const inputs = projection.components.shape[0];
  const first = tf.layers.dense({
    units: raw.weights[1]!.shape[0]!,
    activation: 'relu',
    name: `${raw.name}_projected`,
    kernelInitializer: tf.initializers.glorotUniform({ seed: random.tfSeed() }),
  });
  const input = tf.input({ shape: [inputs] });
  let x = first.apply(input) as tf.SymbolicTensor;
  for (const layer of later) x = layer.apply(x) as tf.SymbolicTensor;
  const trunk = tf.model({ inputs: input, outputs: x });
  const through = projection.bends ? throughBends(bending, projection) : throughAxes(projection);
  if (!fresh) tf.tidy(() => first.setWeights(through.back(raw.getWeights())));
  return {
    network: networkOf(trunk, 'encoder', false),
    fold: () => tf.tidy(() => raw.setWeights(through.forth(first.getWeights()))),
    dispose: () => {
      first.dispose();
    },
  };
}

function rawLayers(encoder: Network, { bends }: Projection): RawLayers {
  const layers = encoder.model.layers.filter((layer) => layer.getClassName() !== 'InputLayer');
  const at = layers.findIndex((layer) => layer.getClassName() === 'Dense');
  const own = bends ? at + 2 : at;
  return { bending: layers.slice(at, own), first: layers[own]!, later: layers.slice(own + 1) };
}

/** Kernel and bias of the raw encoder's layer from those for projected rows, and back. */
interface Through {
  forth(weights: tf.Tensor[]): tf.Tensor[];
  back(weights: tf.Tensor[]): tf.Tensor[];
}

/** W_raw = P W / scale, b_raw = b - mean W_raw; and the inverse, W = scale P^T W_raw, b = b_raw + mean W_raw. */
function throughAxes({ mean, components, scale }: Projection): Through {
  const axes = () => tf.tensor2d(components.data, [...components.shape]);
  const offset = (raw: tf.Tensor) =>
    tf.reshape(tf.matMul(tf.tensor2d(mean, [1, mean.length]), raw as tf.Tensor2D), [-1]);
  return {
    forth([w, b]) {
      const whole = tf.div(tf.matMul(axes(), w as tf.Tensor2D, true), scale);
      return [whole, tf.sub(b!, offset(whole))];
    },
    back: ([w, b]) => [tf.mul(tf.matMul(axes(), w as tf.Tensor2D), scale), tf.add(b!, offset(w!))],
  };
}

/** A stretch of a component's values with one slope. Behind it, on either side, the value stays as at its end. */
interface Segment {
  readonly component: number;
  readonly low: number;
  readonly high: number;
  readonly slope: number;
}

/** The stretches that a bent value is a sum of, first the one around 0 of each component. */
function segmentsOf(bends: Int32Array): Segment[] {
  return Array.from(bends).flatMap((count, component) => {
    const middle = { component, low: -bendAt(0), high: bendAt(0), slope: 1 };
    const outer = Array.from({ length: count }, (_, i) => {
      const [near, far, slope] = [bendAt(i), bendAt(i + 1), slopeBehind(i)];
      return [
        { component, low: near, high: far, slope },
        { component, low: -far, high: -near, slope },
      ];
    });
    return [middle, ...outer.flat()];
  });
}

/**
 * Sets the two layers that bend, which do not change while training, up. Two ReLU units cut a value t to a segment
 * [l, h]:
 *   u = relu(h - t),   v = relu(h - l - u) = min(max(t, l), h) - l.
 * No unit that counts is ever large, so that no digits are lost however large t is. What follows takes each segment
 * with its slope m, and what the segments add up to at t = 0 is taken off:
 *   W_raw[segment] = m W[component],   b_raw = b - sum over segments of m v(0) W[component].
 */
function throughBends([first, second]: readonly tf.layers.Layer[], projection: Projection): Through {
  const { mean, components, scale, bends } = projection;
  const columns = mean.length;
  const segments = segmentsOf(bends!);
  const count = segments.length;
  const kernel = new Float32Array(columns * count);
  const bias = segments.map(({ component, high }, unit) => {
    let along = 0;
    for (let c = 0; c < columns; c++) {
      const weight = components.data[component * columns + c]! / scale;
      kernel[c * count + unit] = -weight;
      along += mean[c]! * weight;
    }
    return high + along;
  });
  const inputs = bends!.length;
  const shares = new Float32Array(count * inputs);
  const atZero = new Float32Array(inputs);
  segments.forEach(({ component, low, high, slope }, unit) => {
    shares[unit * inputs + component] = slope;
    atZero[component]! += slope * (Math.min(Math.max(0, low), high) - low);
  });
  tf.tidy(() => {
    first!.setWeights([tf.tensor2d(kernel, [columns, count]), tf.tensor1d(bias)]);
    second!.setWeights([tf.neg(tf.eye(count)), tf.tensor1d(segments.map(({ low, high }) => high - low))]);
  });
  const offset = (w: tf.Tensor) =>
    tf.reshape(tf.matMul(tf.tensor2d(atZero, [1, inputs]), w as tf.Tensor2D), [-1]);
  const middles = Array.from({ length: inputs }, (_, component) =>
    segments.findIndex((segment) => segment.component === component),
  );
  return {
    forth: ([w, b]) => [
      tf.matMul(tf.tensor2d(shares, [count, inputs]), w as tf.Tensor2D),
      tf.sub(b!, offset(w!)),
    ],
    back([raw, b]) {
      const w = tf.gather(raw!, tf.tensor1d(middles, 'int32'));
      return [w, tf.add(b!, offset(w))];
    },
  };
}
