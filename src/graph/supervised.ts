/** Supervised UMAP: combines the neighbor graph with target labels or continuous targets. */
import { DataError, OptionError } from '../core/errors.js';
import { type Work, whole } from '../core/pauses.js';
import type { Edges } from '../core/types.js';
import { blockVertices, edgeRows, type SparseRows, transposeInParts } from '../math/sparse.js';
import { uniteWithTransposeInParts } from './fuzzy.js';

export interface SuperviseOptions {
  /** Weight of the targets, in [0, 1]: at 0 only the data shape the graph, at 1 only the targets. Default 0.5. */
  readonly targetWeight?: number;
}

/** Smallest membership assumed for an edge that one of two graphs lacks. */
const leastMembership = 1e-8;

/**
 * Weakens edges between rows of different labels, as umap-learn does. With F = 2.5 / (1 - targetWeight), an edge keeps
 * exp(-1) of its weight where a label is unknown, and exp(-F) where the labels differ; at `targetWeight` 1 such edges are
 * removed. Then rows are scaled to a maximum of 1, which restores local connectivity, and both directions of an edge are
 * combined by fuzzy union.
 *
 * `labels` holds one integer per vertex, -1 for unknown. Throws `DataError` for labels that do not match the graph,
 * `OptionError` for `targetWeight` out of range.
 */
export function* superviseCategoricalInParts(
  edges: Edges,
  labels: Int32Array,
  options: SuperviseOptions = {},
): Work<Edges> {
  checkVertices('labels', labels.length, edges);
  const { head, tail } = edges;
  const different = Math.exp(-2.5 / (1 - checkTargetWeight(options)));
  const unknown = Math.exp(-1);
  const weight = edges.weight.slice();
  for (let edge = 0; edge < weight.length; edge++) {
    const a = labels[head[edge]!]!;
    const b = labels[tail[edge]!]!;
    if (a === -1 || b === -1) weight[edge]! *= unknown;
    else if (a !== b) weight[edge]! *= different;
  }
  return yield* reconnect(edgeRows({ ...edges, weight }));
}

/** As {@link superviseCategoricalInParts}, at once. */
export const superviseCategorical = whole(superviseCategoricalInParts);

/**
 * Intersects the graph with the directed fuzzy graph of the targets, as umap-learn does. With l and r the memberships of
 * an edge in the data and among the targets, and t = targetWeight, the result is l r^(t / (1 - t)) for t < 0.5, else
 * l^((1 - t) / t) r. For an edge that one graph lacks, half that graph's smallest membership is taken. An edge to or from
 * a row of unknown target keeps exp(-1) of its weight. Then as in {@link superviseCategorical}.
 *
 * `targets` are the directed memberships of the targets, rows sorted by column (see `targetMemberships`). `known` tells
 * whether the target of a row is known; default: all are. Throws `DataError` for memberships that do not match the graph,
 * `OptionError` for `targetWeight` out of range.
 */
export function* superviseContinuousInParts(
  edges: Edges,
  targets: SparseRows,
  options: SuperviseOptions = {},
  known: (row: number) => boolean = () => true,
): Work<Edges> {
  const targetWeight = checkTargetWeight(options);
  checkVertices('targets', targets.offsets.length - 1, edges);
  return yield* reconnect(yield* intersect(edgeRows(edges), targets, targetWeight, known));
}

/** As {@link superviseContinuousInParts}, at once. */
export const superviseContinuous = whole(superviseContinuousInParts);

/** The intersection of two graphs with sorted rows, over all entries that either has. */
function* intersect(
  data: SparseRows,
  targets: SparseRows,
  targetWeight: number,
  known: (row: number) => boolean,
): Work<SparseRows> {
  const rows = data.offsets.length - 1;
  const most = data.offsets[rows]! + targets.offsets[rows]!;
  const offsets = new Int32Array(rows + 1);
  const columns = new Int32Array(most);
  const values = new Float32Array(most);
  const missingData = Math.max(smallest(data.values) / 2, leastMembership);
  const missingTarget = Math.min(Math.max(smallest(targets.values) / 2, leastMembership), 1e-4);
  const dataPower = targetWeight < 0.5 ? 1 : (1 - targetWeight) / targetWeight;
  const targetPower = targetWeight < 0.5 ? targetWeight / (1 - targetWeight) : 1;
  const unknown = Math.exp(-1);
  let filled = 0;
  for (let i = 0; i < rows; i++) {
    if (i % blockVertices === 0) yield;
    const knownRow = known(i);
    let a = data.offsets[i]!;
    let b = targets.offsets[i]!;
    const endA = data.offsets[i + 1]!;
    const endB = targets.offsets[i + 1]!;
    while (a < endA || b < endB) {
      const columnA = a < endA ? data.columns[a]! : rows;
      const columnB = b < endB ? targets.columns[b]! : rows;
      const column = Math.min(columnA, columnB);
      if (columnA === column && !(knownRow && known(column))) {
        columns[filled] = column;
        values[filled++] = data.values[a++]! * unknown;
        continue;
      }
      const left = columnA === column ? data.values[a++]! : missingData;
      const right = columnB === column ? targets.values[b++]! : missingTarget;
      columns[filled] = column;
      values[filled++] = left ** dataPower * right ** targetPower;
    }
    offsets[i + 1] = filled;
  }
  return { offsets, columns: columns.subarray(0, filled), values: values.subarray(0, filled) };
}

/** Divides every row by its maximum, in place, and returns the fuzzy union with the transpose. */
function* reconnect(rows: SparseRows): Work<Edges> {
  const { offsets, values } = rows;
  for (let i = 0; i + 1 < offsets.length; i++) {
    if (i % blockVertices === 0) yield;
    let strongest = 0;
    for (let entry = offsets[i]!; entry < offsets[i + 1]!; entry++)
      strongest = Math.max(strongest, values[entry]!);
    if (strongest === 0) continue;
    for (let entry = offsets[i]!; entry < offsets[i + 1]!; entry++) values[entry]! /= strongest;
  }
  return yield* uniteWithTransposeInParts(rows, yield* transposeInParts(rows), 1);
}

function smallest(values: Float32Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (let entry = 0; entry < values.length; entry++) least = Math.min(least, values[entry]!);
  return values.length === 0 ? 0 : least;
}

function checkTargetWeight({ targetWeight = 0.5 }: SuperviseOptions): number {
  if (targetWeight >= 0 && targetWeight <= 1) return targetWeight;
  throw new OptionError(
    `supervision: targetWeight: expected a number from 0 to 1, got ${targetWeight}; the default is 0.5`,
  );
}

function checkVertices(what: string, count: number, { vertices }: Edges): void {
  if (count === vertices) return;
  throw new DataError(
    `supervision: expected one row of ${what} per row of the data (${vertices}), got ${count}; ` +
      'give -1 or null for unknown targets',
  );
}
