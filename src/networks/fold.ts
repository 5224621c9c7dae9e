/**
 * Trains a dense network on few, well-scaled inputs, and expresses the result in terms of the raw inputs.
 *
 * A linear map x -> (x - mean) P / scale in front of a dense layer is itself a dense layer:
 *   W_raw = P W / scale,   b_raw = b - mean W_raw.
 * So the encoder can be trained on principal components of unit scale, where steps are cheap and well conditioned, and
 * still takes raw rows when it is applied, saved and exported. If the training data have outliers, two layers of ReLU
 * units in front of it compress them in the same way as the rows that it was trained on.
 */

import * as tf from '../core/tf.js';
import type { Network, Random } from '../core/types.js';
import { networkOf } from './network.js';
import { bendAt, type Projection, slopeAfter } from './projection.js';

export interface Folded {
  /** The network to train: the encoder with another first layer, for projected rows; later layers are shared. */
  readonly network: Network;
  /** Writes the trained first layer into the encoder. */
  fold(): void;
  /** Disposes of the layer for projected rows; the encoder is kept. */
  dispose(): void;
}

/** Layers of the encoder by their relation to the projection. */
interface RawLayers {
  /** The two layers that project raw rows and compress outliers; none without bends. */
  readonly bending: readonly tf.layers.Layer[];
  /** The layer that receives the trained first layer. */
  readonly first: tf.layers.Layer;
  readonly later: readonly tf.layers.Layer[];
}

/** Units of the layers that a projection with bends needs in front of the encoder; none without bends. */
export function bendingUnits({ bends }: Projection): readonly number[] {
  if (!bends) return [];
  const { length } = segmentsOf(bends);
  return [length, length];
}

/**
 * Replaces the first layer of a dense encoder by one for projected rows. With `fresh` it is initialized at random (Glorot
 * uniform for its number of inputs), else from the encoder's first layer, which is exact if that layer's kernel lies in
 * the span of the components.
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
  const projected = tf.model({ inputs: input, outputs: x });
  const map = projection.bends ? mapWithBends(bending, projection) : linearMap(projection);
  if (!fresh) tf.tidy(() => first.setWeights(map.toProjected(raw.getWeights())));
  return {
    network: networkOf(projected, 'encoder', false),
    fold: () => tf.tidy(() => raw.setWeights(map.toRaw(first.getWeights()))),
    dispose: () => {
      first.dispose();
    },
  };
}

function rawLayers(encoder: Network, { bends }: Projection): RawLayers {
  const layers = encoder.model.layers.filter((layer) => layer.getClassName() !== 'InputLayer');
  const at = layers.findIndex((layer) => layer.getClassName() === 'Dense');
  const first = bends ? at + 2 : at;
  return { bending: layers.slice(at, first), first: layers[first]!, later: layers.slice(first + 1) };
}

/** Converts kernel and bias between the layer for projected rows and the one for raw rows. */
interface WeightMap {
  toRaw(weights: tf.Tensor[]): tf.Tensor[];
  toProjected(weights: tf.Tensor[]): tf.Tensor[];
}

/** W_raw = P W / scale, b_raw = b - mean W_raw; and the inverse, W = scale P^T W_raw, b = b_raw + mean W_raw. */
function linearMap({ mean, components, scale }: Projection): WeightMap {
  const axes = () => tf.tensor2d(components.data, [...components.shape]);
  const offset = (raw: tf.Tensor) =>
    tf.reshape(tf.matMul(tf.tensor2d(mean, [1, mean.length]), raw as tf.Tensor2D), [-1]);
  return {
    toRaw([w, b]) {
      const raw = tf.div(tf.matMul(axes(), w as tf.Tensor2D, true), scale);
      return [raw, tf.sub(b!, offset(raw))];
    },
    toProjected: ([w, b]) => [tf.mul(tf.matMul(axes(), w as tf.Tensor2D), scale), tf.add(b!, offset(w!))],
  };
}

/** A linear piece of the compression of a component: slope within [low, high], constant outside. */
interface Segment {
  readonly component: number;
  readonly low: number;
  readonly high: number;
  readonly slope: number;
}

/** The pieces whose sum is the compressed value; for each component the piece around 0 comes first. */
function segmentsOf(bends: Int32Array): Segment[] {
  return Array.from(bends).flatMap((count, component) => {
    const middle = { component, low: -bendAt(0), high: bendAt(0), slope: 1 };
    const outer = Array.from({ length: count }, (_, i) => {
      const [near, far, slope] = [bendAt(i), bendAt(i + 1), slopeAfter(i)];
      return [
        { component, low: near, high: far, slope },
        { component, low: -far, high: -near, slope },
      ];
    });
    return [middle, ...outer.flat()];
  });
}

/**
 * Sets the weights of the two layers that compress outliers, which training does not change. Two ReLU units clip a
 * value t to a segment [l, h]:
 *   u = relu(h - t),   v = relu(h - l - u) = min(max(t, l), h) - l.
 * Units that contribute are never large, so that no precision is lost however large t is. The next layer multiplies
 * each segment by its slope m, and its bias subtracts what the segments add up to at t = 0:
 *   W_raw[segment] = m W[component],   b_raw = b - sum over segments of m v(0) W[component].
 */
function mapWithBends([first, second]: readonly tf.layers.Layer[], projection: Projection): WeightMap {
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
  const slopes = new Float32Array(count * inputs);
  const atZero = new Float32Array(inputs);
  segments.forEach(({ component, low, high, slope }, unit) => {
    slopes[unit * inputs + component] = slope;
    atZero[component]! += slope * (Math.min(Math.max(0, low), high) - low);
  });
  tf.tidy(() => {
    first!.setWeights([tf.tensor2d(kernel, [columns, count]), tf.tensor1d(bias)]);
    second!.setWeights([tf.neg(tf.eye(count)), tf.tensor1d(segments.map(({ low, high }) => high - low))]);
  });
  const offset = (w: tf.Tensor) =>
    tf.reshape(tf.matMul(tf.tensor2d(atZero, [1, inputs]), w as tf.Tensor2D), [-1]);
  const centralUnits = Array.from({ length: inputs }, (_, component) =>
    segments.findIndex((segment) => segment.component === component),
  );
  return {
    toRaw: ([w, b]) => [
      tf.matMul(tf.tensor2d(slopes, [count, inputs]), w as tf.Tensor2D),
      tf.sub(b!, offset(w!)),
    ],
    toProjected([raw, b]) {
      const w = tf.gather(raw!, tf.tensor1d(centralUnits, 'int32'));
      return [w, tf.add(b!, offset(w))];
    },
  };
}
