/** What labels a map takes: none, numbers, text, and numbers with names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { type Categories, filmStripSvg, type Labels, scatterHtml, scatterSvg } from '../../src/node.js';
import { saying } from '../helpers/assert.js';
import { parseXml } from './markup.js';

const points = Array.from({ length: 60 }, (_, i) => [Math.cos(i), Math.sin(3 * i)]);

/** Texts of the picture that are no counts. */
const texts = (svg: string) =>
  parseXml(svg)
    .filter(({ name }) => name === 'text')
    .map(({ text }) => text);

const draws = {
  scatterSvg: (labels: Labels | undefined, categories?: Categories) =>
    scatterSvg(points, { labels, categories, classNames: false }),
  filmStripSvg: (labels: Labels | undefined, categories?: Categories) =>
    filmStripSvg([{ positions: points }], { labels, categories }),
};

test('labels may be left out, be integers, numbers, text, in lists or typed arrays', () => {
  for (const draw of [...Object.values(draws), scatterHtmlOf]) {
    for (const labels of [
      undefined,
      points.map((_, i) => i % 3),
      Int32Array.from(points, (_, i) => i % 3),
      Uint8Array.from(points, (_, i) => i % 3),
      points.map((_, i) => i / 7),
      points.map((_, i) => `class ${i % 3}`),
      points.map((_, i) => [null, -1, 'a'][i % 3]) as Labels,
    ])
      assert.ok(draw(labels).length > 500);
  }
});

function scatterHtmlOf(labels: Labels | undefined, categories?: Categories): string {
  return scatterHtml(points, { labels, categories });
}

test('categories name integer labels, in the order of the integers', () => {
  const labels = points.map((_, i) => (i === 5 ? null : [2, 0, 10][i % 3])) as Labels;
  const names = { 0: 'zero', 2: 'a two', 10: 'ten' };
  for (const draw of Object.values(draws)) {
    const found = texts(draw(labels, names)).filter((text) => /[a-z]/.test(text));
    assert.deepEqual(
      found.map((text) => text.replace(/\d+$/, '')),
      ['zero', 'a two', 'ten', 'no label'],
    );
  }
  const html = scatterHtmlOf(labels, names);
  for (const name of [...Object.values(names), 'no label']) assert.ok(html.includes(name));
  const few = points.map((_, i) => i % 2);
  assert.equal(
    draws.scatterSvg(few, ['no', 'yes']),
    draws.scatterSvg(Int8Array.from(few), { 0: 'no', 1: 'yes' }),
  );
});

test('more than twenty named integers are classes, not values', () => {
  const labels = points.map((_, i) => i % 30);
  assert.ok(!texts(draws.scatterSvg(labels)).some((text) => text.includes('other classes')));
  const names = Array.from({ length: 30 }, (_, i) => `name ${i}`);
  assert.ok(texts(draws.scatterSvg(labels, names)).some((text) => text.includes('10 other classes')));
});

test('labels without a name, and names for no integers, are refused', () => {
  const refused = (
    labels: unknown,
    categories: unknown,
    kind: typeof DataError | typeof OptionError,
    ...parts: string[]
  ) => {
    for (const [name, draw] of Object.entries({ ...draws, scatterHtml: scatterHtmlOf })) {
      assert.throws(() => draw(labels as Labels, categories as Categories), saying(kind, name, ...parts));
    }
  };
  const labels = points.map((_, i) => i % 3);
  refused(
    labels,
    ['a', 'b'],
    DataError,
    'categories: expected a name for each label, got none for 2; add it',
  );
  refused(labels.map(String), ['a', 'b', 'c'], DataError, 'labels: expected integers', 'got "0"');
  refused(
    labels.map((label) => label + 0.5),
    ['a', 'b', 'c'],
    DataError,
    'labels: expected integers',
    'got 0.5',
  );
  refused(labels, 'abc', OptionError, 'categories: expected a list of names');
});
