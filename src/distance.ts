/** Metrics on rows of flat tables, named as in umap-learn, and how a metric's name becomes a function. */
import { DataError, OptionError } from './errors.js';
import type { Distance, DistanceFunction, Matrix } from './types.js';

type Params = Readonly<Record<string, unknown>>;

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

const euclidean: Distance = (a, offsetA, b, offsetB, columns) => {
  let sum0 = 0;
  let sum1 = 0;
  let i = 0;
  // Two sums hide the latency of the additions.
  for (; i + 1 < columns; i += 2) {
    const d0 = a[offsetA + i]! - b[offsetB + i]!;
    const d1 = a[offsetA + i + 1]! - b[offsetB + i + 1]!;
    sum0 += d0 * d0;
    sum1 += d1 * d1;
  }
  if (i < columns) {
    const d0 = a[offsetA + i]! - b[offsetB + i]!;
    sum0 += d0 * d0;
  }
  return Math.sqrt(sum0 + sum1);
};

const manhattan: Distance = (a, offsetA, b, offsetB, columns) => {
  let sum = 0;
  for (let i = 0; i < columns; i++) sum += Math.abs(a[offsetA + i]! - b[offsetB + i]!);
  return sum;
};

const chebyshev: Distance = (a, offsetA, b, offsetB, columns) => {
  let largest = 0;
  for (let i = 0; i < columns; i++) {
    const d = Math.abs(a[offsetA + i]! - b[offsetB + i]!);
    if (d > largest) largest = d;
  }
  return largest;
};

const canberra: Distance = (a, offsetA, b, offsetB, columns) => {
  let sum = 0;
  for (let i = 0; i < columns; i++) {
    const x = a[offsetA + i]!;
    const y = b[offsetB + i]!;
    const scale = Math.abs(x) + Math.abs(y);
    if (scale > 0) sum += Math.abs(x - y) / scale;
  }
  return sum;
};

const braycurtis: Distance = (a, offsetA, b, offsetB, columns) => {
  let apart = 0;
  let together = 0;
  for (let i = 0; i < columns; i++) {
    const x = a[offsetA + i]!;
    const y = b[offsetB + i]!;
    apart += Math.abs(x - y);
    together += Math.abs(x + y);
  }
  return together > 0 ? apart / together : 0;
};

const cosine: Distance = (a, offsetA, b, offsetB, columns) => {
  let dot = 0;
  let normA = 0;
  let normB = 0;
  for (let i = 0; i < columns; i++) {
    const x = a[offsetA + i]!;
    const y = b[offsetB + i]!;
    dot += x * y;
    normA += x * x;
    normB += y * y;
  }
  if (normA === 0 || normB === 0) return normA === normB ? 0 : 1;
  // Rounding may leave equal directions a hair below 0.
  return Math.max(0, 1 - dot / Math.sqrt(normA * normB));
};

const correlation: Distance = (a, offsetA, b, offsetB, columns) => {
  let meanA = 0;
  let meanB = 0;
  for (let i = 0; i < columns; i++) {
    meanA += a[offsetA + i]!;
    meanB += b[offsetB + i]!;
  }
  meanA /= columns;
  meanB /= columns;
  let dot = 0;
  let normA = 0;
  let normB = 0;
  for (let i = 0; i < columns; i++) {
    const x = a[offsetA + i]! - meanA;
    const y = b[offsetB + i]! - meanB;
    dot += x * y;
    normA += x * x;
    normB += y * y;
  }
  // What rounding leaves of a constant row has no direction.
  const flatA = normA <= columns * meanA * meanA * 1e-20;
  const flatB = normB <= columns * meanB * meanB * 1e-20;
  if (flatA || flatB) return flatA === flatB ? 0 : 1;
  return Math.max(0, 1 - dot / Math.sqrt(normA * normB));
};

const hellinger: Distance = (a, offsetA, b, offsetB, columns) => {
  let overlap = 0;
  let totalA = 0;
  let totalB = 0;
  for (let i = 0; i < columns; i++) {
    const x = a[offsetA + i]!;
    const y = b[offsetB + i]!;
    overlap += Math.sqrt(x * y);
    totalA += x;
    totalB += y;
  }
  if (totalA === 0 || totalB === 0) return totalA === totalB ? 0 : 1;
  return Math.sqrt(Math.max(0, 1 - overlap / Math.sqrt(totalA * totalB)));
};

const haversine: Distance = (a, offsetA, b, offsetB) => {
  const latitudeA = a[offsetA]!;
  const latitudeB = b[offsetB]!;
  const sinLatitude = Math.sin(0.5 * (latitudeA - latitudeB));
  const sinLongitude = Math.sin(0.5 * (a[offsetA + 1]! - b[offsetB + 1]!));
  const square =
    sinLatitude * sinLatitude + Math.cos(latitudeA) * Math.cos(latitudeB) * sinLongitude * sinLongitude;
  return 2 * Math.asin(Math.sqrt(Math.min(1, Math.max(0, square))));
};

const hamming: Distance = (a, offsetA, b, offsetB, columns) => {
  let unequal = 0;
  for (let i = 0; i < columns; i++) if (a[offsetA + i] !== b[offsetB + i]) unequal++;
  return unequal / columns;
};

/** Entries that are not 0 in both rows, in the first alone, in the second alone; columns in all. */
type Binary = (both: number, onlyA: number, onlyB: number, columns: number) => number;

function binary(formula: Binary): Distance {
  return (a, offsetA, b, offsetB, columns) => {
    let both = 0;
    let onlyA = 0;
    let onlyB = 0;
    for (let i = 0; i < columns; i++) {
      if (a[offsetA + i] !== 0) {
        if (b[offsetB + i] !== 0) both++;
        else onlyA++;
      } else if (b[offsetB + i] !== 0) onlyB++;
    }
    return formula(both, onlyA, onlyB, columns);
  };
}

const ratio = (part: number, whole: number) => (part === 0 ? 0 : part / whole);
const rogerstanimoto = binary((_, onlyA, onlyB, n) => (2 * (onlyA + onlyB)) / (n + onlyA + onlyB));

const plain: Readonly<Record<string, Distance>> = {
  euclidean,
  manhattan,
  chebyshev,
  canberra,
  braycurtis,
  cosine,
  correlation,
  hellinger,
  haversine,
  hamming,
  jaccard: binary((both, onlyA, onlyB) => ratio(onlyA + onlyB, both + onlyA + onlyB)),
  dice: binary((both, onlyA, onlyB) => ratio(onlyA + onlyB, 2 * both + onlyA + onlyB)),
  matching: binary((_, onlyA, onlyB, n) => (onlyA + onlyB) / n),
  kulsinski: binary((both, onlyA, onlyB, n) =>
    onlyA + onlyB === 0 ? 0 : (onlyA + onlyB - both + n) / (onlyA + onlyB + n),
  ),
  rogerstanimoto,
  sokalmichener: rogerstanimoto,
  sokalsneath: binary((both, onlyA, onlyB) => ratio(onlyA + onlyB, 0.5 * both + onlyA + onlyB)),
  russellrao: binary((both, onlyA, onlyB, n) => (onlyA + onlyB === 0 ? 0 : (n - both) / n)),
  yule: binary((both, onlyA, onlyB, n) =>
    // 2 R / (both * neither + R), R = onlyA * onlyB
    ratio(2 * onlyA * onlyB, both * (n - both - onlyA - onlyB) + onlyA * onlyB),
  ),
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

/** Names that `metric` may have, aliases included. */
export const metricNames: readonly string[] = [
  ...Object.keys(plain),
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
  return plain[name] ?? withParams[name]!(params);
}

/** The one name of a metric that has several: `l1` is `manhattan`. Throws OptionError for an unknown name. */
export function metricName(metric: string): string {
  const name = Object.hasOwn(aliases, metric) ? aliases[metric]! : metric;
  if (Object.hasOwn(plain, name) || Object.hasOwn(withParams, name)) return name;
  const closest = closestName(metric);
  throw new OptionError(
    `metric: unknown metric '${metric}'${closest === undefined ? '' : `, did you mean '${closest}'?`} ` +
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
  if (name === 'hellinger') {
    const at = data.findIndex((value) => value < 0);
    if (at < 0) return;
    const place = `row ${Math.floor(at / columns)}, column ${at % columns}`;
    throw new DataError(`hellinger: entries must be at least 0, got ${data[at]} in ${place}`);
  }
  const wanted = {
    wminkowski: ['w', columns],
    seuclidean: ['V', columns],
    mahalanobis: ['VI', columns ** 2],
  };
  const [key, length] = wanted[name as keyof typeof wanted] ?? [];
  if (key === undefined) return;
  const given = numbers(params[key as string])?.length;
  if (given !== length)
    throw new DataError(`${name}: ${key} needs ${length} entries (${columns} columns), got ${given}`);
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
    const distance = metric(rowA, rowB);
    if (distance >= 0) return distance;
    throw new DataError(
      `metric: the given function must return a number of at least 0 for any two rows, got ${distance}`,
    );
  };
}

function minkowski(p: number, weight?: Float64Array): Distance {
  return (a, offsetA, b, offsetB, columns) => {
    let sum = 0;
    for (let i = 0; i < columns; i++) {
      const term = Math.abs(a[offsetA + i]! - b[offsetB + i]!) ** p;
      sum += weight === undefined ? term : weight[i]! * term;
    }
    return sum ** (1 / p);
  };
}

/** sqrt(d' VI d), d = a - b */
function mahalanobis(inverse: Float64Array): Distance {
  return (a, offsetA, b, offsetB, columns) => {
    let sum = 0;
    for (let i = 0; i < columns; i++) {
      let inner = 0;
      for (let j = 0; j < columns; j++)
        inner += inverse[i * columns + j]! * (a[offsetA + j]! - b[offsetB + j]!);
      sum += inner * (a[offsetA + i]! - b[offsetB + i]!);
    }
    return Math.sqrt(Math.max(0, sum));
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

/** The known name with the fewest edits, when these are few enough for a slip of the fingers. */
function closestName(given: string): string | undefined {
  const scored = metricNames.map((name) => ({ name, edits: edits(given.toLowerCase(), name) }));
  const best = scored.reduce((a, b) => (b.edits < a.edits ? b : a));
  return best.edits <= Math.max(2, best.name.length / 3) ? best.name : undefined;
}

/** Levenshtein distance. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (a[i] === b[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
