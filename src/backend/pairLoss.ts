/** UMAP's cross-entropy of pairs of points, in one pass on WebAssembly. */

import type { Tensor2D } from '../core/tf.js';
import * as tf from '../core/tf.js';
import { grown } from '../core/wasmModule.js';
import { activeWorkshop, allocate, ownDesk, pointer, type Workshop } from './wasm/module.js';

/** Pairs of rows: positive ones first, then negative ones. Entries from `count` on do not matter. */
export interface WeightedPairs {
  readonly heads: Int32Array;
  readonly tails: Int32Array;
  readonly weights: Float32Array;
  readonly positives: number;
  readonly count: number;
  /** Negative pairs that are still to be drawn: their entries are empty. */
  readonly negatives?: Negatives | undefined;
}

/**
 * For each positive pair, `draws` of `share` its weight: its head with rows of `rowCount`, all but the `apart` from the
 * head itself on (behind the last comes the first); 1 ≤ `apart` < `rowCount`.
 */
export interface Negatives {
  readonly draws: number;
  readonly share: number;
  readonly rowCount: number;
  readonly apart: number;
  /** Four numbers from which xoshiro128** draws the rows. */
  readonly state: Int32Array;
}

/** The similarity 1 / (1 + a d^(2b)), and where it is smoothed. */
export interface PairCurve {
  readonly a: number;
  readonly b: number;
  /** Least squared distance of a positive pair. */
  readonly tiny: number;
  /** The cost of a negative pair follows its tangent below this squared distance. */
  readonly tangent: number;
  /** From this squared distance on, the derivative of a negative pair's cost by it is `pull`. */
  readonly farthest: number;
  readonly pull: number;
}

/** A cost and its gradient; the tensor is the caller's to dispose. */
export interface PairCost {
  readonly value: number;
  readonly gradient: Tensor2D;
}

/**
 * The weighted cost of all pairs among the rows of `points`, and its gradient, as `crossEntropy` of
 * losses/umap.ts computes them, in 32-bit floats: each pair to a relative 2e-6, or 1e-5 where it is so near or far that
 * next to nothing is left of its cost; slopes below 2^-126 may be 0. NaN for points that are not finite or more than
 * 1e19 apart. Undefined when the active backend is neither WebAssembly with our kernels nor native TensorFlow with the
 * kernels compiled. Throws `RangeError` when there is no memory left.
 */
export function pairLoss(points: Tensor2D, pairs: WeightedPairs, curve: PairCurve): PairCost | undefined {
  const shop = activeWorkshop();
  if (shop !== undefined) return inBackend(shop, points, pairs, curve);
  return tf.getBackend() === 'tensorflow' ? onDesk(points, pairs, curve) : undefined;
}

/** In the memory of the backend, where the points are. */
function inBackend(shop: Workshop, points: Tensor2D, pairs: WeightedPairs, curve: PairCurve): PairCost {
  const { backend, run } = shop;
  const out = backend.makeOutput([...points.shape], 'float32');
  const gradient = tf.engine().makeTensorFromTensorInfo(out) as Tensor2D;
  const lists = allocate(backend, 12 * pairs.count + STATE + run.pairScratch());
  const { buffer } = backend.wasm.HEAPU8;
  const [from, to] = [pointer(shop, points), pointer(shop, out)];
  const value = cost(run, buffer, { points: from, gradient: to, lists }, points.shape, pairs, curve);
  backend.wasm._free(lists);
  return { value, gradient };
}

/** In a memory of our own, to which the points are copied. */
export function onDesk(points: Tensor2D, pairs: WeightedPairs, curve: PairCurve): PairCost | undefined {
  const desk = ownDesk();
  if (desk === undefined) return undefined;
  const lists = 8 * points.size;
  const { buffer } = grown(desk.memory, lists + 12 * pairs.count + STATE + desk.run.pairScratch());
  new Float32Array(buffer, 0, points.size).set(points.dataSync<'float32'>());
  const places = { points: 0, gradient: 4 * points.size, lists };
  const value = cost(desk.run, buffer, places, points.shape, pairs, curve);
  const gradient = new Float32Array(buffer, places.gradient, points.size).slice();
  return { value, gradient: tf.tensor2d(gradient, points.shape) };
}

/** Bytes of the state that negative pairs are drawn from. */
const STATE = 16;

/** Copies the lists of pairs into the memory, or draws them there, with the kernel's scratch behind them, and runs it. */
function cost(
  run: Workshop['run'],
  buffer: ArrayBufferLike,
  at: { readonly points: number; readonly gradient: number; readonly lists: number },
  [rows, columns]: readonly [number, number],
  { heads, tails, weights, positives, count, negatives }: WeightedPairs,
  { a, b, tiny, tangent, farthest, pull }: PairCurve,
): number {
  const bytes = new Uint8Array(buffer);
  const known = 4 * (negatives ? positives : count);
  const places = [heads, tails, weights].map((list, i) => {
    const place = at.lists + i * count * 4;
    bytes.set(new Uint8Array(list.buffer, list.byteOffset, known), place);
    return place;
  });
  const state = at.lists + 12 * count;
  if (negatives) {
    const { draws, share, rowCount, apart } = negatives;
    bytes.set(new Uint8Array(negatives.state.buffer), state);
    run.drawNegatives(...places, positives, draws, share, rowCount, apart, state);
  }
  return run.pairCosts(
    ...[at.points, rows, columns, at.gradient],
    ...[...places, positives, count],
    ...[Math.log2(a), b, tiny, tangent, farthest, pull, state + STATE],
  );
}
