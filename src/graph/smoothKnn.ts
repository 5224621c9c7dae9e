/**
 * Local scales of the fuzzy graph (smooth_knn_dist of umap-learn; McInnes, Healy and Melville, UMAP, 2018, algorithm 3).
 */
import { DataError, OptionError } from '../core/errors.js';
import { inBlocks, type Work, whole } from '../core/pauses.js';
import type { Knn } from '../core/types.js';
import { blockVertices } from '../math/sparse.js';

/** Options of the local scales. */
export interface SmoothKnnOptions {
  /**
   * Number of nearest neighbors with membership 1, at least 0. Default 1. A fraction interpolates between the two
   * nearest integers. Larger values keep sparse regions better connected.
   */
  readonly localConnectivity?: number;
  /** Neighbors at this distance or beyond are ignored; above 0. Default Infinity. */
  readonly disconnectionDistance?: number;
}

const tolerance = 1e-5;
const bisections = 64;
/** Least scale, in units of the mean distance. */
export const smallestScale = 1e-3;

/**
 * The local scale of every row: `rho`, the distance to its nearest neighbor (or to `localConnectivity` of them), and
 * `sigma`, chosen such that its memberships sum to log2(k), or come as near to that as any scale allows. `sigma` is at
 * least a thousandth of the mean distance. Neighbors that are cut do not count.
 *
 * Throws `OptionError` for options out of range and `DataError` for a malformed table.
 */
export function* smoothKnnInParts(
  knn: Knn,
  { localConnectivity = 1, disconnectionDistance = Number.POSITIVE_INFINITY }: SmoothKnnOptions = {},
): Work<{ sigma: Float32Array; rho: Float32Array }> {
  const finite = Number.isFinite(localConnectivity) && localConnectivity >= 0;
  checkRange(
    'localConnectivity',
    localConnectivity,
    finite,
    'a finite number of at least 0',
    'the default is 1',
  );
  checkRange(
    'disconnectionDistance',
    disconnectionDistance,
    disconnectionDistance > 0,
    'a number above 0',
    'leave it out to keep all edges',
  );
  yield* checkKnn(knn);
  const { indices, distances, rows, k } = knn;
  const sigma = new Float32Array(rows);
  const rho = new Float32Array(rows);
  const target = Math.log2(k);
  const overallMean = yield* meanDistance(knn, disconnectionDistance);
  const kept = new Float64Array(k);
  const scale = (i: number) => {
    let count = 0;
    let sum = 0;
    let self = 0;
    for (let entry = i * k; entry < (i + 1) * k; entry++) {
      const distance = distances[entry]!;
      if (indices[entry] === i) self = 1;
      else if (!isCut(indices[entry]!, distance, disconnectionDistance)) {
        kept[count++] = distance;
        sum += distance;
      }
    }
    const nearest = nearestDistance(kept, count, localConnectivity);
    rho[i] = nearest;
    // Among k or more duplicates a row may be missing from its own list. Then its nearest neighbor stands in for it,
    // so that duplicates get equal scales.
    const found = bisect(kept, 1 - self, count, rho[i]!, target);
    sigma[i] = Math.max(found, smallestScale * (nearest > 0 ? sum / (count + self) : overallMean));
  };
  yield* inBlocks(rows, blockVertices, (from, to) => {
    for (let i = from; i < to; i++) scale(i);
  });
  return { sigma, rho };
}

/** As {@link smoothKnnInParts}, at once. */
export const smoothKnn = whole(smoothKnnInParts);

/** Whether an entry of a neighbor list is ignored. */
export function isCut(id: number, distance: number, limit: number): boolean {
  return id < 0 || distance >= limit;
}

/** Throws `OptionError` unless a value is within its range. */
export function checkRange(
  name: string,
  value: number,
  valid: boolean,
  expected: string,
  advice: string,
): void {
  if (!valid) throw new OptionError(`fuzzy: ${name}: expected ${expected}, got ${value}; ${advice}`);
}

function* checkKnn({ indices, distances, rows, k }: Knn): Work<void> {
  if (!(Number.isInteger(rows) && Number.isInteger(k) && rows >= 1 && k >= 2)) {
    throw new DataError(
      `fuzzy: expected at least 1 row and k of at least 2, got rows=${rows}, k=${k}; raise nNeighbors or add rows`,
    );
  }
  if (indices.length !== rows * k || distances.length !== rows * k) {
    throw new DataError(
      `fuzzy: expected ${rows * k} ids and distances (rows=${rows}, k=${k}), got ids=${indices.length}, ` +
        `distances=${distances.length}; pass one entry per row and neighbor`,
    );
  }
  for (let i = 0; i < rows; i++) {
    if (i % blockVertices === 0) yield;
    let last = 0;
    for (let entry = i * k; entry < (i + 1) * k; entry++) {
      const id = indices[entry]!;
      const distance = distances[entry]!;
      if (id >= rows) {
        throw new DataError(
          `fuzzy: expected ids below ${rows} (rows), got neighbor ${id} of row ${i}; use -1 for missing neighbors`,
        );
      }
      if (id < 0 || id === i) continue;
      if (!(distance >= last)) {
        throw new DataError(
          `fuzzy: expected distances of at least 0, nearest first, got ${distance} to row ${id} after ${last} ` +
            `in row ${i}; sort the neighbors of each row by distance`,
        );
      }
      last = distance;
    }
  }
}

/** Mean of all distances that are not cut, including the 0 of each row to itself. */
function* meanDistance({ indices, distances }: Knn, limit: number): Work<number> {
  let sum = 0;
  let count = 0;
  for (let entry = 0; entry < indices.length; entry++) {
    if (entry % 2 ** 18 === 0) yield;
    if (isCut(indices[entry]!, distances[entry]!, limit)) continue;
    sum += distances[entry]!;
    count++;
  }
  return count === 0 ? 0 : sum / count;
}

/** The distance of the neighbor number `connectivity`, not counting those at distance 0. */
export function nearestDistance(sorted: Float64Array, count: number, connectivity: number): number {
  let first = 0;
  while (first < count && sorted[first] === 0) first++;
  const nonZero = count - first;
  if (nonZero === 0) return 0;
  if (nonZero < connectivity) return sorted[count - 1]!;
  const whole = Math.floor(connectivity);
  const fraction = connectivity - whole;
  if (whole === 0) return fraction * sorted[first]!;
  const below = sorted[first + whole - 1]!;
  return fraction > tolerance ? below + fraction * (sorted[first + whole]! - below) : below;
}

/** The scale at which the sum of exp(-max(0, d - nearest) / scale) is `target`, by at most 64 bisections. */
export function bisect(
  sorted: Float64Array,
  first: number,
  count: number,
  nearest: number,
  target: number,
): number {
  let low = 0;
  let high = Number.POSITIVE_INFINITY;
  let scale = 1;
  for (let iteration = 0; iteration < bisections; iteration++) {
    let sum = 0;
    for (let j = first; j < count; j++) {
      const gap = sorted[j]! - nearest;
      sum += gap > 0 ? Math.exp(-gap / scale) : 1;
    }
    if (Math.abs(sum - target) < tolerance) break;
    if (sum > target) high = scale;
    else low = scale;
    scale = high === Number.POSITIVE_INFINITY ? scale * 2 : (low + high) / 2;
  }
  return scale;
}
