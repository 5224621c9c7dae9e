/** Sparse matrices in compressed-row form (CSR), and operations on graphs in that form. */
import { inBlocks, type Work, whole } from '../core/pauses.js';
import type { Edges } from '../core/types.js';

/** Rows of a sparse matrix: row `i` holds the entries from `offsets[i]` to `offsets[i + 1]`. */
export interface SparseRows {
  readonly offsets: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float32Array;
}

/** Entries, and vertices with some tens of entries each, to process between two pauses. */
const blockEntries = 2 ** 18;
export const blockVertices = 2 ** 12;

/** Edges as compressed rows. The edges are sorted by head, so tails and weights are shared, not copied. */
export function edgeRows({ head, tail, weight, vertices }: Edges): SparseRows {
  const offsets = new Int32Array(vertices + 1);
  for (let edge = 0; edge < head.length; edge++) offsets[head[edge]! + 1]!++;
  for (let i = 0; i < vertices; i++) offsets[i + 1]! += offsets[i]!;
  return { offsets, columns: tail, values: weight };
}

/** The sum of the values of each row: the weighted degrees of the vertices of a graph. */
export function degrees({ offsets, values }: SparseRows): Float64Array {
  const sums = new Float64Array(offsets.length - 1);
  for (let row = 0; row < sums.length; row++) {
    for (let entry = offsets[row]!; entry < offsets[row + 1]!; entry++) sums[row]! += values[entry]!;
  }
  return sums;
}

/** The transpose of a square sparse matrix, every row sorted by column, by a counting sort. */
export function* transposeInParts({ offsets, columns, values }: SparseRows): Work<SparseRows> {
  const rows = offsets.length - 1;
  const entries = offsets[rows]!;
  const next = new Int32Array(rows + 1);
  yield* inBlocks(entries, blockEntries, (from, to) => {
    for (let entry = from; entry < to; entry++) next[columns[entry]! + 1]!++;
  });
  for (let i = 0; i < rows; i++) next[i + 1]! += next[i]!;
  const transposedOffsets = next.slice();
  const transposedColumns = new Int32Array(entries);
  const transposedValues = new Float32Array(entries);
  yield* inBlocks(rows, blockVertices, (from, to) => {
    for (let i = from; i < to; i++) {
      for (let entry = offsets[i]!; entry < offsets[i + 1]!; entry++) {
        const to = next[columns[entry]!]!++;
        transposedColumns[to] = i;
        transposedValues[to] = values[entry]!;
      }
    }
  });
  return { offsets: transposedOffsets, columns: transposedColumns, values: transposedValues };
}

/** As {@link transposeInParts}, at once. */
export const transpose = whole(transposeInParts);

/** Vertices by connected component, in breadth-first order: component p is `members` from `offsets[p]` to `offsets[p + 1]`. */
export function* connectedComponents({
  offsets: starts,
  columns,
}: SparseRows): Work<{ members: Int32Array; offsets: Int32Array }> {
  const vertices = starts.length - 1;
  const members = new Int32Array(vertices);
  const seen = new Uint8Array(vertices);
  const ends: number[] = [0];
  let filled = 0;
  for (let first = 0; first < vertices; first++) {
    if (seen[first] === 1) continue;
    let next = filled;
    seen[first] = 1;
    members[filled++] = first;
    while (next < filled) {
      const vertex = members[next++]!;
      if (next % blockVertices === 0) yield;
      for (let entry = starts[vertex]!; entry < starts[vertex + 1]!; entry++) {
        const neighbor = columns[entry]!;
        if (seen[neighbor] === 1) continue;
        seen[neighbor] = 1;
        members[filled++] = neighbor;
      }
    }
    ends.push(filled);
  }
  return { members, offsets: Int32Array.from(ends) };
}
