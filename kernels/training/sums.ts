/** Sums over rows, for the gradient of a bias or the mean of a batch. */

/** to[j] = scale * sum over i of from[i, j]. */
export function columnSums(from: usize, rows: i32, columns: i32, to: usize, scale: f32): void {
  let j = 0;
  // Sixteen columns at a time, so that four independent additions hide each other's latency.
  for (; j + 16 <= columns; j += 16) {
    let a = f32x4.splat(0);
    let b = f32x4.splat(0);
    let c = f32x4.splat(0);
    let d = f32x4.splat(0);
    let at = from + j * 4;
    for (let i = 0; i < rows; i++) {
      a = f32x4.add(a, v128.load(at));
      b = f32x4.add(b, v128.load(at, 16));
      c = f32x4.add(c, v128.load(at, 32));
      d = f32x4.add(d, v128.load(at, 48));
      at += columns * 4;
    }
    v128.store(to + j * 4, f32x4.mul(a, f32x4.splat(scale)));
    v128.store(to + j * 4, f32x4.mul(b, f32x4.splat(scale)), 16);
    v128.store(to + j * 4, f32x4.mul(c, f32x4.splat(scale)), 32);
    v128.store(to + j * 4, f32x4.mul(d, f32x4.splat(scale)), 48);
  }
  for (; j + 4 <= columns; j += 4) {
    let a = f32x4.splat(0);
    let at = from + j * 4;
    for (let i = 0; i < rows; i++) {
      a = f32x4.add(a, v128.load(at));
      at += columns * 4;
    }
    v128.store(to + j * 4, f32x4.mul(a, f32x4.splat(scale)));
  }
  for (; j < columns; j++) {
    let sum: f32 = 0;
    let at = from + j * 4;
    for (let i = 0; i < rows; i++) {
      sum += load<f32>(at);
      at += columns * 4;
    }
    store<f32>(to + j * 4, sum * scale);
  }
}
