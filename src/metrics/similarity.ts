/** Sums over all pairs of an embedding: the partition function of its similarities, and their divergence from a graph. */

import { blockOf, type Work } from '../core/pauses.js';
import type { Edges, Matrix } from '../core/types.js';
import { squaredDistance } from './ranks.js';

/** Similarity of two points of an embedding, above 0, by their squared distance. */
export type Similarity = (squaredDistance: number) => number;

/** The sum of q(i, j) over all ordered pairs of different rows, each pair counted in both directions. */
export function* partitionInParts(points: Matrix, similarity: Similarity): Work<number> {
  const [rows, columns] = points.shape;
  const block = blockOf(rows * (columns + 10));
  let sum = 0;
  for (let i = 0; i < rows; i++) {
    let ofRow = 0;
    for (let j = i + 1; j < rows; j++) ofRow += similarity(squaredDistance(points, i, points, j));
    sum += ofRow;
    if (i % block === block - 1) yield;
  }
  return 2 * sum;
}

/**
 * Kullback-Leibler divergence KL(P || Q) = sum of p log(p / q), at least 0: p(i, j) is the weight of an edge, divided by the
 * sum of all weights, and q(i, j) the similarity of two points, divided by `partition`, the sum over all pairs.
 */
export function* divergenceInParts(
  { head, tail, weight }: Edges,
  points: Matrix,
  similarity: Similarity,
  partition: number,
): Work<number> {
  const block = blockOf(points.shape[1] + 10);
  let total = 0;
  for (let e = 0; e < weight.length; e++) total += weight[e]!;
  let sum = 0;
  for (let e = 0; e < weight.length; e++) {
    const p = weight[e]! / total;
    const q = similarity(squaredDistance(points, head[e]!, points, tail[e]!)) / partition;
    if (p > 0) sum += p * Math.log(p / q);
    if (e % block === block - 1) yield;
  }
  return sum;
}

/** The points with every row scaled to length 1; a row of zeros stays. */
export function unitRows({ data, shape }: Matrix): Matrix {
  const [rows, columns] = shape;
  const scaled = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * columns, (i + 1) * columns);
    const length = Math.hypot(...row) || 1;
    for (let c = 0; c < columns; c++) scaled[i * columns + c] = row[c]! / length;
  }
  return { data: scaled, shape };
}
