/**
 * Dot products of packed blocks of rows in 64-bit floats. Summed in the order of the columns, as in
 * src/math/products.ts, so that both give the same bits.
 */

/** Rows in a block. */
const BLOCK: usize = 64;

/**
 * out[i * 64 + j] = left[i] . right[j] for i < `rows` and j < `others`, both rounded up to a multiple of 4. In `left` two
 * rows are interleaved column by column, in `right` four.
 */
export function blockProducts(
  left: usize,
  rows: i32,
  right: usize,
  others: i32,
  columns: i32,
  out: usize,
): void {
  const pair = <usize>columns << 4;
  for (let i = 0; i < rows; i += 4) {
    const first = left + (<usize>i >> 1) * pair;
    for (let j = 0; j < others; j += 4) {
      let p = first;
      let q = right + (<usize>j >> 1) * pair;
      const end = p + pair;
      let a0 = f64x2.splat(0);
      let a1 = f64x2.splat(0);
      let b0 = f64x2.splat(0);
      let b1 = f64x2.splat(0);
      let c0 = f64x2.splat(0);
      let c1 = f64x2.splat(0);
      let d0 = f64x2.splat(0);
      let d1 = f64x2.splat(0);
      for (; p < end; p += 16) {
        const y0 = v128.load(q);
        const y1 = v128.load(q, 16);
        let x = v128.load64_splat(p);
        a0 = f64x2.add(a0, f64x2.mul(x, y0));
        a1 = f64x2.add(a1, f64x2.mul(x, y1));
        x = v128.load64_splat(p, 8);
        b0 = f64x2.add(b0, f64x2.mul(x, y0));
        b1 = f64x2.add(b1, f64x2.mul(x, y1));
        x = v128.load64_splat(p + pair);
        c0 = f64x2.add(c0, f64x2.mul(x, y0));
        c1 = f64x2.add(c1, f64x2.mul(x, y1));
        x = v128.load64_splat(p + pair, 8);
        d0 = f64x2.add(d0, f64x2.mul(x, y0));
        d1 = f64x2.add(d1, f64x2.mul(x, y1));
        q += 32;
      }
      const at = out + ((<usize>i * BLOCK + <usize>j) << 3);
      v128.store(at, a0);
      v128.store(at, a1, 16);
      v128.store(at + BLOCK * 8, b0);
      v128.store(at + BLOCK * 8, b1, 16);
      v128.store(at + BLOCK * 16, c0);
      v128.store(at + BLOCK * 16, c1, 16);
      v128.store(at + BLOCK * 24, d0);
      v128.store(at + BLOCK * 24, d1, 16);
    }
  }
}
