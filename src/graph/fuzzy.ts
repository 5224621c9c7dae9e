/**
 * From nearest neighbours to a weighted graph: local scales, directed memberships, fuzzy union
 * (McInnes, Healy and Melville, UMAP, 2018, algorithms 2 and 3).
 */
import { DataError, OptionError } from '../core/errors.js';
import { inBlocks, type Work, whole } from '../core/pauses.js';
import type { Edges, Knn } from '../core/types.js';
import { blockVertices, type SparseRows, transposeInParts } from '../math/sparse.js';

/** How neighbours become memberships. */
export interface SmoothKnnOptions {
  /**
   * Number of neighbours every row is fully tied to, default 1, at least 0. A fraction interpolates between
   * the two nearest whole numbers. Larger values keep sparse regions better connected.
   */
  readonly localConnectivity?: number;
  /** Neighbours at this distance or beyond are cut; above 0, default Infinity. */
  readonly disconnectionDistance?: number;
}

/** How the fuzzy graph is built. */
export interface FuzzyOptions extends SmoothKnnOptions {
  /** 1, the default, unites the two directed views of an edge, 0 intersects them; in [0, 1]. */
  readonly setOpMixRatio?: number;
}

const tolerance = 1e-5;
const bisections = 64;
const smallestScale = 1e-3;

/**
 * The symmetric fuzzy graph of a neighbour table. Entries of the table with id -1, an infinite distance, or a
 * distance of at least `disconnectionDistance` are cut. A vertex may end without edges: see
 * {@link disconnectedVertices}. Weights that are 0 in single precision are dropped.
 *
 * Throws `OptionError` for options out of range and `DataError` for a malformed table.
 */
export function* fuzzyGraphInParts(
  knn: Knn,
  { setOpMixRatio = 1, ...options }: FuzzyOptions = {},
): Work<Edges> {
  checkRange('setOpMixRatio', setOpMixRatio, setOpMixRatio >= 0 && setOpMixRatio <= 1, 'lie in [0, 1]');
  const transposed = yield* transposeInParts(yield* directedMembershipsInParts(knn, options));
  // Transposing twice sorts every row by column.
  return yield* uniteWithTransposeInParts(yield* transposeInParts(transposed), transposed, setOpMixRatio);
}

/** As {@link fuzzyGraphInParts}, at once. */
export const fuzzyGraph = whole(fuzzyGraphInParts);

/**
 * The local scale of every row: `rho`, the distance to its nearest neighbour (`localConnectivity` of them),
 * and `sigma`, chosen so that its memberships sum to log2(k). Where no scale can do that, the memberships are
 * as near as can be; `sigma` never falls below a thousandth of the mean distance. Cut neighbours take no
 * part.
 *
 * Throws as {@link fuzzyGraph} does.
 */
export function* smoothKnnInParts(
  knn: Knn,
  { localConnectivity = 1, disconnectionDistance = Number.POSITIVE_INFINITY }: SmoothKnnOptions = {},
): Work<{ sigma: Float32Array; rho: Float32Array }> {
  const finite = Number.isFinite(localConnectivity) && localConnectivity >= 0;
  checkRange('localConnectivity', localConnectivity, finite, 'be a finite number of at least 0');
  checkRange('disconnectionDistance', disconnectionDistance, disconnectionDistance > 0, 'be above 0');
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
    // Among k or more duplicates a row may not be listed as its own neighbour. Its nearest then stands in for
    // it, so that duplicates get equal scales.
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

/**
 * Directed memberships, row by row, nearest first: exp(-max(0, d - rho) / sigma) for every neighbour that is
 * not cut, nothing on the row itself. These are the rows before the union; the sum of each is log2(k).
 */
export function* directedMembershipsInParts(knn: Knn, options: SmoothKnnOptions = {}): Work<SparseRows> {
  const { sigma, rho } = yield* smoothKnnInParts(knn, options);
  const { indices, distances, rows, k } = knn;
  const limit = options.disconnectionDistance ?? Number.POSITIVE_INFINITY;
  const offsets = new Int32Array(rows + 1);
  const columns = new Int32Array(rows * k);
  const values = new Float32Array(rows * k);
  let filled = 0;
  for (let i = 0; i < rows; i++) {
    if (i % blockVertices === 0) yield;
    const nearest = rho[i]!;
    const scale = sigma[i]!;
    for (let entry = i * k; entry < (i + 1) * k; entry++) {
      const j = indices[entry]!;
      const distance = distances[entry]!;
      if (j === i || isCut(j, distance, limit)) continue;
      values[filled] = distance <= nearest || scale === 0 ? 1 : Math.exp((nearest - distance) / scale);
      if (values[filled]! > 0) columns[filled++] = j;
    }
    offsets[i + 1] = filled;
  }
  return { offsets, columns: columns.subarray(0, filled), values: values.subarray(0, filled) };
}

/** As {@link directedMembershipsInParts}, at once. */
export const directedMemberships = whole(directedMembershipsInParts);

/**
 * mix (A + B - A B) + (1 - mix) A B, element by element, for a matrix A with sorted rows and its transpose B,
 * as sorted edges. Zeros are dropped.
 */
export function* uniteWithTransposeInParts(
  rows: SparseRows,
  transposed: SparseRows,
  mix: number,
): Work<Edges> {
  const vertices = rows.offsets.length - 1;
  const { columns: columnsA, values: valuesA } = rows;
  const { columns: columnsB, values: valuesB } = transposed;
  const most = rows.offsets[vertices]! + transposed.offsets[vertices]!;
  const head = new Int32Array(most);
  const tail = new Int32Array(most);
  const weight = new Float32Array(most);
  let filled = 0;
  for (let i = 0; i < vertices; i++) {
    if (i % blockVertices === 0) yield;
    let a = rows.offsets[i]!;
    let b = transposed.offsets[i]!;
    const endA = rows.offsets[i + 1]!;
    const endB = transposed.offsets[i + 1]!;
    let previous = -1;
    while (a < endA || b < endB) {
      const columnA = a < endA ? columnsA[a]! : vertices;
      const columnB = b < endB ? columnsB[b]! : vertices;
      const column = Math.min(columnA, columnB);
      if (column === previous) {
        throw new DataError(
          `fuzzy: row ${i} and row ${column} are listed as neighbours twice; ids must differ`,
        );
      }
      previous = column;
      const valueA = columnA === column ? valuesA[a++]! : 0;
      const valueB = columnB === column ? valuesB[b++]! : 0;
      const product = valueA * valueB;
      weight[filled] = mix * (valueA + valueB - product) + (1 - mix) * product;
      if (weight[filled]! === 0) continue;
      head[filled] = i;
      tail[filled++] = column;
    }
  }
  yield;
  const kept = { head: head.slice(0, filled), tail: tail.slice(0, filled) };
  yield;
  return { ...kept, weight: weight.slice(0, filled), vertices };
}

/** As {@link uniteWithTransposeInParts}, at once. */
export const uniteWithTranspose = whole(uniteWithTransposeInParts);

/** Vertices without an edge, ascending: nothing in training will hold them to the rest of the map. */
export function disconnectedVertices({ head, vertices }: Edges): Int32Array {
  const connected = new Uint8Array(vertices);
  for (let edge = 0; edge < head.length; edge++) connected[head[edge]!] = 1;
  const lone = new Int32Array(vertices);
  let count = 0;
  for (let i = 0; i < vertices; i++) if (connected[i] === 0) lone[count++] = i;
  return lone.slice(0, count);
}

function isCut(id: number, distance: number, limit: number): boolean {
  return id < 0 || distance >= limit;
}

function checkRange(name: string, value: number, holds: boolean, wanted: string): void {
  if (!holds) throw new OptionError(`fuzzy: ${name} must ${wanted} (${name}=${value})`);
}

function* checkKnn({ indices, distances, rows, k }: Knn): Work<void> {
  if (!(Number.isInteger(rows) && Number.isInteger(k) && rows >= 1 && k >= 2)) {
    throw new DataError(`fuzzy: neighbours need at least 1 row and k of at least 2 (rows=${rows}, k=${k})`);
  }
  if (indices.length !== rows * k || distances.length !== rows * k) {
    throw new DataError(
      `fuzzy: ${rows} rows of k=${k} need ${rows * k} ids and distances ` +
        `(ids=${indices.length}, distances=${distances.length})`,
    );
  }
  for (let i = 0; i < rows; i++) {
    if (i % blockVertices === 0) yield;
    let last = 0;
    for (let entry = i * k; entry < (i + 1) * k; entry++) {
      const id = indices[entry]!;
      const distance = distances[entry]!;
      if (id >= rows) throw new DataError(`fuzzy: neighbour ${id} of row ${i} does not exist (rows=${rows})`);
      if (id < 0 || id === i) continue;
      if (!(distance >= last)) {
        throw new DataError(
          `fuzzy: distances of row ${i} must be numbers of at least 0, nearest first ` +
            `(${distance} to row ${id} follows ${last})`,
        );
      }
      last = distance;
    }
  }
}

/** Mean of all distances that are not cut, a row's own 0 included. */
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

/** The distance reached after `connectivity` distinct neighbours, those at distance 0 not counted. */
function nearestDistance(sorted: Float64Array, count: number, connectivity: number): number {
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

/** The scale at which sum of exp(-max(0, d - nearest) / scale) is `target`, as near as 64 halvings get. */
function bisect(sorted: Float64Array, first: number, count: number, nearest: number, target: number): number {
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
