/** All eigenpairs of a small dense symmetric matrix, by Householder tridiagonalization and QL iteration. */
import type { Work } from '../core/pauses.js';

/** Eigenvalues, smallest first, and their eigenvectors as the rows of `vectors`. */
export interface Decomposition {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

/**
 * Decomposes a symmetric matrix of `size` rows by the procedures tred2 and tql2 of Bowdler, Martin, Reinsch and
 * Wilkinson (1968), as implemented in EISPACK and JAMA. Overwrites the matrix with the eigenvectors.
 */
export function* symmetricEigen(matrix: Float64Array, size: number): Work<Decomposition> {
  const values = new Float64Array(size);
  const beside = new Float64Array(size);
  for (let j = 0; j < size; j++) values[j] = matrix[j * size + size - 1]!;
  for (let i = size - 1; i > 0; i--) {
    reflect(i, size, matrix, values, beside);
    if (i % 16 === 0) yield;
  }
  for (let i = 0; i < size - 1; i++) {
    accumulate(i, size, matrix, values);
    if (i % 16 === 0) yield;
  }
  for (let j = 0; j < size; j++) {
    values[j] = matrix[j * size + size - 1]!;
    matrix[j * size + size - 1] = 0;
  }
  matrix[size * size - 1] = 1;
  beside.copyWithin(0, 1);
  beside[size - 1] = 0;
  yield* diagonalize(size, matrix, values, beside);
  sortPairs(size, matrix, values);
  return { values, vectors: matrix };
}

/** One Householder reflection: makes all but the last two entries of row i zero. */
function reflect(i: number, n: number, v: Float64Array, d: Float64Array, e: Float64Array): void {
  let scale = 0;
  let h = 0;
  for (let k = 0; k < i; k++) scale += Math.abs(d[k]!);
  if (scale === 0) {
    e[i] = d[i - 1]!;
    for (let j = 0; j < i; j++) {
      d[j] = v[j * n + i - 1]!;
      v[j * n + i] = 0;
      v[i * n + j] = 0;
    }
    d[i] = h;
    return;
  }
  for (let k = 0; k < i; k++) {
    d[k]! /= scale;
    h += d[k]! * d[k]!;
  }
  const last = d[i - 1]!;
  const g = last > 0 ? -Math.sqrt(h) : Math.sqrt(h);
  e[i] = scale * g;
  h -= last * g;
  d[i - 1] = last - g;
  e.fill(0, 0, i);
  for (let j = 0; j < i; j++) {
    const f = d[j]!;
    v[i * n + j] = f;
    let sum = e[j]! + v[j * n + j]! * f;
    for (let k = j + 1; k < i; k++) {
      sum += v[j * n + k]! * d[k]!;
      e[k]! += v[j * n + k]! * f;
    }
    e[j] = sum;
  }
  let along = 0;
  for (let j = 0; j < i; j++) {
    e[j]! /= h;
    along += e[j]! * d[j]!;
  }
  const half = along / (h + h);
  for (let j = 0; j < i; j++) e[j]! -= half * d[j]!;
  for (let j = 0; j < i; j++) {
    const f = d[j]!;
    const g = e[j]!;
    for (let k = j; k < i; k++) v[j * n + k]! -= f * e[k]! + g * d[k]!;
    d[j] = v[j * n + i - 1]!;
    v[j * n + i] = 0;
  }
  d[i] = h;
}

/** Multiplies one more reflection into the accumulated transformation. */
function accumulate(i: number, n: number, v: Float64Array, d: Float64Array): void {
  v[i * n + n - 1] = v[i * n + i]!;
  v[i * n + i] = 1;
  const h = d[i + 1]!;
  const row = (i + 1) * n;
  if (h !== 0) {
    for (let k = 0; k <= i; k++) d[k] = v[row + k]! / h;
    for (let j = 0; j <= i; j++) {
      let g = 0;
      for (let k = 0; k <= i; k++) g += v[row + k]! * v[j * n + k]!;
      for (let k = 0; k <= i; k++) v[j * n + k]! -= g * d[k]!;
    }
  }
  v.fill(0, row, row + i + 1);
}

/** QL iteration with implicit shifts until the off-diagonal is negligible. */
function* diagonalize(n: number, v: Float64Array, d: Float64Array, e: Float64Array): Work<void> {
  let shift = 0;
  let largest = 0;
  for (let l = 0; l < n; l++) {
    largest = Math.max(largest, Math.abs(d[l]!) + Math.abs(e[l]!));
    let m = l;
    while (m < n && Math.abs(e[m]!) > Number.EPSILON * largest) m++;
    if (m > l) {
      do {
        shift += step(l, m, n, v, d, e);
        yield;
      } while (Math.abs(e[l]!) > Number.EPSILON * largest);
    }
    d[l]! += shift;
    e[l] = 0;
  }
}

/** One QL step on the entries l to m; returns the shift that it subtracted from the diagonal. */
function step(l: number, m: number, n: number, v: Float64Array, d: Float64Array, e: Float64Array): number {
  const g = d[l]!;
  let p = (d[l + 1]! - g) / (2 * e[l]!);
  const root = p < 0 ? -hypotenuse(p, 1) : hypotenuse(p, 1);
  d[l] = e[l]! / (p + root);
  d[l + 1] = e[l]! * (p + root);
  const second = d[l + 1]!;
  const taken = g - d[l]!;
  for (let i = l + 2; i < n; i++) d[i]! -= taken;
  p = d[m]!;
  let [c, c2, c3] = [1, 1, 1];
  const beside = e[l + 1]!;
  let [s, s2] = [0, 0];
  for (let i = m - 1; i >= l; i--) {
    c3 = c2;
    c2 = c;
    s2 = s;
    const g = c * e[i]!;
    const h = c * p;
    const r = hypotenuse(p, e[i]!);
    e[i + 1] = s * r;
    s = e[i]! / r;
    c = p / r;
    p = c * d[i]! - s * g;
    d[i + 1] = h + s * (c * g + s * d[i]!);
    rotate(v, i * n, n, c, s);
  }
  p = (-s * s2 * c3 * beside * e[l]!) / second;
  e[l] = s * p;
  d[l] = c * p;
  return taken;
}

/** Givens rotation of a row and the next one. */
function rotate(v: Float64Array, at: number, n: number, c: number, s: number): void {
  for (let k = at; k < at + n; k++) {
    const h = v[k + n]!;
    v[k + n] = s * v[k]! + c * h;
    v[k] = c * v[k]! - s * h;
  }
}

/** Sorts eigenpairs by eigenvalue, smallest first. */
function sortPairs(n: number, v: Float64Array, d: Float64Array): void {
  for (let i = 0; i < n - 1; i++) {
    let least = i;
    for (let j = i + 1; j < n; j++) if (d[j]! < d[least]!) least = j;
    if (least === i) continue;
    [d[i], d[least]] = [d[least]!, d[i]!];
    const row = v.slice(i * n, (i + 1) * n);
    v.copyWithin(i * n, least * n, (least + 1) * n);
    v.set(row, least * n);
  }
}

/** sqrt(a² + b²) without overflow. */
function hypotenuse(a: number, b: number): number {
  const larger = Math.max(Math.abs(a), Math.abs(b));
  if (larger === 0) return 0;
  const ratio = Math.abs(a) > Math.abs(b) ? b / a : a / b;
  return larger * Math.sqrt(1 + ratio * ratio);
}
