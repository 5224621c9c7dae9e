/**
 * Attraction and repulsion of pairs of points under UMAP's curve, with the gradient (the formulas stand in
 * src/losses/umap.ts). With t = log g = log a + b log s, s the squared distance,
 *   a positive pair costs log(1 + e^t), its derivative by s is b / s / (1 + e^-t);
 *   a negative pair costs log(1 + e^-t), its derivative by s is -b / s / (1 + e^t);
 * and both are made of e^-|t|, which cannot overflow. In 32-bit floats, four pairs at a time; costs of a block are
 * added up in four sums, those in 64. Logarithm and exponential are cut Taylor series, as exact as their floats.
 */
import { multiplyAdd } from './matmul';

/** Pairs that go through each stage together; what the stages leave for each other stays in the first cache. */
const BLOCK: i32 = 256;

/** In the scratch memory: squares of a block (and of none, to fill up four), then slopes; differences; the last weights. */
const DIFFERENCES: i32 = (BLOCK + 4) * 4;
const WEIGHTS: i32 = DIFFERENCES + BLOCK * 8;

/** Bytes of scratch memory that `pairCosts` needs. */
export function pairScratch(): i32 {
  return WEIGHTS + 16;
}

/**
 * Returns the weighted cost of `count` pairs, the first `positives` of them positive, and writes its gradient
 * (rows x columns). Heads and tails are rows of `points`; squared distances of positive pairs count as `tiny`
 * at least; the cost of a negative pair follows its tangent below `tangent`, and rises by `farSlope` with the squared distance
 * from `farthest` on.
 * Negative pairs in one place push each other apart in a direction that the head decides. NaN for points that are not
 * finite or whose squared distance is not, and for an index outside [0, rows).
 */
export function pairCosts(
  points: usize, rows: i32, columns: i32, gradient: usize,
  heads: usize, tails: usize, weights: usize, positives: i32, count: i32,
  log2a: f32, b: f32, tiny: f32, tangent: f32, farthest: f32, farSlope: f32, scratch: usize,
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
      ? slopes(true, weights, n, log2a, b, tiny, 0, 0, scratch)
      : slopes(false, weights, n, log2a, b, tangent, farthest, farSlope, scratch);
    if (columns == 2) pull2(heads, tails, n, scratch, gradient);
    else pull(points, columns, heads, tails, n, scratch, gradient);
    if (coincident) part(points, columns, heads, tails, n, scratch, Mathf.sqrt(tangent / <f32>columns), gradient);
    heads += n * 4;
    tails += n * 4;
    weights += n * 4;
    start = end;
  }
  return total;
}

/**
 * Writes the negative pairs behind the positive ones, as `repel` of src/losses/umap.ts does: for each of these, `draws` of
 * `share` its weight, its head with rows of `rows` but the `apart` from it on, drawn by xoshiro128** from its `state` on.
 */
export function drawNegatives(
  heads: usize, tails: usize, weights: usize, positives: i32, draws: i32, share: f64, rows: i32, apart: i32, state: usize,
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
      const tail = head + apart + <i32>((<u64>bits * <u64>(rows - apart)) >> 32);
      store<i32>(heads + at, head);
      store<i32>(tails + at, tail < rows ? tail : tail - rows);
      store<f32>(weights + at, weight);
    }
  }
}

/** Differences of n pairs, and their squared distances; false for an index out of range. */
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

/** Squared distances for any number of columns. */
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
 * Adds to the gradient what pushes pairs of points in one place apart, which have no direction of their own: as if they lay
 * `length` from each other along every axis, to the side that bits of the head's number say.
 */
function part(
  points: usize, columns: i32, heads: usize, tails: usize, n: i32, slopes: usize, length: f32, gradient: usize,
): void {
  const size = columns * 4;
  for (let p = 0; p < n; p++) {
    const head = load<u32>(heads + p * 4);
    const tail = load<u32>(tails + p * 4);
    if (head == tail || memory.compare(points + head * size, points + tail * size, size) != 0) continue;
    const bits = head * 0x9e3779b1;
    const push = load<f32>(slopes + p * 4) * length;
    for (let c = 0; c < columns; c++) {
      const step = (bits >> (16 + (c & 15))) & 1 ? push : -push;
      const first = gradient + head * size + c * 4;
      store<f32>(first, load<f32>(first) + step);
      const second = gradient + tail * size + c * 4;
      store<f32>(second, load<f32>(second) - step);
    }
  }
}

/** Turns n squared distances into 2 * weight * derivative of the cost, and returns the weighted cost. */
// @ts-ignore: decorator
@inline
function slopes(
  positive: bool, weights: usize, n: i32, log2a: f32, b: f32, floor: f32, farthest: f32, farSlope: f32, at: usize,
): f64 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  let total = zero;
  // Pairs that fill up the last four lie in one place and weigh nothing.
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
    let slope = f32x4.mul(f32x4.mul(f32x4.splat(positive ? b : -b), share), f32x4.mul(inverse, two_e));
    let cost = log1p(f32x4.mul(e, f32x4.mul(inverse, s_one_e)));
    cost = multiplyAdd(f32x4.pmax(t, zero), f32x4.splat(0.6931471805599453), cost);
    if (!positive) {
      const below = f32x4.pmin(f32x4.sub(squared, f32x4.splat(floor)), zero);
      cost = multiplyAdd(slope, below, cost);
      const far = f32x4.gt(squared, f32x4.splat(farthest));
      slope = v128.bitselect(f32x4.splat(farSlope), slope, far);
      cost = multiplyAdd(f32x4.splat(farSlope), f32x4.pmax(f32x4.sub(squared, f32x4.splat(farthest)), zero), cost);
    }
    // The bits of NaN and infinity read as some number: s - s brings them back.
    cost = f32x4.add(cost, f32x4.sub(squared, squared));
    total = multiplyAdd(weight, cost, total);
    v128.store(at + p * 4, f32x4.mul(f32x4.add(weight, weight), slope));
  }
  const low = f64x2.promote_low_f32x4(total);
  const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(total, total, 2, 3, 2, 3));
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** log2 of positive normal numbers. */
// @ts-ignore: decorator
@inline
function log2(s: v128): v128 {
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

/** 2^y for y <= 0, 2^-126 from there on down. */
// @ts-ignore: decorator
@inline
function exp2(y: v128): v128 {
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

/** c0 + c1 x + c2 x^2 + c3 x^3, in pairs of terms (Estrin): a chain of multiplications would keep the processor waiting. */
// @ts-ignore: decorator
@inline
function cubic(x: v128, c0: f32, c1: f32, c2: f32, c3: f32): v128 {
  const low = multiplyAdd(x, f32x4.splat(c1), f32x4.splat(c0));
  const high = multiplyAdd(x, f32x4.splat(c3), f32x4.splat(c2));
  return multiplyAdd(f32x4.mul(x, x), high, low);
}

/**
 * gradient[head] += slope * difference, gradient[tail] -= the same. Pairs of one head follow each other: what it gets stays
 * in a register, since what was just stored is slow to come back.
 */
function pull2(heads: usize, tails: usize, n: i32, slopes: usize, gradient: usize): void {
  const differences = slopes + DIFFERENCES;
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
    const step = f32x4.mul(v128.load32_splat(slopes + p * 4), v128.load64_zero(differences + p * 8));
    sum = f32x4.add(sum, step);
    if (tail == last) sum = f32x4.sub(sum, step);
    else v128.store64_lane(tail, f32x4.sub(v128.load64_zero(tail), step), 0);
  }
  v128.store64_lane(last, sum, 0);
}

/** The same for any number of columns. */
function pull(
  points: usize, columns: i32, heads: usize, tails: usize, n: i32, pulls: usize, gradient: usize,
): void {
  const size = columns * 4;
  for (let p = 0; p < n; p++) {
    const head = load<u32>(heads + p * 4) * size;
    const tail = load<u32>(tails + p * 4) * size;
    const factor = load<f32>(pulls + p * 4);
    for (let c = 0; c < size; c += 4) {
      const step = factor * (load<f32>(points + head + c) - load<f32>(points + tail + c));
      const first = gradient + head + c;
      store<f32>(first, load<f32>(first) + step);
      const second = gradient + tail + c;
      store<f32>(second, load<f32>(second) - step);
    }
  }
}
