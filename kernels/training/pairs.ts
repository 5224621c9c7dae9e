/**
 * Attraction and repulsion of pairs of points under UMAP's curve, with the gradient (the formulas stand in
 * src/losses/umap.ts). With t = log g = log a + b log s, s the squared distance,
 *   a positive pair costs log(1 + e^t), its derivative by s is b / s / (1 + e^-t);
 *   a negative pair costs log(1 + e^-t), its derivative by s is -b / s / (1 + e^t);
 * and both are made of e^-|t|, which cannot overflow. All in 64-bit floats, two pairs at a time. Logarithm and
 * exponential are cut Taylor series: cost and derivative are right to a relative 1e-9.
 */

/** Pairs that go through each stage together; their squares stay in the first cache. */
const BLOCK: i32 = 256;

/** Bytes of scratch memory that `pairCosts` needs: a block of 64-bit floats and one more. */
export function pairScratch(): i32 {
  return (BLOCK + 1) * 8;
}

/**
 * Returns the weighted cost of `count` pairs, the first `positives` of them positive, and writes its gradient
 * (rows x columns). Heads and tails are rows of `points`; squared distances of positive pairs count as `tiny`
 * at least, and the cost of a negative pair follows its tangent below `tangent`. NaN for points that are not
 * finite, and for an index outside [0, rows).
 */
export function pairCosts(
  points: usize, rows: i32, columns: i32, gradient: usize,
  heads: usize, tails: usize, weights: usize, positives: i32, count: i32,
  log2a: f64, b: f64, tiny: f64, tangent: f64, scratch: usize,
): f64 {
  memory.fill(gradient, 0, <usize>(rows * columns) * 4);
  let total: f64 = 0;
  for (let start = 0; start < count; ) {
    const positive = start < positives;
    const end = min(start + BLOCK, positive ? positives : count);
    const n = end - start;
    if (columns == 2) {
      if (!squares2(points, rows, heads, tails, n, scratch)) return NaN;
    } else if (!squares(points, rows, columns, heads, tails, n, scratch)) return NaN;
    total += positive
      ? slopes(true, weights, n, log2a, b, tiny, scratch)
      : slopes(false, weights, n, log2a, b, tangent, scratch);
    if (columns == 2) pull2(points, heads, tails, n, scratch, gradient);
    else pull(points, columns, heads, tails, n, scratch, gradient);
    heads += n * 4;
    tails += n * 4;
    weights += n * 4;
    start = end;
  }
  return total;
}

/**
 * Writes the negative pairs behind the positive ones, as `repel` of src/losses/umap.ts does: for each of these, `draws` of
 * `share` its weight, its head with other rows of `rows`, drawn by xoshiro128** from its `state` on.
 */
export function drawNegatives(
  heads: usize, tails: usize, weights: usize, positives: i32, draws: i32, share: f64, rows: i32, state: usize,
): void {
  let a = load<u32>(state);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let at = positives * 4;
  for (let p = 0; p < positives; p++) {
    const head = load<i32>(heads + p * 4);
    const weight = <f32>(share * <f64>load<f32>(weights + p * 4));
    for (const end = at + draws * 4; at < end; at += 4) {
      const bits = rotl<u32>(b * 5, 7) * 9;
      c ^= a;
      d ^= b;
      const shifted = b << 9;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = rotl<u32>(d, 11);
      const tail = head + 1 + <i32>((<u64>bits * <u64>(rows - 1)) >> 32);
      store<i32>(heads + at, head);
      store<i32>(tails + at, tail < rows ? tail : tail - rows);
      store<f32>(weights + at, weight);
    }
  }
}

// @ts-ignore: decorator
@inline
function point(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at));
}

/** Squared distances of n pairs; false for an index out of range. */
function squares2(points: usize, rows: i32, heads: usize, tails: usize, n: i32, out: usize): bool {
  for (let p = 0; p < n; p++) {
    const head = load<u32>(heads + p * 4);
    const tail = load<u32>(tails + p * 4);
    if (max(head, tail) >= <u32>rows) return false;
    const difference = f64x2.sub(point(points + head * 8), point(points + tail * 8));
    const square = f64x2.mul(difference, difference);
    store<f64>(out + p * 8, f64x2.extract_lane(square, 0) + f64x2.extract_lane(square, 1));
  }
  return true;
}

/** The same for any number of columns. */
function squares(points: usize, rows: i32, columns: i32, heads: usize, tails: usize, n: i32, out: usize): bool {
  const size = columns * 4;
  for (let p = 0; p < n; p++) {
    const head = load<u32>(heads + p * 4);
    const tail = load<u32>(tails + p * 4);
    if (max(head, tail) >= <u32>rows) return false;
    const from = points + head * size;
    const to = points + tail * size;
    let sum: f64 = 0;
    for (let c = 0; c < size; c += 4) {
      const difference = <f64>load<f32>(from + c) - <f64>load<f32>(to + c);
      sum += difference * difference;
    }
    store<f64>(out + p * 8, sum);
  }
  return true;
}

/** Turns n squared distances into 2 * weight * derivative of the cost, and returns the weighted cost. */
// @ts-ignore: decorator
@inline
function slopes(
  positive: bool, weights: usize, n: i32, log2a: f64, b: f64, floor: f64, at: usize,
): f64 {
  const one = f64x2.splat(1);
  const sign = f64x2.splat(positive ? 1 : -1);
  // An odd pair out shares its vector with a pair of weight 0.
  store<f64>(at + n * 8, 1);
  let total = f64x2.splat(0);
  for (let p = 0; p < n; p += 2) {
    const weight = f64x2.promote_low_f32x4(
      p + 1 < n ? v128.load64_zero(weights + p * 4) : v128.load32_zero(weights + p * 4),
    );
    const squared = v128.load(at + p * 8);
    const s = f64x2.pmax(squared, f64x2.splat(floor));
    const t = f64x2.mul(sign, f64x2.add(f64x2.splat(log2a), f64x2.mul(f64x2.splat(b), log2(s))));
    const e = exp2(f64x2.neg(f64x2.abs(t)));
    const one_e = f64x2.add(one, e);
    const two_e = f64x2.add(f64x2.splat(2), e);
    // One division for 1 / s / (1 + e) and e / (2 + e).
    const s_one_e = f64x2.mul(s, one_e);
    const inverse = f64x2.div(one, f64x2.mul(s_one_e, two_e));
    const share = v128.bitselect(one, e, f64x2.ge(t, f64x2.splat(0)));
    const slope = f64x2.mul(f64x2.mul(f64x2.splat(positive ? b : -b), share), f64x2.mul(inverse, two_e));
    let cost = log1p(f64x2.mul(e, f64x2.mul(inverse, s_one_e)));
    cost = f64x2.add(cost, f64x2.mul(f64x2.pmax(t, f64x2.splat(0)), f64x2.splat(0.6931471805599453)));
    if (!positive) {
      const below = f64x2.pmin(f64x2.sub(squared, f64x2.splat(floor)), f64x2.splat(0));
      cost = f64x2.add(cost, f64x2.mul(slope, below));
    }
    // The bits of NaN and infinity read as some number: s - s brings them back.
    cost = f64x2.add(cost, f64x2.sub(s, s));
    total = f64x2.add(total, f64x2.mul(weight, cost));
    v128.store(at + p * 8, f64x2.mul(f64x2.add(weight, weight), slope));
  }
  return f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
}

/** log2 of positive normal numbers; the series leaves out 1e-15 of log m. */
// @ts-ignore: decorator
@inline
function log2(s: v128): v128 {
  // s = 2^k m with m in [sqrt(1/2), sqrt(2)).
  const root = i64x2.splat(0x3fe6a09e667f3bcd);
  const bits = i64x2.add(s, i64x2.splat(0x3ff0000000000000 - 0x3fe6a09e667f3bcd));
  const m = i64x2.add(v128.and(bits, i64x2.splat(0x000fffffffffffff)), root);
  // An integer below 2^52 under the exponent of 2^52 is that integer plus 2^52.
  const biased = v128.or(i64x2.shr_u(bits, 52), i64x2.splat(0x4330000000000000));
  const k = f64x2.sub(biased, f64x2.splat(4503599627370496 + 1023));
  // log m = 2 artanh u = 2 (u + u^3 / 3 + ...), |u| < 0.172.
  const u = f64x2.div(f64x2.sub(m, f64x2.splat(1)), f64x2.add(m, f64x2.splat(1)));
  const w = f64x2.mul(u, u);
  const sum = series(w, 1, 1 / 3.0, 1 / 5.0, 1 / 7.0, 1 / 9.0, 1 / 11.0, 1 / 13.0, 1 / 15.0, 1 / 17.0);
  return f64x2.add(k, f64x2.mul(f64x2.mul(u, f64x2.splat(2.8853900817779268)), sum));
}

/** 2^y for y <= 0, 2^-1000 from there on down; relative error below 3e-10. */
// @ts-ignore: decorator
@inline
function exp2(y: v128): v128 {
  const bounded = f64x2.pmax(y, f64x2.splat(-1000));
  const n = f64x2.nearest(bounded);
  // e^x, |x| <= log(2) / 2.
  const x = f64x2.mul(f64x2.sub(bounded, n), f64x2.splat(0.6931471805599453));
  const sum = series(x, 1, 1, 1 / 2.0, 1 / 6.0, 1 / 24.0, 1 / 120.0, 1 / 720.0, 1 / 5040.0, 1 / 40320.0);
  const power = i64x2.shl(f64x2.add(n, f64x2.splat(4503599627370496 + 1023)), 52);
  return f64x2.mul(sum, power);
}

/** log(1 + e) from u = e / (2 + e), e in [0, 1]: 2 artanh u; relative error below 2e-10. */
// @ts-ignore: decorator
@inline
function log1p(u: v128): v128 {
  const w = f64x2.mul(u, u);
  const sum = series(w, 1, 1 / 3.0, 1 / 5.0, 1 / 7.0, 1 / 9.0, 1 / 11.0, 1 / 13.0, 1 / 15.0, 1 / 17.0);
  return f64x2.mul(f64x2.add(u, u), sum);
}

/**
 * c0 + c1 x + ... + c8 x^8, in pairs of terms (Estrin): a chain of multiplications would keep the processor
 * waiting.
 */
// @ts-ignore: decorator
@inline
function series(
  x: v128, c0: f64, c1: f64, c2: f64, c3: f64, c4: f64, c5: f64, c6: f64, c7: f64, c8: f64,
): v128 {
  const x2 = f64x2.mul(x, x);
  const x4 = f64x2.mul(x2, x2);
  const low = f64x2.add(line(x, c0, c1), f64x2.mul(x2, line(x, c2, c3)));
  const middle = f64x2.add(line(x, c4, c5), f64x2.mul(x2, line(x, c6, c7)));
  return f64x2.add(low, f64x2.mul(x4, f64x2.add(middle, f64x2.mul(x4, f64x2.splat(c8)))));
}

// @ts-ignore: decorator
@inline
function line(x: v128, c0: f64, c1: f64): v128 {
  return f64x2.add(f64x2.splat(c0), f64x2.mul(x, f64x2.splat(c1)));
}

/** gradient[head] += pull (head - tail), gradient[tail] -= the same. */
function pull2(points: usize, heads: usize, tails: usize, n: i32, pulls: usize, gradient: usize): void {
  for (let p = 0; p < n; p++) {
    const head = load<u32>(heads + p * 4) * 8;
    const tail = load<u32>(tails + p * 4) * 8;
    const difference = f64x2.sub(point(points + head), point(points + tail));
    const step = f64x2.mul(v128.load64_splat(pulls + p * 8), difference);
    addTo(gradient + head, step);
    addTo(gradient + tail, f64x2.neg(step));
  }
}

// @ts-ignore: decorator
@inline
function addTo(at: usize, step: v128): void {
  v128.store64_lane(at, f32x4.demote_f64x2_zero(f64x2.add(point(at), step)), 0);
}

/** The same for any number of columns. */
function pull(
  points: usize, columns: i32, heads: usize, tails: usize, n: i32, pulls: usize, gradient: usize,
): void {
  const size = columns * 4;
  for (let p = 0; p < n; p++) {
    const head = load<u32>(heads + p * 4) * size;
    const tail = load<u32>(tails + p * 4) * size;
    const factor = load<f64>(pulls + p * 8);
    for (let c = 0; c < size; c += 4) {
      const step = factor * (<f64>load<f32>(points + head + c) - <f64>load<f32>(points + tail + c));
      const first = gradient + head + c;
      store<f32>(first, <f32>(<f64>load<f32>(first) + step));
      const second = gradient + tail + c;
      store<f32>(second, <f32>(<f64>load<f32>(second) - step));
    }
  }
}
