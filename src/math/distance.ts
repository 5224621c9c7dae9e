/** Metrics by name, as in umap-learn, and checks of the data they are defined for. */

import { DataError, describe, OptionError } from '../core/errors.js';
import { closest } from '../core/options.js';
import type { Distance, DistanceFunction, Matrix } from '../core/types.js';
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

/** Metrics that take arguments, which these functions check. */
const withParams: Readonly<Record<string, (params: Params) => Distance>> = {
  minkowski: ({ p = 2 }) => minkowski(exponent(p)),
  wminkowski: ({ p = 2, w }) => minkowski(exponent(p), weights('wminkowski', 'w', 0, w)),
  seuclidean({ V }) {
    const inverse = weights('seuclidean', 'V', 0, V).map((variance) => 1 / variance);
    if (inverse.every(Number.isFinite)) return minkowski(2, inverse);
    throw new OptionError(
      'seuclidean: metricParams.V: expected variances above 0, got one that is not; drop constant columns',
    );
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
const ofMaps = 'for embeddings';

/** Names in umap-learn that do not compare rows of numbers. */
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

/** Valid names of a metric, including aliases. */
export const metricNames: readonly string[] = [
  ...Object.keys(plainMetrics),
  ...Object.keys(withParams),
  ...Object.keys(aliases),
];

/**
 * The distance function of a metric. A user-supplied function is called with copies of the two rows, in arrays that are
 * reused for the next pair.
 *
 * `params` are the arguments of the metric: `p` (minkowski, wminkowski; default 2, at least 1), `w` (wminkowski; one
 * weight per column), `V` (seuclidean; one variance per column), `VI` (mahalanobis; inverse covariance, as rows or flat).
 * Throws `OptionError` for an unknown name or invalid arguments. The returned function throws `DataError` when a
 * user-supplied metric returns NaN or a negative number.
 */
export function distanceFor(metric: string | DistanceFunction, params: Params = {}): Distance {
  if (typeof metric === 'function') return custom(metric);
  const name = metricName(metric);
  const known = paramNames[name] ?? [];
  for (const key of Object.keys(params)) {
    if (known.includes(key)) continue;
    throw new OptionError(
      `metricParams: expected ${known.join(', ') || 'no arguments'} for ${name}, got ${key}; leave it out`,
    );
  }
  return plainMetrics[name] ?? withParams[name]!(params);
}

/** The canonical name of a metric: `manhattan` for `l1`. Throws `OptionError` for an unknown name. */
export function metricName(metric: string): string {
  const name = Object.hasOwn(aliases, metric) ? aliases[metric]! : metric;
  if (Object.hasOwn(plainMetrics, name) || Object.hasOwn(withParams, name)) return name;
  if (Object.hasOwn(notForRows, metric)) {
    throw new OptionError(
      `metric: expected a metric of rows, got '${metric}', which umap-learn has ${notForRows[metric]}; ` +
        "use another name such as 'euclidean', or a function (a, b) => number",
    );
  }
  const similar = closest(metric, metricNames);
  throw new OptionError(
    `metric: expected a known metric, got '${metric}'; ` +
      `${similar === undefined ? 'use' : `did you mean '${similar}'? Others are`} ` +
      `${metricNames.join(', ')}, or a function (a, b) => number`,
  );
}

/** Throws `DataError` if the metric is not defined for the data: negative entries, wrong number of columns, and the like. */
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
      `haversine: expected rows [latitude, longitude] in radians, got ${columns} columns; pass these two columns only`,
    );
  }
  if (name === 'haversine') checkRadians(data);
  if (name === 'hellinger' || name === 'symmetric_kl' || name === 'll_dirichlet') {
    const at = data.findIndex((value) => value < 0);
    const where = `row ${Math.floor(at / columns)}, column ${at % columns}`;
    if (at >= 0) {
      throw new DataError(
        `${name}: expected entries of at least 0, got ${data[at]} in ${where}; use another metric for such data`,
      );
    }
  }
  if (name === 'll_dirichlet') {
    const empty = sumsOfRows(data, columns, (value) => value).indexOf(0);
    if (empty >= 0) {
      throw new DataError(
        `${name}: expected a positive count in each row, got none in row ${empty}; drop such rows`,
      );
    }
  }
  if (name === 'poincare') {
    const outside = sumsOfRows(data, columns, (value) => value * value).findIndex((square) => !(square < 1));
    if (outside >= 0) {
      throw new DataError(
        `${name}: expected rows within the unit ball (length below 1), got row ${outside} outside; scale the rows down`,
      );
    }
  }
  if (name === 'wminkowski') checkLength(name, 'w', columns, columns, params);
  if (name === 'seuclidean') checkLength(name, 'V', columns, columns, params);
  if (name === 'mahalanobis') checkLength(name, 'VI', columns ** 2, columns, params);
}

/** Tolerance for angles in 32 bits, which may round pi / 2 up. */
const roundedUp = 1 + 2 ** -20;

function checkRadians(data: Float32Array): void {
  for (let i = 0; i < data.length; i++) {
    const [what, limit, text] =
      i % 2 === 0 ? ['latitude', Math.PI / 2, 'pi / 2'] : ['longitude', 2 * Math.PI, '2 pi'];
    // NaN is rejected elsewhere.
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

function checkLength(metric: string, key: string, length: number, columns: number, params: Params): void {
  const given = numbers(params[key])?.length;
  if (given === length) return;
  throw new DataError(
    `${metric}: metricParams.${key}: expected ${length} entries (${columns} columns), got ${given}; ` +
      'compute it from the same columns',
  );
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
      `metric: expected the given function to return a number of at least 0, got ${describe(distance)}; ` +
        'return a distance for any two rows',
    );
  };
}

function exponent(p: unknown): number {
  if (typeof p === 'number' && p >= 1 && Number.isFinite(p)) return p;
  throw new OptionError(
    `minkowski: metricParams.p: expected a finite number of at least 1, got ${p}; for p = Infinity use chebyshev`,
  );
}

function weights(metric: string, key: string, lowest: number, given: unknown): Float64Array {
  const values = numbers(given);
  if (values?.every((value) => Number.isFinite(value) && value >= lowest)) return values;
  const bound = lowest === 0 ? ' of at least 0' : '';
  throw new OptionError(
    `${metric}: metricParams.${key}: expected an array of finite numbers${bound}, got ${describe(given)}; ` +
      'check its entries',
  );
}

function numbers(given: unknown): Float64Array | undefined {
  if (Array.isArray(given)) return Float64Array.from(given.flat());
  return ArrayBuffer.isView(given) ? Float64Array.from(given as Float64Array) : undefined;
}
