/** Checks of the input that all neighbor providers share. */

import { DataError, OptionError } from '../core/errors.js';
import type { Matrix, NeighborQuery } from '../core/types.js';
import { checkMetricData, distanceFor } from '../math/distance.js';

/** Throws `OptionError` or `DataError` unless 2 ≤ k ≤ rows and the metric exists and is defined for the data. */
export function checkQuery(data: Matrix, { k, metric, metricParams, signal }: NeighborQuery): void {
  signal?.throwIfAborted();
  checkCount(data.shape[0], k);
  // Called for its checks: not every provider uses the function.
  distanceFor(metric, metricParams);
  checkMetricData(metric, data, metricParams);
}

/** Throws `OptionError` or `DataError` unless 2 ≤ k ≤ rows. */
export function checkCount(rows: number, k: number): void {
  if (!Number.isInteger(k) || k < 2) {
    throw new OptionError(
      `neighbors: expected k to be an integer of at least 2, got ${k}; count the row itself as one neighbor`,
    );
  }
  if (k > rows) {
    throw new DataError(
      `neighbors: expected k of at most the number of rows, got k=${k}, rows=${rows}; lower nNeighbors`,
    );
  }
}
