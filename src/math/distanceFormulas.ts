/** Formulas of the metrics, as umap-learn defines them, for rows at offsets in flat tables. */
import type { Distance } from '../core/types.js';

const euclidean: Distance = (a, offsetA, b, offsetB, columns) => {
  let sum0 = 0;
  let sum1 = 0;
  let i = 0;
  // Two partial sums hide the latency of additions.
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
  let difference = 0;
  let total = 0;
  for (let i = 0; i < columns; i++) {
    const x = a[offsetA + i]!;
    const y = b[offsetB + i]!;
    difference += Math.abs(x - y);
    total += Math.abs(x + y);
  }
  return total > 0 ? difference / total : 0;
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
  // Rounding may make it slightly negative for equal directions.
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
  // A constant row has no direction, only rounding errors.
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

/** Formula from the numbers of columns that are nonzero in both rows, only in the first, only in the second, and of all. */
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

/** Metrics without arguments, by name. */
export const plainMetrics: Readonly<Record<string, Distance>> = {
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

/** (Σ w |a - b|^p)^(1/p); without weights, w = 1. */
export function minkowski(p: number, weight?: Float64Array): Distance {
  return (a, offsetA, b, offsetB, columns) => {
    let sum = 0;
    for (let i = 0; i < columns; i++) {
      const term = Math.abs(a[offsetA + i]! - b[offsetB + i]!) ** p;
      sum += weight === undefined ? term : weight[i]! * term;
    }
    return sum ** (1 / p);
  };
}

/** sqrt(d' VI d), d = a - b; `inverse` is VI, flat. */
export function mahalanobis(inverse: Float64Array): Distance {
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
