import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finish } from '../../src/core/pauses.js';
import { createRandom } from '../../src/core/random.js';
import type { Edges, Matrix } from '../../src/core/types.js';
import {
  classicLayoutInParts,
  layoutEpochs,
  power,
  powerTable,
  refineLayout,
  refineLayoutInParts,
} from '../../src/layout/sgd.js';
import { fitCurve } from '../../src/math/curve.js';

const curve = fitCurve({ minDist: 0.1, spread: 1 });
const settings = (seed = 1) => ({
  curve,
  epochs: 50,
  negativeSampleRate: 5,
  repulsionStrength: 1,
  random: createRandom(seed),
});
const pair = (weight: number): Edges => ({
  head: Int32Array.of(0, 1),
  tail: Int32Array.of(1, 0),
  weight: Float32Array.of(weight, weight),
  vertices: 2,
});

/** Two cliques of `size` vertices, all weights 1, without an edge between them. */
function cliques(size: number): Edges {
  const pairs: [number, number][] = [];
  for (let i = 0; i < 2 * size; i++)
    for (let j = 0; j < 2 * size; j++) if (i !== j && i < size === j < size) pairs.push([i, j]);
  return {
    head: Int32Array.from(pairs, ([i]) => i),
    tail: Int32Array.from(pairs, ([, j]) => j),
    weight: new Float32Array(pairs.length).fill(1),
    vertices: 2 * size,
  };
}

test('an edge attracts its ends along the gradient of log(1 + a d^(2b)), in any number of dimensions', () => {
  for (const columns of [1, 2, 3, 10]) {
    const layout: Matrix = {
      data: Float32Array.from({ length: 2 * columns }, (_, i) => Math.sin(i + 1)),
      shape: [2, columns],
    };
    // One epoch, in which one of the two directions is due at once: of the other, the start says no.
    const random = {
      ...createRandom(1),
      next: (
        (first) => () =>
          first++ === 0 ? 0 : 0.9
      )(0),
    };
    const moved = refineLayout(pair(1), layout, { ...settings(), epochs: 1, negativeSampleRate: 0, random });
    const cost = (positions: ArrayLike<number>) => {
      let squared = 0;
      for (let c = 0; c < columns; c++) squared += (positions[c]! - positions[columns + c]!) ** 2;
      return Math.log1p(curve.a * squared ** curve.b);
    };
    for (let at = 0; at < 2 * columns; at++) {
      const shifted = (by: number) => Float64Array.from(layout.data, (v, i) => (i === at ? v + by : v));
      const slope = (cost(shifted(1e-5)) - cost(shifted(-1e-5))) / 2e-5;
      assert.ok(
        Math.abs(moved.data[at]! - layout.data[at]! + slope) < 1e-5,
        `${columns} columns, value ${at}`,
      );
    }
  }
});

test('repulsion moves the head alone, by at most 4 along an axis, and gives no NaN for coincident points', () => {
  const apart = (distance: number) => ({ data: Float32Array.of(0, 0, distance, 0), shape: [2, 2] as const });
  const lonely = { ...pair(1), head: Int32Array.of(0), tail: Int32Array.of(0), weight: Float32Array.of(1) };
  const push = (distance: number, strength = 1) => {
    const random = { ...createRandom(1), next: () => 0, integers: (list: Int32Array) => void list.fill(1) };
    const options = { ...settings(), epochs: 1, negativeSampleRate: 1, repulsionStrength: strength, random };
    return refineLayout(lonely, apart(distance), options).data;
  };
  const [x, , otherX] = push(1);
  const wanted = (2 * curve.b) / (1.001 * (1 + curve.a));
  assert.ok(Math.abs(x! + wanted) < 1e-6, `moved by ${-x!}, wanted ${wanted}`);
  assert.equal(otherX, 1);
  assert.ok(Math.abs(push(1, 0.5)[0]! + wanted / 2) < 1e-6);
  assert.equal(push(1e-2)[0], -4);
  assert.equal(push(1e-2, 2)[0], -4);
  assert.ok(push(0).every((value) => value === 0));
});

test('connected vertices are drawn together, others are driven apart', () => {
  const random = createRandom(3);
  const start: Matrix = { data: Float32Array.from({ length: 80 }, () => random.normal()), shape: [40, 2] };
  const before = start.data.slice();
  const { data } = refineLayout(cliques(20), start, settings());
  const distance = (i: number, j: number) =>
    Math.hypot(data[2 * i]! - data[2 * j]!, data[2 * i + 1]! - data[2 * j + 1]!);
  let within = 0;
  let between = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 40; i++)
    for (let j = 0; j < i; j++)
      if (i < 20 === j < 20) within = Math.max(within, distance(i, j));
      else between = Math.min(between, distance(i, j));
  assert.ok(between > within, `nearest apart ${between}, farthest together ${within}`);
  assert.deepEqual(start.data, before);
});

test('edges act in proportion to their weight: a light one a tenth as often', () => {
  const chain: Edges = {
    head: Int32Array.of(0, 2),
    tail: Int32Array.of(1, 3),
    weight: Float32Array.of(1, 0.1),
    vertices: 4,
  };
  const far = { data: Float32Array.of(0, 0, 1000, 0, 0, 0, 1000, 0), shape: [4, 2] as const };
  const { data } = refineLayout(chain, far, { ...settings(), epochs: 1000, negativeSampleRate: 0 });
  const closed = (i: number) => 1000 - Math.hypot(data[4 * i + 2]! - data[4 * i]!, 0);
  const ratio = closed(1) / closed(0);
  assert.ok(ratio > 0.08 && ratio < 0.12, `ratio ${ratio}`);
});

test('positions depend on the seed alone; a graph without edges keeps its layout', () => {
  const start: Matrix = { data: Float32Array.from({ length: 80 }, (_, i) => Math.sin(i)), shape: [40, 2] };
  const layOut = (seed: number) => refineLayout(cliques(20), start, settings(seed)).data;
  assert.deepEqual(layOut(1), layOut(1));
  assert.notDeepEqual(layOut(1), layOut(2));
  const none = {
    head: new Int32Array(0),
    tail: new Int32Array(0),
    weight: new Float32Array(0),
    vertices: 40,
  };
  assert.deepEqual(refineLayout(none, start, settings()).data, start.data);
});

test('the kernel and JavaScript take the same steps', () => {
  // A ring, and one vertex apart that all are pushed from: so nothing depends on which of two edges comes first.
  const ids = Array.from({ length: 80 }, (_, i) => i);
  const edges: Edges = {
    head: Int32Array.from(ids),
    tail: Int32Array.from(ids, (i) => (i + 1) % 80),
    weight: new Float32Array(80).fill(1),
    vertices: 81,
  };
  const random = () => ({ ...createRandom(1), integers: (list: Int32Array) => void list.fill(80) });
  for (const columns of [1, 2, 3, 5]) {
    for (const negativeSampleRate of [0, 1, 5]) {
      const layout: Matrix = {
        data: Float32Array.from({ length: 81 * columns }, (_, i) => 3 * Math.sin(i * i)),
        shape: [81, columns],
      };
      const moved = (compiled: boolean) => {
        const few = { epochs: 4, negativeSampleRate, repulsionStrength: 1.5 };
        const options = { ...settings(), ...few, random: random() };
        return refineLayout(edges, layout, options, compiled).data;
      };
      const wanted = moved(false);
      const worst = moved(true).reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0);
      assert.ok(worst < 1e-3, `${columns} columns, ${negativeSampleRate} pushes: apart by ${worst}`);
      assert.notDeepEqual(wanted, layout.data);
    }
  }
});

test('the table of powers is right between and beyond its entries', () => {
  for (const b of [0.4, 0.8951, 1, 1.9]) {
    const table = powerTable(b);
    for (let octave = -39; octave < 39.4; octave += 0.37) {
      for (const s of [2 ** octave, 2 ** Math.round(octave), 2 ** Math.round(octave) * (1 - 1e-7)]) {
        const wanted = Math.fround(s) ** b;
        const wrong = Math.abs(power(table, s) / wanted - 1);
        assert.ok(wrong < 1e-5 * Math.max(b * b, 1), `${s} ** ${b}: wrong by ${wrong}`);
      }
    }
    assert.equal(power(table, 0), 0);
    assert.equal(power(table, 2 ** -41), 0);
    assert.ok(power(table, 1e30) >= 2 ** (39 * b));
  }
});

test('epochs that run in slices give the bits of a run at once, and the positions between them', () => {
  const random = createRandom(3);
  for (const columns of [2, 3]) {
    const data = Float32Array.from({ length: 40 * columns }, () => random.normal());
    const start: Matrix = { data, shape: [40, columns] };
    for (const compiled of [true, false]) {
      const layout = finish(classicLayoutInParts(cliques(20), start, settings(5), compiled));
      assert.deepEqual(layout.positions(), start);
      const seen: Matrix[] = [];
      for (const epoch of [1, 1, 17, 50, 60]) {
        const before = layout.epoch;
        const parts = [...layout.advance(epoch)];
        assert.equal(layout.epoch, Math.min(epoch, 50));
        assert.equal(parts.length > 0, layout.epoch > before);
        if (parts.length > 0) assert.ok(Math.abs(parts.at(-1)! - layout.epoch / 50) < 1e-12);
        seen.push(layout.positions());
      }
      assert.deepEqual(seen.at(-1), finish(refineLayoutInParts(cliques(20), start, settings(5), compiled)));
      // Copies: later epochs do not change them.
      assert.deepEqual(seen[0], seen[1]);
      assert.notDeepEqual(seen[1], seen[2]);
      assert.notDeepEqual(seen[2], seen[3]);
    }
  }
});

test('epochs follow the rule of umap-learn', () => {
  assert.deepEqual([1, 10_000, 10_001, 70_000].map(layoutEpochs), [500, 500, 200, 200]);
});
