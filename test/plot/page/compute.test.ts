import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Script } from 'node:vm';
import { createRandom } from '../../../src/core/random.js';
import { pageParts } from '../../../src/plot/page/compute.js';

/** The parts as the page has them: made from their text, outside the module, each without the others. */
const parts = Object.fromEntries(
  Object.entries(pageParts).map(([name, part]) => [
    name,
    new Script(`(${part})`).runInThisContext() as unknown,
  ]),
) as typeof pageParts;

function cloud(rows: number): number[][] {
  const random = createRandom(1);
  return Array.from({ length: rows }, () => [random.normal() * 3, random.normal()]);
}

test('base64 and packed pictures come back as they were', () => {
  assert.deepEqual(parts.decode('AAEC/w=='), Uint8Array.of(0, 1, 2, 255));
  // Two pictures of 20 pixels: 16 + 4 black ones; 1 white, 3 black, 16 of level 7.
  const runs = Uint8Array.of(15, 3, 15 * 16, 2, 7 * 16 + 15);
  assert.deepEqual([...parts.imageStarts(runs, 20)], [0, 2, 5]);
  assert.deepEqual(parts.unpackImage(runs, 0, 2, 20), new Uint8Array(20));
  const second = Uint8Array.from({ length: 20 }, (_, i) => (i === 0 ? 255 : i < 4 ? 0 : 119));
  assert.deepEqual(parts.unpackImage(runs, 2, 5, 20), second);
});

test('the nearest row is the one that a search of all rows finds', () => {
  const positions = Float32Array.from(cloud(2000).flat());
  positions[100] = Number.NaN;
  const order = parts.drawOrder(positions);
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    Array.from({ length: 2000 }, (_, i) => i).filter((i) => i !== 50),
  );
  const grid = parts.makeGrid(positions, order, parts.findBounds(positions, order));
  const even = (row: number) => row % 2 === 0;
  const random = createRandom(3);
  let found = 0;
  for (let i = 0; i < 500; i++) {
    const x = random.normal() * 5;
    const y = random.normal() * 2;
    let best = -1;
    let least = 0.2 ** 2;
    for (const row of order) {
      const distance = (positions[2 * row]! - x) ** 2 + (positions[2 * row + 1]! - y) ** 2;
      if (even(row) && distance <= least) {
        best = row;
        least = distance;
      }
    }
    assert.equal(parts.nearest(grid, positions, x, y, 0.2, even), best);
    if (best >= 0) found++;
  }
  assert.ok(found > 100 && found < 500);
});

test('a painted disc has its area, color and position; hidden groups leave no trace', () => {
  const side = 41;
  const target = () => ({
    pixels: new Uint8ClampedArray(4 * side * side),
    width: side,
    height: side,
    x: 0,
    y: 0,
    scale: 1,
  });
  const colors = Uint8Array.from([200, 100, 50]);
  const paint = (where: number[], strength: number, hole = 0) => {
    const goal = target();
    parts.paint(
      goal,
      parts.makeStamp(6, hole),
      Float32Array.from(where),
      Uint32Array.of(0),
      new Uint16Array(1),
      colors,
      Uint16Array.of(strength),
    );
    let mass = 0;
    let x = 0;
    let y = 0;
    for (let i = 0; i < side * side; i++) {
      const red = goal.pixels[4 * i]!;
      mass += red / 200;
      x += (red / 200) * (i % side);
      y += (red / 200) * Math.floor(i / side);
    }
    return { mass, x: x / mass, y: y / mass };
  };
  for (const [x, y] of [
    [0, 0],
    [0.3, -0.7],
    [5.13, 8.9],
  ] as const) {
    const disc = paint([x, y], 256);
    assert.ok(Math.abs(disc.mass - Math.PI * 36) < 3, `area ${disc.mass}`);
    // Pixel i covers [i, i + 1); masks stand a quarter of a pixel apart.
    assert.ok(Math.abs(disc.x + 0.5 - (side / 2 + x)) < 0.2, `${disc.x}`);
    assert.ok(Math.abs(disc.y + 0.5 - (side / 2 - y)) < 0.2, `${disc.y}`);
  }
  const ring = paint([0, 0], 256, 4).mass;
  assert.ok(Math.abs(ring - Math.PI * (36 - 16)) < 3, `ring ${ring}`);
  assert.equal(paint([0, 0], 0).mass, 0);
  // At the edge and beyond it nothing is written outside the rows it belongs to.
  assert.ok(paint([-20, 20], 256).mass > 20);
  assert.equal(paint([300, 0], 256).mass, 0);
});
