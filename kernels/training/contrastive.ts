/**
 * The contrastive losses of pairs of points, with their gradient (formulas in src/losses/contrastive.ts). A pair at a time: its
 * negatives are listed, compared with the head, their values replaced by derivatives, and those added to the gradient. In 32-bit
 * floats, four negatives at a time; the costs of the pairs are summed in 64 bits. Instead of one logarithm for each negative
 * there is one of the product of their terms, whose exponents are split off so that it cannot overflow.
 */
import { multiplyAdd } from './matmul';
import { everyOther, listed, sampled } from './negatives';
import { exp2, log2 } from './pairs';
import { addGradients, compare, padded, unpadded } from './similarities';

/** The losses by number: with umap the odds are 1 / d^2, else the similarity divided by kappa. */
const UMAP: i32 = 0;
const NCE: i32 = 2;
const INFONCE: i32 = 3;
const INFONCE_ALT: i32 = 4;

/** Where negatives come from: none, drawn, every other row, a list for each pair. */
const DRAWN: i32 = 1;
const ALL: i32 = 2;
const LISTED: i32 = 3;

const LN2: f64 = 0.6931471805599453;
/** Squared distance, and cosine reversed, of entries that pad a list to a multiple of four: they cost nothing. */
const FAR: f32 = 1e15;

// @ts-ignore: decorator
@inline
function strideOf(columns: i32): i32 {
  return columns == 2 ? 2 : (columns + 3) & -4;
}

/** Bytes of scratch memory that `contrastiveCosts` needs for lists of at most `negatives` rows. */
export function contrastiveScratch(rows: i32, columns: i32, negatives: i32): i32 {
  return (2 * strideOf(columns) + 1) * rows * 4 + (negatives + 4) * 20 + 64;
}

/**
 * Returns the weighted cost of the pairs, and writes its gradient (rows x columns), and at `results`, two 64-bit floats, its
 * derivatives with respect to the logarithms of kappa (neg, nce) and of the temperature (cosine). `source` tells where
 * negatives come from; `list` is what `sampled` and `everyOther` take, or with LISTED `samples` rows for each pair. `ranges`, if
 * not 0, holds for each pair where its barred rows begin and end in `barred`. For nce,
 * `kappa` is multiplied by the number of negatives. `factor` multiplies both InfoNCE losses. The cost of a negative of umap
 * follows its tangent below the squared distance `tangent`. NaN for points that are not finite or 1e15 or more from the
 * origin, and for an index out of range.
 */
export function contrastiveCosts(
  points: usize, rows: i32, columns: i32, gradient: usize, heads: usize, tails: usize, weights: usize, pairs: i32,
  source: i32, samples: i32, excluded: i32, ranges: usize, barred: usize, list: usize, listCount: i32, state: usize,
  mode: i32, cosine: bool, kappa: f32, temperature: f32, factor: f32, tangent: f32, results: usize, scratch: usize,
): f64 {
  const stride = strideOf(columns);
  const units = scratch;
  const sums = units + rows * stride * 4;
  const lengths = sums + rows * stride * 4;
  const positive = lengths + rows * 4;
  const others = positive + 64;
  store<f64>(results, 0);
  store<f64>(results, 0, 8);
  memory.fill(sums, 0, rows * stride * 4);
  if (!padded(points, rows, columns, units, stride, cosine ? lengths : 0)) return NaN;
  let total: f64 = 0;
  for (let p = 0; p < pairs; p++) {
    const head = load<i32>(heads + p * 4);
    const tail = load<i32>(tails + p * 4);
    if (<u32>max<u32>(head, tail) >= <u32>rows) return NaN;
    let n = 0;
    const from = ranges ? barred + load<u32>(ranges + p * 8) * 4 : 0;
    const to = ranges ? barred + load<u32>(ranges + p * 8, 4) * 4 : 0;
    if (source == DRAWN) n = sampled(others, samples, head, rows, excluded, from, to, list, listCount, state);
    else if (source == ALL) n = everyOther(others, head, tail, rows, from, to, list, listCount);
    else if (source == LISTED) n = listed(others, rows, list + p * samples * 4, samples);
    if (n < 0) return NaN;
    const four = (n + 3) & -4;
    for (let k = n; k < four; k++) store<i32>(others + k * 4, head);
    const values = others + four * 4;
    const sides = values + four * 4;
    compare(cosine, units, stride, head, others, four, values, sides);
    // The pair itself, in the first of four lanes.
    for (let k = 0; k < 16; k += 4) store<i32>(positive + k, tail);
    compare(cosine, units, stride, head, positive, 4, positive + 16, positive + 32);
    const weight = load<f32>(weights + p * 4);
    const value = load<f32>(positive + 16);
    // With InfoNCE the negatives may be as far, and only their ratios count.
    const far: f32 = cosine ? -FAR : mode >= INFONCE ? Infinity : FAR;
    for (let k = n; k < four; k++) store<f32>(values + k * 4, far);
    const first = positive + 16;
    if (mode >= INFONCE) {
      total += cosine
        ? contrastCosine(mode == INFONCE, value, values, four, kappa, temperature, factor * weight, first)
        : contrastCauchy(mode == INFONCE, value, values, four, kappa, factor * weight, first);
    } else {
      const odds: f32 = mode == UMAP ? 1 : mode == NCE ? kappa * <f32>n : kappa;
      total += <f64>weight * (cosine
        ? logisticCosine(value, values, four, odds, temperature, weight, first, results)
        : logisticCauchy(value, values, four, odds, mode == UMAP ? 0 : 1, tangent, weight, first, results));
    }
    for (let k = n; k < four; k++) store<f32>(values + k * 4, 0);
    for (let k = 4; k < 16; k += 4) store<f32>(first + k, 0);
    addGradients(cosine, units, stride, head, others, four, values, sides, sums);
    addGradients(cosine, units, stride, head, positive, 4, first, positive + 32, sums);
  }
  const along = unpadded(sums, units, rows, columns, stride, cosine ? lengths : 0, gradient);
  // Each pair is counted in both of its rows.
  store<f64>(results, -along / 2, 8);
  return total;
}

/**
 * The costs log(1 + u) of a pair and log(1 + 1 / u) of its negatives, u = kappa (offset + d^2). Replaces the squared distances
 * by twice the weighted derivatives, and adds the derivative with respect to log kappa at `results`. Returns the cost without
 * the weight.
 */
function logisticCauchy(
  squared: f32, values: usize, n: i32, kappa: f32, offset: f32, tangent: f32, weight: f32, first: usize,
  results: usize,
): f64 {
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  const least = f32x4.splat(offset == 0 ? tangent : 0);
  let product = one;
  let exponents = i32x4.splat(0);
  let linear = zero;
  let shares = zero;
  for (let k = 0; k < n; k += 4) {
    const d2 = v128.load(values + k * 4);
    const u = f32x4.mul(f32x4.splat(kappa), f32x4.add(f32x4.pmax(d2, least), f32x4.splat(offset)));
    const above = f32x4.add(u, one);
    const inverse = f32x4.div(one, f32x4.mul(u, above));
    const slope = f32x4.mul(f32x4.splat(kappa), inverse);
    linear = multiplyAdd(slope, f32x4.pmax(f32x4.sub(least, d2), zero), linear);
    shares = multiplyAdd(inverse, u, shares);
    product = f32x4.mul(product, multiplyAdd(inverse, above, one));
    exponents = i32x4.add(exponents, exponentOf(product));
    product = mantissaOf(product);
    v128.store(values + k * 4, f32x4.mul(f32x4.splat(-2 * weight), slope));
  }
  const u: f32 = kappa * (offset + squared);
  store<f32>(first, 2 * weight * kappa / (1 + u));
  store<f64>(results, load<f64>(results) + <f64>weight * (<f64>(u / (1 + u)) - sumOf(shares)));
  return logOf(1 + u) + logProduct(product, exponents) + sumOf(linear);
}

/** As `logisticCauchy`, of cosines, with u = kappa exp(-cosine / temperature). Writes weighted derivatives. */
function logisticCosine(
  cosine: f32, values: usize, n: i32, kappa: f32, temperature: f32, weight: f32, first: usize, results: usize,
): f64 {
  const one = f32x4.splat(1);
  const perCosine = f32x4.splat(<f32>(1 / (LN2 * <f64>temperature)));
  const log2Kappa = log2(f32x4.splat(kappa));
  let product = one;
  let exponents = i32x4.splat(0);
  let shares = f32x4.splat(0);
  for (let k = 0; k < n; k += 4) {
    const t = f32x4.sub(f32x4.mul(v128.load(values + k * 4), perCosine), log2Kappa);
    const e = exp2(f32x4.pmin(t, f32x4.splat(126)));
    const above = f32x4.add(e, one);
    const share = f32x4.div(e, above);
    shares = f32x4.add(shares, share);
    product = f32x4.mul(product, above);
    exponents = i32x4.add(exponents, exponentOf(product));
    product = mantissaOf(product);
    v128.store(values + k * 4, f32x4.mul(share, f32x4.splat(weight / temperature)));
  }
  const t = f32x4.sub(f32x4.mul(f32x4.splat(-cosine), perCosine), f32x4.neg(log2Kappa));
  const u = kappa > 0 ? f32x4.extract_lane(exp2(f32x4.pmin(t, f32x4.splat(126))), 0) : 0;
  const share = u / (1 + u);
  store<f32>(first, -weight * share / temperature);
  store<f64>(results, load<f64>(results) + <f64>weight * (<f64>share - sumOf(shares)));
  return logOf(1 + u) + logProduct(product, exponents);
}

/**
 * The cost log(1 + d^2) + log(sum of q) / kappa of a pair, q = 1 / (1 + d^2) of its negatives, and of its own if `own`. Replaces
 * the squared distances by twice the weighted derivatives. Returns the weighted cost.
 */
function contrastCauchy(
  own: bool, squared: f32, values: usize, n: i32, kappa: f32, weight: f32, first: usize,
): f64 {
  const one = f32x4.splat(1);
  let sums = f32x4.splat(0);
  for (let k = 0; k < n; k += 4) {
    const q = f32x4.div(one, f32x4.add(one, v128.load(values + k * 4)));
    sums = f32x4.add(sums, q);
    v128.store(values + k * 4, q);
  }
  const mine: f32 = 1 / (1 + squared);
  const total = <f32>(sumOf(sums) + <f64>(own ? mine : 0));
  // Without negatives there is nothing to contrast with.
  const share: f32 = own || n > 0 ? 1 / (kappa * total) : 0;
  const scale = f32x4.splat(-2 * weight * share);
  for (let k = 0; k < n; k += 4) {
    const q = v128.load(values + k * 4);
    v128.store(values + k * 4, f32x4.mul(f32x4.mul(scale, q), q));
  }
  store<f32>(first, 2 * weight * mine * (1 - (own ? share * mine : 0)));
  return <f64>weight * (logOf(1 + squared) + (share > 0 ? logOf(total) / <f64>kappa : 0));
}

/** As `contrastCauchy`, of cosines, with q = exp(cosine / temperature). Writes weighted derivatives. */
function contrastCosine(
  own: bool, cosine: f32, values: usize, n: i32, kappa: f32, temperature: f32, weight: f32, first: usize,
): f64 {
  let most = f32x4.splat(own || n == 0 ? cosine : -2);
  for (let k = 0; k < n; k += 4) most = f32x4.pmax(most, v128.load(values + k * 4));
  const largest = max(
    max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  );
  const perCosine = f32x4.splat(<f32>(1 / (LN2 * <f64>temperature)));
  const top = f32x4.splat(largest);
  let sums = f32x4.splat(0);
  for (let k = 0; k < n; k += 4) {
    const q = exp2(f32x4.mul(f32x4.sub(v128.load(values + k * 4), top), perCosine));
    sums = f32x4.add(sums, q);
    v128.store(values + k * 4, q);
  }
  const mine = own ? f32x4.extract_lane(exp2(f32x4.mul(f32x4.splat(cosine - largest), perCosine)), 0) : 0;
  const total = <f32>(sumOf(sums) + <f64>mine);
  const share: f32 = own || n > 0 ? 1 / (kappa * total) : 0;
  const scale = f32x4.splat(weight * share / temperature);
  for (let k = 0; k < n; k += 4) v128.store(values + k * 4, f32x4.mul(scale, v128.load(values + k * 4)));
  store<f32>(first, weight / temperature * (mine * share - 1));
  const log = <f64>largest / <f64>temperature + logOf(total);
  return <f64>weight * ((share > 0 ? log / <f64>kappa : 0) - <f64>cosine / <f64>temperature);
}

// @ts-ignore: decorator
@inline
function exponentOf(x: v128): v128 {
  return i32x4.sub(i32x4.shr_u(x, 23), i32x4.splat(127));
}

// @ts-ignore: decorator
@inline
function mantissaOf(x: v128): v128 {
  return v128.or(v128.and(x, i32x4.splat(0x007fffff)), f32x4.splat(1));
}

/** The logarithm of the product of four numbers in [1, 2) and powers of two. */
// @ts-ignore: decorator
@inline
function logProduct(mantissas: v128, exponents: v128): f64 {
  return LN2 * sumOf(f32x4.add(log2(mantissas), f32x4.convert_i32x4_s(exponents)));
}

// @ts-ignore: decorator
@inline
function logOf(x: f32): f64 {
  return LN2 * <f64>f32x4.extract_lane(log2(f32x4.splat(x)), 0);
}

// @ts-ignore: decorator
@inline
function sumOf(x: v128): f64 {
  const low = f64x2.promote_low_f32x4(x);
  const sum = f64x2.add(low, f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3)));
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}
