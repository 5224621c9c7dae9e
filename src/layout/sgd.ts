/** UMAP without a network: places of a graph's vertices, moved by stochastic gradient descent. */

import { blockOf, inBlocks, type Work, whole } from '../core/pauses.js';
import type { Edges, Matrix, Random } from '../core/types.js';
import type { Curve } from '../math/curve.js';
import { atOnce, bindLayoutKernel, type LayoutLists, type LayoutPass, stretchOf } from './kernel.js';

export interface RefineOptions {
  /** Curve of the similarity 1 / (1 + a d^(2b)), as `fitCurve` gives it. */
  readonly curve: Curve;
  /** Times that the heaviest edge is drawn; others in proportion to their weight. */
  readonly epochs: number;
  /** Vertices that each drawn edge's head is pushed from. */
  readonly negativeSampleRate: number;
  /** Factor on the push. */
  readonly repulsionStrength: number;
  readonly random: Random;
}

/** Blocks of turns for which vertices to be pushed from are drawn at once. */
const BLOCKS = 8;

/**
 * Moves a copy of `layout` by the optimisation of McInnes, Healy and Melville (2018, section 3.2), as umap-learn does:
 * an edge pulls its two ends together and pushes its head from vertices drawn at random, at a rate that falls from 1
 * to 0. With g = a d^(2b), an end moves along the difference of the two places times
 *   -2 g b / (d² (1 + g))              for the pull,
 *    2 b s / ((0.001 + d²) (1 + g))    for the push, of strength s.
 * A kernel does it, or a script where WebAssembly is not allowed; `compiled` false asks for the latter.
 */
export function* refineLayoutInParts(
  edges: Edges,
  layout: Matrix,
  options: RefineOptions,
  compiled = true,
): Work<Matrix> {
  const { head, tail, weight, vertices } = edges;
  const { curve, epochs, negativeSampleRate: negatives, repulsionStrength: strength, random } = options;
  const heaviest = weight.reduce((most, w) => Math.max(most, w), 0);
  const period = new Float32Array(weight.length);
  const due = new Float32Array(weight.length);
  // Edge e is due every heaviest / weight[e] epochs, from a start of its own, so that no epoch holds them all.
  yield* inBlocks(weight.length, blockOf(8), (from, to) => {
    for (let e = from; e < to; e++) {
      period[e] = heaviest / weight[e]!;
      due[e] = (random.next() * heaviest) / weight[e]!;
    }
  });
  const lists: LayoutLists = {
    ...powerTable(curve.b),
    places: Float32Array.from(layout.data),
    columns: layout.shape[1],
    ...{ head, tail, period, due },
    others: new Int32Array(BLOCKS * atOnce * negatives),
    negatives,
  };
  yield;
  const kernel = compiled ? bindLayoutKernel(lists) : undefined;
  const { places, others } = kernel ?? lists;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const numbers = { ...curve, epoch, rate: 1 - epoch / epochs, strength };
    for (let turn = 0; turn < 8 * stretchOf(head.length); ) {
      random.integers(others, vertices);
      turn = kernel ? kernel.pass(turn, numbers) : pass(lists, turn, numbers);
      yield;
    }
  }
  return { data: places.slice(), shape: layout.shape };
}

/** As {@link refineLayoutInParts}, at once. */
export const refineLayout = whole(refineLayoutInParts);

/** Largest step along one axis, before the learning rate; and what keeps a push finite. Both as in umap-learn. */
const reach = 4;
const softening = 1e-3;

/** What the kernel's `pass` does. */
function pass(lists: LayoutLists, turn: number, { epoch, a, b, rate, strength }: LayoutPass): number {
  const { places, columns, head, tail, period, due, others, negatives } = lists;
  const stretch = stretchOf(head.length);
  // The head's place as it is before the edge moves it.
  const start = new Float32Array(columns);
  const squaredDistance = (to: number) => start.reduce((sum, x, c) => sum + (x - places[to + c]!) ** 2, 0);
  let next = 0;
  for (; turn < 8 * stretch; turn++) {
    if (turn % atOnce === 0 && next + atOnce * negatives > others.length) break;
    const edge = (turn % 8) * stretch + Math.floor(turn / 8);
    // Beyond the last edge nothing is due.
    if (!(due[edge]! <= epoch)) continue;
    due[edge]! += period[edge]!;
    const from = head[edge]! * columns;
    const to = tail[edge]! * columns;
    start.set(places.subarray(from, from + columns));
    const squared = squaredDistance(to);
    if (squared > 0) {
      const g = a * power(lists, squared);
      const slope = (-2 * g * b) / (squared * (1 + g));
      for (let c = 0; c < columns; c++) {
        const step = rate * clipped(slope * (start[c]! - places[to + c]!));
        places[from + c]! += step;
        places[to + c]! -= step;
      }
    }
    for (const end = next + negatives; next < end; next++) {
      const other = others[next]! * columns;
      if (other === from) continue;
      const squared = squaredDistance(other);
      const slope = (2 * strength * b) / ((softening + squared) * (1 + a * power(lists, squared)));
      for (let c = 0; c < columns; c++)
        places[from + c]! += rate * clipped(slope * (start[c]! - places[other + c]!));
    }
  }
  return turn;
}

function clipped(step: number): number {
  return Math.min(Math.max(step, -reach), reach);
}

/** Octaves of s that the table of s^b holds, from 2^-40; what is smaller counts as 0. */
const octaves = 80;

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** Values of s^b at 128 places an octave, the first of them at the upper 16 bits `first` of s as a 32-bit float. */
export function powerTable(b: number): Pick<LayoutLists, 'table' | 'first' | 'last'> {
  const first = (127 - octaves / 2) * 128;
  const last = octaves * 128 - 1;
  const table = Float64Array.from({ length: last + 2 }, (_, at) => {
    bits[0] = (first + at) << 16;
    return float[0]! ** b;
  });
  return { table, first, last };
}

/** s^b for s below 2^40, by interpolation: right to a relative 1e-5 b², in a fraction of the time of `Math.pow`. */
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
