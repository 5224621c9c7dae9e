/**
 * Matrix product of row-major floats: C = A B (+ C) (+ bias) (then ReLU), with A and B read through strides, so that
 * transposed operands cost nothing extra. The usual three loops around a register tile (Goto and van de Geijn, 2008):
 * B is packed in panels of 8 columns, A in strips of 5 rows, both small enough to stay in cache.
 */

/** Rows and columns of the register tile: 10 accumulators and 4 temporaries fit the 16 vector registers of x64. */
const ROWS: i32 = 5;
const COLUMNS: i32 = 8;
/** Inner dimension of a block: one panel of B (8 KiB) fits the first-level cache. */
export const DEPTH: i32 = 256;
/** Columns of a block: the packed part of B (512 KiB) fits the second-level cache. */
const WIDTH: i32 = 512;

const PACKED_A: usize = <usize>(DEPTH * WIDTH * 4);
const SUMS: usize = PACKED_A + <usize>(DEPTH * ROWS * 4);

/** Bytes of scratch memory that `gemm` needs. */
export function gemmScratch(): i32 {
  return <i32>SUMS + ROWS * COLUMNS * 4;
}

/**
 * C[m, n] = A[m, k] B[k, n]. Strides are in bytes. `bias` (n floats) may be 0; with `accumulate` the product is added
 * to C. C must be dense.
 */
export function gemm(
  m: i32, n: i32, k: i32,
  a: usize, aRow: i32, aColumn: i32,
  b: usize, bRow: i32, bColumn: i32,
  c: usize, bias: usize, relu: bool, accumulate: bool, scratch: usize,
): void {
  const cRow = n * 4;
  const blocks = max(1, (k + DEPTH - 1) / DEPTH);
  const depth = (k + blocks - 1) / blocks;
  for (let column = 0; column < n; column += WIDTH) {
    const width = min(WIDTH, n - column);
    for (let block = 0; block < blocks; block++) {
      const start = block * depth;
      const kc = min(depth, k - start);
      const last = block == blocks - 1;
      packB(b + start * bRow + column * bColumn, bRow, bColumn, kc, width, scratch);
      for (let row = 0; row < m; row += ROWS) {
        const rows = min(ROWS, m - row);
        packA(a + row * aRow + start * aColumn, aRow, aColumn, kc, rows, scratch + PACKED_A);
        strip(
          kc, rows, width, c + row * cRow + column * 4, cRow,
          last && bias != 0 ? bias + column * 4 : 0, last && relu, accumulate || block > 0, scratch,
        );
      }
    }
  }
}

/** Multiplies one strip of A by every panel of B. */
function strip(
  kc: i32, rows: i32, width: i32, c: usize, cRow: i32, bias: usize, relu: bool, accumulate: bool, scratch: usize,
): void {
  const sums = scratch + SUMS;
  for (let j = 0; j < width; j += COLUMNS) {
    tile(kc, scratch + PACKED_A, scratch + j * kc * 4, sums);
    const columns = min(COLUMNS, width - j);
    const columnBias: usize = bias == 0 ? 0 : bias + j * 4;
    if (columns == COLUMNS) writeTile(sums, rows, c + j * 4, cRow, columnBias, relu, accumulate);
    else writeEdge(sums, rows, columns, c + j * 4, cRow, columnBias, relu, accumulate);
  }
}

/** Writes full rows of a tile: C = (C +) sums (+ bias), then ReLU. */
function writeTile(
  sums: usize, rows: i32, c: usize, cRow: i32, bias: usize, relu: bool, accumulate: bool,
): void {
  const bias0 = bias == 0 ? f32x4.splat(0) : v128.load(bias);
  const bias1 = bias == 0 ? f32x4.splat(0) : v128.load(bias, 16);
  for (let i = 0; i < rows; i++) {
    let left = f32x4.add(v128.load(sums), bias0);
    let right = f32x4.add(v128.load(sums, 16), bias1);
    if (accumulate) {
      left = f32x4.add(v128.load(c), left);
      right = f32x4.add(v128.load(c, 16), right);
    }
    if (relu) {
      left = f32x4.max(left, f32x4.splat(0));
      right = f32x4.max(right, f32x4.splat(0));
    }
    v128.store(c, left);
    v128.store(c, right, 16);
    sums += COLUMNS * 4;
    c += cRow;
  }
}

/** As `writeTile`, for the last, narrower panel. */
function writeEdge(
  sums: usize, rows: i32, columns: i32, c: usize, cRow: i32, bias: usize, relu: bool, accumulate: bool,
): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = load<f32>(sums + j * 4);
      if (bias != 0) sum += load<f32>(bias + j * 4);
      if (accumulate) sum += load<f32>(c + j * 4);
      if (relu) sum = max<f32>(sum, 0);
      store<f32>(c + j * 4, sum);
    }
    sums += COLUMNS * 4;
    c += cRow;
  }
}

/** Packs B in panels of 8 columns, row by row; missing columns become zeros. */
function packB(b: usize, bRow: i32, bColumn: i32, kc: i32, width: i32, packed: usize): void {
  for (let j = 0; j < width; j += COLUMNS) {
    const columns = min(COLUMNS, width - j);
    if (columns < COLUMNS) memory.fill(packed, 0, kc * COLUMNS * 4);
    if (bColumn == 4 && columns == COLUMNS) {
      let from = b + j * 4;
      for (let p = 0; p < kc; p++) {
        v128.store(packed, v128.load(from));
        v128.store(packed, v128.load(from, 16), 16);
        from += bRow;
        packed += COLUMNS * 4;
      }
    } else {
      for (let jj = 0; jj < columns; jj++) {
        let from = b + (j + jj) * bColumn;
        let to = packed + jj * 4;
        for (let p = 0; p < kc; p++) {
          store<f32>(to, load<f32>(from));
          from += bRow;
          to += COLUMNS * 4;
        }
      }
      packed += kc * COLUMNS * 4;
    }
  }
}

/** Packs A in strips of 5 rows, column by column; missing rows repeat the first, and their results are discarded. */
function packA(a: usize, aRow: i32, aColumn: i32, kc: i32, rows: i32, packed: usize): void {
  const a1 = rows > 1 ? aRow : 0;
  const a2 = rows > 2 ? aRow * 2 : 0;
  const a3 = rows > 3 ? aRow * 3 : 0;
  const a4 = rows > 4 ? aRow * 4 : 0;
  if (aRow == 4 && rows == ROWS) {
    for (let p = 0; p < kc; p++) {
      v128.store(packed, v128.load(a));
      store<f32>(packed, load<f32>(a, 16), 16);
      a += aColumn;
      packed += ROWS * 4;
    }
    return;
  }
  for (let p = 0; p < kc; p++) {
    store<f32>(packed, load<f32>(a));
    store<f32>(packed, load<f32>(a + a1), 4);
    store<f32>(packed, load<f32>(a + a2), 8);
    store<f32>(packed, load<f32>(a + a3), 12);
    store<f32>(packed, load<f32>(a + a4), 16);
    a += aColumn;
    packed += ROWS * 4;
  }
}

/** a b + sum; with relaxed SIMD one instruction with one rounding. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, sum);
  return f32x4.add(sum, f32x4.mul(a, b));
}

/**
 * 5 x 8 sums in registers, and nothing else. Exported so that the compiler does not inline it: with more live values
 * the sums would be spilled from registers, at half the speed.
 */
export function tile(kc: i32, a: usize, b: usize, sums: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0);
  let c41 = f32x4.splat(0);
  for (; kc > 0; kc--) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load_splat<f32>(a);
    c00 = multiplyAdd(a0, b0, c00);
    c01 = multiplyAdd(a0, b1, c01);
    const a1 = v128.load_splat<f32>(a, 4);
    c10 = multiplyAdd(a1, b0, c10);
    c11 = multiplyAdd(a1, b1, c11);
    const a2 = v128.load_splat<f32>(a, 8);
    c20 = multiplyAdd(a2, b0, c20);
    c21 = multiplyAdd(a2, b1, c21);
    const a3 = v128.load_splat<f32>(a, 12);
    c30 = multiplyAdd(a3, b0, c30);
    c31 = multiplyAdd(a3, b1, c31);
    const a4 = v128.load_splat<f32>(a, 16);
    c40 = multiplyAdd(a4, b0, c40);
    c41 = multiplyAdd(a4, b1, c41);
    a += 20;
    b += 32;
  }
  v128.store(sums, c00);
  v128.store(sums, c01, 16);
  v128.store(sums, c10, 32);
  v128.store(sums, c11, 48);
  v128.store(sums, c20, 64);
  v128.store(sums, c21, 80);
  v128.store(sums, c30, 96);
  v128.store(sums, c31, 112);
  v128.store(sums, c40, 128);
  v128.store(sums, c41, 144);
}
