/** What may be done in 64 bits to rows that 32 bits cannot hold, without changing what a metric says of them. */

import { metricName } from '../math/distance.js';
import type { FrameRules } from './frame.js';

/** Metrics that a number taken off a column does not change. */
const ofDifferences: ReadonlySet<string> = new Set([
  ...['euclidean', 'manhattan', 'chebyshev', 'minkowski', 'wminkowski', 'seuclidean', 'mahalanobis'],
  ...['hamming', 'precomputed'],
]);
/** Metrics that give every column a weight of its own, or look at equality alone. */
const ofColumns: ReadonlySet<string> = new Set(['wminkowski', 'seuclidean', 'mahalanobis', 'hamming']);
/** Metrics that stay the same when all rows are multiplied, so that a limit on them means the same. */
const unitless: ReadonlySet<string> = new Set([
  ...['cosine', 'correlation', 'hellinger', 'canberra', 'braycurtis', 'hamming'],
]);
/** Metrics of rows whose size is part of their meaning: angles, counts, places in the unit ball. */
const ofSizes: ReadonlySet<string> = new Set(['haversine', 'll_dirichlet', 'poincare', 'softmax_hellinger']);

/**
 * The rules of a metric.
 *
 * @param metric its name, or a function, which gets rows as they are. `'precomputed'` compares no rows.
 * @param limited whether a limit is set in the unit of the distances.
 */
export function rulesOfMetric(metric: unknown, limited: boolean): FrameRules {
  if (typeof metric !== 'string') return untouched('a metric of your own gets the rows as they are', metric);
  const name = metric === 'precomputed' ? metric : metricName(metric);
  const matters = `which changes what ${name} compares`;
  const limit = limited && !unitless.has(name);
  return {
    noShift: ofDifferences.has(name) ? undefined : matters,
    noScale: ofSizes.has(name)
      ? matters
      : limit
        ? 'and disconnectionDistance, which has their unit'
        : undefined,
    columnwise: ofColumns.has(name),
  };
}

/** The rules of rows that have to stay as they are. */
export function untouched(reason: string, metric: unknown): FrameRules {
  return { noShift: reason, noScale: reason, columnwise: isColumnwise(metric) };
}

/** Whether a metric looks at each column by itself. */
export function isColumnwise(metric: unknown): boolean {
  return typeof metric === 'string' && metric !== 'precomputed' && ofColumns.has(metricName(metric));
}
