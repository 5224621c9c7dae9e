/**
 * Steps of non-parametric UMAP (formulas in src/layout/sgd.ts): in two dimensions four edges at a time in 32-bit
 * floats, else one edge at a time in 64-bit floats.
 */

/** Largest step along one axis, before the learning rate; and the number that keeps repulsion finite. */
const MAX_STEP: f64 = 4;
const SOFTENING: f64 = 1e-3;

/**
 * s^b by linear interpolation in a table of 128 entries per octave; `first` is the entry of the smallest s, `last`
 * the last one.
 */
// @ts-ignore: decorator
@inline
function power(s: f64, table: usize, first: i32, last: i32): f64 {
  const bits = reinterpret<i32>(<f32>s);
  const at = (bits >> 16) - first;
  if (at < 0) return 0;
  const entry = table + (<usize>min(at, last) << 3);
  const low = load<f64>(entry);
  return low + <f64>(bits & 0xffff) * (1.0 / 65536.0) * (load<f64>(entry, 8) - low);
}

// @ts-ignore: decorator
@inline
function clipped(step: f64): f64 {
  return min(max(step, -MAX_STEP), MAX_STEP);
}

/** Edges that are examined per block; those that are due are then processed four at a time. */
const BLOCK: i32 = 1024;

/** Bytes of scratch memory that `refine` needs: the edges that are due, and the position of one head. */
export function scratch(columns: i32): i32 {
  return (BLOCK + columns) * 4;
}

/**
 * One pass of SGD over the edges that are due in this epoch. Each edge attracts its ends, and its head is repelled
 * from `negatives` vertices of the list `samples`. Edges are taken alternately from eight segments of the list, of
 * `segment` edges each: adjacent edges share a head and must not be in one group of four. Starts at index `turn` of
 * this order and stops when the `drawn` samples are too few for another block. Returns the next index: 8 `segment` or
 * more when all are done.
 */
export function refine(
  turn: i32, segment: i32, edges: i32, heads: usize, tails: usize, periods: usize, due: usize,
  epoch: f32, rate: f64, strength: f64, positions: usize, columns: i32,
  a: f64, log2a: f64, b: f64, table: usize, first: i32, last: i32,
  samples: usize, drawn: i32, negatives: i32, list: usize,
): i32 {
  const all = segment * 8;
  const size = <usize>columns << 2;
  for (let used = 0; turn < all && used + BLOCK * negatives <= drawn; ) {
    const count = findDue(turn, min(turn + BLOCK, all), segment, edges, periods, due, epoch, list);
    turn += BLOCK;
    let i = 0;
    if (columns == 2) {
      for (; i + 4 <= count; i += 4) {
        move4(
          list + (<usize>i << 2), heads, tails, positions, <f32>rate, <f32>strength, <f32>log2a, <f32>b,
          samples + (<usize>used << 2), negatives,
        );
        used += 4 * negatives;
      }
    }
    for (; i < count; i++) {
      const at = <usize>load<u32>(list + (<usize>i << 2)) << 2;
      const from = positions + <usize>load<u32>(heads + at) * size;
      const to = positions + <usize>load<u32>(tails + at) * size;
      const ownSamples = samples + (<usize>used << 2);
      move(
        from, to, rate, strength, positions, size, a, b, table, first, last, ownSamples, negatives,
        list + <usize>(BLOCK << 2),
      );
      used += negatives;
    }
  }
  return turn;
}

/** Lists the edges that are due among [turn, end) and updates when they are next. Returns their number. */
function findDue(
  turn: i32, end: i32, segment: i32, edges: i32, periods: usize, due: usize, epoch: f32, list: usize,
): i32 {
  let count = 0;
  for (; turn < end; turn++) {
    const edge = (turn & 7) * segment + (turn >> 3);
    if (edge >= edges) continue;
    const at = <usize>edge << 2;
    const time = load<f32>(due + at);
    // Branches here would be mispredicted: every edge is written, but only those that are due are counted.
    const now = time <= epoch;
    store<i32>(list + (<usize>count << 2), edge);
    store<f32>(due + at, select<f32>(time + load<f32>(periods + at), time, now));
    count += i32(now);
  }
  return count;
}

// @ts-ignore: decorator
@inline
function positionOf(edges: usize, lane: usize, ends: usize, positions: usize): usize {
  return positions + (<usize>load<u32>(ends + (<usize>load<u32>(edges + (lane << 2)) << 2)) << 3);
}

/** Four edges in two dimensions, one per lane, in 32-bit floats, all from the positions before the step. */
function move4(
  edges: usize, heads: usize, tails: usize, positions: usize, rate: f32, strength: f32, log2a: f32, b: f32,
  samples: usize, negatives: i32,
): void {
  const from0 = positionOf(edges, 0, heads, positions);
  const from1 = positionOf(edges, 1, heads, positions);
  const from2 = positionOf(edges, 2, heads, positions);
  const from3 = positionOf(edges, 3, heads, positions);
  const low = v128.load64_lane(from1, v128.load64_zero(from0), 1);
  const high = v128.load64_lane(from3, v128.load64_zero(from2), 1);
  const x = v128.shuffle<f32>(low, high, 0, 2, 4, 6);
  const y = v128.shuffle<f32>(low, high, 1, 3, 5, 7);

  const to0 = positionOf(edges, 0, tails, positions);
  const to1 = positionOf(edges, 1, tails, positions);
  const to2 = positionOf(edges, 2, tails, positions);
  const to3 = positionOf(edges, 3, tails, positions);
  const toLow = v128.load64_lane(to1, v128.load64_zero(to0), 1);
  const toHigh = v128.load64_lane(to3, v128.load64_zero(to2), 1);
  const dx = f32x4.sub(x, v128.shuffle<f32>(toLow, toHigh, 0, 2, 4, 6));
  const dy = f32x4.sub(y, v128.shuffle<f32>(toLow, toHigh, 1, 3, 5, 7));
  // For coincident ends dx and dy are 0, so that any finite factor will do.
  const squared = f32x4.pmax(f32x4.add(f32x4.mul(dx, dx), f32x4.mul(dy, dy)), f32x4.splat(1e-20));
  const g = exp2(f32x4.add(f32x4.splat(log2a), f32x4.mul(f32x4.splat(b), log2(squared))));
  const factor = f32x4.div(
    f32x4.mul(f32x4.splat(-2 * b), g), f32x4.mul(squared, f32x4.add(g, f32x4.splat(1))),
  );
  const pullX = f32x4.mul(f32x4.splat(rate), clipped4(f32x4.mul(factor, dx)));
  const pullY = f32x4.mul(f32x4.splat(rate), clipped4(f32x4.mul(factor, dy)));
  let sumX = pullX;
  let sumY = pullY;
  const stride = <usize>negatives << 2;
  for (let r: usize = 0; r < stride; r += 4) {
    const other = samples + r;
    const at0 = positions + (<usize>load<u32>(other) << 3);
    const at1 = positions + (<usize>load<u32>(other + stride) << 3);
    const at2 = positions + (<usize>load<u32>(other + 2 * stride) << 3);
    const at3 = positions + (<usize>load<u32>(other + 3 * stride) << 3);
    const otherLow = v128.load64_lane(at1, v128.load64_zero(at0), 1);
    const otherHigh = v128.load64_lane(at3, v128.load64_zero(at2), 1);
    const dx = f32x4.sub(x, v128.shuffle<f32>(otherLow, otherHigh, 0, 2, 4, 6));
    const dy = f32x4.sub(y, v128.shuffle<f32>(otherLow, otherHigh, 1, 3, 5, 7));
    const squared = f32x4.add(f32x4.mul(dx, dx), f32x4.mul(dy, dy));
    const logarithm = log2(f32x4.pmax(squared, f32x4.splat(1e-20)));
    const g = exp2(f32x4.add(f32x4.splat(log2a), f32x4.mul(f32x4.splat(b), logarithm)));
    const softened = f32x4.add(squared, f32x4.splat(<f32>SOFTENING));
    const factor = f32x4.div(f32x4.splat(2 * strength * b), f32x4.mul(softened, f32x4.add(g, f32x4.splat(1))));
    sumX = f32x4.add(sumX, f32x4.mul(f32x4.splat(rate), clipped4(f32x4.mul(factor, dx))));
    sumY = f32x4.add(sumY, f32x4.mul(f32x4.splat(rate), clipped4(f32x4.mul(factor, dy))));
  }
  // One after another, because two edges may share a vertex.
  const toStepLow = f32x4.neg(v128.shuffle<f32>(pullX, pullY, 0, 4, 1, 5));
  const toStepHigh = f32x4.neg(v128.shuffle<f32>(pullX, pullY, 2, 6, 3, 7));
  moveBy(to0, toStepLow, 0);
  moveBy(to1, toStepLow, 1);
  moveBy(to2, toStepHigh, 0);
  moveBy(to3, toStepHigh, 1);
  const stepLow = v128.shuffle<f32>(sumX, sumY, 0, 4, 1, 5);
  const stepHigh = v128.shuffle<f32>(sumX, sumY, 2, 6, 3, 7);
  moveBy(from0, stepLow, 0);
  moveBy(from1, stepLow, 1);
  moveBy(from2, stepHigh, 0);
  moveBy(from3, stepHigh, 1);
}

/** Stores both coordinates at once: a load of both soon after can then be forwarded from the store. */
// @ts-ignore: decorator
@inline
function moveBy(position: usize, steps: v128, half: u8): void {
  if (half == 0) v128.store64_lane(position, f32x4.add(v128.load64_lane(position, steps, 0), steps), 0);
  else v128.store64_lane(position, f32x4.add(v128.load64_lane(position, steps, 1), steps), 1);
}

// @ts-ignore: decorator
@inline
function clipped4(step: v128): v128 {
  return f32x4.pmin(f32x4.pmax(step, f32x4.splat(<f32>-MAX_STEP)), f32x4.splat(<f32>MAX_STEP));
}

/** log2 of positive normal numbers, to 1e-7 of log m. */
// @ts-ignore: decorator
@inline
function log2(s: v128): v128 {
  // s = 2^k m with m in [sqrt(1/2), sqrt(2)).
  const bits = i32x4.sub(s, i32x4.splat(0x3f3504f3));
  const k = f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23));
  const m = i32x4.add(v128.and(bits, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3));
  // log m = 2 artanh u = 2 (u + u^3 / 3 + ...), |u| < 0.172.
  const u = f32x4.div(f32x4.sub(m, f32x4.splat(1)), f32x4.add(m, f32x4.splat(1)));
  const w = f32x4.mul(u, u);
  let sum = f32x4.add(f32x4.splat(1 / 5.0), f32x4.mul(w, f32x4.splat(1 / 7.0)));
  sum = f32x4.add(f32x4.splat(1 / 3.0), f32x4.mul(w, sum));
  sum = f32x4.add(f32x4.splat(1), f32x4.mul(w, sum));
  return f32x4.add(k, f32x4.mul(f32x4.mul(u, f32x4.splat(2.885390081777927)), sum));
}

/** 2^y, with y clipped to [-126, 126]; relative error below 1e-6. */
// @ts-ignore: decorator
@inline
function exp2(y: v128): v128 {
  const bounded = f32x4.pmin(f32x4.pmax(y, f32x4.splat(-126)), f32x4.splat(126));
  // After adding 1.5 * 2^23, the last bits of a float are those of the nearest integer.
  const shifted = f32x4.add(bounded, f32x4.splat(12582912));
  const n = f32x4.sub(shifted, f32x4.splat(12582912));
  // e^x, |x| <= log(2) / 2.
  const x = f32x4.mul(f32x4.sub(bounded, n), f32x4.splat(0.6931471805599453));
  let sum = f32x4.add(f32x4.splat(1 / 120.0), f32x4.mul(x, f32x4.splat(1 / 720.0)));
  sum = f32x4.add(f32x4.splat(1 / 24.0), f32x4.mul(x, sum));
  sum = f32x4.add(f32x4.splat(1 / 6.0), f32x4.mul(x, sum));
  sum = f32x4.add(f32x4.splat(1 / 2.0), f32x4.mul(x, sum));
  sum = f32x4.add(f32x4.splat(1), f32x4.mul(x, sum));
  sum = f32x4.add(f32x4.splat(1), f32x4.mul(x, sum));
  return f32x4.mul(sum, i32x4.add(i32x4.shl(shifted, 23), i32x4.splat(0x3f800000)));
}

/** One edge in any number of dimensions. `start` receives the position of the head before the step. */
function move(
  from: usize, to: usize, rate: f64, strength: f64, positions: usize, size: usize,
  a: f64, b: f64, table: usize, first: i32, last: i32, samples: usize, negatives: i32, start: usize,
): void {
  memory.copy(start, from, size);
  const squared = squaredDistance(start, to, size);
  if (squared != 0) {
    const g = a * power(squared, table, first, last);
    step(from, start, to, size, rate, (-2 * g * b) / (squared * (1 + g)), true);
  }
  for (let r = 0; r < negatives; r++) {
    const other = positions + <usize>load<u32>(samples + (<usize>r << 2)) * size;
    if (other == from) continue;
    const squared = squaredDistance(start, other, size);
    const factor = (2 * strength * b) / ((SOFTENING + squared) * (1 + a * power(squared, table, first, last)));
    step(from, start, other, size, rate, factor, false);
  }
}

/** Moves the head along its difference from another vertex, and with `both` the other vertex the opposite way. */
function step(from: usize, start: usize, other: usize, size: usize, rate: f64, factor: f64, both: bool): void {
  for (let c: usize = 0; c < size; c += 4) {
    const change = rate * clipped(factor * (<f64>load<f32>(start + c) - <f64>load<f32>(other + c)));
    store<f32>(from + c, <f32>(<f64>load<f32>(from + c) + change));
    if (both) store<f32>(other + c, <f32>(<f64>load<f32>(other + c) - change));
  }
}

function squaredDistance(from: usize, to: usize, size: usize): f64 {
  let squared: f64 = 0;
  for (let c: usize = 0; c < size; c += 4) {
    const difference = <f64>load<f32>(from + c) - <f64>load<f32>(to + c);
    squared += difference * difference;
  }
  return squared;
}
