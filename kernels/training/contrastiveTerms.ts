/**
 * The terms of the contrastive losses of one pair and its negatives. Distances or cosines of the negatives are replaced by
 * derivatives; entries that are no negatives have a squared distance of FAR or infinity, or a cosine of -FAR. Instead of one
 * logarithm for each negative there is one of the product of their terms, whose exponents are split off so that it cannot
 * overflow.
 */
import { multiplyAdd } from './matmul';
import { exp2, log2 } from './pairs';

/** The losses by number. */
export const UMAP: i32 = 0;
export const NCE: i32 = 2;
export const INFONCE: i32 = 3;

/** Squared distance, and cosine reversed, of entries that cost nothing. */
export const FAR: f32 = 1e15;

const LN2: f64 = 0.6931471805599453;

/** What marks an entry of a loss that is no negative. With InfoNCE negatives may be as far, and only their ratios count. */
export function markOf(mode: i32, cosine: bool): f32 {
  return cosine ? -FAR : mode >= INFONCE ? Infinity : FAR;
}

/**
 * The weighted cost of a pair with its `n` negatives among `entries` values, a multiple of four. Writes the derivatives, for
 * distances twice those with respect to their squares, to `values`, and that of the pair to `first`; adds those with respect to
 * log kappa at `results`. See `contrastiveCosts`.
 */
export function costOf(
  mode: i32, cosine: bool, value: f32, values: usize, entries: i32, n: i32, kappa: f32, temperature: f32, factor: f32,
  tangent: f32, weight: f32, first: usize, results: usize,
): f64 {
  if (mode >= INFONCE) {
    const own = mode == INFONCE;
    return cosine
      ? contrastCosine(own, value, values, entries, n > 0, kappa, temperature, factor * weight, first)
      : contrastCauchy(own, value, values, entries, n > 0, kappa, factor * weight, first);
  }
  const odds: f32 = mode == UMAP ? 1 : mode == NCE ? kappa * <f32>n : kappa;
  return <f64>weight * (cosine
    ? logisticCosine(value, values, entries, odds, temperature, weight, first, results)
    : logisticCauchy(value, values, entries, odds, mode == UMAP ? 0 : 1, tangent, weight, first, results));
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
  own: bool, squared: f32, values: usize, n: i32, any: bool, kappa: f32, weight: f32, first: usize,
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
  const share: f32 = own || any ? 1 / (kappa * total) : 0;
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
  own: bool, cosine: f32, values: usize, n: i32, any: bool, kappa: f32, temperature: f32, weight: f32, first: usize,
): f64 {
  let most = f32x4.splat(own || !any ? cosine : -2);
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
  const share: f32 = own || any ? 1 / (kappa * total) : 0;
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
