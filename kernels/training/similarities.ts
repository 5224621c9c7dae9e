/**
 * Distances and cosines of one row, the head, with `n` others, and the gradient of a loss that depends on them. `n` is a
 * multiple of four. Rows are `stride` floats apart: 2, or a multiple of 4. `others` holds row numbers.
 */
import { multiplyAdd } from './matmul';

/**
 * Writes the squared distance of each of `n` rows from the head, or its scalar product with it if `cosine`, to `values`.
 * In 2-D also the coordinates of the differences, or those of the rows, to `sides`: four x, then four y.
 */
export function compare(
  cosine: bool, points: usize, stride: i32, head: i32, others: usize, n: i32, values: usize, sides: usize,
): void {
  if (stride == 2) {
    if (cosine) compare2(true, points, head, others, n, values, sides);
    else compare2(false, points, head, others, n, values, sides);
  } else if (cosine) compareWide(true, points, stride, head, others, n, values);
  else compareWide(false, points, stride, head, others, n, values);
}

// @ts-ignore: decorator
@inline
function compare2(cosine: bool, points: usize, head: i32, others: usize, n: i32, values: usize, sides: usize): void {
  const hx = v128.load32_splat(points + head * 8);
  const hy = v128.load32_splat(points + head * 8, 4);
  for (let k = 0; k < n; k += 4) {
    const at = others + k * 4;
    let first = v128.load64_zero(points + load<u32>(at) * 8);
    first = v128.load64_lane(points + load<u32>(at, 4) * 8, first, 1);
    let second = v128.load64_zero(points + load<u32>(at, 8) * 8);
    second = v128.load64_lane(points + load<u32>(at, 12) * 8, second, 1);
    let x = v128.shuffle<i32>(first, second, 0, 2, 4, 6);
    let y = v128.shuffle<i32>(first, second, 1, 3, 5, 7);
    let value: v128;
    if (cosine) {
      value = multiplyAdd(x, hx, f32x4.mul(y, hy));
    } else {
      x = f32x4.sub(hx, x);
      y = f32x4.sub(hy, y);
      value = multiplyAdd(x, x, f32x4.mul(y, y));
    }
    v128.store(values + k * 4, value);
    v128.store(sides + k * 8, x);
    v128.store(sides + k * 8, y, 16);
  }
}

// @ts-ignore: decorator
@inline
function compareWide(
  cosine: bool, points: usize, stride: i32, head: i32, others: usize, n: i32, values: usize,
): void {
  const size = stride * 4;
  const from = points + head * size;
  for (let k = 0; k < n; k += 4) {
    const at = others + k * 4;
    const a = points + load<u32>(at) * size;
    const b = points + load<u32>(at, 4) * size;
    const c = points + load<u32>(at, 8) * size;
    const d = points + load<u32>(at, 12) * size;
    let sa = f32x4.splat(0);
    let sb = f32x4.splat(0);
    let sc = f32x4.splat(0);
    let sd = f32x4.splat(0);
    for (let i = 0; i < size; i += 16) {
      const h = v128.load(from + i);
      sa = term(cosine, h, v128.load(a + i), sa);
      sb = term(cosine, h, v128.load(b + i), sb);
      sc = term(cosine, h, v128.load(c + i), sc);
      sd = term(cosine, h, v128.load(d + i), sd);
    }
    // Four sums of four lanes each, as the lanes of one vector.
    const ab = f32x4.add(v128.shuffle<i32>(sa, sb, 0, 4, 1, 5), v128.shuffle<i32>(sa, sb, 2, 6, 3, 7));
    const cd = f32x4.add(v128.shuffle<i32>(sc, sd, 0, 4, 1, 5), v128.shuffle<i32>(sc, sd, 2, 6, 3, 7));
    v128.store(values + k * 4, f32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7)));
  }
}

// @ts-ignore: decorator
@inline
function term(cosine: bool, h: v128, x: v128, sum: v128): v128 {
  if (cosine) return multiplyAdd(h, x, sum);
  const difference = f32x4.sub(h, x);
  return multiplyAdd(difference, difference, sum);
}

/**
 * Adds the gradient. `factors` holds the derivatives of the loss with respect to the scalar products if `cosine`, else twice
 * those with respect to the squared distances; `sides` is what `compare` wrote.
 */
export function addGradients(
  cosine: bool, points: usize, stride: i32, head: i32, others: usize, n: i32, factors: usize, sides: usize,
  gradient: usize,
): void {
  if (stride == 2) {
    if (cosine) add2(true, points, head, others, n, factors, sides, gradient);
    else add2(false, points, head, others, n, factors, sides, gradient);
  } else if (cosine) addWide(true, points, stride, head, others, n, factors, gradient);
  else addWide(false, points, stride, head, others, n, factors, gradient);
}

// @ts-ignore: decorator
@inline
function add2(
  cosine: bool, points: usize, head: i32, others: usize, n: i32, factors: usize, sides: usize, gradient: usize,
): void {
  const hx = v128.load32_splat(points + head * 8);
  const hy = v128.load32_splat(points + head * 8, 4);
  let sumX = f32x4.splat(0);
  let sumY = f32x4.splat(0);
  for (let k = 0; k < n; k += 4) {
    const factor = v128.load(factors + k * 4);
    let x = f32x4.mul(factor, v128.load(sides + k * 8));
    let y = f32x4.mul(factor, v128.load(sides + k * 8, 16));
    sumX = f32x4.add(sumX, x);
    sumY = f32x4.add(sumY, y);
    if (cosine) {
      x = f32x4.mul(factor, hx);
      y = f32x4.mul(factor, hy);
    } else {
      x = f32x4.neg(x);
      y = f32x4.neg(y);
    }
    const first = v128.shuffle<i32>(x, y, 0, 4, 1, 5);
    const second = v128.shuffle<i32>(x, y, 2, 6, 3, 7);
    const at = others + k * 4;
    // One after the other: a row may be among the four more than once.
    addPoint(gradient + load<u32>(at) * 8, first);
    addPoint(gradient + load<u32>(at, 4) * 8, v128.shuffle<i64>(first, first, 1, 1));
    addPoint(gradient + load<u32>(at, 8) * 8, second);
    addPoint(gradient + load<u32>(at, 12) * 8, v128.shuffle<i64>(second, second, 1, 1));
  }
  const sums = f32x4.add(v128.shuffle<i32>(sumX, sumY, 0, 4, 1, 5), v128.shuffle<i32>(sumX, sumY, 2, 6, 3, 7));
  addPoint(gradient + head * 8, f32x4.add(sums, v128.shuffle<i64>(sums, sums, 1, 1)));
}

/** Adds the first two floats of a vector. */
// @ts-ignore: decorator
@inline
function addPoint(to: usize, step: v128): void {
  v128.store64_lane(to, f32x4.add(v128.load64_zero(to), step), 0);
}

// @ts-ignore: decorator
@inline
function addWide(
  cosine: bool, points: usize, stride: i32, head: i32, others: usize, n: i32, factors: usize, gradient: usize,
): void {
  const size = stride * 4;
  const from = points + head * size;
  const to = gradient + head * size;
  // Four at a time, so that the sums of the head are read and written less often.
  for (let k = 0; k < n; k += 4) {
    const at = others + k * 4;
    const a = load<u32>(at) * size;
    const b = load<u32>(at, 4) * size;
    const c = load<u32>(at, 8) * size;
    const d = load<u32>(at, 12) * size;
    const fa = v128.load32_splat(factors + k * 4);
    const fb = v128.load32_splat(factors + k * 4, 4);
    const fc = v128.load32_splat(factors + k * 4, 8);
    const fd = v128.load32_splat(factors + k * 4, 12);
    for (let i = 0; i < size; i += 16) {
      const h = v128.load(from + i);
      let sum = part(cosine, fa, h, points + a + i, gradient + a + i);
      sum = f32x4.add(sum, part(cosine, fb, h, points + b + i, gradient + b + i));
      sum = f32x4.add(sum, part(cosine, fc, h, points + c + i, gradient + c + i));
      sum = f32x4.add(sum, part(cosine, fd, h, points + d + i, gradient + d + i));
      v128.store(to + i, f32x4.add(v128.load(to + i), sum));
    }
  }
}

/** Adds to the gradient of one row, and returns what to add to that of the head. */
// @ts-ignore: decorator
@inline
function part(cosine: bool, factor: v128, head: v128, point: usize, gradient: usize): v128 {
  const x = v128.load(point);
  if (cosine) {
    v128.store(gradient, multiplyAdd(factor, head, v128.load(gradient)));
    return f32x4.mul(factor, x);
  }
  const step = f32x4.mul(factor, f32x4.sub(head, x));
  v128.store(gradient, f32x4.sub(v128.load(gradient), step));
  return step;
}

/**
 * Copies `rows` rows of `columns` floats to rows of `stride` floats, padded with zeros; with `lengths`, scaled to length 1,
 * and their inverse lengths there: 0 for a row of zeros, which stays one. Returns false if a row is not finite, or 1e15 or more long.
 */
export function padded(points: usize, rows: i32, columns: i32, out: usize, stride: i32, lengths: usize): bool {
  for (let row = 0; row < rows; row++) {
    const from = points + row * columns * 4;
    const to = out + row * stride * 4;
    let squares: f32 = 0;
    for (let c = 0; c < columns; c++) squares += load<f32>(from + c * 4) * load<f32>(from + c * 4);
    if (!(squares < 1e30)) return false;
    const scale: f32 = squares > 0 ? 1 / Mathf.sqrt(squares) : 0;
    if (lengths) store<f32>(lengths + row * 4, scale);
    for (let c = 0; c < columns; c++) {
      const value = load<f32>(from + c * 4);
      store<f32>(to + c * 4, lengths ? value * scale : value);
    }
    for (let c = columns; c < stride; c++) store<f32>(to + c * 4, 0);
  }
  return true;
}

/**
 * Copies a gradient from padded rows; with `lengths`, through the scaling to length 1: only what is perpendicular to the unit
 * row remains. Returns the sum of the parts along the unit rows.
 */
export function unpadded(
  padded: usize, units: usize, rows: i32, columns: i32, stride: i32, lengths: usize, gradient: usize,
): f64 {
  let total: f64 = 0;
  for (let row = 0; row < rows; row++) {
    const from = padded + row * stride * 4;
    const unit = units + row * stride * 4;
    const to = gradient + row * columns * 4;
    let along: f32 = 0;
    let scale: f32 = 1;
    if (lengths) {
      for (let c = 0; c < columns; c++) along += load<f32>(from + c * 4) * load<f32>(unit + c * 4);
      scale = load<f32>(lengths + row * 4);
    }
    for (let c = 0; c < columns; c++) {
      store<f32>(to + c * 4, scale * (load<f32>(from + c * 4) - along * load<f32>(unit + c * 4)));
    }
    total += along;
  }
  return total;
}
