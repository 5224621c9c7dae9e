/** UMAP's cross-entropy of pairs of points, in one pass on WebAssembly. */

import type { Tensor2D } from '../core/tf.js';
import * as tf from '../core/tf.js';
import { grown } from '../core/wasmModule.js';
import { activeKernels, allocate, type BoundKernels, pointer, standaloneKernels } from './wasm/module.js';

/** Pairs of rows: positive ones first, then negative ones. Entries from `count` on are ignored. */
export interface WeightedPairs {
  readonly heads: Int32Array;
  readonly tails: Int32Array;
  readonly weights: Float32Array;
  readonly positives: number;
  readonly count: number;
  /** How to draw the negative pairs, if the entries from `positives` on are still empty. */
  readonly negatives?: Negatives | undefined;
}

/**
 * Negative sampling for each positive pair: `samples` negatives, each weighted `weightRatio` times the positive's weight.
 * Candidates are the batch's `rowCount` rows except the `excluded` rows starting at the head, wrapping around at the end;
 * 1 ≤ `excluded` < `rowCount`.
 */
export interface Negatives {
  readonly samples: number;
  readonly weightRatio: number;
  readonly rowCount: number;
  readonly excluded: number;
  /** State of the generator xoshiro128** that draws the rows: four words. */
  readonly state: Int32Array;
}

/** The similarity 1 / (1 + a d^(2b)), and where its cost is smoothed. */
export interface PairCurve {
  readonly a: number;
  readonly b: number;
  /** Positive pairs count as at least this far apart (squared distance). */
  readonly tiny: number;
  /** The cost of a negative pair follows its tangent below this squared distance. */
  readonly tangent: number;
  /** From this squared distance on, the derivative of a negative pair's cost by it is `pull`. */
  readonly farthest: number;
  readonly pull: number;
}

/** A cost and its gradient (rows x columns). The caller disposes of the tensor. */
export interface PairCost {
  readonly value: number;
  readonly gradient: Tensor2D;
}

/**
 * The weighted cost of all pairs among the rows of `points`, and its gradient, as in losses/umap.ts but in 32-bit
 * floats. Relative error per pair: 2e-6, or 1e-5 where the cost is close to 0; derivatives below 2^-126 may be 0. NaN
 * for points that are not finite or more than 1e19 apart. Undefined if the active backend is neither WebAssembly with
 * our kernels nor native TensorFlow with compiled kernels. Throws `RangeError` if there is no memory left.
 */
export function pairLoss(points: Tensor2D, pairs: WeightedPairs, curve: PairCurve): PairCost | undefined {
  const kernels = activeKernels();
  if (kernels !== undefined) return inBackend(kernels, points, pairs, curve);
  return tf.getBackend() === 'tensorflow' ? onStandalone(points, pairs, curve) : undefined;
}

/** In the memory of the backend, which holds the points. */
function inBackend(
  kernels: BoundKernels,
  points: Tensor2D,
  pairs: WeightedPairs,
  curve: PairCurve,
): PairCost {
  const { backend, run } = kernels;
  const out = backend.makeOutput([...points.shape], 'float32');
  const gradient = tf.engine().makeTensorFromTensorInfo(out) as Tensor2D;
  const lists = allocate(backend, 12 * pairs.count + STATE + run.pairScratch());
  const { buffer } = backend.wasm.HEAPU8;
  const [from, to] = [pointer(kernels, points), pointer(kernels, out)];
  const value = cost(run, buffer, { points: from, gradient: to, lists }, points.shape, pairs, curve);
  backend.wasm._free(lists);
  return { value, gradient };
}

/** In separate memory, to which the points are copied. */
export function onStandalone(points: Tensor2D, pairs: WeightedPairs, curve: PairCurve): PairCost | undefined {
  const standalone = standaloneKernels();
  if (standalone === undefined) return undefined;
  const lists = 8 * points.size;
  const { buffer } = grown(
    standalone.memory,
    lists + 12 * pairs.count + STATE + standalone.run.pairScratch(),
  );
  new Float32Array(buffer, 0, points.size).set(points.dataSync<'float32'>());
  const at = { points: 0, gradient: 4 * points.size, lists };
  const value = cost(standalone.run, buffer, at, points.shape, pairs, curve);
  const gradient = new Float32Array(buffer, at.gradient, points.size).slice();
  return { value, gradient: tf.tensor2d(gradient, points.shape) };
}

/** Bytes of the generator's state. */
const STATE = 16;

/** Copies the pairs to `at.lists`, draws the negative ones there if they are missing, and runs the kernel. */
function cost(
  run: BoundKernels['run'],
  buffer: ArrayBufferLike,
  at: { readonly points: number; readonly gradient: number; readonly lists: number },
  [rows, columns]: readonly [number, number],
  { heads, tails, weights, positives, count, negatives }: WeightedPairs,
  { a, b, tiny, tangent, farthest, pull }: PairCurve,
): number {
  const bytes = new Uint8Array(buffer);
  const filled = 4 * (negatives ? positives : count);
  const addresses = [heads, tails, weights].map((list, i) => {
    const address = at.lists + i * count * 4;
    bytes.set(new Uint8Array(list.buffer, list.byteOffset, filled), address);
    return address;
  });
  const state = at.lists + 12 * count;
  if (negatives) {
    const { samples, weightRatio, rowCount, excluded } = negatives;
    bytes.set(new Uint8Array(negatives.state.buffer), state);
    run.drawNegatives(...addresses, positives, samples, weightRatio, rowCount, excluded, state);
  }
  return run.pairCosts(
    ...[at.points, rows, columns, at.gradient],
    ...[...addresses, positives, count],
    ...[Math.log2(a), b, tiny, tangent, farthest, pull, state + STATE],
  );
}
