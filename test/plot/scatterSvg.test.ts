import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import { CLASS_COLORS, colorAlong, SCALE_COLORS } from '../../src/plot/colors.js';
import { readPlotData } from '../../src/plot/data.js';
import { classPlaces } from '../../src/plot/labelPlaces.js';
import { scatterSvg } from '../../src/plot/scatterSvg.js';
import { escapeXml } from '../../src/plot/svg.js';
import { type Element, parseXml } from './markup.js';

const HOSTILE = `</script><b a="1">'&amp;\u0000\ud800 𝛼`;

function cloud(rows: number, seed = 1): number[][] {
  const random = createRandom(seed);
  return Array.from({ length: rows }, () => [random.normal() * 3, random.normal()]);
}

/** Positions and colors of the fitted points' marks. */
function marks(elements: readonly Element[]): { x: number; y: number; color: string }[] {
  return elements
    .filter(({ name, attributes }) => name === 'path' && /^M[^h]*h\.01/.test(attributes.d ?? ''))
    .flatMap(({ attributes }) =>
      [...attributes.d!.matchAll(/M(-?[\d.]+) (-?[\d.]+)h\.01/g)].map(([, x, y]) => ({
        x: Number(x),
        y: Number(y),
        color: attributes.stroke!,
      })),
    );
}

const texts = (elements: readonly Element[]) =>
  elements.filter(({ name }) => name === 'text').map(({ text }) => text);

test('a map is well-formed and has a mark for each point and a ring for each held-out one', () => {
  const labels = Array.from({ length: 300 }, (_, i) => `class ${i % 12}`);
  const held = { points: cloud(40, 2), labels: labels.slice(0, 40) };
  const elements = parseXml(
    scatterSvg(cloud(300), { labels, held, title: 'A map', subtitle: 's', legendTitle: 'l' }),
  );
  assert.equal(marks(elements).length, 300);
  const ringed = elements.filter(
    ({ name, attributes }) => name === 'circle' && attributes.stroke && !attributes.fill,
  );
  assert.equal(ringed.length, 40);
  assert.equal(elements.find(({ name }) => name === 'title')?.text, 'A map');
  const description = elements.find(({ name }) => name === 'desc')?.text;
  assert.equal(description, '300 points in 12 classes. 40 held-out points as rings.');
  for (let i = 0; i < 12; i++) assert.ok(texts(elements).includes(`class ${i}`));
});

test('both axes have one scale and up is up', () => {
  const points = [
    [0, 0],
    [10, 0],
    [0, 1],
    [3, 7],
  ];
  for (const [width, height] of [
    [900, 300],
    [300, 900],
  ] as const) {
    const placed = marks(parseXml(scatterSvg(points, { width, height })));
    // With no labels every mark has one color, so find them by their order along x and y.
    const byX = placed.map(({ x }) => x).sort((a, b) => a - b);
    const byY = placed.map(({ y }) => y).sort((a, b) => b - a);
    const scale = (byX[3]! - byX[0]!) / 10;
    assert.ok(scale > 5);
    assert.ok(Math.abs(byX[2]! - byX[0]! - 3 * scale) < 0.2);
    assert.ok(Math.abs(byY[2]! - byY[0]! + 1 * scale) < 0.2);
    assert.ok(Math.abs(byY[3]! - byY[0]! + 7 * scale) < 0.2);
    const top = placed.find(({ y }) => y === byY[3])!;
    assert.ok(Math.abs(top.x - byX[0]! - 3 * scale) < 0.2, 'the highest point is (3, 7)');
    for (const { x, y } of placed) assert.ok(x > 20 && x < width - 20 && y > 20 && y < height - 20);
  }
});

test('points without finite coordinates are left out and counted', () => {
  const points = [...cloud(5), [Number.NaN, 1], [1, Number.POSITIVE_INFINITY]];
  const elements = parseXml(scatterSvg(points, { labels: [0, 0, 1, 1, 1, 0, 1] }));
  assert.equal(marks(elements).length, 5);
  const description = elements.find(({ name }) => name === 'desc')?.text;
  assert.equal(description, '7 points in 2 classes. 2 points without finite coordinates left out.');
});

test('hostile text stays text', () => {
  const elements = parseXml(
    scatterSvg(cloud(20), {
      labels: Array.from({ length: 20 }, (_, i) => (i < 10 ? HOSTILE : 'x')),
      title: HOSTILE,
      subtitle: HOSTILE,
      legendTitle: HOSTILE,
    }),
  );
  const safe = `</script><b a="1">'&amp;\ufffd\ufffd 𝛼`;
  assert.equal(elements.find(({ name }) => name === 'title')?.text, safe);
  assert.equal(texts(elements).filter((text) => text === safe).length, 3);
  assert.ok(!elements.some(({ name }) => name === 'script' || name === 'b'));
  assert.equal(escapeXml(`<&>"'\t`), '&lt;&amp;&gt;&quot;&#39;\t');
});

test('the order of drawing is shuffled, the same each time, and does not follow the classes', () => {
  const labels = Array.from({ length: 1000 }, (_, i) => (i < 500 ? 'first' : 'second'));
  const svg = scatterSvg(cloud(1000), { labels });
  assert.equal(svg, scatterSvg(cloud(1000), { labels }));
  const colors = marks(parseXml(svg)).map(({ color }) => color);
  const early = colors.slice(0, 500).filter((color) => color === CLASS_COLORS[0]).length;
  // Hypergeometric: 250 expected, standard deviation 7.9.
  assert.ok(Math.abs(early - 250) < 40, `${early} of the first class in the first half`);
});

test('sixty thousand points stay below three megabytes', () => {
  const labels = Array.from({ length: 60_000 }, (_, i) => i % 10);
  assert.ok(scatterSvg(cloud(60_000), { labels }).length < 3e6);
  assert.ok(scatterSvg(cloud(60_000), { labels: cloud(60_000).map((row) => row[0]!) }).length < 3e6);
});

test('numbers that are many or not whole are values on a scale, others are classes in order', () => {
  const points = cloud(25);
  const read = (labels: (string | number)[]) => readPlotData('test', points, labels, null, null);
  const whole = Array.from({ length: 25 }, (_, i) => i);
  assert.deepEqual(read(whole).scale, { low: 0, high: 24, stops: SCALE_COLORS });
  assert.equal(read(whole.map((i) => i % 3)).scale, undefined);
  assert.ok(read(whole.map((i) => (i % 3) / 2)).scale);
  const classes = read(whole.map((i) => `t${[10, 9, 1][i % 3]}`)).groups.filter(({ isClass }) => isClass);
  assert.deepEqual(
    classes.map(({ name }) => name),
    ['t1', 't9', 't10'],
  );
  const missing = read(whole.map((i) => (i === 3 ? Number.NaN : i)));
  assert.equal(missing.groups[missing.group[3]!]?.name, 'no value');
  const elements = parseXml(scatterSvg(points, { labels: whole, legendTitle: 'Value' }));
  assert.equal(elements.filter(({ name }) => name === 'stop').length, SCALE_COLORS.length);
  assert.deepEqual(texts(elements), ['Value', '0', '5', '10', '15', '20']);
});

test('of more classes than colors the largest keep theirs, and the rest share gray', () => {
  const labels = Array.from({ length: 300 }, (_, i) => `c${i < 253 ? i % 23 : 22}`);
  const data = readPlotData('test', cloud(300), labels, null, null);
  const shown = data.groups.filter(({ rows }) => rows > 0);
  assert.equal(shown.length, 21);
  assert.equal(shown.at(-1)?.name, '3 other classes');
  assert.equal(shown.at(-1)?.rows, 33);
  assert.ok(shown.some(({ name }) => name === 'c22'));
  const many = Array.from({ length: 23 }, (_, i) => colorAlong(SCALE_COLORS, i / 22));
  const own = readPlotData('test', cloud(300), labels, null, many).groups.filter(({ rows }) => rows > 0);
  assert.deepEqual(
    own.map(({ color }) => color),
    many,
  );
});

test('a class in two islands gets its name on one of them', () => {
  const random = createRandom(4);
  const points = Array.from({ length: 400 }, (_, i) => [(i % 2) * 20 + random.normal(), random.normal()]);
  const data = readPlotData(
    'test',
    points,
    points.map(() => 'two'),
    null,
    null,
  );
  const [place] = classPlaces(data, 3);
  assert.ok(Math.min(Math.abs(place!.x), Math.abs(place!.x - 20)) < 0.5, `${place!.x}`);
  assert.ok(Math.abs(place!.y) < 0.5);
});

test('what is wrong with points and labels is an error with both numbers', () => {
  const svg =
    (points: number[][], options = {}) =>
    () =>
      scatterSvg(points, options);
  const points = cloud(5);
  assert.throws(
    svg([[1, 2, 3]]),
    (error: Error) => error instanceof DataError && /2 columns.*3 in row 0/.test(error.message),
  );
  assert.throws(() => scatterSvg({ data: [1, 2, 3], shape: [1, 3] }), /2 columns, got shape \[1, 3\]/);
  assert.throws(
    () => scatterSvg({ data: [1, 2, 3], shape: [2, 2] }),
    /expected 4 values for shape \[2, 2\], got 3/,
  );
  assert.throws(svg(points, { labels: [1, 2] }), /labels: expected one per point, 5 in all, got 2/);
  assert.throws(
    svg(points, { held: { points, labels: [1] } }),
    /held\.labels: expected one per point, 5 in all, got 1/,
  );
  assert.throws(svg([]), /at least 1 point.*got 0 of 0/);
  assert.throws(svg([[Number.NaN, 1]]), /at least 1 point.*got 0 of 1/);
  assert.throws(svg(points, { colors: ['red"/>'] }), OptionError);
  assert.throws(svg(points, { theme: 'pink' }), OptionError);
  assert.throws(svg(points, { width: 10 }), OptionError);
});

test('one point, one position and no spread are drawn', () => {
  for (const points of [
    [[3, 4]],
    [
      [1, 1],
      [1, 1],
    ],
    [
      [0, 5],
      [9, 5],
    ],
  ]) {
    const placed = marks(parseXml(scatterSvg(points)));
    assert.equal(placed.length, points.length);
    for (const { x, y } of placed) assert.ok(Number.isFinite(x) && Number.isFinite(y));
  }
});
