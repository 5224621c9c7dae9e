/** Transposition in squares of 4 x 4. */

/** to[j, i] = from[i, j]. */
export function transpose(from: usize, rows: i32, columns: i32, to: usize): void {
  const fromRow = <usize>columns * 4;
  const toRow = <usize>rows * 4;
  for (let i = 0; i < rows; i += 4) {
    const whole = i + 4 <= rows;
    for (let j = 0; j < columns; j += 4) {
      const square = from + i * fromRow + j * 4;
      const transposed = to + j * toRow + i * 4;
      if (whole && j + 4 <= columns) transposeSquare(square, fromRow, transposed, toRow);
      else transposeEdge(square, fromRow, min(4, rows - i), min(4, columns - j), transposed, toRow);
    }
  }
}

function transposeSquare(from: usize, fromRow: usize, to: usize, toRow: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + fromRow);
  const c = v128.load(from + 2 * fromRow);
  const d = v128.load(from + 3 * fromRow);
  const ac0 = v128.shuffle<i32>(a, c, 0, 4, 1, 5);
  const ac2 = v128.shuffle<i32>(a, c, 2, 6, 3, 7);
  const bd0 = v128.shuffle<i32>(b, d, 0, 4, 1, 5);
  const bd2 = v128.shuffle<i32>(b, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i32>(ac0, bd0, 0, 4, 1, 5));
  v128.store(to + toRow, v128.shuffle<i32>(ac0, bd0, 2, 6, 3, 7));
  v128.store(to + 2 * toRow, v128.shuffle<i32>(ac2, bd2, 0, 4, 1, 5));
  v128.store(to + 3 * toRow, v128.shuffle<i32>(ac2, bd2, 2, 6, 3, 7));
}

function transposeEdge(from: usize, fromRow: usize, rows: i32, columns: i32, to: usize, toRow: usize): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      store<f32>(to + j * toRow + i * 4, load<f32>(from + i * fromRow + j * 4));
    }
  }
}
