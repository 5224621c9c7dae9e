/** The largest eigenpairs of a symmetric linear operator (matrix-free). */
import { blockOf, inBlocks, type Work } from '../core/pauses.js';
import type { Random } from '../core/types.js';
import { symmetricEigen } from './symmetricEigen.js';

/** Applies the operator to `count` vectors, stored consecutively in `vectors`, and writes the results to `out`. */
export type Operator = (vectors: Float64Array, count: number, out: Float64Array) => Work<void>;

export interface Eigenpairs {
  /** Largest first. */
  readonly values: Float64Array;
  /** Orthonormal eigenvectors, stored consecutively. */
  readonly vectors: Float64Array;
  /** Norm of A v - value v for each pair. */
  readonly residuals: Float64Array;
}

export interface EigenOptions {
  readonly random: Random;
  /** Largest accepted residual, relative to the eigenvalue. */
  readonly tolerance: number;
  /** Maximal number of restarts; then the best approximation so far is returned. */
  readonly rounds: number;
  /** `count` vectors to start from, stored consecutively. Default: random. */
  readonly start?: Float64Array;
}

/**
 * The `count` algebraically largest eigenpairs of a symmetric operator on vectors of length `size` (`count` at most
 * `size`), by the block Lanczos method with full orthogonalization and thick restarts (Wu and Simon, 2000). Blocks of
 * `count` vectors find eigenvalues of any multiplicity. Allocates about 6 `count` + 16 vectors.
 */
export function* largestEigenpairs(
  apply: Operator,
  size: number,
  count: number,
  options: EigenOptions,
): Work<Eigenpairs> {
  const most = Math.min(size, 5 * count + 16);
  const kept = count + Math.max(8, Math.ceil(count / 2));
  // With room for one more block, which is computed before it is known to fit.
  const basis = new Float64Array((most + count) * size);
  const projected = new Float64Array(most * most);
  const products = new Float64Array(count * size);
  const coefficients = new Float64Array(count * count);
  for (let i = 0; i < count * size; i++) basis[i] = options.start?.[i] ?? options.random.normal();
  let used = 0;
  let next = yield* orthonormalize(basis, 0, count, size, coefficients, count, 0);
  let scale = 0;
  for (let round = 0; ; round++) {
    let width = 0;
    do {
      width = next;
      yield* apply(basis.subarray(used * size, (used + width) * size), width, products);
      used += width;
      for (let c = 0; c < width; c++) {
        scale = Math.max(scale, Math.sqrt(dot(products, c * size, products, c * size, size)));
        yield* project(basis, used, size, products, c * size, projected, most, used - width + c);
      }
      basis.set(products.subarray(0, width * size), used * size);
      next = yield* orthonormalize(basis, used, width, size, coefficients, count, 1e-12 * scale);
    } while (next > 0 && used + next <= most);
    const ritz = yield* rayleighRitz(projected, most, used);
    const residuals = residualNorms(ritz, used, width, next, coefficients, count);
    const wanted = ritz.values.subarray(0, count);
    const done = wanted.every(
      (value, i) => residuals[i]! <= options.tolerance * Math.abs(value) + 1e-12 * scale,
    );
    if (done || round + 1 >= options.rounds) {
      yield* rotate(basis, used, size, ritz.vectors, count);
      return {
        values: ritz.values.slice(0, count),
        vectors: basis.slice(0, count * size),
        residuals: residuals.slice(0, count),
      };
    }
    const block = basis.slice(used * size, (used + next) * size);
    used = Math.min(kept, used);
    yield* rotate(basis, ritz.values.length, size, ritz.vectors, used);
    basis.set(block, used * size);
    projected.fill(0);
    for (let i = 0; i < used; i++) projected[i * most + i] = ritz.values[i]!;
  }
}

/**
 * Orthogonalizes a vector against the basis, twice against rounding errors, and stores the coefficients in column
 * `column` of the projected matrix.
 */
function* project(
  basis: Float64Array,
  used: number,
  size: number,
  vectors: Float64Array,
  offset: number,
  projected: Float64Array,
  stride: number,
  column: number,
): Work<void> {
  for (let pass = 0; pass < 2; pass++) {
    yield* inBlocks(used, blockOf(size), (from, to) => {
      for (let j = from; j < to; j++) {
        const along = dot(basis, j * size, vectors, offset, size);
        subtract(vectors, offset, basis, j * size, along, size);
        if (pass > 0) continue;
        projected[j * stride + column] = along;
        projected[column * stride + j] = along;
      }
    });
  }
}

/**
 * Orthonormalizes `width` vectors from index `first` on, drops those whose remainder is no longer than `negligible`, and
 * returns how many are left. Column c of `coefficients` expresses the c-th vector in terms of them.
 */
function* orthonormalize(
  vectors: Float64Array,
  first: number,
  width: number,
  size: number,
  coefficients: Float64Array,
  stride: number,
  negligible: number,
): Work<number> {
  coefficients.fill(0);
  let rank = 0;
  for (let c = 0; c < width; c++) {
    const from = (first + c) * size;
    const to = (first + rank) * size;
    if (from !== to) vectors.copyWithin(to, from, from + size);
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < rank; j++) {
        const along = dot(vectors, (first + j) * size, vectors, to, size);
        subtract(vectors, to, vectors, (first + j) * size, along, size);
        coefficients[j * stride + c]! += along;
      }
    }
    const norm = Math.sqrt(dot(vectors, to, vectors, to, size));
    if (norm <= negligible) continue;
    for (let i = to; i < to + size; i++) vectors[i]! /= norm;
    coefficients[rank * stride + c] = norm;
    rank++;
    yield;
  }
  return rank;
}

/** Eigenpairs of the projected matrix, largest first; vector i is row i. */
function* rayleighRitz(projected: Float64Array, stride: number, used: number) {
  const dense = new Float64Array(used * used);
  for (let j = 0; j < used; j++) {
    for (let i = 0; i < used; i++) dense[j * used + i] = projected[i * stride + j]!;
  }
  const { values: found, vectors: rows } = yield* symmetricEigen(dense, used);
  const order = Array.from(found, (_, i) => i).sort((a, b) => found[b]! - found[a]!);
  const vectors = new Float64Array(used * used);
  order.forEach((from, to) => {
    vectors.set(rows.subarray(from * used, (from + 1) * used), to * used);
  });
  return { values: Float64Array.from(order, (i) => found[i]!), vectors };
}

/** |A v - value v|, from the coefficients of the next block: only the last block's products have parts outside the basis. */
function residualNorms(
  { vectors }: { vectors: Float64Array },
  used: number,
  width: number,
  next: number,
  coefficients: Float64Array,
  stride: number,
): Float64Array {
  const norms = new Float64Array(used);
  for (let i = 0; i < used; i++) {
    let sum = 0;
    for (let j = 0; j < next; j++) {
      let part = 0;
      for (let c = 0; c < width; c++)
        part += coefficients[j * stride + c]! * vectors[i * used + used - width + c]!;
      sum += part * part;
    }
    norms[i] = Math.sqrt(sum);
  }
  return norms;
}

/** Replaces the first `count` of `used` basis vectors by linear combinations of all of them, slice by slice. */
function* rotate(
  basis: Float64Array,
  used: number,
  size: number,
  vectors: Float64Array,
  count: number,
): Work<void> {
  const slice = 512;
  const rotated = new Float64Array(count * slice);
  for (let start = 0; start < size; start += slice) {
    const width = Math.min(slice, size - start);
    rotated.fill(0);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < used; j++)
        subtract(rotated, i * slice, basis, j * size + start, -vectors[i * used + j]!, width);
    }
    for (let i = 0; i < count; i++)
      basis.set(rotated.subarray(i * slice, i * slice + width), i * size + start);
    yield;
  }
}

function dot(a: Float64Array, p: number, b: Float64Array, q: number, size: number): number {
  // Four partial sums hide the latency of additions.
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < size; i += 4) {
    s0 += a[p + i]! * b[q + i]!;
    s1 += a[p + i + 1]! * b[q + i + 1]!;
    s2 += a[p + i + 2]! * b[q + i + 2]!;
    s3 += a[p + i + 3]! * b[q + i + 3]!;
  }
  for (; i < size; i++) s0 += a[p + i]! * b[q + i]!;
  return s0 + s1 + s2 + s3;
}

/** a -= factor b */
function subtract(
  a: Float64Array,
  p: number,
  b: Float64Array,
  q: number,
  factor: number,
  size: number,
): void {
  for (let i = 0; i < size; i++) a[p + i]! -= factor * b[q + i]!;
}
