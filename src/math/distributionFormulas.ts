/** Formulas of the metrics on counts, distributions and the Poincaré ball, as umap-learn defines them. */
import type { Distance } from '../core/types.js';

/** What keeps the logarithm of an empty entry finite. */
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
  let apart = 0;
  for (let i = 0; i < columns; i++) {
    const x = a[offsetA + i]!;
    const y = b[offsetB + i]!;
    squareA += x * x;
    squareB += y * y;
    apart += (x - y) * (x - y);
  }
  const t = (2 * apart) / ((1 - squareA) * (1 - squareB));
  // arcosh(1 + t), without the loss of small t beside 1.
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

/** Counts below this are taken as none. */
const leastCount = 0.9;

/**
 * How much less likely the counts of either row are on a die that rolled the other's, than on one that rolled their own:
 * the symmetric log likelihood of a Dirichlet-multinomial.
 */
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
  // The approximations would leave copies of a row a little apart.
  if (equal) return 0;
  const shared = both - logBeta(totalA, totalB);
  const ofA = (shared - (ownA - logBetaOfOne(totalA))) / totalA;
  const ofB = (shared - (ownB - logBetaOfOne(totalB))) / totalB;
  // They may leave rows that are nearly equal a hair below 0.
  return Math.sqrt(Math.max(0, ofA + ofB));
};

/** Stirling's approximation of log Γ(x). */
function logGamma(x: number): number {
  if (x === 1) return 0;
  return x * Math.log(x) - x + 0.5 * Math.log((2 * Math.PI) / x) + 1 / (12 * x);
}

/** log B(x, y): as a product for small whole numbers, else approximated. */
function logBeta(x: number, y: number): number {
  const small = Math.min(x, y);
  const large = Math.max(x, y);
  if (large >= 5) return logGamma(x) + logGamma(y) - logGamma(x + y);
  let value = -Math.log(large);
  for (let i = 1; i < Math.trunc(small); i++) value += Math.log(i) - Math.log(large + i);
  return value;
}

/** An approximation of log B(x, x). */
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
