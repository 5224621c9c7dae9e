import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { Edges, Matrix } from '../../src/core/types.js';
import { spectralLayout } from '../../src/layout/spectral.js';

/** A graph from undirected edges; weight 1 where none is given. */
function graph(vertices: number, pairs: (readonly [number, number, number?])[]): Edges {
  const both = pairs.flatMap(([i, j, weight = 1]) => [[i, j, weight] as const, [j, i, weight] as const]);
  both.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return {
    head: Int32Array.from(both, ([i]) => i),
    tail: Int32Array.from(both, ([, j]) => j),
    weight: Float32Array.from(both, ([, , weight]) => weight),
    vertices,
  };
}

const ring = (size: number, from = 0) =>
  Array.from({ length: size }, (_, i) => [from + i, from + ((i + 1) % size)] as const);
const chain = (size: number) => ring(size).slice(0, -1);

const layOut = (edges: Edges, components = 2, seed = 1) =>
  spectralLayout(edges, { components, random: createRandom(seed) });
const column = ({ data, shape }: Matrix, c: number) =>
  Array.from(data).filter((_, place) => place % shape[1] === c);

/** Correlation of two lists without their means, sign left out. */
function likeness(a: number[], b: number[]): number {
  const center = (list: number[]) => {
    const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
    return list.map((value) => value - mean);
  };
  const [u, v] = [center(a), center(b)];
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return Math.abs(dot(u, v)) / Math.sqrt(dot(u, u) * dot(v, v));
}

/**
 * Rayleigh quotient of a coordinate for D^(-1/2) W D^(-1/2), and the norm of what is left, relative to the
 * coordinate.
 */
function residual({ head, tail, weight, vertices }: Edges, coordinate: number[]) {
  const degree = new Float64Array(vertices);
  for (let edge = 0; edge < head.length; edge++) degree[head[edge]!]! += weight[edge]!;
  const product = new Float64Array(vertices);
  for (let edge = 0; edge < head.length; edge++) {
    const [i, j] = [head[edge]!, tail[edge]!];
    product[i]! += (weight[edge]! / Math.sqrt(degree[i]! * degree[j]!)) * coordinate[j]!;
  }
  const squares = coordinate.reduce((sum, value) => sum + value * value, 0);
  const quotient = coordinate.reduce((sum, value, i) => sum + value * product[i]!, 0) / squares;
  const rest = coordinate.reduce((sum, value, i) => sum + (product[i]! - quotient * value) ** 2, 0);
  return { quotient, norm: Math.sqrt(rest / squares) };
}

test('a ring becomes a circle, in order', () => {
  const size = 120;
  const layout = layOut(graph(size, ring(size)));
  assert.deepEqual(layout.shape, [size, 2]);
  const [x, y] = [column(layout, 0), column(layout, 1)];
  const largest = Math.max(...Array.from(layout.data, Math.abs));
  assert.ok(Math.abs(largest - 10) < 1e-3);
  const radii = x.map((value, i) => Math.hypot(value, y[i]!));
  assert.ok(Math.max(...radii) - Math.min(...radii) < 0.02);
  const angles = x.map((value, i) => Math.atan2(y[i]!, value));
  const turn = (i: number) => {
    const step = angles[(i + 1) % size]! - angles[i]!;
    return step - 2 * Math.PI * Math.round(step / (2 * Math.PI));
  };
  const forward = Math.sign(turn(0));
  for (let i = 0; i < size; i++) assert.ok(Math.abs(turn(i) * forward - (2 * Math.PI) / size) < 0.01);
});

test('a chain is laid out by its eigenvectors, which are known', () => {
  // D^(1/2) cos(pi m i / (n - 1)) belongs to cos(pi m / (n - 1)).
  const size = 60;
  const layout = layOut(graph(size, chain(size)), 3);
  for (const m of [1, 2, 3]) {
    const wanted = Array.from({ length: size }, (_, i) => {
      const degree = i === 0 || i === size - 1 ? 1 : 2;
      return Math.sqrt(degree) * Math.cos((Math.PI * m * i) / (size - 1));
    });
    assert.ok(likeness(column(layout, m - 1), wanted) > 1 - 1e-4, `dimension ${m - 1}`);
  }
});

test('coordinates are eigenvectors, the smallest of the Laplacian first, on weighted graphs small and large', () => {
  const random = createRandom(8);
  const side = 45;
  const sheet: [number, number, number][] = [];
  for (let i = 0; i < side; i++) {
    for (let j = 0; j < 2 * side; j++) {
      const here = i * 2 * side + j;
      if (j + 1 < 2 * side) sheet.push([here, here + 1, 0.5 + random.next()]);
      if (i + 1 < side) sheet.push([here, here + 2 * side, 0.5 + random.next()]);
    }
  }
  const tangle: [number, number, number][] = [];
  const listed = new Set<number>();
  for (let i = 0; i < 400; i++) {
    for (let step = 0; step < 4; step++) {
      const j = step === 0 ? (i + 1) % 400 : random.integer(400);
      const key = Math.min(i, j) * 400 + Math.max(i, j);
      if (i !== j && !listed.has(key)) tangle.push([i, j, 0.1 + random.next()]);
      listed.add(key);
    }
  }
  for (const edges of [graph(2 * side * side, sheet), graph(400, tangle)]) {
    const layout = layOut(edges);
    const first = residual(edges, column(layout, 0));
    const second = residual(edges, column(layout, 1));
    assert.ok(first.norm < 3e-3 && second.norm < 3e-3, `${first.norm}, ${second.norm}`);
    assert.ok(first.quotient >= second.quotient - 1e-6);
  }
  // The long side of the sheet is unrolled first.
  const along = column(layOut(graph(2 * side * side, sheet)), 0);
  assert.ok(
    likeness(
      along,
      Array.from(along, (_, v) => Math.cos((Math.PI * ((v % (2 * side)) + 0.5)) / (2 * side))),
    ) > 0.95,
  );
});

test('the first dimension separates two weakly connected clusters', () => {
  const pairs: [number, number, number][] = [];
  for (let i = 0; i < 20; i++) for (let j = 0; j < i; j++) pairs.push([i, j, 1], [20 + i, 20 + j, 1]);
  pairs.push([0, 20, 1e-4]);
  const x = column(layOut(graph(40, pairs)), 0);
  const sign = Math.sign(x[0]!);
  for (let i = 0; i < 40; i++) assert.equal(Math.sign(x[i]!), i < 20 ? sign : -sign);
});

test('boxes of components do not overlap', () => {
  const sizes = [80, 40, 12, 9, 4, 2, 1, 1, 1];
  let vertices = 0;
  const pairs: (readonly [number, number])[] = [];
  const parts = sizes.map((size) => {
    pairs.push(...(size > 2 ? ring(size, vertices) : size === 2 ? [[vertices, vertices + 1] as const] : []));
    vertices += size;
    return Array.from({ length: size }, (_, i) => vertices - size + i);
  });
  for (const components of [1, 2, 3]) {
    const layout = layOut(graph(vertices, pairs), components);
    assert.ok(layout.data.every(Number.isFinite));
    assert.ok(Math.abs(Math.max(...Array.from(layout.data, Math.abs)) - 10) < 1e-3);
    const axes = Math.min(components, 2);
    const boxes = parts.map((part) =>
      Array.from({ length: axes }, (_, c) => {
        const values = part.map((i) => layout.data[i * components + c]!);
        return [Math.min(...values), Math.max(...values)] as const;
      }),
    );
    for (const [p, box] of boxes.entries()) {
      for (const other of boxes.slice(0, p)) {
        const apart = box.some(([low, high], c) => high < other[c]![0] || low > other[c]![1]);
        assert.ok(apart, `component ${p} of ${components} dimensions`);
      }
    }
  }
});

test('vertices of small components do not coincide; single vertices and graphs without edges have positions', () => {
  const layout = layOut(
    graph(6, [
      [0, 1],
      [1, 2],
      [0, 2],
    ]),
  );
  const places = new Set(
    Array.from({ length: 6 }, (_, i) => `${layout.data[2 * i]},${layout.data[2 * i + 1]}`),
  );
  assert.equal(places.size, 6);
  const none = layOut(graph(5, []));
  assert.ok(none.data.every(Number.isFinite));
  assert.equal(layOut(graph(1, [])).data.length, 2);
});

test('the same seed gives the same layout, another seed the same up to sign and noise', () => {
  const edges = graph(50, chain(50));
  assert.deepEqual(layOut(edges, 2, 3), layOut(edges, 2, 3));
  const [a, b] = [layOut(edges, 2, 3), layOut(edges, 2, 4)];
  assert.notDeepEqual(a, b);
  for (const c of [0, 1]) assert.ok(likeness(column(a, c), column(b, c)) > 1 - 1e-6);
});

test('errors name what is wrong with the input', () => {
  const random = createRandom(1);
  assert.throws(
    () => spectralLayout(graph(3, []), { components: 0, random }),
    (error) => error instanceof OptionError && /components=0/.test(error.message),
  );
  assert.throws(
    () => spectralLayout(graph(0, []), { components: 2, random }),
    (error) => error instanceof DataError && /vertices=0/.test(error.message),
  );
});
