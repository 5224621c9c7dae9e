/** The distance from which rows count as unrelated, and neighbor lists without such rows. */

import type { DistanceFunction, Knn, Matrix } from '../core/types.js';
import { distanceFor } from './distance.js';

/**
 * The distance from which rows count as unrelated, as in umap-learn: the upper bound of a bounded metric (2 for
 * cosine and correlation, 1 for hellinger, jaccard and dice), else Infinity.
 */
export function disconnectionDefault(metric: string | DistanceFunction): number {
  if (metric === 'cosine' || metric === 'correlation') return 2;
  return metric === 'hellinger' || metric === 'jaccard' || metric === 'dice' ? 1 : Number.POSITIVE_INFINITY;
}

/** Relative error of 32-bit distances near the bound. */
const rounding32 = 2e-3;
/** Relative error of 64-bit distances between 32-bit rows. */
const rounding64 = 2 ** -22;

/**
 * Removes neighbors at the upper bound of a metric, which are unrelated rows: their ids become -1. Because of rounding,
 * 32-bit distances may be slightly below the bound, such as 0.99999994 for 1, so those near it are computed again in 64
 * bits. `data` are the rows that the metric compared; undefined for precomputed distances.
 */
export function cutAtBound(
  knn: Knn,
  metric: string,
  data?: Matrix,
  params: Readonly<Record<string, unknown>> = {},
): Knn {
  const bound = disconnectionDefault(metric);
  if (bound === Number.POSITIVE_INFINITY) return knn;
  const limit = bound * (1 - rounding64);
  const distance = data && distanceFor(metric, params);
  const { rows, k, distances } = knn;
  const columns = data?.shape[1] ?? 0;
  let indices = knn.indices;
  for (let entry = 0; entry < rows * k; entry++) {
    if (!(distances[entry]! >= bound * (1 - rounding32)) || indices[entry]! < 0) continue;
    const [row, other] = [Math.floor(entry / k), indices[entry]!];
    const exact =
      data && distance
        ? distance(data.data, row * columns, data.data, other * columns, columns)
        : distances[entry]!;
    if (exact < limit || other === row) continue;
    if (indices === knn.indices) indices = indices.slice();
    indices[entry] = -1;
  }
  return { ...knn, indices };
}
