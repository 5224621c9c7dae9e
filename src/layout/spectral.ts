/**
 * A first layout of a graph: eigenvectors of its normalised Laplacian, one connected component beside the
 * other.
 */

import { DataError, OptionError } from '../core/errors.js';
import { inBlocks, type Work, whole } from '../core/pauses.js';
import type { Edges, Matrix, Random } from '../core/types.js';
import { largestEigenpairs, type Operator } from '../math/eigen.js';
import { blockVertices, connectedComponents, edgeRows, type SparseRows } from '../math/sparse.js';

/** Largest absolute coordinate of a layout, and the deviation of the noise on it, as in umap-learn. */
const extent = 10;
const noise = 1e-4;
/** Residual wanted of an eigenvector, relative to its eigenvalue. */
const tolerance = 1e-3;
const filterDegree = 8;

/**
 * Lays out a graph by the eigenvectors of I - D^(-1/2) W D^(-1/2) with the smallest eigenvalues but the first
 * (Belkin and Niyogi, 2003), one eigenvector a dimension, W the weights and D the sums of its rows. Connected
 * components are laid out one by one in boxes side by side, of an area in proportion to their vertices; in
 * components too small for it, vertices stand at random. The largest absolute coordinate is 10, plus normal
 * noise of deviation 1e-4.
 *
 * - `components`: dimensions of the layout, at least 1.
 * - `random`: draws the start of the search, random places and noise.
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
      `spectral: components must be a whole number of at least 1 (components=${components})`,
    );
  }
  if (vertices < 1) throw new DataError(`spectral: the graph must have vertices (vertices=${vertices})`);
  const rows = edgeRows(edges);
  const { members, offsets } = yield* connectedComponents(rows);
  const count = offsets.length - 1;
  const sides = new Float64Array(count);
  for (let part = 0; part < count; part++)
    sides[part] = (offsets[part + 1]! - offsets[part]!) ** (1 / Math.min(components, 2));
  const { x, y } = shelves(sides, components);
  const layout = new Float64Array(vertices * components);
  const local = new Int32Array(vertices);
  for (let part = 0; part < count; part++) {
    const own = members.subarray(offsets[part]!, offsets[part + 1]!);
    const placed = yield* layOutComponent(rows, own, local, components, random);
    // The component fills most of its box, so that a gap stays between neighbours.
    const reach = (0.4 * sides[part]!) / largest(placed);
    for (let i = 0; i < own.length; i++) {
      const place = own[i]! * components;
      for (let c = 0; c < components; c++) layout[place + c] = placed[c * own.length + i]! * reach;
      layout[place]! += x[part]!;
      if (components > 1) layout[place + 1]! += y[part]!;
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
 * Coordinates of one component, dimension after dimension, in [-1, 1] or smaller. `local` is scratch: it
 * takes the place of every vertex among the members.
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
    // A lone vertex stands in the middle of its box.
    if (size > 1) for (let i = 0; i < scattered.length; i++) scattered[i] = 2 * random.next() - 1;
    return scattered;
  }
  for (let i = 0; i < size; i++) local[members[i]!] = i;
  const { rows: normalised, root } = yield* normalise(rows, members, local);
  const adjacency = withoutFirst(normalised, root);
  // A first round tells where the spectrum ends; a filter then lifts what lies above from the rest, which
  // saves most of the orthogonalisation that the small gaps of large graphs would cost.
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

/** D^(-1/2) W D^(-1/2) within one component, with the square roots of its degrees, D^(1/2), as `root`. */
function* normalise({ offsets, columns, values }: SparseRows, members: Int32Array, local: Int32Array) {
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
 * v -> (A - 2 u u') v for A = D^(-1/2) W D^(-1/2). Its first eigenvector is known, u = D^(1/2) 1 / |D^(1/2)
 * 1| with eigenvalue 1; taking it twice puts it last.
 */
function withoutFirst({ offsets, columns, values }: SparseRows, root: Float64Array): Operator {
  const size = root.length;
  let total = 0;
  for (let i = 0; i < size; i++) total += root[i]! * root[i]!;
  return function* (vectors, count, out) {
    for (let start = 0; start < count * size; start += 2 * size) {
      // Two vectors at a time, so that the matrix is read once for both; an odd last one goes with itself.
      const other = start + size < count * size ? start + size : start;
      let along = 0;
      let alongOther = 0;
      for (let i = 0; i < size; i++) {
        along += root[i]! * vectors[start + i]!;
        alongOther += root[i]! * vectors[other + i]!;
      }
      const known = (2 * along) / total;
      const knownOther = (2 * alongOther) / total;
      yield* inBlocks(size, blockVertices, (from, to) => {
        for (let i = from; i < to; i++) {
          const end = offsets[i + 1]!;
          let sum = -known * root[i]!;
          let sumOther = -knownOther * root[i]!;
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
 * v -> T(A') v, T a Chebyshev polynomial and A' = A shifted and scaled so that [-1, cut] becomes [-1, 1]:
 * eigenvalues of A up to `cut` stay in [-1, 1], those above grow beyond, the more the larger they are.
 */
function chebyshevFilter(operator: Operator, size: number, count: number, cut: number): Operator {
  // 2 / (cut + 1) (A - (cut - 1) / 2); where the largest eigenvalue, below 1, would grow past 1e6, the degree
  // is less.
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

/**
 * Middles of boxes with these sides, largest first in rows below each other, about as wide in all as high.
 */
function shelves(sides: Float64Array, components: number): { x: Float64Array; y: Float64Array } {
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
