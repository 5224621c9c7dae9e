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
  const moving = { places, columns, curve };
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
}

/** Moves both ends of an edge; `from` and `to` are where their places begin. */
function pull(moving: Moving, from: number, to: number, rate: number) {
  const { places, columns, curve } = moving;
  const squared = squaredDistance(moving, from, to);
  if (squared === 0) return;
  const g = curve.a * squared ** curve.b;
  const slope = (-2 * g * curve.b) / (squared * (1 + g));
  for (let c = 0; c < columns; c++) {
    const step = rate * clipped(slope * (places[from + c]! - places[to + c]!));
    places[from + c]! += step;
    places[to + c]! -= step;
  }
}

/** Moves the vertex at `from` away from the one at `to`. */
function push(moving: Moving, from: number, to: number, rate: number) {
  const { places, columns, curve } = moving;
  const squared = squaredDistance(moving, from, to);
  const slope = (2 * curve.b) / ((softening + squared) * (1 + curve.a * squared ** curve.b));
  for (let c = 0; c < columns; c++)
    places[from + c]! += rate * clipped(slope * (places[from + c]! - places[to + c]!));
}

function squaredDistance({ places, columns }: Moving, from: number, to: number): number {
  let squared = 0;
  for (let c = 0; c < columns; c++) squared += (places[from + c]! - places[to + c]!) ** 2;
  return squared;
}

function clipped(step: number): number {
  return Math.min(Math.max(step, -reach), reach);
}
