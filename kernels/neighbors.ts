/**
 * Distances between rows, and lists of nearest neighbors.
 *
 * Tables are rows of 32-bit floats, padded to a multiple of 4 columns; pointers and strides are in bytes. All kernels sum
 * in the same order, so that a distance has the same bits whichever kernel computes it.
 */

// @ts-ignore: decorator
@inline
function sum(v: v128): f32 {
  const pairs = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

// @ts-ignore: decorator
@inline
function addSquare(total: v128, a: v128, b: v128): v128 {
  const difference = f32x4.sub(a, b);
  return f32x4.add(total, f32x4.mul(difference, difference));
}

/** out[m] = |query - rows[ids[m]]|^2 for m < count. */
export function squaresTo(query: usize, rows: usize, stride: usize, ids: usize, count: i32, out: usize): void {
  let m = 0;
  for (; m + 4 <= count; m += 4) {
    const b0 = rows + <usize>load<u32>(ids) * stride;
    const b1 = rows + <usize>load<u32>(ids, 4) * stride;
    const b2 = rows + <usize>load<u32>(ids, 8) * stride;
    const b3 = rows + <usize>load<u32>(ids, 12) * stride;
    let t0 = f32x4.splat(0);
    let t1 = f32x4.splat(0);
    let t2 = f32x4.splat(0);
    let t3 = f32x4.splat(0);
    for (let c: usize = 0; c < stride; c += 16) {
      const a = v128.load(query + c);
      t0 = addSquare(t0, a, v128.load(b0 + c));
      t1 = addSquare(t1, a, v128.load(b1 + c));
      t2 = addSquare(t2, a, v128.load(b2 + c));
      t3 = addSquare(t3, a, v128.load(b3 + c));
    }
    store<f32>(out, sum(t0));
    store<f32>(out, sum(t1), 4);
    store<f32>(out, sum(t2), 8);
    store<f32>(out, sum(t3), 12);
    ids += 16;
    out += 16;
  }
  for (; m < count; m++) {
    const b = rows + <usize>load<u32>(ids) * stride;
    let t = f32x4.splat(0);
    for (let c: usize = 0; c < stride; c += 16) t = addSquare(t, v128.load(query + c), v128.load(b + c));
    store<f32>(out, sum(t));
    ids += 4;
    out += 4;
  }
}

// @ts-ignore: decorator
@inline
function addProduct(total: v128, a: v128, b: v128): v128 {
  return f32x4.add(total, f32x4.mul(a, b));
}

// @ts-ignore: decorator
@inline
function add(dot: bool, total: v128, a: v128, b: v128): v128 {
  return dot ? addProduct(total, a, b) : addSquare(total, a, b);
}

/** Tiles of 2 x 4 pairs, so that every load is used two or four times. */
// @ts-ignore: decorator
@inline
function tiles(dot: bool, a: usize, aRows: i32, b: usize, bRows: i32, stride: usize, out: usize): void {
  for (let i = 0; i < aRows; i += 2) {
    const a0 = a + <usize>i * stride;
    const a1 = a0 + stride;
    for (let j = 0; j < bRows; j += 4) {
      const b0 = b + <usize>j * stride;
      const b1 = b0 + stride;
      const b2 = b1 + stride;
      const b3 = b2 + stride;
      let s0 = f32x4.splat(0);
      let s1 = f32x4.splat(0);
      let s2 = f32x4.splat(0);
      let s3 = f32x4.splat(0);
      let t0 = f32x4.splat(0);
      let t1 = f32x4.splat(0);
      let t2 = f32x4.splat(0);
      let t3 = f32x4.splat(0);
      for (let c: usize = 0; c < stride; c += 16) {
        const x = v128.load(a0 + c);
        const y = v128.load(a1 + c);
        let z = v128.load(b0 + c);
        s0 = add(dot, s0, x, z);
        t0 = add(dot, t0, y, z);
        z = v128.load(b1 + c);
        s1 = add(dot, s1, x, z);
        t1 = add(dot, t1, y, z);
        z = v128.load(b2 + c);
        s2 = add(dot, s2, x, z);
        t2 = add(dot, t2, y, z);
        z = v128.load(b3 + c);
        s3 = add(dot, s3, x, z);
        t3 = add(dot, t3, y, z);
      }
      const o0 = out + <usize>(i * bRows + j) * 4;
      const o1 = o0 + <usize>bRows * 4;
      store<f32>(o0, sum(s0));
      store<f32>(o0, sum(s1), 4);
      store<f32>(o0, sum(s2), 8);
      store<f32>(o0, sum(s3), 12);
      store<f32>(o1, sum(t0));
      store<f32>(o1, sum(t1), 4);
      store<f32>(o1, sum(t2), 8);
      store<f32>(o1, sum(t3), 12);
    }
  }
}

/** out[i * bRows + j] = |a[i] - b[j]|^2; aRows a multiple of 2, bRows of 4. */
export function squares(a: usize, aRows: i32, b: usize, bRows: i32, stride: usize, out: usize): void {
  tiles(false, a, aRows, b, bRows, stride, out);
}

/** out[i * bRows + j] = a[i] . b[j]; aRows a multiple of 2, bRows of 4. */
export function dots(a: usize, aRows: i32, b: usize, bRows: i32, stride: usize, out: usize): void {
  tiles(true, a, aRows, b, bRows, stride, out);
}

/** Copies rows[ids[m]] to out, one after another, for m < count. */
export function gather(rows: usize, stride: usize, ids: usize, count: i32, out: usize): void {
  for (let m = 0; m < count; m++) {
    const row = rows + <usize>load<u32>(ids + <usize>m * 4) * stride;
    for (let c: usize = 0; c < stride; c += 16) v128.store(out + c, v128.load(row + c));
    out += stride;
  }
}

/**
 * Inserts candidates into one row's list of nearest neighbors and returns the number of insertions.
 *
 * A list is `capacity` 64-bit keys, nearest first: the bits of the distance in the upper half, id * 2 + (0 if new, 1
 * if old) in the lower half. Distances are not negative, so keys compare like (distance, id), and the list does not
 * depend on the order of insertions. Ids that are listed already, and the row's own, are skipped.
 */
export function merge(list: usize, capacity: i32, values: usize, ids: usize, count: i32, own: i32): i32 {
  const last = list + (<usize>capacity - 1) * 8;
  let limits = v128.load32_splat(last + 4);
  let inserted = 0;
  for (let m = 0; m < count; m += 4) {
    let bits = i32x4.bitmask(f32x4.le(v128.load(values), limits));
    if (bits != 0) {
      // Beyond the last candidate, memory holds arbitrary values.
      if (count - m < 4) bits &= (1 << (count - m)) - 1;
      while (bits != 0) {
        const at = <usize>ctz(bits) * 4;
        bits &= bits - 1;
        const id = load<u32>(ids + at);
        if (id == own) continue;
        const key = (<u64>load<u32>(values + at) << 32) | (<u64>id << 1);
        if (insert(list, last, key)) {
          inserted++;
          limits = v128.load32_splat(last + 4);
        }
      }
    }
    values += 16;
    ids += 16;
  }
  return inserted;
}

function insert(list: usize, last: usize, key: u64): bool {
  if ((key | 1) >= load<u64>(last)) return false;
  let slot = last;
  while (slot > list && load<u64>(slot - 8) > (key | 1)) slot -= 8;
  if (slot > list && (load<u64>(slot - 8) | 1) == (key | 1)) return false;
  for (let p = last; p > slot; p -= 8) store<u64>(p, load<u64>(p - 8));
  store<u64>(slot, key);
  return true;
}
