/** How a metric's name, as in umap-learn, becomes a function; what a metric asks of its data. */

import { DataError, describe, OptionError } from '../core/errors.js';
import { closest } from '../core/options.js';
import type { Distance, DistanceFunction, Knn, Matrix } from '../core/types.js';
import { mahalanobis, minkowski, plainMetrics as ordinaryMetrics } from './distanceFormulas.js';
import { distributionMetrics } from './distributionFormulas.js';

type Params = Readonly<Record<string, unknown>>;

/** Metrics without arguments. */
const plainMetrics: Readonly<Record<string, Distance>> = { ...ordinaryMetrics, ...distributionMetrics };

const aliases: Readonly<Record<string, string>> = {
  l2: 'euclidean',
  l1: 'manhattan',
  taxicab: 'manhattan',
  cityblock: 'manhattan',
  linfinity: 'chebyshev',
  linfty: 'chebyshev',
  linf: 'chebyshev',
  standardised_euclidean: 'seuclidean',
  weighted_minkowski: 'wminkowski',
};

/** Metrics that take arguments: how to read these and what they give. */
const withParams: Readonly<Record<string, (params: Params) => Distance>> = {
  minkowski: ({ p = 2 }) => minkowski(exponent(p)),
  wminkowski: ({ p = 2, w }) => minkowski(exponent(p), weights('wminkowski', 'w', 0, w)),
  seuclidean({ V }) {
    const inverse = weights('seuclidean', 'V', 0, V).map((variance) => 1 / variance);
    if (inverse.every(Number.isFinite)) return minkowski(2, inverse);
    throw new OptionError('seuclidean: every entry of metricParams.V must be above 0');
  },
  mahalanobis: ({ VI }) => mahalanobis(weights('mahalanobis', 'VI', Number.NEGATIVE_INFINITY, VI)),
};

const paramNames: Readonly<Record<string, readonly string[]>> = {
  minkowski: ['p'],
  wminkowski: ['p', 'w'],
  seuclidean: ['V'],
  mahalanobis: ['VI'],
};

const ofTargets = 'for targets, one value each';
const ofMaps = 'for places on the map';

/** Names in umap-learn's list that compare something else than rows of numbers. */
const notForRows: Readonly<Record<string, string>> = {
  categorical: ofTargets,
  hierarchical_categorical: ofTargets,
  ordinal: ofTargets,
  count: ofTargets,
  string: ofTargets,
  myers: ofTargets,
  spherical_gaussian_energy: ofMaps,
  diagonal_gaussian_energy: ofMaps,
  gaussian_energy: ofMaps,
  hyperboloid: ofMaps,
};

/** Names that `metric` may have, aliases included. */
export const metricNames: readonly string[] = [
  ...Object.keys(plainMetrics),
  ...Object.keys(withParams),
  ...Object.keys(aliases),
];

/**
 * The function of a metric. A caller's own function gets copies of its two rows in two arrays that are used
 * again for the next pair, so it must not keep them.
 *
 * @param params arguments of the metric: `p` (minkowski, wminkowski; default 2, at least 1), `w` (wminkowski: one
 *   weight a column), `V` (seuclidean: one variance a column), `VI` (mahalanobis: inverse covariance, rows or
 *   flat).
 * @throws OptionError for an unknown name or bad arguments; the function itself throws DataError when a
 *   caller's own metric gives NaN or less than 0.
 */
export function distanceFor(metric: string | DistanceFunction, params: Params = {}): Distance {
  if (typeof metric === 'function') return custom(metric);
  const name = metricName(metric);
  const known = paramNames[name] ?? [];
  for (const key of Object.keys(params)) {
    if (known.includes(key)) continue;
    throw new OptionError(`metricParams: ${name} takes ${known.join(', ') || 'no arguments'}, got ${key}`);
  }
  return plainMetrics[name] ?? withParams[name]!(params);
}

/** The one name of a metric that has several: `l1` is `manhattan`. Throws OptionError for an unknown name. */
export function metricName(metric: string): string {
  const name = Object.hasOwn(aliases, metric) ? aliases[metric]! : metric;
  if (Object.hasOwn(plainMetrics, name) || Object.hasOwn(withParams, name)) return name;
  if (Object.hasOwn(notForRows, metric)) {
    throw new OptionError(
      `metric: a metric of rows expected, got '${metric}', which umap-learn has ${notForRows[metric]}; ` +
        "use another name such as 'euclidean', or a function (a, b) => number",
    );
  }
  const likely = closest(metric, metricNames);
  throw new OptionError(
    `metric: unknown metric '${metric}'${likely === undefined ? '' : `, did you mean '${likely}'?`} ` +
      `Allowed: ${metricNames.join(', ')}, or a function (a, b) => number`,
  );
}

/**
 * The distance from which rows count as unrelated, as in umap-learn: the upper bound of a bounded metric (2 for
 * cosine and correlation, 1 for hellinger, jaccard and dice), else Infinity.
 */
export function disconnectionDefault(metric: string | DistanceFunction): number {
  if (metric === 'cosine' || metric === 'correlation') return 2;
  return metric === 'hellinger' || metric === 'jaccard' || metric === 'dice' ? 1 : Number.POSITIVE_INFINITY;
}

/** Distances in 32 bits may fall this far below a bound that they have reached. */
const doubtful = 2e-3;
/** Distances in 64 bits, of rows in 32. */
const rounding = 2 ** -22;

/**
 * Neighbors without those at the bound of a metric, which are unrelated rows: their ids become -1. Distances of 32 bits
 * miss a bound by what rounding leaves, as 0.99999994 for 1, so that those near it are computed again in 64.
 *
 * @param data the rows that `metric` compared; undefined when the distances came from elsewhere.
 */
export function cutAtBound(knn: Knn, metric: string, data?: Matrix, params: Params = {}): Knn {
  const bound = disconnectionDefault(metric);
  if (bound === Number.POSITIVE_INFINITY) return knn;
  const limit = bound * (1 - rounding);
  const distance = data && distanceFor(metric, params);
  const { rows, k, distances } = knn;
  const columns = data?.shape[1] ?? 0;
  let indices = knn.indices;
  for (let entry = 0; entry < rows * k; entry++) {
    if (!(distances[entry]! >= bound * (1 - doubtful)) || indices[entry]! < 0) continue;
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

/** Throws DataError when the metric is not defined for such data: negative entries, wrong number of columns. */
export function checkMetricData(
  metric: string | DistanceFunction,
  { data, shape }: Matrix,
  params: Params = {},
) {
  if (typeof metric === 'function') return;
  const [, columns] = shape;
  const name = metricName(metric);
  if (name === 'haversine' && columns !== 2) {
    throw new DataError(
      `haversine: rows must be [latitude, longitude] in radians (columns=2), got ${columns}`,
    );
  }
  if (name === 'haversine') checkRadians(data);
  if (name === 'hellinger' || name === 'symmetric_kl' || name === 'll_dirichlet') {
    const at = data.findIndex((value) => value < 0);
    const place = `row ${Math.floor(at / columns)}, column ${at % columns}`;
    if (at >= 0) throw new DataError(`${name}: entries must be at least 0, got ${data[at]} in ${place}`);
  }
  if (name === 'll_dirichlet') {
    const empty = sumsOfRows(data, columns, (value) => value).indexOf(0);
    if (empty >= 0) {
      throw new DataError(`${name}: rows with a count expected, got none in row ${empty}; drop such rows`);
    }
  }
  if (name === 'poincare') {
    const outside = sumsOfRows(data, columns, (value) => value * value).findIndex((square) => !(square < 1));
    if (outside >= 0) {
      throw new DataError(
        `${name}: rows within the unit ball (length below 1) expected, got row ${outside} outside; scale the rows down`,
      );
    }
  }
  if (name === 'wminkowski') checkLength(name, 'w', columns, columns, params);
  if (name === 'seuclidean') checkLength(name, 'V', columns, columns, params);
  if (name === 'mahalanobis') checkLength(name, 'VI', columns ** 2, columns, params);
}

/** 32 bits may round pi / 2 up. */
const roundedUp = 1 + 2 ** -20;

function checkRadians(data: Float32Array): void {
  for (let i = 0; i < data.length; i++) {
    const [what, limit, text] =
      i % 2 === 0 ? ['latitude', Math.PI / 2, 'pi / 2'] : ['longitude', 2 * Math.PI, '2 pi'];
    // NaN is for others to refuse.
    if (!(Math.abs(data[i]!) > limit * roundedUp)) continue;
    throw new DataError(
      `haversine: expected a ${what} in radians, from -${text} to ${text}, got ${data[i]} in row ${i >> 1}; ` +
        'multiply degrees by Math.PI / 180, and put latitudes in column 0',
    );
  }
}

function sumsOfRows(data: Float32Array, columns: number, of: (value: number) => number): Float64Array {
  const sums = new Float64Array(data.length / columns);
  for (let i = 0; i < data.length; i++) sums[Math.floor(i / columns)]! += of(data[i]!);
  return sums;
}

function checkLength(metric: string, key: string, wanted: number, columns: number, params: Params): void {
  const given = numbers(params[key])?.length;
  if (given === wanted) return;
  throw new DataError(`${metric}: ${key} needs ${wanted} entries (${columns} columns), got ${given}`);
}

function custom(metric: DistanceFunction): Distance {
  let rowA = new Float32Array(0);
  let rowB = new Float32Array(0);
  return (a, offsetA, b, offsetB, columns) => {
    if (rowA.length !== columns) {
      rowA = new Float32Array(columns);
      rowB = new Float32Array(columns);
    }
    for (let i = 0; i < columns; i++) {
      rowA[i] = a[offsetA + i]!;
      rowB[i] = b[offsetB + i]!;
    }
    const distance: unknown = metric(rowA, rowB);
    if (typeof distance === 'number' && distance >= 0) return distance;
    throw new DataError(
      `metric: the given function must return a number of at least 0 for any two rows, got ${describe(distance)}`,
    );
  };
}

function exponent(p: unknown): number {
  if (typeof p === 'number' && p >= 1 && Number.isFinite(p)) return p;
  throw new OptionError(
    `minkowski: p must be a finite number of at least 1, got ${p} (chebyshev is p = Infinity)`,
  );
}

function weights(metric: string, key: string, lowest: number, given: unknown): Float64Array {
  const values = numbers(given);
  if (values?.every((value) => Number.isFinite(value) && value >= lowest)) return values;
  const bound = lowest === 0 ? ' of at least 0' : '';
  throw new OptionError(`${metric}: metricParams.${key} must be an array of finite numbers${bound}`);
}

function numbers(given: unknown): Float64Array | undefined {
  if (Array.isArray(given)) return Float64Array.from(given.flat());
  return ArrayBuffer.isView(given) ? Float64Array.from(given as Float64Array) : undefined;
}
