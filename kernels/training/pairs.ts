/**
 * UMAP's cross-entropy of pairs of points, with its gradient (formulas in src/losses/umap.ts). With t = log g = log a
 * + b log s and s the squared distance,
 *   a positive pair costs log(1 + e^t), with derivative b / s / (1 + e^-t) with respect to s;
 *   a negative pair costs log(1 + e^-t), with derivative -b / s / (1 + e^t) with respect to s.
 * Both are computed from e^-|t|, which cannot overflow. In 32-bit floats, four pairs at a time; the costs of a block
 * are summed in four 32-bit lanes, the blocks in 64 bits. Logarithm and exponential are truncated Taylor series,
 * accurate to 32 bits.
 */
import { multiplyAdd } from './matmul';

/** Pairs per block: what one stage leaves for the next fits the first-level cache. */
const BLOCK: i32 = 256;

/**
 * Scratch memory: squared distances of a block (padded to fours), later factors; differences; weights of the last
 * four pairs.
 */
const DIFFERENCES: i32 = (BLOCK + 4) * 4;
const WEIGHTS: i32 = DIFFERENCES + BLOCK * 8;

/** Bytes of scratch memory that `pairCosts` needs. */
export function pairScratch(): i32 {
  return WEIGHTS + 16;
}

/**
 * Returns the weighted cost of `count` pairs, the first `positives` of them positive, and writes its gradient (rows x
 * columns). Heads and tails are rows of `points`. Squared distances of positive pairs count as at least `tiny`. The
 * cost of a negative pair follows its tangent below the squared distance `tangent`, and has the constant derivative
 * `farGradient` above `farthest`. Coincident negative pairs are pushed apart in a direction that depends on the head.
 * NaN for points or squared distances that are not finite, and for an index outside [0, rows).
 */
export function pairCosts(
  points: usize, rows: i32, columns: i32, gradient: usize,
  heads: usize, tails: usize, weights: usize, positives: i32, count: i32,
  log2a: f32, b: f32, tiny: f32, tangent: f32, farthest: f32, farGradient: f32, scratch: usize,
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
    const coincident = !positive && anyZero(n, scratch);
    total += positive
      ? factors(true, weights, n, log2a, b, tiny, 0, 0, scratch)
      : factors(false, weights, n, log2a, b, tangent, farthest, farGradient, scratch);
    if (columns == 2) addGradient2(heads, tails, n, scratch, gradient);
    else addGradient(points, columns, heads, tails, n, scratch, gradient);
    if (coincident) separate(points, columns, heads, tails, n, scratch, Mathf.sqrt(tangent / <f32>columns), gradient);
    heads += n * 4;
    tails += n * 4;
    weights += n * 4;
    start = end;
  }
  return total;
}

/**
 * Negative sampling, as in src/losses/umap.ts: appends `samples` negatives for each positive pair, each weighted
 * `weightRatio` times the positive's weight. Candidates are the `rows` rows of the batch except the `excluded` rows
 * starting at the head, wrapping around at the end. The generator is xoshiro128** with the given state; it is inlined
 * here, as in src/core/random.ts (one draw, and arrays of draws), because a call per draw would dominate this loop.
 */
export function drawNegatives(
  heads: usize, tails: usize, weights: usize, positives: i32, samples: i32, weightRatio: f64, rows: i32,
  excluded: i32, state: usize,
): void {
  let a = load<u32>(state);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let at = positives * 4;
  for (let p = 0; p < positives; p++) {
    const head = load<i32>(heads + p * 4);
    const weight = <f32>(weightRatio * <f64>load<f32>(weights + p * 4));
    for (const end = at + samples * 4; at < end; at += 4) {
      const bits = rotl<u32>(b * 5, 7) * 9;
      c ^= a;
      d ^= b;
      const shifted = b << 9;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = rotl<u32>(d, 11);
      const tail = head + excluded + <i32>((<u64>bits * <u64>(rows - excluded)) >> 32);
      store<i32>(heads + at, head);
      store<i32>(tails + at, tail < rows ? tail : tail - rows);
      store<f32>(weights + at, weight);
    }
  }
}

/** Writes the differences of n pairs and their squared distances. Returns false for an index out of range. */
function squares2(points: usize, rows: i32, heads: usize, tails: usize, n: i32, out: usize): bool {
  const differences = out + DIFFERENCES;
  for (let p = 0; p < n; p++) {
    const head = load<u32>(heads + p * 4);
    const tail = load<u32>(tails + p * 4);
    if (max(head, tail) >= <u32>rows) return false;
    const difference = f32x4.sub(v128.load64_zero(points + head * 8), v128.load64_zero(points + tail * 8));
    v128.store64_lane(differences + p * 8, difference, 0);
  }
  for (let p = 0; p < n; p += 4) {
    const first = v128.load(differences + p * 8);
    const second = v128.load(differences + p * 8, 16);
    const x = v128.shuffle<i32>(first, second, 0, 2, 4, 6);
    const y = v128.shuffle<i32>(first, second, 1, 3, 5, 7);
    v128.store(out + p * 4, f32x4.add(f32x4.mul(x, x), f32x4.mul(y, y)));
  }
  return true;
}

/** As `squares2`, without differences, for any number of columns. */
function squares(points: usize, rows: i32, columns: i32, heads: usize, tails: usize, n: i32, out: usize): bool {
  const size = columns * 4;
  for (let p = 0; p < n; p++) {
    const head = load<u32>(heads + p * 4);
    const tail = load<u32>(tails + p * 4);
    if (max(head, tail) >= <u32>rows) return false;
    const from = points + head * size;
    const to = points + tail * size;
    let sum: f32 = 0;
    for (let c = 0; c < size; c += 4) {
      const difference = load<f32>(from + c) - load<f32>(to + c);
      sum += difference * difference;
    }
    store<f32>(out + p * 4, sum);
  }
  return true;
}

/** Whether any of n squared distances is 0. */
function anyZero(n: i32, squares: usize): bool {
  for (let p = 0; p < n; p++) if (load<f32>(squares + p * 4) == 0) return true;
  return false;
}

/**
 * Adds the gradient of coincident pairs, which has no direction of its own: as if the points differed by `length`
 * along every axis, with signs from a hash of the head's index.
 */
function separate(
  points: usize, columns: i32, heads: usize, tails: usize, n: i32, factors: usize, length: f32, gradient: usize,
): void {
  const size = columns * 4;
  for (let p = 0; p < n; p++) {
    const head = load<u32>(heads + p * 4);
    const tail = load<u32>(tails + p * 4);
    if (head == tail || memory.compare(points + head * size, points + tail * size, size) != 0) continue;
    const bits = head * 0x9e3779b1;
    const push = load<f32>(factors + p * 4) * length;
    for (let c = 0; c < columns; c++) {
      const step = (bits >> (16 + (c & 15))) & 1 ? push : -push;
      const first = gradient + head * size + c * 4;
      store<f32>(first, load<f32>(first) + step);
      const second = gradient + tail * size + c * 4;
      store<f32>(second, load<f32>(second) - step);
    }
  }
}

/** Replaces n squared distances by 2 * weight * derivative of the cost, and returns the weighted cost. */
// @ts-ignore: decorator
@inline
function factors(
  positive: bool, weights: usize, n: i32, log2a: f32, b: f32, floor: f32, farthest: f32, farGradient: f32, at: usize,
): f64 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  let total = zero;
  // Pairs that pad the last four are coincident and have weight 0.
  const four = n & -4;
  v128.store(at + n * 4, zero);
  v128.store(at + WEIGHTS, zero);
  memory.copy(at + WEIGHTS, weights + four * 4, (n - four) * 4);
  for (let p = 0; p < n; p += 4) {
    const weight = v128.load(p < four ? weights + p * 4 : at + WEIGHTS);
    const squared = v128.load(at + p * 4);
    let s = f32x4.pmax(squared, f32x4.splat(floor));
    if (!positive) s = f32x4.pmin(s, f32x4.splat(farthest));
    let t = multiplyAdd(f32x4.splat(b), log2(s), f32x4.splat(log2a));
    if (!positive) t = f32x4.neg(t);
    const e = exp2(f32x4.neg(f32x4.abs(t)));
    const one_e = f32x4.add(one, e);
    const two_e = f32x4.add(f32x4.splat(2), e);
    // One division for 1 / s / (1 + e) and e / (2 + e).
    const s_one_e = f32x4.mul(s, one_e);
    const inverse = f32x4.div(one, f32x4.mul(s_one_e, two_e));
    const share = v128.bitselect(one, e, f32x4.ge(t, zero));
    let factor = f32x4.mul(f32x4.mul(f32x4.splat(positive ? b : -b), share), f32x4.mul(inverse, two_e));
    let cost = log1p(f32x4.mul(e, f32x4.mul(inverse, s_one_e)));
    cost = multiplyAdd(f32x4.pmax(t, zero), f32x4.splat(0.6931471805599453), cost);
    if (!positive) {
      const below = f32x4.pmin(f32x4.sub(squared, f32x4.splat(floor)), zero);
      cost = multiplyAdd(factor, below, cost);
      const far = f32x4.gt(squared, f32x4.splat(farthest));
      factor = v128.bitselect(f32x4.splat(farGradient), factor, far);
      cost = multiplyAdd(f32x4.splat(farGradient), f32x4.pmax(f32x4.sub(squared, f32x4.splat(farthest)), zero), cost);
    }
    // log2 turns NaN and infinity into finite numbers; adding s - s restores NaN.
    cost = f32x4.add(cost, f32x4.sub(squared, squared));
    total = multiplyAdd(weight, cost, total);
    v128.store(at + p * 4, f32x4.mul(f32x4.add(weight, weight), factor));
  }
  const low = f64x2.promote_low_f32x4(total);
  const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(total, total, 2, 3, 2, 3));
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** log2 of positive normal numbers. */
// @ts-ignore: decorator
@inline
export function log2(s: v128): v128 {
  // s = 2^k m with m in [sqrt(1/2), sqrt(2)).
  const root = i32x4.splat(0x3f3504f3);
  const bits = i32x4.add(s, i32x4.splat(0x3f800000 - 0x3f3504f3));
  const m = i32x4.add(v128.and(bits, i32x4.splat(0x007fffff)), root);
  const k = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(bits, 23), i32x4.splat(127)));
  // log m = 2 artanh u = 2 (u + u^3 / 3 + ...), |u| < 0.172.
  const u = f32x4.div(f32x4.sub(m, f32x4.splat(1)), f32x4.add(m, f32x4.splat(1)));
  const w = f32x4.mul(u, u);
  const sum = cubic(w, 1, 1 / 3.0, 1 / 5.0, 1 / 7.0);
  return multiplyAdd(f32x4.mul(u, f32x4.splat(2.8853900817779268)), sum, k);
}

/** 2^y for y < 128, and 2^-126 for y below -126. */
// @ts-ignore: decorator
@inline
export function exp2(y: v128): v128 {
  const bounded = f32x4.pmax(y, f32x4.splat(-126));
  const n = f32x4.nearest(bounded);
  // e^x, |x| <= log(2) / 2.
  const x = f32x4.mul(f32x4.sub(bounded, n), f32x4.splat(0.6931471805599453));
  const x2 = f32x4.mul(x, x);
  const sum = multiplyAdd(
    f32x4.mul(x2, x2),
    cubic(x, 1 / 24.0, 1 / 120.0, 1 / 720.0, 1 / 5040.0),
    cubic(x, 1, 1, 1 / 2.0, 1 / 6.0),
  );
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(sum, power);
}

/** log(1 + e) from u = e / (2 + e), e in [0, 1]: 2 artanh u. */
// @ts-ignore: decorator
@inline
function log1p(u: v128): v128 {
  const w = f32x4.mul(u, u);
  const w2 = f32x4.mul(w, w);
  const sum = multiplyAdd(
    f32x4.mul(w2, w2),
    cubic(w, 1 / 9.0, 1 / 11.0, 1 / 13.0, 1 / 15.0),
    cubic(w, 1, 1 / 3.0, 1 / 5.0, 1 / 7.0),
  );
  return f32x4.mul(f32x4.add(u, u), sum);
}

/** c0 + c1 x + c2 x^2 + c3 x^3, in pairs of terms (Estrin): a chain of multiplications would stall the processor. */
// @ts-ignore: decorator
@inline
function cubic(x: v128, c0: f32, c1: f32, c2: f32, c3: f32): v128 {
  const low = multiplyAdd(x, f32x4.splat(c1), f32x4.splat(c0));
  const high = multiplyAdd(x, f32x4.splat(c3), f32x4.splat(c2));
  return multiplyAdd(f32x4.mul(x, x), high, low);
}

/**
 * gradient[head] += factor * difference, gradient[tail] -= the same. Consecutive pairs share a head, whose sum is
 * kept in a register: loading what has just been stored is slow.
 */
function addGradient2(heads: usize, tails: usize, n: i32, factors: usize, gradient: usize): void {
  const differences = factors + DIFFERENCES;
  let last: usize = gradient + <usize>load<u32>(heads) * 8;
  let sum = v128.load64_zero(last);
  for (let p = 0; p < n; p++) {
    const head = gradient + <usize>load<u32>(heads + p * 4) * 8;
    const tail = gradient + <usize>load<u32>(tails + p * 4) * 8;
    if (head != last) {
      v128.store64_lane(last, sum, 0);
      last = head;
      sum = v128.load64_zero(head);
    }
    const step = f32x4.mul(v128.load32_splat(factors + p * 4), v128.load64_zero(differences + p * 8));
    sum = f32x4.add(sum, step);
    if (tail == last) sum = f32x4.sub(sum, step);
    else v128.store64_lane(tail, f32x4.sub(v128.load64_zero(tail), step), 0);
  }
  v128.store64_lane(last, sum, 0);
}

/** As `addGradient2`, for any number of columns. */
function addGradient(
  points: usize, columns: i32, heads: usize, tails: usize, n: i32, factors: usize, gradient: usize,
): void {
  const size = columns * 4;
  for (let p = 0; p < n; p++) {
    const head = load<u32>(heads + p * 4) * size;
    const tail = load<u32>(tails + p * 4) * size;
    const factor = load<f32>(factors + p * 4);
    for (let c = 0; c < size; c += 4) {
      const step = factor * (load<f32>(points + head + c) - load<f32>(points + tail + c));
      const first = gradient + head + c;
      store<f32>(first, load<f32>(first) + step);
      const second = gradient + tail + c;
      store<f32>(second, load<f32>(second) - step);
    }
  }
}
