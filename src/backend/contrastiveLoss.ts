/** The contrastive losses of pairs of points, in one pass on WebAssembly. */

import type { Tensor2D } from '../core/tf.js';
import * as tf from '../core/tf.js';
import { grown } from '../core/wasmModule.js';
import { activeKernels, allocate, type BoundKernels, pointer, standaloneKernels } from './wasm/module.js';

/**
 * Contrastive losses: the cross-entropy of UMAP, negative sampling, noise-contrastive estimation, InfoNCE, and InfoNCE whose
 * sum runs over the negatives only. The order is that of the numbers in kernels/training/contrastive.ts.
 */
export const lossModes = ['umap', 'neg', 'nce', 'infonce', 'infonceAlt'] as const;
/** One of the contrastive losses. */
export type LossMode = (typeof lossModes)[number];

/** Where the negatives of a pair come from, in the order of the kernel's numbers. */
const sources = ['none', 'drawn', 'all', 'listed'] as const;

/** Pairs of rows of a batch, and what their negatives are. Entries of the lists from `count` on are ignored. */
export interface ContrastivePairs {
  readonly heads: Int32Array;
  readonly tails: Int32Array;
  /** Factor on the cost of each pair with its negatives. */
  readonly weights: Float32Array;
  readonly count: number;
  /** Rows of the batch. */
  readonly rowCount: number;
  /**
   * `drawn`: `samples` with replacement from the batch except the `excluded` rows starting at the head, wrapping around at the
   * end, or from `list` without the head; `all`: every row of the batch or of `list` but head and tail; `listed`: `samples`
   * entries of `list` for each pair, -1 for none.
   */
  readonly source: (typeof sources)[number];
  readonly samples: number;
  readonly excluded: number;
  /** Rows that are no negatives of a pair, in place of the `excluded` ones; without a `list`. */
  readonly barred?: BarredRows | undefined;
  /** Positions in the batch; undefined: all of them. Only the first `listCount` entries are valid. */
  readonly list?: Int32Array | undefined;
  readonly listCount: number;
  /** State of the four generators that draw: word `w` of generator `i` at `4 w + i`. */
  readonly state: Int32Array;
}

/** For each pair some rows of the batch, its head among them. */
export interface BarredRows {
  /** Of pair p: those of `rows` from `ranges[2 p]` to `ranges[2 p + 1]`, in ascending order. */
  readonly ranges: Int32Array;
  readonly rows: Int32Array;
}

/** Which loss, and its numbers. */
export interface ContrastiveForm {
  readonly mode: LossMode;
  /** Similarity exp(cosine / temperature) instead of 1 / (1 + d^2). */
  readonly cosine: boolean;
  /** kappa; for nce the normalization Z, which is multiplied by the number of negatives of the pair. */
  readonly kappa: number;
  readonly temperature: number;
  /** Factor on both InfoNCE losses. */
  readonly factor: number;
  /** The cost of a negative of umap follows its tangent below this squared distance. */
  readonly tangent: number;
}

/** A cost and its derivatives. */
export interface ContrastiveCost {
  readonly value: number;
  /** With respect to the points, rows x columns. The receiver disposes of it. */
  readonly gradient: Tensor2D;
  /** With respect to log kappa (neg, nce) and the log of the temperature (cosine). */
  readonly byLogKappa: number;
  readonly byLogTemperature: number;
}

/**
 * The weighted cost of all pairs with their negatives, as in losses/contrastive.ts but in 32-bit floats; relative error of
 * about 1e-6. NaN for points that are not finite or 1e15 or more from the origin, and for positions outside the batch.
 * Undefined if the active backend is neither WebAssembly with our kernels nor native TensorFlow with compiled kernels. Throws
 * `RangeError` if there is no memory left.
 */
export function contrastiveCosts(
  points: Tensor2D,
  pairs: ContrastivePairs,
  form: ContrastiveForm,
): ContrastiveCost | undefined {
  const kernels = activeKernels();
  if (kernels !== undefined) return inBackend(kernels, points, pairs, form);
  return tf.getBackend() === 'tensorflow' ? contrastiveOnStandalone(points, pairs, form) : undefined;
}

/** In the memory of the backend, which holds the points. */
function inBackend(
  kernels: BoundKernels,
  points: Tensor2D,
  pairs: ContrastivePairs,
  form: ContrastiveForm,
): ContrastiveCost {
  const { backend, run } = kernels;
  const out = backend.makeOutput([...points.shape], 'float32');
  const gradient = tf.engine().makeTensorFromTensorInfo(out) as Tensor2D;
  const lists = allocate(backend, bytesOf(run, points.shape, pairs, form.cosine));
  const { buffer } = backend.wasm.HEAPU8;
  const at = { points: pointer(kernels, points), gradient: pointer(kernels, out), lists };
  const found = costs(run, buffer, at, points.shape, pairs, form);
  backend.wasm._free(lists);
  return { ...found, gradient };
}

/** In separate memory, to which the points are copied. Undefined before the kernels are compiled. */
export function contrastiveOnStandalone(
  points: Tensor2D,
  pairs: ContrastivePairs,
  form: ContrastiveForm,
): ContrastiveCost | undefined {
  const standalone = standaloneKernels();
  if (standalone === undefined) return undefined;
  const { memory, run } = standalone;
  const lists = 8 * points.size;
  const { buffer } = grown(memory, lists + bytesOf(run, points.shape, pairs, form.cosine));
  new Float32Array(buffer, 0, points.size).set(points.dataSync<'float32'>());
  const at = { points: 0, gradient: 4 * points.size, lists };
  const found = costs(run, buffer, at, points.shape, pairs, form);
  const gradient = new Float32Array(buffer, at.gradient, points.size).slice();
  return { ...found, gradient: tf.tensor2d(gradient, points.shape) };
}

/** Bytes of the two results, and of the generators' state. */
const RESULTS = 16;
const STATE = 64;

/** Entries of `list`. */
function entriesOf({ list, listCount, source, samples, count }: ContrastivePairs): number {
  if (source === 'listed') return count * samples;
  return list === undefined ? 0 : listCount;
}

/** Bytes for everything but points and gradient. */
function bytesOf(
  run: BoundKernels['run'],
  [rows, columns]: readonly [number, number],
  pairs: ContrastivePairs,
  cosine: boolean,
): number {
  const { source, samples, list, listCount, count, barred } = pairs;
  const barredEntries = barred === undefined ? 0 : 2 * count + barred.rows.length;
  const most = source === 'all' ? (list === undefined ? rows : listCount) : samples;
  const lists = 12 * count + 4 * (barredEntries + entriesOf(pairs));
  const kind = [sources.indexOf(source), Number(cosine), Number(list !== undefined)];
  return RESULTS + STATE + lists + run.contrastiveScratch(rows, columns, most, ...kind);
}

/** Copies the lists to `at.lists`, and runs the kernel. */
function costs(
  run: BoundKernels['run'],
  buffer: ArrayBufferLike,
  at: { readonly points: number; readonly gradient: number; readonly lists: number },
  [rows, columns]: readonly [number, number],
  pairs: ContrastivePairs,
  { mode, cosine, kappa, temperature, factor, tangent }: ContrastiveForm,
): Omit<ContrastiveCost, 'gradient'> {
  const { heads, tails, weights, count, source, samples, excluded, barred, listCount, state } = pairs;
  const bytes = new Uint8Array(buffer);
  let end = at.lists + RESULTS;
  const copied = (list: Int32Array | Float32Array, entries: number): number => {
    const from = end;
    bytes.set(new Uint8Array(list.buffer, list.byteOffset, 4 * entries), from);
    end += 4 * entries;
    return from;
  };
  const stateAt = copied(state, STATE / 4);
  const pairsAt = [copied(heads, count), copied(tails, count), copied(weights, count)];
  const barredAt = barred
    ? [copied(barred.ranges, 2 * count), copied(barred.rows, barred.rows.length)]
    : [0, 0];
  const entries = entriesOf(pairs);
  const listAt = pairs.list === undefined ? 0 : copied(pairs.list, entries);
  const value = run.contrastiveCosts(
    ...[at.points, rows, columns, at.gradient, ...pairsAt, count],
    ...[sources.indexOf(source), samples, excluded, ...barredAt, listAt, listCount, stateAt],
    ...[lossModes.indexOf(mode), Number(cosine), kappa, temperature, factor, tangent, at.lists, end],
  );
  const results = new DataView(buffer, at.lists, RESULTS);
  const [byLogKappa, byLogTemperature] = [results.getFloat64(0, true), results.getFloat64(8, true)];
  return { value, byLogKappa, byLogTemperature };
}
