/** Non-parametric UMAP: optimizes positions of a graph's vertices by stochastic gradient descent. */

import { blockOf, inBlocks, type Work, whole } from '../core/pauses.js';
import type { Edges, Matrix, Random } from '../core/types.js';
import type { Curve } from '../math/curve.js';
import { BLOCK_EDGES, bindLayoutKernel, type LayoutLists, type LayoutPass, segmentLength } from './kernel.js';

export interface RefineOptions {
  /** Curve of the similarity 1 / (1 + a d^(2b)), as `fitCurve` gives it. */
  readonly curve: Curve;
  /** Number of times that the heaviest edge is sampled; others in proportion to their weight. */
  readonly epochs: number;
  /** Negative samples per sampled edge. */
  readonly negativeSampleRate: number;
  /** Factor on the repulsion. */
  readonly repulsionStrength: number;
  readonly random: Random;
}

/** Blocks of edges for which negative samples are drawn at once. */
const BLOCKS = 8;

/** Where a refinement is, as plain data; the rest is in its random stream. */
export interface ClassicState {
  readonly epoch: number;
  readonly positions: Float32Array;
  /** Epoch at which each edge is due next. */
  readonly due: Float32Array;
}

/** A refinement that stands between two epochs. */
export interface ClassicLayout {
  /** Epochs that are done. */
  readonly epoch: number;
  /**
   * Runs the epochs up to number `toEpoch`, at most `options.epochs`; none if they are done. Yields the part of all epochs that
   * is done.
   */
  advance(toEpoch: number): Work<void>;
  /** A copy of the positions after the epochs done so far. */
  positions(): Matrix;
  /** A copy of the state after the epochs done so far. */
  state(): ClassicState;
  /** Sets the state back; that of `options.random` is the caller's. */
  restore(state: ClassicState): void;
}

/** Epochs of a layout by umap-learn's rule: 500 up to 10,000 rows, 200 above. */
export function layoutEpochs(rows: number): number {
  return rows <= 10_000 ? 500 : 200;
}

/**
 * Prepares to optimize a copy of `start` as in McInnes, Healy and Melville (2018, section 3.2) and umap-learn: a sampled edge
 * attracts its two ends and repels its head from random vertices, at a learning rate that falls from 1 to 0. With
 * g = a d^(2b), a step is along the difference of the two positions times
 *   -2 g b / (d² (1 + g))              for attraction,
 *    2 b s / ((0.001 + d²) (1 + g))    for repulsion of strength s.
 * Runs a kernel, or JavaScript where WebAssembly is not allowed; with `compiled` false always JavaScript. Positions do not
 * depend on the slices in which the epochs run.
 */
export function* classicLayoutInParts(
  edges: Edges,
  start: Matrix,
  options: RefineOptions,
  compiled = true,
): Work<ClassicLayout> {
  const { head, vertices } = edges;
  const { curve, epochs, repulsionStrength: strength, random } = options;
  const lists = yield* listsOf(edges, start, options);
  yield;
  const kernel = compiled ? bindLayoutKernel(lists) : undefined;
  const { positions, samples, due } = kernel ?? lists;
  const turns = 8 * segmentLength(head.length);
  let epoch = 0;
  return {
    get epoch() {
      return epoch;
    },
    *advance(toEpoch) {
      for (; epoch < Math.min(toEpoch, epochs); epoch++) {
        const parameters = { ...curve, epoch, rate: 1 - epoch / epochs, strength };
        for (let turn = 0; turn < turns; ) {
          random.integers(samples, vertices);
          turn = kernel ? kernel.pass(turn, parameters) : pass(lists, turn, parameters);
          yield (epoch + Math.min(1, turn / turns)) / epochs;
        }
      }
    },
    positions: () => ({ data: positions.slice(), shape: start.shape }),
    state: () => ({ epoch, positions: positions.slice(), due: due.slice() }),
    restore(state) {
      epoch = state.epoch;
      positions.set(state.positions);
      due.set(state.due);
    },
  };
}

/** As {@link classicLayoutInParts}, at once. */
export const classicLayout = whole(classicLayoutInParts);

/** What the passes read and change, before the first epoch. */
function* listsOf(
  { head, tail, weight }: Edges,
  start: Matrix,
  { curve, negativeSampleRate: negatives, random }: RefineOptions,
): Work<LayoutLists> {
  const heaviest = weight.reduce((most, w) => Math.max(most, w), 0);
  const period = new Float32Array(weight.length);
  const due = new Float32Array(weight.length);
  // Edge e is due every heaviest / weight[e] epochs, with a random offset, so that edges spread over the epochs.
  yield* inBlocks(weight.length, blockOf(8), (from, to) => {
    for (let e = from; e < to; e++) {
      period[e] = heaviest / weight[e]!;
      due[e] = (random.next() * heaviest) / weight[e]!;
    }
  });
  return {
    ...powerTable(curve.b),
    positions: Float32Array.from(start.data),
    columns: start.shape[1],
    ...{ head, tail, period, due },
    samples: new Int32Array(BLOCKS * BLOCK_EDGES * negatives),
    negatives,
  };
}

/** All epochs of a {@link classicLayout} from `layout` on. */
export function* refineLayoutInParts(
  edges: Edges,
  layout: Matrix,
  options: RefineOptions,
  compiled = true,
): Work<Matrix> {
  const refinement = yield* classicLayoutInParts(edges, layout, options, compiled);
  yield* refinement.advance(options.epochs);
  return refinement.positions();
}

/** As {@link refineLayoutInParts}, at once. */
export const refineLayout = whole(refineLayoutInParts);

/**
 * Largest step along one axis, before the learning rate; and the number that keeps repulsion finite. As in
 * umap-learn.
 */
const MAX_STEP = 4;
export const SOFTENING = 1e-3;

/** The kernel's `pass` in JavaScript. */
function pass(lists: LayoutLists, turn: number, { epoch, a, b, rate, strength }: LayoutPass): number {
  const { positions, columns, head, tail, period, due, samples, negatives } = lists;
  const segment = segmentLength(head.length);
  // Position of the head before the step.
  const start = new Float32Array(columns);
  const squaredDistance = (to: number) => start.reduce((sum, x, c) => sum + (x - positions[to + c]!) ** 2, 0);
  let next = 0;
  for (; turn < 8 * segment; turn++) {
    if (turn % BLOCK_EDGES === 0 && next + BLOCK_EDGES * negatives > samples.length) break;
    const edge = (turn % 8) * segment + Math.floor(turn / 8);
    // Also false beyond the last edge, where `due` is undefined.
    if (!(due[edge]! <= epoch)) continue;
    due[edge]! += period[edge]!;
    const from = head[edge]! * columns;
    const to = tail[edge]! * columns;
    start.set(positions.subarray(from, from + columns));
    const squared = squaredDistance(to);
    if (squared > 0) {
      const g = a * power(lists, squared);
      const factor = (-2 * g * b) / (squared * (1 + g));
      for (let c = 0; c < columns; c++) {
        const step = rate * clipped(factor * (start[c]! - positions[to + c]!));
        positions[from + c]! += step;
        positions[to + c]! -= step;
      }
    }
    for (const end = next + negatives; next < end; next++) {
      const other = samples[next]! * columns;
      if (other === from) continue;
      const squared = squaredDistance(other);
      const factor = (2 * strength * b) / ((SOFTENING + squared) * (1 + a * power(lists, squared)));
      for (let c = 0; c < columns; c++)
        positions[from + c]! += rate * clipped(factor * (start[c]! - positions[other + c]!));
    }
  }
  return turn;
}

/** A step along one axis, at most {@link MAX_STEP}. */
export function clipped(step: number): number {
  return Math.min(Math.max(step, -MAX_STEP), MAX_STEP);
}

/** Octaves of s in the table of s^b, from 2^-40 on; smaller values count as 0. */
const OCTAVES = 80;

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/**
 * Values of s^b, 128 per octave. An entry belongs to the upper 16 bits of s as a 32-bit float, the first one to `first`.
 */
export function powerTable(b: number): Pick<LayoutLists, 'table' | 'first' | 'last'> {
  const first = (127 - OCTAVES / 2) * 128;
  const last = OCTAVES * 128 - 1;
  const table = Float64Array.from({ length: last + 2 }, (_, at) => {
    bits[0] = (first + at) << 16;
    return float[0]! ** b;
  });
  return { table, first, last };
}

/** s^b for s < 2^40 by linear interpolation: relative error up to 1e-5 b², in a fraction of the time of `Math.pow`. */
export function power(
  { table, first, last }: Pick<LayoutLists, 'table' | 'first' | 'last'>,
  s: number,
): number {
  float[0] = s;
  const at = Math.min((bits[0]! >> 16) - first, last);
  if (at < 0) return 0;
  const low = table[at]!;
  return low + ((bits[0]! & 0xffff) / 0x10000) * (table[at + 1]! - low);
}
