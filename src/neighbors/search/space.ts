/** Metrics that rank like the Euclidean distance of suitably changed rows, and so can use the fast kernels. */

import { blockOf, inBlocks, type Work } from '../../core/pauses.js';
import type { DistanceFunction, Matrix } from '../../core/types.js';
import { metricName } from '../../math/distance.js';

/** How to write rows so that squared Euclidean distances rank them as the metric does. */
export interface Space {
  /** Columns of a changed row. */
  readonly columns: number;
  /** Writes a changed row at an offset in a table. */
  writeRow(row: number, table: Float32Array, offset: number): void;
  /** Distance of the metric for a squared distance in this space. */
  finish(square: number): number;
}

/** The space of a metric, or undefined when it has none. */
export function* euclideanSpace(
  data: Matrix,
  metric: string | DistanceFunction,
  params: Readonly<Record<string, unknown>> = {},
): Work<Space | undefined> {
  if (typeof metric === 'function') return undefined;
  switch (metricName(metric)) {
    case 'euclidean':
      return plain(data);
    case 'minkowski':
      return params.p === undefined || params.p === 2 ? plain(data) : undefined;
    case 'cosine':
      return yield* sphere(
        data,
        false,
        (value) => value,
        (square) => square / 2,
      );
    case 'correlation':
      return yield* sphere(
        data,
        true,
        (value) => value,
        (square) => square / 2,
      );
    case 'hellinger':
      return yield* sphere(data, false, Math.sqrt, (square) => Math.sqrt(square / 2));
    default:
      return undefined;
  }
}

function plain({ data, shape }: Matrix): Space {
  const columns = shape[1];
  return {
    columns,
    writeRow: (row, table, offset) => table.set(data.subarray(row * columns, (row + 1) * columns), offset),
    finish: Math.sqrt,
  };
}

/**
 * Rows scaled to length 1: |x/|x| - y/|y||² = 2 (1 - cos). Rows of zeros get a column of their own, so that they
 * are at 0 from each other and at 2 from all else.
 */
function* sphere(
  { data, shape }: Matrix,
  centre: boolean,
  change: (value: number) => number,
  finish: (square: number) => number,
): Work<Space> {
  const [rows, columns] = shape;
  const means = new Float64Array(rows);
  const norms = new Float64Array(rows);
  yield* inBlocks(rows, blockOf(columns), (from, to) => {
    for (let i = from; i < to; i++) {
      const start = i * columns;
      let mean = 0;
      if (centre) for (let c = 0; c < columns; c++) mean += data[start + c]! / columns;
      let square = 0;
      for (let c = 0; c < columns; c++) square += change(data[start + c]! - mean) ** 2;
      means[i] = mean;
      // What rounding leaves of a constant row has no direction.
      norms[i] = square > columns * mean * mean * 1e-20 ? Math.sqrt(square) : 0;
    }
  });
  return {
    columns: columns + (norms.includes(0) ? 1 : 0),
    writeRow(row, table, offset) {
      const norm = norms[row]!;
      if (norm === 0) {
        table[offset + columns] = 1;
        return;
      }
      const start = row * columns;
      const mean = means[row]!;
      for (let c = 0; c < columns; c++) table[offset + c] = change(data[start + c]! - mean) / norm;
    },
    finish,
  };
}
