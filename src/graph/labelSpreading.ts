/** Label spreading: class probabilities of all vertices of a graph from the labels of a few. */
import { DataError } from '../core/errors.js';
import { blockOf, inBlocks, type Work, whole } from '../core/pauses.js';
import type { Edges, Matrix } from '../core/types.js';
import { degrees, edgeRows } from '../math/sparse.js';

/** Share of a vertex's value that comes from its neighbors in each iteration; the rest is its own label. */
const ALPHA = 0.99;
/** Labels spread one edge per iteration, and values hardly change after this many. */
const ITERATIONS = 60;

/**
 * Spreads labels over a graph with local and global consistency (Zhou, Bousquet, Lal, Weston and Schölkopf, 2004):
 *
 *     F <- alpha S F + (1 - alpha) Y,   S = D^(-1/2) W D^(-1/2),
 *
 * with one column per class. Then columns are scaled to equal mass, so that classes with few labels or few neighbors are
 * not lost, and rows to sum 1. Labeled vertices keep their label; a vertex that no label reaches has a row of zeros.
 *
 * `labels` holds a class from 0 to `classes - 1` per vertex, -1 for unknown. Returns vertices x classes. Throws
 * `DataError` when the numbers of labels and vertices differ.
 */
export function* spreadLabelsInParts(edges: Edges, labels: Int32Array, classes: number): Work<Matrix> {
  const { head, tail, weight, vertices } = edges;
  if (labels.length !== vertices) {
    throw new DataError(
      `labels: expected one per vertex (${vertices}), got ${labels.length}; give -1 for unknown labels`,
    );
  }
  const scaled = yield* normalize(edges);
  let found = new Float32Array(vertices * classes);
  let next = new Float32Array(vertices * classes);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const [source, target] = [found, next];
    target.fill(0);
    yield* inBlocks(weight.length, blockOf(classes), (first, end) => {
      for (let e = first; e < end; e++) {
        const to = head[e]! * classes;
        const from = tail[e]! * classes;
        const share = ALPHA * scaled[e]!;
        for (let c = 0; c < classes; c++) target[to + c] = target[to + c]! + share * source[from + c]!;
      }
    });
    for (let i = 0; i < vertices; i++) {
      if (labels[i]! < 0) continue;
      const at = i * classes + labels[i]!;
      target[at] = target[at]! + 1 - ALPHA;
    }
    [found, next] = [target, source];
    yield (iteration + 1) / ITERATIONS;
  }
  balance(found, labels, classes);
  return { data: found, shape: [vertices, classes] };
}

/** As {@link spreadLabelsInParts}, at once. */
export const spreadLabels = whole(spreadLabelsInParts);

/** Weights w_ij / sqrt(d_i d_j), with d the weighted degree of a vertex. */
function* normalize(edges: Edges): Work<Float32Array> {
  const { head, tail, weight } = edges;
  const degree = degrees(edgeRows(edges));
  yield;
  const scaled = new Float32Array(weight.length);
  yield* inBlocks(weight.length, blockOf(4), (from, to) => {
    for (let e = from; e < to; e++) scaled[e] = weight[e]! / Math.sqrt(degree[head[e]!]! * degree[tail[e]!]!);
  });
  return scaled;
}

/** Scales classes to equal mass and rows to sum 1, and restores the given labels. */
function balance(found: Float32Array, labels: Int32Array, classes: number): void {
  const mass = new Float64Array(classes);
  for (let i = 0; i < found.length; i++) mass[i % classes] = mass[i % classes]! + found[i]!;
  for (let i = 0; i < labels.length; i++) {
    const row = found.subarray(i * classes, (i + 1) * classes);
    if (labels[i]! >= 0) {
      row.fill(0);
      row[labels[i]!] = 1;
      continue;
    }
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      row[c] = mass[c]! > 0 ? row[c]! / mass[c]! : 0;
      sum += row[c]!;
    }
    if (sum > 0) for (let c = 0; c < classes; c++) row[c] = row[c]! / sum;
  }
}
