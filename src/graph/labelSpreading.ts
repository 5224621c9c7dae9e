/** From a few labelled vertices of a graph to an opinion on all of them. */
import { DataError } from '../core/errors.js';
import { blockOf, inBlocks, type Work, whole } from '../core/pauses.js';
import type { Edges, Matrix } from '../core/types.js';
import { degrees, edgeRows } from '../math/sparse.js';

/** Share that a vertex takes over from its neighbours in each round; the rest is its own label. */
const ALPHA = 0.99;
/** Rounds: labels reach so many edges far, and further ones would hardly move. */
const ROUNDS = 60;

/**
 * Spreads labels over a graph with local and global consistency (Zhou, Bousquet, Lal, Weston and Schölkopf, 2004):
 *
 *     F <- alpha S F + (1 - alpha) Y,   S = D^(-1/2) W D^(-1/2),
 *
 * with one column a class. Columns are then brought to equal mass, so that a class with few labels or few neighbours
 * is not swallowed, and rows to sum 1. Labelled vertices keep their own label; a vertex that no label reaches has a
 * row of zeros.
 *
 * `labels` holds a class from 0 to `classes - 1` for each vertex, -1 for unknown. Returns vertices x classes.
 * Throws `DataError` when labels and vertices differ in number.
 */
export function* spreadLabelsInParts(edges: Edges, labels: Int32Array, classes: number): Work<Matrix> {
  const { head, tail, weight, vertices } = edges;
  if (labels.length !== vertices) {
    throw new DataError(`labels: one a vertex wanted (${vertices}), got ${labels.length}`);
  }
  const scaled = yield* normalised(edges);
  let found = new Float32Array(vertices * classes);
  let next = new Float32Array(vertices * classes);
  for (let round = 0; round < ROUNDS; round++) {
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
  }
  balance(found, labels, classes);
  return { data: found, shape: [vertices, classes] };
}

/** As {@link spreadLabelsInParts}, at once. */
export const spreadLabels = whole(spreadLabelsInParts);

/** w_ij / sqrt(d_i d_j), d the sum of a vertex's weights. */
function* normalised(edges: Edges): Work<Float32Array> {
  const { head, tail, weight } = edges;
  const degree = degrees(edgeRows(edges));
  yield;
  const scaled = new Float32Array(weight.length);
  yield* inBlocks(weight.length, blockOf(4), (from, to) => {
    for (let e = from; e < to; e++) scaled[e] = weight[e]! / Math.sqrt(degree[head[e]!]! * degree[tail[e]!]!);
  });
  return scaled;
}

/** Equal mass for each class, sum 1 for each row, and every label where it was given. */
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
