/** A first layout from principal components. */

import { type Work, whole } from '../core/pauses.js';
import type { Matrix } from '../core/types.js';
import { type Pca, projectInParts } from '../math/pca.js';

/** Standard deviations along the first principal axis beyond which positions are clipped. */
const FAR_OUT = 10;

/** Half the extent of the widest axis, as the spectral layout has it. */
const EXTENT = 10;

export interface PrincipalOptions {
  /** Columns of the layout; those beyond the number of axes are 0. */
  readonly components: number;
  /**
   * `extent`: the largest coordinate is 10, as in the spectral layout. `deviation`: the coordinates along the first axis have
   * standard deviation 1, as in contrastive-ne.
   */
  readonly scale: 'extent' | 'deviation';
}

/**
 * Coordinates of the rows along their principal axes (`nearAxesInParts` or `pcaInParts`), all divided by one number. Rows
 * without spread lie at 0.
 */
export function* principalLayoutInParts(
  matrix: Matrix,
  axes: Pca,
  { components, scale }: PrincipalOptions,
): Work<Matrix> {
  const columns = axes.variance.length;
  const { data } = yield* projectInParts(matrix, axes);
  // Outliers must not leave the other rows too little room.
  const most = FAR_OUT * Math.sqrt(axes.variance[0]!);
  for (let i = 0; i < data.length; i++) data[i] = Math.min(most, Math.max(-most, data[i]!));
  const [factor, divisor] = scale === 'extent' ? [EXTENT, largest(data)] : [1, firstDeviation(data, columns)];
  const [rows] = matrix.shape;
  const positions = new Float32Array(rows * components);
  for (let i = 0; i < data.length; i++) {
    positions[Math.floor(i / columns) * components + (i % columns)] = (factor * data[i]!) / (divisor || 1);
  }
  return { data: positions, shape: [rows, components] };
}

/** As {@link principalLayoutInParts}, at once. */
export const principalLayout = whole(principalLayoutInParts);

/** Largest absolute value. */
function largest(data: Float32Array): number {
  return data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Standard deviation of the first of the columns. */
export function firstDeviation(data: Float32Array, columns: number): number {
  const rows = data.length / columns;
  let mean = 0;
  for (let i = 0; i < data.length; i += columns) mean += data[i]! / rows;
  let variance = 0;
  for (let i = 0; i < data.length; i += columns) variance += (data[i]! - mean) ** 2 / rows;
  return Math.sqrt(variance);
}
