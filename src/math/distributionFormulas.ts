/** Formulas of the metrics on counts, distributions and the Poincaré ball, as umap-learn defines them. */
import type { Distance } from '../core/types.js';

/** Added to every entry, so that logarithms are finite. */
const smoothing = 1e-11;

/** Half of KL(x || y) + KL(y || x), of rows scaled to a sum of 1. */
const symmetricKl: Distance = (a, offsetA, b, offsetB, columns) => {
  let totalA = 0;
  let totalB = 0;
  for (let i = 0; i < columns; i++) {
    totalA += a[offsetA + i]! + smoothing;
    totalB += b[offsetB + i]! + smoothing;
  }
  let sum = 0;
  for (let i = 0; i < columns; i++) {
    const p = (a[offsetA + i]! + smoothing) / totalA;
    const q = (b[offsetB + i]! + smoothing) / totalB;
    // x log(x / y) + y log(y / x)
    sum += (p - q) * Math.log(p / q);
  }
  return Math.max(0, sum / 2);
};

/** arcosh(1 + 2 |u - v|² / ((1 - |u|²) (1 - |v|²))), for rows within the unit ball. */
const poincare: Distance = (a, offsetA, b, offsetB, columns) => {
  let squareA = 0;
  let squareB = 0;
  let square = 0;
  for (let i = 0; i < columns; i++) {
    const x = a[offsetA + i]!;
    const y = b[offsetB + i]!;
    squareA += x * x;
    squareB += y * y;
    square += (x - y) * (x - y);
  }
  const t = (2 * square) / ((1 - squareA) * (1 - squareB));
  // arcosh(1 + t), accurate also for small t.
  return Math.log1p(t + Math.sqrt(t * (t + 2)));
};

/** Hellinger distance of the softmax of both rows. */
const softmaxHellinger: Distance = (a, offsetA, b, offsetB, columns) => {
  let largestA = Number.NEGATIVE_INFINITY;
  let largestB = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < columns; i++) {
    largestA = Math.max(largestA, a[offsetA + i]!);
    largestB = Math.max(largestB, b[offsetB + i]!);
  }
  let overlap = 0;
  let totalA = 0;
  let totalB = 0;
  for (let i = 0; i < columns; i++) {
    const rootA = Math.exp((a[offsetA + i]! - largestA) / 2);
    const rootB = Math.exp((b[offsetB + i]! - largestB) / 2);
    overlap += rootA * rootB;
    totalA += rootA * rootA;
    totalB += rootB * rootB;
  }
  return Math.sqrt(Math.max(0, 1 - overlap / Math.sqrt(totalA * totalB)));
};

/** Counts below this are treated as 0. */
const leastCount = 0.9;

/** Symmetric log-likelihood distance between rows of counts under a Dirichlet-multinomial model. */
const llDirichlet: Distance = (a, offsetA, b, offsetB, columns) => {
  let totalA = 0;
  let totalB = 0;
  let both = 0;
  let ownA = 0;
  let ownB = 0;
  let equal = true;
  for (let i = 0; i < columns; i++) {
    const x = a[offsetA + i]!;
    const y = b[offsetB + i]!;
    equal &&= x === y;
    totalA += x;
    totalB += y;
    const together = x * y > leastCount;
    if (together) both += logBeta(x, y);
    if (together || x > leastCount) ownA += logBetaOfOne(x);
    if (together || y > leastCount) ownB += logBetaOfOne(y);
  }
  // The approximations below are not exactly 0 for equal rows.
  if (equal) return 0;
  const shared = both - logBeta(totalA, totalB);
  const ofA = (shared - (ownA - logBetaOfOne(totalA))) / totalA;
  const ofB = (shared - (ownB - logBetaOfOne(totalB))) / totalB;
  // They may be slightly negative for nearly equal rows.
  return Math.sqrt(Math.max(0, ofA + ofB));
};

/** Stirling's approximation of log Γ(x). */
function logGamma(x: number): number {
  if (x === 1) return 0;
  return x * Math.log(x) - x + 0.5 * Math.log((2 * Math.PI) / x) + 1 / (12 * x);
}

/** log B(x, y): a product for small integers, else an approximation. */
function logBeta(x: number, y: number): number {
  const small = Math.min(x, y);
  const large = Math.max(x, y);
  if (large >= 5) return logGamma(x) + logGamma(y) - logGamma(x + y);
  let value = -Math.log(large);
  for (let i = 1; i < Math.trunc(small); i++) value += Math.log(i) - Math.log(large + i);
  return value;
}

/** Approximation of log B(x, x). */
function logBetaOfOne(x: number): number {
  return Math.LN2 * (-2 * x + 0.5) + 0.5 * Math.log((2 * Math.PI) / x) + 0.125 / x;
}

/** Metrics without arguments, by name. */
export const distributionMetrics: Readonly<Record<string, Distance>> = {
  symmetric_kl: symmetricKl,
  ll_dirichlet: llDirichlet,
  poincare,
  softmax_hellinger: softmaxHellinger,
};
