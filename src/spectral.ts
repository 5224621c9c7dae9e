/** A first layout of a graph: eigenvectors of its normalised Laplacian, one connected component beside the other. */
import { largestEigenpairs, type Operator } from './eigen.js';
import { DataError, OptionError } from './errors.js';
import { edgeRows, type SparseRows } from './sparse.js';
import type { Edges, Matrix, Random } from './types.js';

/** Largest absolute coordinate of a layout, and the deviation of the noise on it, as in umap-learn. */
const extent = 10;
const noise = 1e-4;

/**
 * Lays out a graph by the eigenvectors of I - D^(-1/2) W D^(-1/2) with the smallest eigenvalues but the first (Belkin and
 * Niyogi, 2003), one eigenvector a dimension, W the weights and D the sums of its rows. Connected components are laid
 * out one by one in boxes side by side, of an area in proportion to their vertices; in components too small for it,
 * vertices stand at random. The largest absolute coordinate is 10, plus normal noise of deviation 1e-4.
 *
 * - `components`: dimensions of the layout, at least 1.
 * - `random`: draws the start of the search, random places and noise.
 *
 * Throws `OptionError` for `components` out of range and `DataError` for a graph without vertices.
 */
export function spectralLayout(
  edges: Edges,
  { components, random }: { components: number; random: Random },
): Matrix {
  const { vertices } = edges;
  if (!(Number.isInteger(components) && components >= 1)) {
    throw new OptionError(
      `spectral: components must be a whole number of at least 1 (components=${components})`,
    );
  }
  if (vertices < 1) throw new DataError(`spectral: the graph must have vertices (vertices=${vertices})`);
  const rows = edgeRows(edges);
  const { members, offsets } = connectedComponents(rows);
  const count = offsets.length - 1;
  const sides = new Float64Array(count);
  for (let part = 0; part < count; part++)
    sides[part] = (offsets[part + 1]! - offsets[part]!) ** (1 / Math.min(components, 2));
  const { x, y } = shelves(sides, components);
  const layout = new Float64Array(vertices * components);
  const local = new Int32Array(vertices);
  for (let part = 0; part < count; part++) {
    const own = members.subarray(offsets[part]!, offsets[part + 1]!);
    const placed = layOutComponent(rows, own, local, components, random);
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
  for (let i = 0; i < data.length; i++) data[i] = layout[i]! * scale + noise * random.normal();
  return { data, shape: [vertices, components] };
}

/** Vertices of every connected component, ascending: component p holds `members` from `offsets[p]` to `offsets[p + 1]`. */
export function connectedComponents({ offsets: starts, columns }: SparseRows): {
  members: Int32Array;
  offsets: Int32Array;
} {
  const vertices = starts.length - 1;
  const members = new Int32Array(vertices);
  const seen = new Uint8Array(vertices);
  const ends: number[] = [0];
  let filled = 0;
  for (let first = 0; first < vertices; first++) {
    if (seen[first] === 1) continue;
    let next = filled;
    seen[first] = 1;
    members[filled++] = first;
    while (next < filled) {
      const vertex = members[next++]!;
      for (let entry = starts[vertex]!; entry < starts[vertex + 1]!; entry++) {
        const neighbor = columns[entry]!;
        if (seen[neighbor] === 1) continue;
        seen[neighbor] = 1;
        members[filled++] = neighbor;
      }
    }
    members.subarray(ends.at(-1), filled).sort();
    ends.push(filled);
  }
  return { members, offsets: Int32Array.from(ends) };
}

/**
 * Coordinates of one component, dimension after dimension, in [-1, 1] or smaller. `local` is scratch: it takes the
 * place of every vertex among the members.
 */
function layOutComponent(
  rows: SparseRows,
  members: Int32Array,
  local: Int32Array,
  components: number,
  random: Random,
): Float64Array {
  const size = members.length;
  if (size < Math.max(2 * components, components + 2)) {
    const scattered = new Float64Array(size * components);
    // A lone vertex stands in the middle of its box.
    if (size > 1) for (let i = 0; i < scattered.length; i++) scattered[i] = 2 * random.next() - 1;
    return scattered;
  }
  for (let i = 0; i < size; i++) local[members[i]!] = i;
  const root = new Float64Array(size);
  let total = 0;
  for (let i = 0; i < size; i++) {
    let degree = 0;
    for (let entry = rows.offsets[members[i]!]!; entry < rows.offsets[members[i]! + 1]!; entry++) {
      degree += rows.values[entry]!;
    }
    root[i] = Math.sqrt(degree);
    total += degree;
  }
  const operator = normalisedAdjacency(rows, members, local, root, total);
  return largestEigenpairs(operator, size, components, { random, tolerance: 1e-4, rounds: 100 }).vectors;
}

/**
 * v -> (D^(-1/2) W D^(-1/2) - 2 u u') v within one component. Its first eigenvector is known, u = D^(1/2) 1 / |D^(1/2) 1|
 * with eigenvalue 1; taking it twice puts it last.
 */
function normalisedAdjacency(
  { offsets, columns, values }: SparseRows,
  members: Int32Array,
  local: Int32Array,
  root: Float64Array,
  total: number,
): Operator {
  const size = members.length;
  const scaled = new Float64Array(size);
  return (vectors, count, out) => {
    for (let start = 0; start < count * size; start += size) {
      let along = 0;
      for (let i = 0; i < size; i++) {
        along += root[i]! * vectors[start + i]!;
        scaled[i] = vectors[start + i]! / root[i]!;
      }
      const known = (2 * along) / total;
      for (let i = 0; i < size; i++) {
        const vertex = members[i]!;
        let sum = 0;
        for (let entry = offsets[vertex]!; entry < offsets[vertex + 1]!; entry++) {
          sum += values[entry]! * scaled[local[columns[entry]!]!]!;
        }
        out[start + i] = sum / root[i]! - known * root[i]!;
      }
    }
  };
}

/** Middles of boxes with these sides, largest first in rows below each other, about as wide in all as high. */
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
