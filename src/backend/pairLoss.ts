/** UMAP's cross-entropy of pairs of points, in one pass on WebAssembly. */
import type { Tensor2D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { activeWorkshop, allocate, pointer } from './wasmModule.js';

/** Pairs of rows: positive ones first, then negative ones. Entries from `count` on do not matter. */
export interface WeightedPairs {
  readonly heads: Int32Array;
  readonly tails: Int32Array;
  readonly weights: Float32Array;
  readonly positives: number;
  readonly count: number;
}

/** The similarity 1 / (1 + a d^(2b)), and where it is smoothed. */
export interface PairCurve {
  readonly a: number;
  readonly b: number;
  /** Least squared distance of a positive pair. */
  readonly tiny: number;
  /** The cost of a negative pair follows its tangent below this squared distance. */
  readonly tangent: number;
}

/**
 * The weighted cost of all pairs among the rows of `points`, and its gradient, as `crossEntropy` of
 * losses/umap.ts computes them; each pair to a relative 1e-9, before the gradient's sums are rounded to 32
 * bits. NaN for points that are not finite. The gradient is the caller's to dispose. Undefined when the active
 * backend is not WebAssembly with our kernels. Throws `RangeError` when there is no memory left.
 */
export function pairLoss(
  points: Tensor2D,
  { heads, tails, weights, positives, count }: WeightedPairs,
  { a, b, tiny, tangent }: PairCurve,
): { value: number; gradient: Tensor2D } | undefined {
  const shop = activeWorkshop();
  if (shop === undefined) return undefined;
  const { backend, run } = shop;
  const [rows, columns] = points.shape;
  const out = backend.makeOutput([rows, columns], 'float32');
  const gradient = tf.engine().makeTensorFromTensorInfo(out) as Tensor2D;
  const lists = [heads, tails, weights];
  const at = allocate(backend, lists.length * count * 4 + run.pairScratch());
  const places = lists.map((list, i) => {
    const place = at + i * count * 4;
    backend.wasm.HEAPU8.set(new Uint8Array(list.buffer, list.byteOffset, count * 4), place);
    return place;
  });
  const value = run.pairCosts(
    ...[pointer(shop, points), rows, columns, pointer(shop, out)],
    ...[...places, positives, count],
    ...[Math.log2(a), b, tiny, tangent, at + lists.length * count * 4],
  );
  backend.wasm._free(at);
  return { value, gradient };
}
