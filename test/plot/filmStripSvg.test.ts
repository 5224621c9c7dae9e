import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import { type FilmStripOptions, type Frame, filmStripSvg } from '../../src/plot/filmStripSvg.js';
import { type Element, parseXml } from './markup.js';

const HOSTILE = `</text><script a="1">'&`;

function cloud(rows: number, scale = 1, seed = 1): number[][] {
  const random = createRandom(seed);
  return Array.from({ length: rows }, () => [scale * random.normal(), scale * random.normal()]);
}

/** Points of each group, in pixels. */
function marks(elements: readonly Element[]) {
  return elements
    .filter(({ name, attributes }) => name === 'path' && /h\.01/.test(attributes.d ?? ''))
    .flatMap(({ attributes }) =>
      [...attributes.d!.matchAll(/M(-?[\d.]+) (-?[\d.]+)h/g)].map(([, x, y]) => [Number(x), Number(y)]),
    );
}

const panels = (elements: readonly Element[]) =>
  elements
    .filter(({ name, attributes }) => name === 'rect' && attributes.stroke)
    .map(({ attributes }) => ['x', 'y', 'width', 'height'].map((side) => Number(attributes[side])));

/** Frames of 50 points that grow, and their marks, panel by panel. */
function drawn(scales: number[], options: FilmStripOptions = {}) {
  const frames = scales.map((scale) => ({ positions: cloud(50, scale) }));
  const elements = parseXml(filmStripSvg(frames, options));
  const all = marks(elements);
  return panels(elements).map(([x, y, width, height]) => ({
    ...{ x: x!, y: y!, width: width! },
    inside: all.filter(([a, b]) => a! > x! && a! < x! + width! && b! > y! && b! < y! + height!),
  }));
}

const extent = (points: (number | undefined)[][]) =>
  Math.max(...points.map(([x]) => x!)) - Math.min(...points.map(([x]) => x!));

test('each frame is a picture in the grid, with all its points and its title', () => {
  const labels = Array.from({ length: 60 }, (_, i) => `class ${i % 3}`);
  const frames = Array.from({ length: 7 }, (_, i) => ({ positions: cloud(60, 1, i), title: `step ${i}` }));
  const svg = filmStripSvg(frames, { labels, columns: 3, size: 100, title: 'A film', legendTitle: 'Class' });
  assert.equal(
    svg,
    filmStripSvg(frames, { labels, columns: 3, size: 100, title: 'A film', legendTitle: 'Class' }),
  );
  const elements = parseXml(svg);
  const boxes = panels(elements);
  assert.equal(boxes.length, 7);
  assert.equal(new Set(boxes.map(([x]) => x)).size, 3);
  assert.equal(new Set(boxes.map(([, y]) => y)).size, 3);
  assert.ok(boxes.every(([, , width, height]) => width === 100 && height === 100));
  assert.equal(marks(elements).length, 420);
  const texts = elements.filter(({ name }) => name === 'text').map(({ text }) => text);
  for (let i = 0; i < 7; i++) assert.ok(texts.includes(`step ${i}`));
  assert.equal(texts.filter((text) => text === 'class 1').length, 1, 'one legend');
  assert.equal(elements.find(({ name }) => name === 'desc')?.text, '7 frames. 60 points in 3 classes.');
  const [, , width, height] = elements[0]!.attributes.viewBox!.split(' ').map(Number);
  for (const { name, attributes } of elements.filter(({ name }) => name === 'text' || name === 'circle'))
    assert.ok(
      Number(attributes.x ?? attributes.cx) < width! && Number(attributes.y ?? attributes.cy) < height!,
      name,
    );
});

test('a frame fills its picture, or all have one scale', () => {
  const each = drawn([1, 2, 4]).map(({ inside }) => inside);
  assert.deepEqual(
    each.map((inside) => inside.length),
    [50, 50, 50],
  );
  const [one, two, four] = each.map(extent) as [number, number, number];
  assert.ok(Math.abs(one - four) < 0.3 && Math.abs(two - four) < 0.3);
  const common = drawn([1, 2, 4], { scale: 'common' }).map(({ inside }) => inside);
  assert.deepEqual(
    common.map((inside) => inside.length),
    [50, 50, 50],
  );
  const [small, middle, large] = common.map(extent) as [number, number, number];
  assert.ok(Math.abs(large / small - 4) < 0.1 && Math.abs(large / middle - 2) < 0.05);
});

test('columns are chosen by the number of frames, up to six', () => {
  const columns = (frames: number, options = {}) =>
    new Set(drawn(Array(frames).fill(1), options).map(({ x }) => x)).size;
  assert.deepEqual(
    [1, 4, 5, 60].map((frames) => columns(frames)),
    [1, 2, 3, 6],
  );
  assert.equal(columns(2, { columns: 9 }), 2);
});

test('points without finite coordinates are left out, and hostile text stays text', () => {
  const lost = cloud(20).map((row, i) => (i < 3 ? [Number.NaN, 0] : row));
  const frames = [{ positions: cloud(20), title: HOSTILE }, { positions: lost }];
  const elements = parseXml(filmStripSvg(frames, { title: HOSTILE, theme: 'dark', size: 300 }));
  assert.equal(marks(elements).length, 37);
  assert.ok(!elements.some(({ name }) => name === 'script'));
  assert.ok(elements.filter(({ name, text }) => name === 'text' && text === HOSTILE).length === 2);
});

test('frames that do not fit are refused with their number', () => {
  const refused = (frames: unknown, message: RegExp, options = {}) =>
    assert.throws(
      () => filmStripSvg(frames as Frame[], options),
      (error: Error) => error instanceof DataError && message.test(error.message),
    );
  refused([], /at least 1 \{ positions, title \}, got/);
  refused(cloud(3), /frames\[0\]: points: expected rows of 2 numbers/);
  refused(
    [{ positions: cloud(3) }, { positions: cloud(4) }],
    /frames\[1\]: expected 3 points as in the first frame, got 4/,
  );
  refused([{ positions: [[1, 2, 3]] }], /frames\[0\]: points: expected 2 columns, got 3/);
  refused([{ positions: cloud(3) }], /labels: expected one label per point \(3\), got 1/, { labels: [1] });
  for (const options of [{ size: 10 }, { columns: 0 }, { scale: 'shared' }, { colors: ['red'] }]) {
    assert.throws(
      () => filmStripSvg([{ positions: cloud(3) }], options as FilmStripOptions),
      (error: Error) =>
        error instanceof OptionError && /filmStripSvg: (size|columns|scale|colors)/.test(error.message),
    );
  }
});
