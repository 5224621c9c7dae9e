/** UMAP without a network: places of a graph's vertices, moved by stochastic gradient descent. */
import type { Curve } from './curve.js';
import type { Edges, Matrix, Random } from './types.js';

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

/** Largest step along one axis, before the learning rate; and what keeps a push finite. Both as in umap-learn. */
const reach = 4;
const softening = 1e-3;

/**
 * Moves a copy of `layout` by the optimisation of McInnes, Healy and Melville (2018, section 3.2), as umap-learn does:
 * an edge pulls its two ends together and pushes its head from vertices drawn at random, at a rate that falls from 1
 * to 0. With g = a d^(2b), an end moves along the difference of the two places times
 *   -2 g b / (d² (1 + g))              for the pull,
 *    2 b / ((0.001 + d²) (1 + g))      for the push.
 */
export function refineLayout(edges: Edges, layout: Matrix, options: RefineOptions): Matrix {
  const { head, tail, weight, vertices } = edges;
  const { curve, epochs, negativeSampleRate, repulsionStrength, random } = options;
  const columns = layout.shape[1];
  const places = Float32Array.from(layout.data);
  const moving = { places, columns, curve, power: powerTable(curve.b) };
  const heaviest = weight.reduce((most, w) => Math.max(most, w), 0);
  // Edge e is due every heaviest / weight[e] epochs, from a start of its own, so that no epoch holds them all.
  const due = Float32Array.from(weight, (w) => (random.next() * heaviest) / w);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = 1 - epoch / epochs;
    for (let edge = 0; edge < head.length; edge++) {
      if (due[edge]! > epoch) continue;
      due[edge]! += heaviest / weight[edge]!;
      const from = head[edge]! * columns;
      const to = tail[edge]! * columns;
      pull(moving, from, to, rate);
      for (let r = 0; r < negativeSampleRate; r++) {
        const other = random.integer(vertices) * columns;
        if (other !== from) push(moving, from, other, rate * repulsionStrength);
      }
    }
  }
  return { data: places, shape: layout.shape };
}

interface Moving {
  readonly places: Float32Array;
  readonly columns: number;
  readonly curve: Curve;
  /** s -> s^b. */
  readonly power: (s: number) => number;
}

/** Moves both ends of an edge; `from` and `to` are where their places begin. */
function pull(moving: Moving, from: number, to: number, rate: number) {
  const { places, columns, curve, power } = moving;
  const squared = squaredDistance(moving, from, to);
  if (squared === 0) return;
  const g = curve.a * power(squared);
  const slope = (-2 * g * curve.b) / (squared * (1 + g));
  for (let c = 0; c < columns; c++) {
    const step = rate * clipped(slope * (places[from + c]! - places[to + c]!));
    places[from + c]! += step;
    places[to + c]! -= step;
  }
}

/** Moves the vertex at `from` away from the one at `to`. */
function push(moving: Moving, from: number, to: number, rate: number) {
  const { places, columns, curve, power } = moving;
  const squared = squaredDistance(moving, from, to);
  const slope = (2 * curve.b) / ((softening + squared) * (1 + curve.a * power(squared)));
  for (let c = 0; c < columns; c++)
    places[from + c]! += rate * clipped(slope * (places[from + c]! - places[to + c]!));
}

function squaredDistance({ places, columns }: Moving, from: number, to: number): number {
  let squared = 0;
  for (let c = 0; c < columns; c++) squared += (places[from + c]! - places[to + c]!) ** 2;
  return squared;
}

/** Octaves of s that the table of s^b holds, from 2^-40; what is smaller counts as 0. */
const octaves = 80;

/**
 * s -> s^b for s below 2^40, by interpolation between 128 places an octave: right to a relative 1e-5 b², in a
 * fraction of the time of `Math.pow`. The bits of a 32-bit float are its place: octave, 128th, and the rest.
 */
export function powerTable(b: number): (s: number) => number {
  const float = new Float32Array(1);
  const bits = new Int32Array(float.buffer);
  const first = (127 - octaves / 2) * 128;
  const last = octaves * 128 - 1;
  const table = Float64Array.from({ length: last + 2 }, (_, at) => {
    bits[0] = (first + at) << 16;
    return float[0]! ** b;
  });
  return (s) => {
    float[0] = s;
    const at = (bits[0]! >> 16) - first;
    if (at < 0) return 0;
    const low = table[Math.min(at, last)]!;
    return low + ((bits[0]! & 0xffff) / 0x10000) * (table[Math.min(at, last) + 1]! - low);
  };
}

function clipped(step: number): number {
  return Math.min(Math.max(step, -reach), reach);
}
