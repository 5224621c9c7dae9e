/** Metrics that rank like the Euclidean distance of transformed rows, so that the fast kernels can be used. */

import { blockOf, inBlocks, type Work } from '../../core/pauses.js';
import type { DistanceFunction, Matrix } from '../../core/types.js';
import { metricName } from '../../math/distance.js';

/** A transformation of rows after which squared Euclidean distances rank them as the metric does. */
export interface Space {
  /** Columns of a transformed row. */
  readonly columns: number;
  /** Writes a transformed row at an offset in a table. */
  writeRow(row: number, table: Float32Array, offset: number): void;
  /** Bound on how far rounding to 32 bits moves the distance of two transformed rows. */
  readonly rounding: number;
  /** The metric's distance for a squared distance in this space. */
  toDistance(square: number): number;
}

/** The space of a metric. Undefined if there is none. */
export function* euclideanSpace(
  data: Matrix,
  metric: string | DistanceFunction,
  params: Readonly<Record<string, unknown>> = {},
): Work<Space | undefined> {
  if (typeof metric === 'function') return undefined;
  switch (metricName(metric)) {
    case 'euclidean':
      return identity(data);
    case 'minkowski':
      return params.p === undefined || params.p === 2 ? identity(data) : undefined;
    case 'cosine':
      return yield* unitSphere(
        data,
        false,
        (value) => value,
        (square) => square / 2,
      );
    case 'correlation':
      return yield* unitSphere(
        data,
        true,
        (value) => value,
        (square) => square / 2,
      );
    case 'hellinger':
      return yield* unitSphere(data, false, Math.sqrt, (square) => Math.sqrt(square / 2));
    default:
      return undefined;
  }
}

function identity({ data, shape }: Matrix): Space {
  const columns = shape[1];
  return {
    columns,
    rounding: 0,
    writeRow: (row, table, offset) => table.set(data.subarray(row * columns, (row + 1) * columns), offset),
    toDistance: Math.sqrt,
  };
}

/**
 * Rows scaled to length 1: |x/|x| - y/|y||² = 2 (1 - cos). Rows of zeros get an extra column, so that they have
 * distance 0 from each other and 2 from all others.
 */
function* unitSphere(
  { data, shape }: Matrix,
  center: boolean,
  transform: (value: number) => number,
  toDistance: (square: number) => number,
): Work<Space> {
  const [rows, columns] = shape;
  const means = new Float64Array(rows);
  const norms = new Float64Array(rows);
  yield* inBlocks(rows, blockOf(columns), (from, to) => {
    for (let i = from; i < to; i++) {
      const start = i * columns;
      let mean = 0;
      if (center) for (let c = 0; c < columns; c++) mean += data[start + c]! / columns;
      let square = 0;
      for (let c = 0; c < columns; c++) square += transform(data[start + c]! - mean) ** 2;
      means[i] = mean;
      // Rounding errors of a constant row are not a direction.
      norms[i] = square > columns * mean * mean * 1e-20 ? Math.sqrt(square) : 0;
    }
  });
  return {
    columns: columns + (norms.includes(0) ? 1 : 0),
    // Half a unit in the last place of either row, twice that for other roundings.
    rounding: 2 ** -22,
    writeRow(row, table, offset) {
      const norm = norms[row]!;
      if (norm === 0) {
        table[offset + columns] = 1;
        return;
      }
      const start = row * columns;
      const mean = means[row]!;
      for (let c = 0; c < columns; c++) table[offset + c] = transform(data[start + c]! - mean) / norm;
    },
    toDistance,
  };
}
