/** Spectral layout of a graph: eigenvectors of its normalized Laplacian, with connected components side by side. */

import { DataError, OptionError } from '../core/errors.js';
import { inBlocks, type Work, whole } from '../core/pauses.js';
import type { Edges, Matrix, Random } from '../core/types.js';
import { largestEigenpairs, type Operator } from '../math/eigen.js';
import { blockVertices, connectedComponents, edgeRows, type SparseRows } from '../math/sparse.js';

/** Largest absolute coordinate of a layout, and the standard deviation of the noise on it, as in umap-learn. */
const extent = 10;
const noise = 1e-4;
/** Largest residual of an eigenvector, relative to its eigenvalue. */
const tolerance = 1e-3;
const filterDegree = 8;

/**
 * Lays out a graph by the eigenvectors of I - D^(-1/2) W D^(-1/2) with the smallest eigenvalues except the first (Belkin
 * and Niyogi, 2003), one eigenvector per dimension; W holds the weights and D the row sums of W. Connected components are
 * laid out separately, in boxes side by side with areas proportional to their number of vertices. Vertices of components
 * that are too small for this get random positions. The largest absolute coordinate is 10, plus normal noise of standard
 * deviation 1e-4.
 *
 * `components` is the number of dimensions, at least 1. `random` draws the start of the eigenvector search, random
 * positions and noise.
 *
 * Throws `OptionError` for `components` out of range and `DataError` for a graph without vertices.
 */
export function* spectralLayoutInParts(
  edges: Edges,
  { components, random }: { components: number; random: Random },
): Work<Matrix> {
  const { vertices } = edges;
  if (!(Number.isInteger(components) && components >= 1)) {
    throw new OptionError(
      `spectral: expected components to be an integer of at least 1, got components=${components}; use 2 for a plane`,
    );
  }
  if (vertices < 1) {
    throw new DataError(
      `spectral: expected a graph with vertices, got vertices=${vertices}; pass the edges of at least one row`,
    );
  }
  const rows = edgeRows(edges);
  const { members, offsets } = yield* connectedComponents(rows);
  const count = offsets.length - 1;
  const sides = new Float64Array(count);
  for (let part = 0; part < count; part++)
    sides[part] = (offsets[part + 1]! - offsets[part]!) ** (1 / Math.min(components, 2));
  const { x, y } = packBoxes(sides, components);
  const layout = new Float64Array(vertices * components);
  const local = new Int32Array(vertices);
  for (let part = 0; part < count; part++) {
    const own = members.subarray(offsets[part]!, offsets[part + 1]!);
    const coordinates = yield* layOutComponent(rows, own, local, components, random);
    // The component fills 80 % of its box, so that boxes are separated by gaps.
    const factor = (0.4 * sides[part]!) / largest(coordinates);
    for (let i = 0; i < own.length; i++) {
      const at = own[i]! * components;
      for (let c = 0; c < components; c++) layout[at + c] = coordinates[c * own.length + i]! * factor;
      layout[at]! += x[part]!;
      if (components > 1) layout[at + 1]! += y[part]!;
    }
  }
  const scale = extent / largest(layout);
  const data = new Float32Array(layout.length);
  yield* inBlocks(data.length, 2 ** 14, (from, to) => {
    for (let i = from; i < to; i++) data[i] = layout[i]! * scale + noise * random.normal();
  });
  return { data, shape: [vertices, components] };
}

/** As {@link spectralLayoutInParts}, at once. */
export const spectralLayout = whole(spectralLayoutInParts);

/**
 * Coordinates of one component, dimension by dimension, in [-1, 1] or smaller. `local` is scratch memory for the index of
 * each vertex among the members.
 */
function* layOutComponent(
  rows: SparseRows,
  members: Int32Array,
  local: Int32Array,
  components: number,
  random: Random,
): Work<Float64Array> {
  const size = members.length;
  if (size < Math.max(2 * components, components + 2)) {
    const scattered = new Float64Array(size * components);
    // A single vertex is at the center of its box.
    if (size > 1) for (let i = 0; i < scattered.length; i++) scattered[i] = 2 * random.next() - 1;
    return scattered;
  }
  for (let i = 0; i < size; i++) local[members[i]!] = i;
  const { rows: normalized, root } = yield* normalize(rows, members, local);
  const adjacency = withoutFirst(normalized, root);
  // A first round estimates the largest eigenvalues. A filter then amplifies them relative to the others, which saves
  // most of the orthogonalization that the small gaps in the spectra of large graphs would cost.
  const first = yield* largestEigenpairs(adjacency, size, components, { random, tolerance, rounds: 1 });
  if (first.residuals.every((norm) => norm <= tolerance)) return first.vectors;
  const filtered = chebyshevFilter(adjacency, size, components, first.values[components - 1]!);
  const { vectors } = yield* largestEigenpairs(filtered, size, components, {
    random,
    tolerance,
    rounds: 30,
    start: first.vectors,
  });
  return vectors;
}

/** D^(-1/2) W D^(-1/2) of one component, and the square roots of its degrees, D^(1/2), as `root`. */
function* normalize({ offsets, columns, values }: SparseRows, members: Int32Array, local: Int32Array) {
  const size = members.length;
  const starts = new Int32Array(size + 1);
  const root = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    if (i % blockVertices === 0) yield;
    const vertex = members[i]!;
    let degree = 0;
    for (let entry = offsets[vertex]!; entry < offsets[vertex + 1]!; entry++) degree += values[entry]!;
    root[i] = Math.sqrt(degree);
    starts[i + 1] = starts[i]! + offsets[vertex + 1]! - offsets[vertex]!;
  }
  const neighbors = new Int32Array(starts[size]!);
  const weights = new Float32Array(starts[size]!);
  for (let i = 0; i < size; i++) {
    if (i % blockVertices === 0) yield;
    let from = offsets[members[i]!]!;
    for (let entry = starts[i]!; entry < starts[i + 1]!; entry++) {
      const neighbor = local[columns[from]!]!;
      neighbors[entry] = neighbor;
      weights[entry] = values[from++]! / (root[i]! * root[neighbor]!);
    }
  }
  return { rows: { offsets: starts, columns: neighbors, values: weights }, root };
}

/**
 * v -> (A - 2 u u') v for A = D^(-1/2) W D^(-1/2), whose first eigenvector is u = D^(1/2) 1 / |D^(1/2) 1| with
 * eigenvalue 1. Subtracting it twice gives it the eigenvalue -1, the smallest one.
 */
function withoutFirst({ offsets, columns, values }: SparseRows, root: Float64Array): Operator {
  const size = root.length;
  let total = 0;
  for (let i = 0; i < size; i++) total += root[i]! * root[i]!;
  return function* (vectors, count, out) {
    for (let start = 0; start < count * size; start += 2 * size) {
      // Two vectors at a time, so that the matrix is read once for both; an odd last one is paired with itself.
      const other = start + size < count * size ? start + size : start;
      let product = 0;
      let productOther = 0;
      for (let i = 0; i < size; i++) {
        product += root[i]! * vectors[start + i]!;
        productOther += root[i]! * vectors[other + i]!;
      }
      const twice = (2 * product) / total;
      const twiceOther = (2 * productOther) / total;
      yield* inBlocks(size, blockVertices, (from, to) => {
        for (let i = from; i < to; i++) {
          const end = offsets[i + 1]!;
          let sum = -twice * root[i]!;
          let sumOther = -twiceOther * root[i]!;
          for (let entry = offsets[i]!; entry < end; entry++) {
            const value = values[entry]!;
            const column = columns[entry]!;
            sum += value * vectors[start + column]!;
            sumOther += value * vectors[other + column]!;
          }
          out[start + i] = sum;
          out[other + i] = sumOther;
        }
      });
    }
  };
}

/**
 * v -> T(A') v with a Chebyshev polynomial T and A' = A shifted and scaled so that [-1, cut] becomes [-1, 1].
 * Eigenvalues of A up to `cut` stay in [-1, 1], and larger ones grow rapidly.
 */
function chebyshevFilter(operator: Operator, size: number, count: number, cut: number): Operator {
  // A' = 2 / (cut + 1) (A - (cut - 1) / 2). The degree is lowered if the largest eigenvalue, below 1, would exceed 1e6.
  const scale = 2 / (cut + 1);
  const middle = (cut - 1) / 2;
  const degree = Math.max(
    2,
    Math.min(filterDegree, Math.floor(Math.acosh(1e6) / Math.acosh(scale * (1 - middle)))),
  );
  let previous = new Float64Array(count * size);
  let current = new Float64Array(count * size);
  const applied = new Float64Array(count * size);
  return function* (vectors, used, out) {
    const length = used * size;
    previous.set(vectors.subarray(0, length));
    yield* operator(previous, used, applied);
    for (let i = 0; i < length; i++) current[i] = scale * (applied[i]! - middle * previous[i]!);
    for (let step = 2; step <= degree; step++) {
      yield* operator(current, used, applied);
      // T_(n+1)(x) = 2 x T_n(x) - T_(n-1)(x)
      for (let i = 0; i < length; i++)
        previous[i] = 2 * scale * (applied[i]! - middle * current[i]!) - previous[i]!;
      [previous, current] = [current, previous];
    }
    out.set(current.subarray(0, length));
  };
}

/** Centers of square boxes of these sides, packed in rows, largest first, into an area about as wide as high. */
function packBoxes(sides: Float64Array, components: number): { x: Float64Array; y: Float64Array } {
  const order = Array.from(sides, (_, part) => part).sort((a, b) => sides[b]! - sides[a]! || a - b);
  const area = sides.reduce((sum, side) => sum + side * side, 0);
  const width = components === 1 ? Number.POSITIVE_INFINITY : Math.max(sides[order[0]!]!, Math.sqrt(area));
  const x = new Float64Array(sides.length);
  const y = new Float64Array(sides.length);
  let left = 0;
  let top = 0;
  let height = 0;
  let right = 0;
  for (const part of order) {
    const side = sides[part]!;
    if (left > 0 && left + side > width * (1 + 1e-9)) {
      left = 0;
      top += height;
      height = 0;
    }
    x[part] = left + side / 2;
    y[part] = top + side / 2;
    left += side;
    right = Math.max(right, left);
    height = Math.max(height, side);
  }
  for (let part = 0; part < sides.length; part++) {
    x[part]! -= right / 2;
    y[part]! -= (top + height) / 2;
  }
  return { x, y };
}

/** Largest absolute value, or 1 where all are 0. */
function largest(values: Float64Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!));
  return most || 1;
}
