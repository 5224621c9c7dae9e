/** Notices rows of a later fit that are unlike those of the first. */

import type { Matrix } from '../core/types.js';

/** Factor in spread or offset from which on rows are unlike those that the projection was made for. */
const DISTANT = 10;

/**
 * A line of text for projected rows that lie outside what the network was scaled for: there their mean square is 1, and
 * their mean 0. Undefined where they lie within.
 */
export function describeDistantRows({ data, shape: [rows, columns] }: Matrix): string | undefined {
  let offset = 0;
  let variance = 0;
  for (let c = 0; c < columns; c++) {
    let sum = 0;
    let squares = 0;
    for (let i = c; i < data.length; i += columns) {
      sum += data[i]!;
      squares += data[i]! ** 2;
    }
    const mean = sum / rows;
    offset += mean ** 2 / columns;
    variance += Math.max(0, squares / rows - mean ** 2) / columns;
  }
  const [away, wide] = [Math.sqrt(offset), Math.sqrt(variance)];
  if (away <= DISTANT && wide <= DISTANT && (rows === 1 || wide >= 1 / DISTANT)) return undefined;
  return (
    `rows: they lie outside what the network was scaled for (${wide.toPrecision(2)} times as wide as the first fit's, ` +
    `${away.toPrecision(2)} times as far off as those are wide); are they in the same unit? For other data, use a new estimator`
  );
}
