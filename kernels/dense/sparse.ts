/**
 * Matrix products that skip zeros. After a ReLU most values are 0 (two thirds to five sixths in a trained encoder),
 * and so are their gradients; images are mostly background. If B is finite, skipped products would have added 0.
 */
import { DEPTH, multiplyAdd } from '../training/matmul';

/** Share of nonzero values up to which skipping zeros is faster than the register tile of `gemm`. */
const SPARSE: f64 = 0.6;

/** Bytes that `writePackings` writes. */
const PACKINGS: i32 = 16 * 16;

/**
 * Bytes of scratch memory that `sparseProduct` needs for rows of `k` values: an offset and a value for each nonzero
 * value, written four at a time.
 */
export function sparseScratch(k: i32): i32 {
  return PACKINGS + (k + 4) * 8;
}

/**
 * Estimates from a sample whether `sparseProduct` is faster for these `count` values; true for fewer than four
 * values.
 */
export function isSparse(values: usize, count: i32): bool {
  let zeros: i32 = 0;
  let seen: i32 = 0;
  // A step of about fifty floats that varies: an even step could sample the same columns in each row.
  for (let i = 0; i + 4 <= count; i += 20 + ((<u32>i * 0x9e3779b1) >> 28) * 4) {
    zeros += popcnt(i32x4.bitmask(f32x4.eq(v128.load(values + i * 4), f32x4.splat(0))));
    seen += 4;
  }
  return <f64>(seen - zeros) <= SPARSE * <f64>seen;
}

/** Whether all of `count` values are finite: NaN and infinity times 0 are NaN. */
export function areFinite(values: usize, count: i32): bool {
  const zero = f32x4.splat(0);
  let a = zero;
  let b = zero;
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    a = f32x4.add(a, f32x4.mul(zero, v128.load(values + i * 4)));
    b = f32x4.add(b, f32x4.mul(zero, v128.load(values + i * 4, 16)));
  }
  let sum: f32 = 0;
  for (; i < count; i++) sum += 0 * load<f32>(values + i * 4);
  return sum == 0 && v128.any_true(f32x4.ne(f32x4.add(a, b), zero)) == false;
}

/**
 * C[m, n] = A[m, k] B[k, n] (+ bias) (then ReLU), all stored densely: for each row of A, the rows of B with a nonzero
 * factor are summed in registers. `bias` (n floats) may be 0. The order of summation is that of `gemm`, so that both
 * give the same bits if B is finite.
 */
export function sparseProduct(
  m: i32, n: i32, k: i32, a: usize, b: usize, c: usize, bias: usize, relu: bool, scratch: usize,
): void {
  const blocks = max(1, (k + DEPTH - 1) / DEPTH);
  const depth = (k + blocks - 1) / blocks;
  const list = scratch + PACKINGS;
  writePackings(scratch);
  for (let row = 0; row < m; row++) {
    for (let block = 0; block < blocks; block++) {
      const start = block * depth;
      const end = listNotZero(a + start * 4, min(depth, k - start), n * 4, scratch, list);
      const last = block == blocks - 1;
      addRows(list, end, n, b + start * n * 4, c, last ? bias : 0, last && relu, block > 0);
    }
    a += k * 4;
    c += n * 4;
  }
}

/** C[n] = (C +) sum of the listed rows of B (+ bias), then ReLU. */
function addRows(
  list: usize, end: usize, n: i32, b: usize, c: usize, bias: usize, relu: bool, accumulate: bool,
): void {
  let j: usize = 0;
  const size = <usize>n * 4;
  for (; j + 112 <= size; j += 112) sum7(list, end, b + j, c + j, bias ? bias + j : 0, relu, accumulate);
  for (; j + 64 <= size; j += 64) sum4(list, end, b + j, c + j, bias ? bias + j : 0, relu, accumulate);
  for (; j + 16 <= size; j += 16) sum1(list, end, b + j, c + j, bias ? bias + j : 0, relu, accumulate);
  for (; j < size; j += 4) {
    let sum = f32x4.splat(0);
    for (let at = list; at < end; at += 8) {
      sum = multiplyAdd(v128.load_splat<f32>(at, 4), v128.load32_zero(b + load<u32>(at) + j), sum);
    }
    let value = f32x4.extract_lane(sum, 0);
    if (bias) value += load<f32>(bias + j);
    if (accumulate) value += load<f32>(c + j);
    store<f32>(c + j, relu ? max<f32>(value, 0) : value);
  }
}

/** Lists the nonzero values of a row of A, each after the offset of its row of B. Returns the end of the list. */
function listNotZero(a: usize, k: i32, bRow: i32, packings: usize, list: usize): usize {
  let offsets = i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(bRow));
  const step = i32x4.splat(4 * bRow);
  let i = 0;
  for (; i + 4 <= k; i += 4) {
    const values = v128.load(a);
    const mask = i32x4.bitmask(f32x4.ne(values, f32x4.splat(0)));
    const packing = v128.load(packings + (mask << 4));
    const chosenOffsets = i8x16.swizzle(offsets, packing);
    const chosenValues = i8x16.swizzle(values, packing);
    v128.store(list, v128.shuffle<i32>(chosenOffsets, chosenValues, 0, 4, 1, 5));
    v128.store(list, v128.shuffle<i32>(chosenOffsets, chosenValues, 2, 6, 3, 7), 16);
    list += popcnt(mask) << 3;
    offsets = i32x4.add(offsets, step);
    a += 16;
  }
  for (; i < k; i++) {
    const value = load<f32>(a);
    store<i32>(list, i * bRow);
    store<f32>(list, value, 4);
    list += usize(value != 0) << 3;
    a += 4;
  }
  return list;
}

/** For each subset of four floats, the byte indices with which `i8x16.swizzle` moves the chosen floats to the front. */
function writePackings(to: usize): void {
  for (let chosen = 0; chosen < 16; chosen++) {
    let at = to;
    for (let lane = 0; lane < 4; lane++) {
      store<u32>(at, 0x03020100 + lane * 0x04040404);
      at += ((chosen >> lane) & 1) << 2;
    }
    to += 16;
  }
}

// @ts-ignore: decorator
@inline
function writeSums(c: usize, sum: v128, bias: usize, relu: bool, accumulate: bool): void {
  let value = f32x4.add(sum, bias ? v128.load(bias) : f32x4.splat(0));
  if (accumulate) value = f32x4.add(v128.load(c), value);
  v128.store(c, relu ? f32x4.max(value, f32x4.splat(0)) : value);
}

/** 28 columns, kept in registers; exported so that the compiler does not inline it, as with `tile`. */
export function sum7(
  list: usize, end: usize, b: usize, c: usize, bias: usize, relu: bool, accumulate: bool,
): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let s4 = f32x4.splat(0);
  let s5 = f32x4.splat(0);
  let s6 = f32x4.splat(0);
  for (; list < end; list += 8) {
    const from = b + load<u32>(list);
    const value = v128.load_splat<f32>(list, 4);
    s0 = multiplyAdd(value, v128.load(from), s0);
    s1 = multiplyAdd(value, v128.load(from, 16), s1);
    s2 = multiplyAdd(value, v128.load(from, 32), s2);
    s3 = multiplyAdd(value, v128.load(from, 48), s3);
    s4 = multiplyAdd(value, v128.load(from, 64), s4);
    s5 = multiplyAdd(value, v128.load(from, 80), s5);
    s6 = multiplyAdd(value, v128.load(from, 96), s6);
  }
  writeSums(c, s0, bias, relu, accumulate);
  writeSums(c + 16, s1, bias ? bias + 16 : 0, relu, accumulate);
  writeSums(c + 32, s2, bias ? bias + 32 : 0, relu, accumulate);
  writeSums(c + 48, s3, bias ? bias + 48 : 0, relu, accumulate);
  writeSums(c + 64, s4, bias ? bias + 64 : 0, relu, accumulate);
  writeSums(c + 80, s5, bias ? bias + 80 : 0, relu, accumulate);
  writeSums(c + 96, s6, bias ? bias + 96 : 0, relu, accumulate);
}

/** 16 columns. */
export function sum4(
  list: usize, end: usize, b: usize, c: usize, bias: usize, relu: bool, accumulate: bool,
): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  for (; list < end; list += 8) {
    const from = b + load<u32>(list);
    const value = v128.load_splat<f32>(list, 4);
    s0 = multiplyAdd(value, v128.load(from), s0);
    s1 = multiplyAdd(value, v128.load(from, 16), s1);
    s2 = multiplyAdd(value, v128.load(from, 32), s2);
    s3 = multiplyAdd(value, v128.load(from, 48), s3);
  }
  writeSums(c, s0, bias, relu, accumulate);
  writeSums(c + 16, s1, bias ? bias + 16 : 0, relu, accumulate);
  writeSums(c + 32, s2, bias ? bias + 32 : 0, relu, accumulate);
  writeSums(c + 48, s3, bias ? bias + 48 : 0, relu, accumulate);
}

/** 4 columns. */
export function sum1(
  list: usize, end: usize, b: usize, c: usize, bias: usize, relu: bool, accumulate: bool,
): void {
  let sum = f32x4.splat(0);
  for (; list < end; list += 8) {
    const from = b + load<u32>(list);
    const value = v128.load_splat<f32>(list, 4);
    sum = multiplyAdd(value, v128.load(from), sum);
  }
  writeSums(c, sum, bias, relu, accumulate);
}
