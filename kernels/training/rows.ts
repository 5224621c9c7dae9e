/** Rows gathered, repeated, and summed by segment. */

/**
 * to[i] = from[indices[i]], rows of `size` bytes (a multiple of 4). Returns the first i with an index outside [0,
 * rows), or -1.
 */
export function gatherRows(from: usize, rows: i32, size: i32, indices: usize, count: i32, to: usize): i32 {
  for (let i = 0; i < count; i++) {
    const index = load<i32>(indices + i * 4);
    if (<u32>index >= <u32>rows) return i;
    const row = from + <usize>index * <usize>size;
    let at = 0;
    for (; at + 16 <= size; at += 16) v128.store(to + at, v128.load(row + at));
    for (; at < size; at += 4) store<i32>(to + at, load<i32>(row + at));
    to += size;
  }
  return -1;
}

/** to[segments[i]] += from[i], rows of `size` floats. Segments outside [0, toRows) are dropped. `to` starts zero. */
export function segmentSumFloat(from: usize, rows: i32, size: i32, segments: usize, to: usize, toRows: i32): void {
  for (let i = 0; i < rows; i++) {
    const segment = load<i32>(segments + i * 4);
    if (<u32>segment < <u32>toRows) {
      const sum = to + <usize>segment * <usize>size * 4;
      let j = 0;
      for (; j + 4 <= size; j += 4) {
        v128.store(sum + j * 4, f32x4.add(v128.load(sum + j * 4), v128.load(from + j * 4)));
      }
      for (; j < size; j++) store<f32>(sum + j * 4, load<f32>(sum + j * 4) + load<f32>(from + j * 4));
    }
    from += size * 4;
  }
}

/** As `segmentSumFloat`, for 32-bit integers. */
export function segmentSumInt(from: usize, rows: i32, size: i32, segments: usize, to: usize, toRows: i32): void {
  for (let i = 0; i < rows; i++) {
    const segment = load<i32>(segments + i * 4);
    if (<u32>segment < <u32>toRows) {
      const sum = to + <usize>segment * <usize>size * 4;
      for (let j = 0; j < size; j++) store<i32>(sum + j * 4, load<i32>(sum + j * 4) + load<i32>(from + j * 4));
    }
    from += size * 4;
  }
}

/** Writes each of `count` blocks of `size` bytes (a multiple of 4) `times` times. */
export function repeatBlocks(from: usize, count: i32, size: i32, times: i32, to: usize): void {
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < times; j++) {
      let at = 0;
      for (; at + 16 <= size; at += 16) v128.store(to + at, v128.load(from + at));
      for (; at < size; at += 4) store<i32>(to + at, load<i32>(from + at));
      to += size;
    }
    from += size;
  }
}
