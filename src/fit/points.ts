/** Where the points of an embedding without a network start. */

import type { Edges, Matrix } from '../core/types.js';
import { firstDeviation } from '../layout/principal.js';
import { setPoints } from '../networks/pointTable.js';
import type { FitOptions } from './options/fitOptions.js';
import { placeRows } from './place.js';
import type { FitBase, FitContext, Learned } from './records.js';
import { firstLayout } from './warmStart.js';

/** Extent of a random start: uniform between this and its negative. */
const EXTENT = 10;

/**
 * Moves the points of a table to their start: for a first fit the layout that `init` names, else where the points of the earlier
 * fit place the rows. A layout that was computed, not given, is scaled by `scale`.
 */
export async function startPoints(
  base: FitBase,
  edges: Edges,
  options: Pick<FitOptions, 'init' | 'nComponents'>,
  earlier: Learned | undefined,
  context: FitContext,
  scale: (layout: Matrix) => Matrix = (layout) => layout,
): Promise<Matrix> {
  const start = await startLayout(base, edges, options, earlier, context, scale);
  await context.pauses.take();
  context.hold();
  setPoints(base.encoder, start);
  return start;
}

async function startLayout(
  { matrix, random: ofFit }: FitBase,
  edges: Edges,
  options: Pick<FitOptions, 'init' | 'nComponents'>,
  earlier: Learned | undefined,
  context: FitContext,
  scale: (layout: Matrix) => Matrix,
): Promise<Matrix> {
  if (earlier?.placement) {
    const { placement, encoder } = earlier;
    context.hold();
    return context.stage('first layout', (progress) =>
      placeRows(placement, encoder, matrix, { ...context, progress }),
    );
  }
  const random = ofFit.fork('init');
  const layout = await firstLayout(matrix, edges, options, random, context);
  if (layout) return typeof options.init === 'string' ? scale(layout) : layout;
  const shape = [matrix.shape[0], options.nComponents] as const;
  const data = Float32Array.from({ length: shape[0] * shape[1] }, () => EXTENT * (2 * random.next() - 1));
  return scale({ data, shape });
}

/** A layout scaled to a standard deviation of 1 along its first axis, as contrastive-ne starts from principal components. */
export function unitDeviation({ data, shape }: Matrix): Matrix {
  const factor = 1 / (firstDeviation(data, shape[1]) || 1);
  return { data: data.map((value) => factor * value), shape };
}
