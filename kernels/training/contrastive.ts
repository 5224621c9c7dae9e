/**
 * The contrastive losses of pairs of points, with their gradient (formulas in src/losses/contrastive.ts). A pair at a time: its
 * negatives are listed, compared with the head, their values replaced by derivatives, and those added to the gradient. In 32-bit
 * floats, four negatives at a time; the costs of the pairs are summed in 64 bits.
 */
import { costOf, markOf } from './contrastiveTerms';
import { addFloats, copyFloats } from './floats';
import { gemm, gemmScratch } from './matmul';
import { everyOther, listed, sampled } from './negatives';
import { addGradients, compare, padded, unpadded } from './similarities';

/** Where negatives come from: none, drawn, every other row, a list for each pair. */
const DRAWN: i32 = 1;
const ALL: i32 = 2;
const LISTED: i32 = 3;

/** Pairs whose heads are compared with all rows at once. */
const BLOCK: i32 = 64;

// @ts-ignore: decorator
@inline
function strideOf(columns: i32): i32 {
  return columns == 2 ? 2 : (columns + 3) & -4;
}

/** Bytes of scratch memory that a pair itself needs: its row four times, value and sides. */
const PAIR: i32 = 64;

/** Whether products of matrices compare the heads: for cosines with every other row, of more columns than two. */
// @ts-ignore: decorator
@inline
function inBlocks(source: i32, cosine: bool, columns: i32, list: bool): bool {
  return source == ALL && cosine && columns != 2 && !list;
}

/** Bytes of scratch memory that `contrastiveCosts` needs, with at most `negatives` of them for one pair. */
export function contrastiveScratch(
  rows: i32, columns: i32, negatives: i32, source: i32, cosine: bool, list: bool,
): i32 {
  const stride = strideOf(columns);
  const blocks = BLOCK * (2 * stride + rows + 3) * 4 + gemmScratch();
  return (2 * stride + 1) * rows * 4 + PAIR + (inBlocks(source, cosine, columns, list) ? blocks : (negatives + 4) * 16);
}

/**
 * Returns the weighted cost of the pairs, and writes its gradient (rows x columns), and at `results`, two 64-bit floats, its
 * derivatives with respect to the logarithms of kappa (neg, nce) and of the temperature (cosine). `source` tells where
 * negatives come from; `list` is what `sampled` and `everyOther` take, or with LISTED `samples` rows for each pair. `ranges`, if
 * not 0, holds for each pair where its barred rows begin and end in `barred`. For nce, `kappa` is multiplied by the number of
 * negatives. `factor` multiplies both InfoNCE losses. The cost of a negative of umap follows its tangent below the squared
 * distance `tangent`. NaN for points that are not finite or 1e15 or more from the origin, and for an index out of range.
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
  const others = positive + PAIR;
  store<f64>(results, 0);
  store<f64>(results, 0, 8);
  memory.fill(sums, 0, rows * stride * 4);
  if (!padded(points, rows, columns, units, stride, cosine ? lengths : 0)) return NaN;
  for (let p = 0; p < pairs * 4; p += 4) {
    if (max(load<u32>(heads + p), load<u32>(tails + p)) >= <u32>rows) return NaN;
  }
  let total: f64 = 0;
  if (inBlocks(source, cosine, columns, list != 0)) {
    for (let p = 0; p < pairs; p += BLOCK) {
      total += blockCosts(
        units, rows, stride, sums, heads + p * 4, tails + p * 4, weights + p * 4, min(BLOCK, pairs - p),
        ranges ? ranges + p * 8 : 0, barred, mode, kappa, temperature, factor, results, positive,
      );
    }
    pairs = 0;
  }
  const mark = markOf(mode, cosine);
  for (let p = 0; p < pairs; p++) {
    const head = load<i32>(heads + p * 4);
    const tail = load<i32>(tails + p * 4);
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
    for (let k = n; k < four; k++) store<f32>(values + k * 4, mark);
    comparePair(cosine, units, stride, head, tail, positive);
    total += costOf(
      mode, cosine, load<f32>(positive + 16), values, four, n, kappa, temperature, factor, tangent,
      load<f32>(weights + p * 4), positive + 16, results,
    );
    for (let k = n; k < four; k++) store<f32>(values + k * 4, 0);
    addGradients(cosine, units, stride, head, others, four, values, sides, sums);
    addPair(cosine, units, stride, head, positive, sums);
  }
  const along = unpadded(sums, units, rows, columns, stride, cosine ? lengths : 0, gradient);
  // Each pair is counted in both of its rows.
  store<f64>(results, -along / 2, 8);
  return total;
}

/** Compares the two rows of a pair, in the first of four lanes. */
function comparePair(cosine: bool, units: usize, stride: i32, head: i32, tail: i32, positive: usize): void {
  for (let k = 0; k < 16; k += 4) store<i32>(positive + k, tail);
  compare(cosine, units, stride, head, positive, 4, positive + 16, positive + 32);
}

/** Adds the gradient of a pair itself, whose derivative is the first of four. */
function addPair(cosine: bool, units: usize, stride: i32, head: i32, positive: usize, sums: usize): void {
  for (let k = 4; k < 16; k += 4) store<f32>(positive + 16 + k, 0);
  addGradients(cosine, units, stride, head, positive, 4, positive + 16, positive + 32, sums);
}

/**
 * The same for a block of pairs with every other row as negative, of cosines: heads times rows, and back, by products of
 * matrices. Adds to the gradient of the unit rows.
 */
function blockCosts(
  units: usize, rows: i32, stride: i32, sums: usize, heads: usize, tails: usize, weights: usize, pairs: i32,
  ranges: usize, barred: usize, mode: i32, kappa: f32, temperature: f32, factor: f32, results: usize, positive: usize,
): f64 {
  const size = stride * 4;
  const width = (rows + 3) & -4;
  const block = positive + PAIR;
  const sides = block + pairs * size;
  const table = sides + pairs * size;
  const packed = table + pairs * width * 4;
  const mark = markOf(mode, true);
  for (let p = 0; p < pairs; p++) copyFloats(block + p * size, units + load<i32>(heads + p * 4) * size, stride);
  // Columns beyond the rows hold anything, until they are marked.
  gemm(pairs, width, stride, block, size, 4, units, 4, size, table, 0, false, false, packed);
  let total: f64 = 0;
  for (let p = 0; p < pairs; p++) {
    const head = load<i32>(heads + p * 4);
    const tail = load<i32>(tails + p * 4);
    const values = table + p * width * 4;
    const from = ranges ? barred + load<u32>(ranges + p * 8) * 4 : 0;
    const to = ranges ? barred + load<u32>(ranges + p * 8, 4) * 4 : 0;
    comparePair(true, units, stride, head, tail, positive);
    for (let k = rows; k < width; k++) store<f32>(values + k * 4, mark);
    let n = rows;
    for (let b = from; b < to; b += 4) n -= marked(values + load<i32>(b) * 4, mark);
    n -= marked(values + head * 4, mark);
    n -= marked(values + tail * 4, mark);
    total += costOf(
      mode, true, load<f32>(positive + 16), values, width, n, kappa, temperature, factor, 0,
      load<f32>(weights + p * 4), positive + 16, results,
    );
    for (let k = rows; k < width; k++) store<f32>(values + k * 4, 0);
    for (let b = from; b < to; b += 4) store<f32>(values + load<i32>(b) * 4, 0);
    store<f32>(values + head * 4, 0);
    store<f32>(values + tail * 4, 0);
    addPair(true, units, stride, head, positive, sums);
  }
  gemm(pairs, stride, rows, table, width * 4, 4, units, size, 4, sides, 0, false, false, packed);
  for (let p = 0; p < pairs; p++) addFloats(sums + load<i32>(heads + p * 4) * size, sides + p * size, stride);
  gemm(rows, stride, pairs, table, 4, width * 4, block, size, 4, sums, 0, false, true, packed);
  return total;
}

/** Marks an entry; 1 if it was not marked before. */
// @ts-ignore: decorator
@inline
function marked(entry: usize, mark: f32): i32 {
  const fresh = i32(load<f32>(entry) != mark);
  store<f32>(entry, mark);
  return fresh;
}
