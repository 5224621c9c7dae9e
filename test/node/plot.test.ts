import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/errors.js';
import { scatterSvg } from '../../src/node/plot.js';
import { CLASS_COLORS, colorAlong, SCALE_COLORS } from '../../src/node/plotColors.js';
import { readPlotData } from '../../src/node/plotData.js';
import { brief, escapeXml, logTicks, niceTicks, outerTicks } from '../../src/node/plotMarkup.js';
import { classPlaces } from '../../src/node/plotPlaces.js';
import { createRandom } from '../../src/random.js';
import { type Element, parseXml } from './markup.js';

const HOSTILE = `</script><b a="1">'&amp;\u0000\ud800 𝛼`;

function cloud(rows: number, seed = 1): number[][] {
  const random = createRandom(seed);
  return Array.from({ length: rows }, () => [random.normal() * 3, random.normal()]);
}

/** Positions and colours of the fitted points' marks. */
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
    // With no labels every mark has one colour, so find them by their order along x and y.
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

test('of more classes than colours the largest keep theirs, and the rest share grey', () => {
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

test('what is wrong with points and labels is said with both numbers', () => {
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
  assert.throws(() => scatterSvg({ data: [1, 2, 3], shape: [2, 2] }), /want 4 values, data holds 3/);
  assert.throws(svg(points, { labels: [1, 2] }), /points=5, labels=2/);
  assert.throws(svg(points, { held: { points, labels: [1] } }), /points=5, held.labels=1/);
  assert.throws(svg([]), /at least 1 point.*got 0 of 0/);
  assert.throws(svg([[Number.NaN, 1]]), /at least 1 point.*got 0 of 1/);
  assert.throws(svg(points, { colors: ['red"/>'] }), OptionError);
  assert.throws(svg(points, { theme: 'pink' }), OptionError);
  assert.throws(svg(points, { width: 10 }), OptionError);
});

test('one point, one place and no spread are drawn', () => {
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

/** OKLab of linear light. */
function oklab([r, g, b]: readonly number[]): number[] {
  const l = Math.cbrt(0.4122214708 * r! + 0.5363325363 * g! + 0.0514459929 * b!);
  const m = Math.cbrt(0.2119034982 * r! + 0.6806995451 * g! + 0.1073969566 * b!);
  const s = Math.cbrt(0.0883024619 * r! + 0.2817188376 * g! + 0.6299787005 * b!);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** Machado, Oliveira and Fernandes (2009), severity 1. */
const BLINDNESS = [
  [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
];

function linear(hex: string): number[] {
  return [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
}

function closest(colors: readonly string[], blindness?: readonly number[]): number {
  const seen = colors.map((color) => {
    const [r, g, b] = linear(color);
    if (!blindness) return oklab([r!, g!, b!]);
    const row = (at: number) =>
      Math.min(1, Math.max(0, blindness[at]! * r! + blindness[at + 1]! * g! + blindness[at + 2]! * b!));
    return oklab([row(0), row(3), row(6)]);
  });
  let least = Number.POSITIVE_INFINITY;
  for (const [i, a] of seen.entries()) {
    for (const b of seen.slice(0, i))
      least = Math.min(least, Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!, a[2]! - b[2]!));
  }
  return least;
}

test('class colours keep the distances that their comment promises, colour-blind or not', () => {
  assert.ok(closest(CLASS_COLORS.slice(0, 10)) > 0.16);
  assert.ok(closest(CLASS_COLORS) > 0.085);
  for (const blindness of BLINDNESS) {
    assert.ok(closest(CLASS_COLORS.slice(0, 10), blindness) > 0.095);
    assert.ok(closest(CLASS_COLORS, blindness) > 0.055);
  }
});

test('the continuous scale grows lighter in equal steps', () => {
  const lightness = SCALE_COLORS.map((color) => oklab(linear(color))[0]!);
  for (let i = 1; i < lightness.length; i++) {
    assert.ok(Math.abs(lightness[i]! - lightness[i - 1]! - 0.57 / 8) < 0.005);
  }
  assert.equal(colorAlong(SCALE_COLORS, 0), SCALE_COLORS[0]);
  assert.equal(colorAlong(SCALE_COLORS, 1), SCALE_COLORS.at(-1));
  assert.equal(colorAlong(['#000000'], 0.4), '#000000');
});

test('ticks are round numbers', () => {
  assert.deepEqual(niceTicks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(niceTicks(-130, 151, 5), [-100, -50, 0, 50, 100, 150]);
  assert.deepEqual(niceTicks(3, 3, 5), [3]);
  assert.deepEqual(outerTicks(0.31, 0.87, 4), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(outerTicks(41, 44.2, 4), [41, 42, 43, 44, 45]);
  assert.deepEqual(logTicks(0.01, 100, 5), [0.01, 0.1, 1, 10, 100]);
  assert.deepEqual(logTicks(1, 10, 6), [1, 2, 5, 10]);
  assert.deepEqual(logTicks(1e-9, 1e3, 4), [1e-9, 1e-6, 1e-3, 1, 1000]);
  assert.deepEqual(logTicks(0.31, 0.87, 4), [0.4, 0.6, 0.8]);
  assert.equal(brief(0.00001234), '1.2e−5');
  assert.equal(brief(1234567), '1.2e6');
  assert.equal(brief(-0.5), '−0.5');
  assert.equal(brief(0.1 + 0.2), '0.3');
});
