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
  /** Takes raw rows along the components and bends them; only where there are bends. */
  readonly bending: tf.layers.Layer | undefined;
  /** Has what the first layer for projected rows has learned. */
  readonly first: tf.layers.Layer;
  readonly later: readonly tf.layers.Layer[];
}

/** Units of a layer of the encoder, in front of its own, that a projection with bends needs; 0 without. */
export function bendingUnits({ bends }: Projection): number {
  return bends ? piecesOf(bends).length : 0;
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
  const through = bending ? throughBends(bending, projection) : throughAxes(projection);
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
  const [bending, first] = bends ? layers.slice(at) : [undefined, layers[at]];
  return { bending, first: first!, later: layers.slice(layers.indexOf(first!) + 1) };
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

/** One unit of the layer that bends: relu(sign t - from), with a share in the bent value of its component. */
interface Piece {
  readonly component: number;
  readonly sign: 1 | -1;
  readonly from: number;
  readonly share: number;
}

/**
 * A bent value is a sum of pieces, with slopes m_i between the bends f_i and m_(-1) = 0, f_(-1) = 0:
 *   sum over i of (m_i - m_(i-1)) (relu(t - f_i) - relu(-t - f_i)).
 */
function piecesOf(bends: Int32Array): Piece[] {
  return Array.from(bends).flatMap((count, component) =>
    Array.from({ length: count + 1 }, (_, i): Piece[] => {
      const share = i === 0 ? 1 : slopeBehind(i - 1) - slopeBehind(i - 2);
      const from = i === 0 ? 0 : bendAt(i - 1);
      return [
        { component, sign: 1, from, share },
        { component, sign: -1, from, share: -share },
      ];
    }).flat(),
  );
}

/**
 * Sets the layer that bends, which does not change while training, up: relu(sign (x - mean) P / scale - from). What follows
 * it takes each piece with its share: W_raw[piece] = share W[component], b_raw = b.
 */
function throughBends(bending: tf.layers.Layer, projection: Projection): Through {
  const { mean, components, scale, bends } = projection;
  const columns = mean.length;
  const pieces = piecesOf(bends!);
  const kernel = new Float32Array(columns * pieces.length);
  const bias = pieces.map(({ component, sign, from }, unit) => {
    let along = 0;
    for (let c = 0; c < columns; c++) {
      const weight = components.data[component * columns + c]! / scale;
      kernel[c * pieces.length + unit] = sign * weight;
      along += mean[c]! * weight;
    }
    return -sign * along - from;
  });
  tf.tidy(() => bending.setWeights([tf.tensor2d(kernel, [columns, pieces.length]), tf.tensor1d(bias)]));
  const inputs = bends!.length;
  const shares = () => {
    const values = new Float32Array(pieces.length * inputs);
    pieces.forEach(({ component, share }, unit) => {
      values[unit * inputs + component] = share;
    });
    return tf.tensor2d(values, [pieces.length, inputs]);
  };
  // The first piece of a component has the share 1.
  const firsts = Array.from({ length: inputs }, (_, component) =>
    pieces.findIndex((piece) => piece.component === component),
  );
  return {
    forth: ([w, b]) => [tf.matMul(shares(), w as tf.Tensor2D), b!],
    back: ([w, b]) => [tf.gather(w!, tf.tensor1d(firsts, 'int32')), b!],
  };
}
