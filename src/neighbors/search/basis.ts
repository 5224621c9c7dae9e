/** A few directions that preserve neighbors: principal components of a sample, validated on that sample. */
import { blockOf, inBlocks, type Work } from '../../core/pauses.js';
import type { Random } from '../../core/types.js';
import { bindKernels, createMemory, type Kernels } from './kernels.js';
import { createLists, createPush, type Lists } from './lists.js';
import type { Space } from './space.js';

/** Orthonormal directions, and the shift to subtract from rows first. */
export interface Basis {
  /** `size` rows of `width` columns. */
  readonly directions: Float32Array;
  readonly size: number;
  /** Rounded column means of the sample: removes a large offset and keeps integers exact. */
  readonly shift: Float64Array;
}

const sampleRows = 1024;
const queries = 192;
const nearest = 15;
/** Rows between two pauses. */
const rowsPerPause = 64;
/** Products that the kernels sum between two pauses. */
const productsPerPause = 2 ** 26;
/** Share of the nearest 15 of a sampled row that must be among its nearest 30 along the directions. */
const minRecall = 0.95;

/** Temporary memory, with addresses in bytes. */
interface Workspace {
  readonly kernels: Kernels;
  readonly floats: Float32Array;
  readonly samples: number;
  readonly width: number;
  /** Centered sample rows; the same transposed; directions; products with rows; the same transposed. */
  readonly at: Record<'sample' | 'transposed' | 'directions' | 'products' | 'productsTransposed', number>;
}

/**
 * The smallest number of directions among 64, 128, 256, … that preserves neighbors. Undefined if half the columns do not
 * suffice, as for data without structure.
 */
export function* findBasis(
  space: Space,
  rows: number,
  width: number,
  random: Random,
): Work<Basis | undefined> {
  for (let size = 64; 2 * size <= space.columns; size *= 2) {
    const work = openWorkspace(Math.min(rows, sampleRows) & ~3, width, size);
    if (work === undefined) return undefined;
    const shift = yield* drawSample(work, space, rows, random);
    yield* subspace(work, size, random);
    if ((yield* recallOf(work, size)) >= minRecall) {
      const start = work.at.directions / 4;
      return { directions: work.floats.slice(start, start + size * width), size, shift };
    }
  }
  return undefined;
}

function openWorkspace(samples: number, width: number, size: number): Workspace | undefined {
  const lengths = {
    sample: samples * width,
    transposed: samples * width,
    directions: size * width,
    products: samples * Math.max(size, queries),
    productsTransposed: samples * size,
  };
  const at = { sample: 0, transposed: 0, directions: 0, products: 0, productsTransposed: 0 };
  let top = 1024;
  for (const name of Object.keys(lengths) as (keyof typeof lengths)[]) {
    at[name] = top;
    top += lengths[name] * 4;
  }
  const memory = createMemory(top);
  const kernels = memory && bindKernels(memory);
  return kernels && { kernels, floats: new Float32Array(memory.buffer), samples, width, at };
}

/** Writes centered sample rows, and their transpose. Returns the rounded column means. */
function* drawSample(work: Workspace, space: Space, rows: number, random: Random): Work<Float64Array> {
  const { floats, samples, width, at } = work;
  const shift = new Float64Array(width);
  const start = at.sample / 4;
  for (let i = 0; i < samples; i++) {
    if (i % rowsPerPause === 0) yield;
    // One row of each interval (stratified sampling): no row twice.
    const row = Math.floor(((i + random.next()) * rows) / samples);
    space.writeRow(row, floats, start + i * width);
    for (let c = 0; c < width; c++) shift[c]! += floats[start + i * width + c]! / samples;
  }
  const rounded = shift.map(Math.round);
  const remainder = shift.map((mean, c) => mean - rounded[c]!);
  for (let i = 0; i < samples; i++) {
    if (i % rowsPerPause === 0) yield;
    for (let c = 0; c < width; c++) {
      const value = floats[start + i * width + c]! - rounded[c]! - remainder[c]!;
      floats[start + i * width + c] = value;
      floats[at.transposed / 4 + c * samples + i] = value;
    }
  }
  return rounded;
}

/** Subspace iteration: B ← orthonormal rows of (S B')' S, twice from random directions. */
function* subspace(work: Workspace, size: number, random: Random): Work<void> {
  const { floats, samples, width, at } = work;
  const directions = floats.subarray(at.directions / 4, at.directions / 4 + size * width);
  for (let i = 0; i < directions.length; i++) directions[i] = random.next() - 0.5;
  yield* orthonormalize(directions, size, width);
  const products = at.products / 4;
  const transposed = at.productsTransposed / 4;
  for (let round = 0; round < 2; round++) {
    yield* dots(work, at.sample, samples, at.directions, size, width, at.products);
    for (let i = 0; i < samples; i++) {
      for (let b = 0; b < size; b++) floats[transposed + b * samples + i] = floats[products + i * size + b]!;
    }
    yield* dots(work, at.productsTransposed, size, at.transposed, width, samples, at.directions);
    yield* orthonormalize(directions, size, width);
  }
}

/** Products of all rows at `a` with all at `b`, to `out`. */
function* dots(
  { kernels }: Workspace,
  a: number,
  aRows: number,
  b: number,
  bRows: number,
  columns: number,
  out: number,
): Work<void> {
  yield* inBlocks(aRows, heightOf(bRows, columns), (from, to) => {
    kernels.dots(a + from * columns * 4, to - from, b, bRows, columns * 4, out + from * bRows * 4);
  });
}

/** Squared distances of all rows at `a` from all at `b`, to `out`. */
function* squares(
  { kernels }: Workspace,
  a: number,
  aRows: number,
  b: number,
  bRows: number,
  columns: number,
  out: number,
): Work<void> {
  yield* inBlocks(aRows, heightOf(bRows, columns), (from, to) => {
    kernels.squares(a + from * columns * 4, to - from, b, bRows, columns * 4, out + from * bRows * 4);
  });
}

/** Rows per block, in whole tiles of the kernels. */
function heightOf(bRows: number, columns: number): number {
  return Math.max(2, Math.floor(productsPerPause / (bRows * columns)) & ~1);
}

/**
 * Gram-Schmidt, twice for stability. A direction that depends on earlier ones becomes zeros; the eigensolver
 * (math/eigen.ts) must drop it instead and keep the coefficients, so that the two do not share code.
 */
function* orthonormalize(rows: Float32Array, size: number, width: number): Work<void> {
  for (let a = 0; a < size; a++) {
    if (a % blockOf(4 * size * width) === 0) yield;
    const start = a * width;
    const before = Math.sqrt(dot(rows, start, start, width));
    for (let pass = 0; pass < 2; pass++) {
      for (let b = 0; b < a; b++) {
        const along = dot(rows, start, b * width, width);
        for (let c = 0; c < width; c++) rows[start + c]! -= along * rows[b * width + c]!;
      }
    }
    const norm = Math.sqrt(dot(rows, start, start, width));
    const scale = norm > 1e-5 * before ? 1 / norm : 0;
    for (let c = 0; c < width; c++) rows[start + c]! *= scale;
  }
}

function dot(values: Float32Array, a: number, b: number, length: number): number {
  let sum = 0;
  for (let c = 0; c < length; c++) sum += values[a + c]! * values[b + c]!;
  return sum;
}

/** Share of the nearest 15 sampled rows, in all columns, that are among the nearest 30 along the directions. */
function* recallOf(work: Workspace, size: number): Work<number> {
  const { floats, samples, width, at } = work;
  const count = Math.min(queries, samples);
  const products = floats.subarray(at.products / 4);
  yield* squares(work, at.sample, count, at.sample, samples, width, at.products);
  const full = listNearest(products, count, samples, nearest);
  // The transposed sample is no longer needed, and is larger than the reduced one.
  yield* dots(work, at.sample, samples, at.directions, size, width, at.transposed);
  yield* squares(work, at.transposed, count, at.transposed, samples, size, at.products);
  const reduced = listNearest(products, count, samples, 2 * nearest);
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const found = new Set(idsOf(reduced, i));
    for (const id of idsOf(full, i)) if (found.has(id)) kept++;
  }
  return kept / (count * Math.min(nearest, samples - 1));
}

function listNearest(squares: Float32Array, count: number, samples: number, size: number): Lists {
  const lists = createLists(count, Math.min(size, samples - 1));
  const push = createPush(lists);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < samples; j++) if (j !== i) push(i, j, squares[i * samples + j]!);
  }
  return lists;
}

function idsOf({ words, capacity }: Lists, row: number): number[] {
  return Array.from({ length: capacity }, (_, c) => words[2 * (row * capacity + c)]! >>> 1);
}
