/** Which frames (shift and scale of the rows, see `frame.ts`) leave a metric's comparisons unchanged. */

import { metricName } from '../math/distance.js';
import type { FrameRules } from './frame.js';

/** Metrics that do not change when a column is shifted. */
const shiftInvariant: ReadonlySet<string> = new Set([
  ...['euclidean', 'manhattan', 'chebyshev', 'minkowski', 'wminkowski', 'seuclidean', 'mahalanobis'],
  ...['hamming', 'precomputed'],
]);
/** Metrics with a weight per column, or that only test equality. */
const perColumn: ReadonlySet<string> = new Set(['wminkowski', 'seuclidean', 'mahalanobis', 'hamming']);
/** Metrics that do not change when all rows are scaled, so that `disconnectionDistance` keeps its meaning. */
const scaleInvariant: ReadonlySet<string> = new Set([
  ...['cosine', 'correlation', 'hellinger', 'canberra', 'braycurtis', 'hamming'],
]);
/** Metrics of rows whose magnitude has a meaning: angles, counts, points in the unit ball. */
const needUnits: ReadonlySet<string> = new Set([
  'haversine',
  'll_dirichlet',
  'poincare',
  'softmax_hellinger',
]);

/**
 * The rules of a metric, given by name or as a function. A function gets the rows unchanged; `'precomputed'` compares no
 * rows. `limited` says whether a limit in the unit of the distances is set.
 */
export function rulesOfMetric(metric: unknown, limited: boolean): FrameRules {
  if (typeof metric !== 'string') return noFraming('a metric of your own gets the rows as they are', metric);
  const name = metric === 'precomputed' ? metric : metricName(metric);
  const reason = `which changes what ${name} compares`;
  const limit = limited && !scaleInvariant.has(name);
  return {
    noShift: shiftInvariant.has(name) ? undefined : reason,
    noScale: needUnits.has(name)
      ? reason
      : limit
        ? 'and disconnectionDistance, which has their unit'
        : undefined,
    columnwise: perColumn.has(name),
  };
}

/** The rules for rows that must stay as they are. */
export function noFraming(reason: string, metric: unknown): FrameRules {
  return { noShift: reason, noScale: reason, columnwise: isColumnwise(metric) };
}

/** Whether a metric weighs each column separately. */
export function isColumnwise(metric: unknown): boolean {
  return typeof metric === 'string' && metric !== 'precomputed' && perColumn.has(metricName(metric));
}
