/**
 * UMAP's cross-entropy (McInnes, Healy and Melville 2018, section 3.2) of pairs in an embedding.
 *
 * With g = a d^(2b) and d the Euclidean distance of a pair, the similarity is q = 1 / (1 + g), and
 *   a positive pair costs  -log q       = log(1 + g),
 *   a negative pair costs  -log(1 - q)  = log(1 + g) - log g.
 * The loss is the mean over all pairs, R negatives counted for each positive one; the negatives' cost is multiplied by the
 * strength of repulsion.
 */

import { type Negatives, pairLoss } from '../backend/pairLoss.js';
import { drawIntegers } from '../core/random.js';
import * as tf from '../core/tf.js';
import type { Batch, LossTerm, Random, Step } from '../core/types.js';
import { detach, onHost, withGradient } from './gradient.js';

export interface UmapLossOptions {
  /** Curve parameters of the similarity, as `fitCurve` gives them. */
  readonly a: number;
  readonly b: number;
  /** R: total weight of the negative pairs of one positive pair. 0 leaves only attraction. */
  readonly negativeSampleRate: number;
  /** Negative pairs drawn for a positive one, each weighing R / draws; more of them make a calmer gradient. */
  readonly negativeDraws?: number;
  /** Factor on the negative pairs' cost. Default 1. */
  readonly repulsionStrength?: number;
  readonly random: Random;
}

/**
 * Below this squared distance the cost of a negative pair goes on along its tangent: it would be infinite at 0,
 * and one coincident pair would outweigh the whole batch. 1e-3 is a third of a per cent of `minDist` squared or
 * less in the usual range, and umap-learn softens its repulsion by the same number.
 */
const TANGENT = 1e-3;
/**
 * Above this g a negative pair is pulled together: with the usual curve from a distance of some 130 on, where it costs 1e-4.
 * Parts of the map that no edge ties together would otherwise drift apart without end, for Adam makes full steps of the
 * smallest gradient.
 */
const FARTHEST = 1e4;

/** The squared distance there, and the derivative of the cost by it from there on: what the push has come to, reversed. */
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
      repel(pairs);
      return byTensors(z, pairs, options);
    },
  };
}

/**
 * The pairs of one step: positives first, then negatives, as positions in the batch, with their weights. While there are
 * `negatives` to be drawn, their entries are empty.
 */
export interface PairTable {
  heads: Int32Array;
  tails: Int32Array;
  weights: Float32Array;
  positives: number;
  /** Pairs in all; entries beyond belong to an earlier, larger step. */
  count: number;
  negatives?: Negatives | undefined;
  fill(batch: Batch): void;
}

/**
 * Draws the negatives of each step: every head meets `negativeDraws` rows of the batch, uniformly, but not itself and
 * the `tailsPerHead` rows that follow it: its own tails, if it was new to the batch and they were. Among all rows these are
 * as rare as any others; in the batch they always are there, and would be pushed away so often that near neighbours end too
 * far apart. Left out where it is new, and always met where it was there before, they come up about as often as they
 * should. In a batch of up to 2 (1 + tailsPerHead) rows nothing is left out. Weights add up to one over positives
 * and to R times the repulsion strength over negatives, over 1 + R.
 */
export function pairTable(options: UmapLossOptions): PairTable {
  const { negativeSampleRate: rate, repulsionStrength = 1, random } = options;
  const draws = rate === 0 ? 0 : (options.negativeDraws ?? Math.max(1, Math.round(rate)));
  return {
    heads: new Int32Array(0),
    tails: new Int32Array(0),
    weights: new Float32Array(0),
    positives: 0,
    count: 0,
    fill({ heads, tails, pairCount, rowCount, tailsPerHead = 0, pairWeights }) {
      this.positives = pairCount;
      // A row alone has none to meet.
      this.count = rowCount > 1 ? pairCount * (1 + draws) : pairCount;
      if (this.heads.length < this.count) {
        this.heads = new Int32Array(this.count);
        this.tails = new Int32Array(this.count);
        this.weights = new Float32Array(this.count);
      }
      this.heads.set(heads.subarray(0, pairCount));
      this.tails.set(tails.subarray(0, pairCount));
      let total = pairCount;
      if (pairWeights) {
        total = 0;
        for (let p = 0; p < pairCount; p++) total += pairWeights[p]!;
      }
      const each = 1 / (total * (1 + rate));
      this.weights.fill(each, 0, pairCount);
      if (pairWeights) for (let p = 0; p < pairCount; p++) this.weights[p]! *= pairWeights[p]!;
      this.negatives = undefined;
      if (this.count === pairCount) return;
      const state = Int32Array.from({ length: 4 }, (_, i) => random.uint32() | Number(i === 3));
      const star = 1 + tailsPerHead;
      const apart = rowCount > 2 * star ? star : 1;
      const weightRatio = (rate * repulsionStrength) / draws;
      this.negatives = { samples: draws, weightRatio, rowCount, excluded: apart, state };
    },
  };
}

/** Draws the negatives of a table; a kernel does the same. */
export function repel(table: PairTable): void {
  if (table.negatives === undefined) return;
  const { heads, tails, weights, positives, count } = table;
  const { samples: draws, weightRatio: share, rowCount, excluded: apart, state } = table.negatives;
  drawIntegers(state, tails.subarray(positives, count), rowCount - apart);
  for (let p = 0, at = positives; p < positives; p++) {
    const head = heads[p]!;
    const end = at + draws;
    heads.fill(head, at, end);
    weights.fill(share * weights[p]!, at, end);
    // Counted from the first row behind those that are left out, and around.
    for (; at < end; at++) {
      const tail = head + apart + tails[at]!;
      tails[at] = tail < rowCount ? tail : tail - rowCount;
    }
  }
  table.negatives = undefined;
}

/** Value and gradient in one pass, in a kernel or on the host, instead of some thirty tensor operations. */
function inOnePass(z: tf.Tensor2D, pairs: PairTable, { a, b }: UmapLossOptions): tf.Scalar {
  const curve = { a, b, tiny: TINY, tangent: TANGENT, ...farEnd({ a, b }) };
  const byHost = onHost((points, gradient) => {
    repel(pairs);
    return crossEntropy(points, z.shape[1], pairs, a, b, gradient);
  });
  return withGradient(z, (points) => pairLoss(points, pairs, curve) ?? byHost(points));
}

/**
 * Adds the weighted cost of all pairs and writes its gradient with respect to `points` (row-major, `columns`
 * wide) into `gradient`, which must come in as zeros.
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
 * Points in one place have no direction to leave each other; they take one by bits of the head's number, the same along
 * every axis but for its sign.
 */
function direction(head: number, axis: number): 1 | -1 {
  return (Math.imul(head, 0x9e3779b1) >>> (16 + (axis & 15))) & 1 ? 1 : -1;
}

/** The same in tensor operations, for a device that cannot be read synchronously. */
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
  const slope = -b / (TANGENT * (1 + a * TANGENT ** b));
  const { farthest, pull } = farEnd({ a, b });
  const repulsion = cost(positives, count, (squared, differences, heads) => {
    const power = tf.pow(tf.minimum(tf.maximum(squared, TANGENT), farthest), b);
    const beyond = tf.log1p(tf.div(1 / a, power));
    const far = tf.mul(tf.relu(tf.sub(squared, farthest)), pull);
    const near = tf.mul(tf.minimum(tf.sub(squared, TANGENT), 0), slope);
    // Adds 0 to the cost, and to the gradient what pushes coincident points apart.
    const coincident = detach(squared, (values) => tf.cast(tf.equal(values, 0), 'float32'));
    const along = tf.sum(tf.mul(differences, tf.gather(directions(z.shape), heads)), 1);
    return tf.addN([beyond, near, far, tf.mul(tf.mul(along, coincident), 2 * slope)]);
  });
  return tf.add(attraction, repulsion);
}

/** Where each point goes from another one in the same place. */
function directions([rows, columns]: readonly [number, number]): tf.Tensor2D {
  const values = Float32Array.from(
    { length: rows * columns },
    (_, at) => direction(Math.floor(at / columns), at % columns) * Math.sqrt(TANGENT / columns),
  );
  return tf.tensor2d(values, [rows, columns]);
}
