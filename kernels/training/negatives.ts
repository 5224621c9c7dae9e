/** Lists of negatives for one pair of the contrastive losses, as rows of the batch. Each returns how many there are. */

/**
 * Draws `samples` rows with replacement: from the `rows` rows except the `excluded` ones starting at the head, wrapping around
 * at the end, or except those listed in ascending order from `barred` to `barredEnd`; or from the `listCount` entries of
 * `list`, where the entry after the head's own one replaces it. Four generators xoshiro128** draw in turn, word w of generator i at `state + 16 w + 4 i`; src/losses/contrastiveNegatives.ts
 * has the same ones. `samples` is rounded up to a multiple of four draws.
 */
export function sampled(
  out: usize, samples: i32, head: i32, rows: i32, excluded: i32, barred: usize, barredEnd: usize, list: usize,
  listCount: i32, state: usize,
): i32 {
  const below = list ? listCount : barred ? rows - (<i32>(barredEnd - barred) >> 2) : rows - excluded;
  if (below < 1) return 0;
  const range = i32x4.splat(below);
  const first = i32x4.splat(head + excluded);
  const end = i32x4.splat(rows);
  let a = v128.load(state);
  let b = v128.load(state, 16);
  let c = v128.load(state, 32);
  let d = v128.load(state, 48);
  for (let k = 0; k < samples; k += 4) {
    const bits = i32x4.mul(rotated(i32x4.mul(b, i32x4.splat(5)), 7), i32x4.splat(9));
    c = v128.xor(c, a);
    d = v128.xor(d, b);
    const shifted = i32x4.shl(b, 9);
    b = v128.xor(b, c);
    a = v128.xor(a, d);
    c = v128.xor(c, shifted);
    d = rotated(d, 11);
    // The high half of the 32 x 32 bit products.
    const low = i64x2.extmul_low_i32x4_u(bits, range);
    const high = i64x2.extmul_high_i32x4_u(bits, range);
    let row = v128.shuffle<i32>(low, high, 1, 3, 5, 7);
    if (barred) {
      // Adds 1 for each barred row that is not above.
      for (let b = barred; b < barredEnd; b += 4) row = i32x4.sub(row, i32x4.ge_s(row, v128.load32_splat(b)));
    } else if (!list) {
      row = i32x4.add(row, first);
      row = i32x4.sub(row, v128.and(i32x4.ge_s(row, end), end));
    }
    v128.store(out + k * 4, row);
  }
  v128.store(state, a);
  v128.store(state, b, 16);
  v128.store(state, c, 32);
  v128.store(state, d, 48);
  return list ? lookedUp(out, samples, head, rows, list, listCount) : samples;
}

/** Replaces positions in `list` by the rows there. -1 for a row out of range. */
function lookedUp(out: usize, samples: i32, head: i32, rows: i32, list: usize, listCount: i32): i32 {
  let n = 0;
  for (let k = 0; k < samples; k++) {
    const at = load<i32>(out + k * 4);
    let row = load<i32>(list + at * 4);
    if (row == head) row = load<i32>(list + (at + 1 < listCount ? at + 1 : 0) * 4);
    if (<u32>row >= <u32>rows) return -1;
    store<i32>(out + n * 4, row);
    n += i32(row != head);
  }
  return n;
}

/**
 * Every row, or every entry of `list`, but the head and the tail; without a list, also but those from `barred` to `barredEnd`.
 * -1 for a row out of range.
 */
export function everyOther(
  out: usize, head: i32, tail: i32, rows: i32, barred: usize, barredEnd: usize, list: usize, listCount: i32,
): i32 {
  let n = 0;
  const count = list ? listCount : rows;
  for (let k = 0; k < count; k++) {
    const row = list ? load<i32>(list + k * 4) : k;
    if (<u32>row >= <u32>rows) return -1;
    if (barred < barredEnd && load<i32>(barred) == row) {
      barred += 4;
      continue;
    }
    store<i32>(out + n * 4, row);
    n += i32(row != head && row != tail);
  }
  return n;
}

/** The entries of `list` but -1. -1 for a row out of range. */
export function listed(out: usize, rows: i32, list: usize, listCount: i32): i32 {
  let n = 0;
  for (let k = 0; k < listCount; k++) {
    const row = load<i32>(list + k * 4);
    if (row >= rows || row < -1) return -1;
    store<i32>(out + n * 4, row);
    n += i32(row >= 0);
  }
  return n;
}

// @ts-ignore: decorator
@inline
function rotated(x: v128, by: i32): v128 {
  return v128.or(i32x4.shl(x, by), i32x4.shr_u(x, 32 - by));
}
