/** Kernels for the forward and backward pass of dense layers, in memory that threads share. */
export { gemm, gemmScratch, tile } from '../training/matmul';
export { columnSums } from '../training/sums';
export { areFinite, isSparse, sparseProduct, sparseScratch, sum1, sum4, sum7 } from './sparse';
export { transpose } from './transpose';

/** The gradient of ReLU, in place: gradient[i] = 0 where value[i] <= 0. */
export function reluGradient(gradient: usize, value: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const active = f32x4.gt(v128.load(value + i * 4), f32x4.splat(0));
    v128.store(gradient + i * 4, v128.and(v128.load(gradient + i * 4), active));
  }
  for (; i < count; i++) {
    if (!(load<f32>(value + i * 4) > 0)) store<f32>(gradient + i * 4, 0);
  }
}

/**
 * to[i] = table[rows[i]] + noise, rows of `columns` floats. The noise is a ring of `ring` floats, read from `start`
 * on; its first `columns` values are repeated after the last. No noise for a ring of 0.
 */
export function fetchRows(
  table: usize, columns: i32, rows: usize, count: i32, noise: usize, ring: i32, start: i32, to: usize,
): void {
  for (let i = 0; i < count; i++) {
    const from = table + <usize>load<u32>(rows + i * 4) * <usize>columns * 4;
    const added = ring == 0 ? 0 : noise + ((start + i * columns) % ring) * 4;
    let c = 0;
    for (; c + 4 <= columns; c += 4) {
      const value = v128.load(from + c * 4);
      v128.store(to + c * 4, ring == 0 ? value : f32x4.add(value, v128.load(added + c * 4)));
    }
    for (; c < columns; c++) {
      const value = load<f32>(from + c * 4);
      store<f32>(to + c * 4, ring == 0 ? value : value + load<f32>(added + c * 4));
    }
    to += columns * 4;
  }
}
