/**
 * UMAP's cross-entropy (McInnes, Healy and Melville 2018, section 3.2) of pairs in an embedding.
 *
 * With g = a d^(2b) and d the Euclidean distance of a pair, the similarity is q = 1 / (1 + g), and
 *   a positive pair costs  -log q       = log(1 + g),
 *   a negative pair costs  -log(1 - q)  = log(1 + g) - log g.
 * The loss is the weighted mean over all pairs: the negatives of a positive pair weigh R in total, and their cost is
 * multiplied by the repulsion strength.
 */

import { pairLoss } from '../backend/pairLoss.js';
import * as tf from '../core/tf.js';
import type { LossTerm, Step } from '../core/types.js';
import { detach, onHost, withGradient } from './gradient.js';
import { drawNegatives, type NegativeOptions, type PairTable, pairTable } from './negatives.js';

export interface UmapLossOptions extends NegativeOptions {
  /** Curve parameters of the similarity, as `fitCurve` gives them. */
  readonly a: number;
  readonly b: number;
}

/**
 * Below this squared distance the cost of a negative pair continues along its tangent: it would be infinite at 0,
 * and one coincident pair would outweigh the whole batch. umap-learn adds the same constant to the squared distance in the
 * denominator of its repulsion.
 */
const TANGENT = 1e-3;
/**
 * Above this g a negative pair attracts: with the default curve from a distance of about 130 on, where its cost is 1e-4.
 * Otherwise components of the graph would drift away from each other without end, since Adam makes full steps of even the
 * smallest gradient.
 */
const FARTHEST = 1e4;

/** The squared distance at which g = `FARTHEST`, and the derivative of the cost beyond it: that at this point, reversed. */
function farEnd({ a, b }: Pick<UmapLossOptions, 'a' | 'b'>): {
  readonly farthest: number;
  readonly pull: number;
} {
  const farthest = (FARTHEST / a) ** (1 / b);
  return { farthest, pull: b / (farthest * (1 + FARTHEST)) };
}

/** Keeps d^(2b - 1) finite for coincident positive pairs when b < 1/2. */
const TINY = 1e-12;

/** The UMAP loss as a term of training. */
export function umapLoss(options: UmapLossOptions): LossTerm {
  const pairs = pairTable(options);
  return {
    name: 'umap',
    weight: 1,
    compute({ batch, z }: Step) {
      pairs.fill(batch);
      if (tf.getBackend() !== 'webgpu') return inOnePass(z, pairs, options);
      drawNegatives(pairs);
      return byTensors(z, pairs, options);
    },
  };
}

/** Value and gradient in one pass, in a kernel or on the host, instead of about thirty tensor operations. */
function inOnePass(z: tf.Tensor2D, pairs: PairTable, { a, b }: UmapLossOptions): tf.Scalar {
  const curve = { a, b, tiny: TINY, tangent: TANGENT, ...farEnd({ a, b }) };
  const byHost = onHost((points, gradient) => {
    drawNegatives(pairs);
    return crossEntropy(points, z.shape[1], pairs, a, b, gradient);
  });
  return withGradient(z, (points) => pairLoss(points, pairs, curve) ?? byHost(points));
}

/**
 * Adds the weighted cost of all pairs and writes its gradient with respect to `points` (row-major, `columns`
 * wide) into `gradient`, which must hold zeros at the start.
 */
export function crossEntropy(
  points: Float32Array,
  columns: number,
  { heads, tails, weights, positives, count }: PairTable,
  a: number,
  b: number,
  gradient: Float32Array,
): number {
  const { farthest, pull } = farEnd({ a, b });
  let value = 0;
  for (let p = 0; p < count; p++) {
    const head = heads[p]! * columns;
    const tail = tails[p]! * columns;
    let squared = 0;
    for (let c = 0; c < columns; c++) {
      const difference = points[head + c]! - points[tail + c]!;
      squared += difference * difference;
    }
    // dCost is the derivative with respect to d², so that the gradient is 2 dCost (z_head - z_tail).
    let cost: number;
    let dCost: number;
    if (p < positives) {
      const s = Math.max(squared, TINY);
      const g = a * s ** b;
      cost = Math.log1p(g);
      dCost = (b * g) / (s * (1 + g));
    } else {
      const s = Math.max(squared, TANGENT);
      const g = a * s ** b;
      cost = Math.log1p(1 / g);
      dCost = -b / (s * (1 + g));
      if (squared > farthest) {
        dCost = pull;
        cost = Math.log1p(1 / FARTHEST) + pull * (squared - farthest);
      }
      if (squared < TANGENT) cost += dCost * (squared - TANGENT);
    }
    const weight = weights[p]!;
    value += weight * cost;
    const factor = 2 * weight * dCost;
    const coincident = squared === 0 && p >= positives && head !== tail;
    for (let c = 0; c < columns; c++) {
      const difference = coincident
        ? direction(heads[p]!, c) * Math.sqrt(TANGENT / columns)
        : points[head + c]! - points[tail + c]!;
      const step = factor * difference;
      gradient[head + c] = gradient[head + c]! + step;
      gradient[tail + c] = gradient[tail + c]! - step;
    }
  }
  return value;
}

/**
 * Direction in which a coincident pair is separated: its components differ in sign only, by bits of the head's number, since
 * the difference of the points gives no direction.
 */
function direction(head: number, axis: number): 1 | -1 {
  return (Math.imul(head, 0x9e3779b1) >>> (16 + (axis & 15))) & 1 ? 1 : -1;
}

/** The same loss in tensor operations, for a backend that cannot be read synchronously. */
export function byTensors(z: tf.Tensor2D, pairs: PairTable, { a, b }: UmapLossOptions): tf.Scalar {
  const { positives, count } = pairs;
  type Cost = (squared: tf.Tensor, differences: tf.Tensor, heads: tf.Tensor1D) => tf.Tensor;
  const cost = (from: number, to: number, of: Cost): tf.Scalar => {
    const heads = tf.tensor1d(pairs.heads.slice(from, to), 'int32');
    const tails = tf.tensor1d(pairs.tails.slice(from, to), 'int32');
    const differences = tf.sub(tf.gather(z, heads), tf.gather(z, tails));
    const squared = tf.sum(tf.square(differences), 1);
    const weights = tf.tensor1d(pairs.weights.slice(from, to));
    return tf.sum(tf.mul(of(squared, differences, heads), weights)) as tf.Scalar;
  };
  const attraction = cost(0, positives, (squared) =>
    tf.log1p(tf.mul(tf.pow(tf.maximum(squared, TINY), b), a)),
  );
  if (count === positives) return attraction;
  const tangent = -b / (TANGENT * (1 + a * TANGENT ** b));
  const { farthest, pull } = farEnd({ a, b });
  const repulsion = cost(positives, count, (squared, differences, heads) => {
    const power = tf.pow(tf.minimum(tf.maximum(squared, TANGENT), farthest), b);
    const beyond = tf.log1p(tf.div(1 / a, power));
    const far = tf.mul(tf.relu(tf.sub(squared, farthest)), pull);
    const near = tf.mul(tf.minimum(tf.sub(squared, TANGENT), 0), tangent);
    // Adds 0 to the cost, and to the gradient what separates coincident points.
    const coincident = detach(squared, (values) => tf.cast(tf.equal(values, 0), 'float32'));
    const along = tf.sum(tf.mul(differences, tf.gather(directions(z.shape), heads)), 1);
    return tf.addN([beyond, near, far, tf.mul(tf.mul(along, coincident), 2 * tangent)]);
  });
  return tf.add(attraction, repulsion);
}

/** `direction` of every point, scaled to a distance of sqrt(TANGENT). */
function directions([rows, columns]: readonly [number, number]): tf.Tensor2D {
  const values = Float32Array.from(
    { length: rows * columns },
    (_, at) => direction(Math.floor(at / columns), at % columns) * Math.sqrt(TANGENT / columns),
  );
  return tf.tensor2d(values, [rows, columns]);
}
