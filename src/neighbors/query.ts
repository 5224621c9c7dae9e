/** What every way of searching asks of its input first. */

import { DataError, OptionError } from '../core/errors.js';
import type { Matrix, NeighborQuery } from '../core/types.js';
import { checkMetricData, distanceFor } from '../math/distance.js';

/** Throws unless 2 ≤ k ≤ rows and the metric is known and defined for such data. */
export function checkQuery(data: Matrix, { k, metric, metricParams, signal }: NeighborQuery): void {
  signal?.throwIfAborted();
  checkCount(data.shape[0], k);
  // Resolved for its checks: not every way to search uses the function.
  distanceFor(metric, metricParams);
  checkMetricData(metric, data, metricParams);
}

/** Throws unless 2 ≤ k ≤ rows. */
export function checkCount(rows: number, k: number): void {
  if (!Number.isInteger(k) || k < 2) {
    throw new OptionError(
      `neighbors: k must be a whole number of at least 2 (it counts the row itself), got ${k}`,
    );
  }
  if (k > rows) {
    throw new DataError(`neighbors: k must not be above rows (k=${k}, rows=${rows}); lower nNeighbors`);
  }
}
