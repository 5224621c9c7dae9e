import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { historySvg } from '../../src/plot/historySvg.js';
import { brief, logTicks, moveApart, niceTicks, outerTicks } from '../../src/plot/svg.js';
import { parseXml } from './markup.js';

/** Lines of the plot as lists of pieces, each a list of [x, y]. */
function lines(svg: string): number[][][][] {
  return parseXml(svg)
    .filter(({ name, attributes }) => name === 'path' && attributes['stroke-width'] === '2.2')
    .map(({ attributes }) =>
      attributes
        .d!.split('M')
        .slice(1)
        .map((piece) =>
          piece
            .replace('h.01', '')
            .split('L')
            .map((pair) => pair.split(' ').map(Number)),
        ),
    );
}

test('each key is a line through its values, in proportion', () => {
  const [a, b] = lines(historySvg({ a: [4, 2, 1, 3], b: [1, 1] }));
  assert.equal(a?.length, 1);
  const points = a![0]!;
  assert.equal(points.length, 4);
  const unit = (points[0]![1]! - points[2]![1]!) / 3;
  assert.ok(unit < -10, 'higher values stand higher');
  assert.ok(Math.abs(points[1]![1]! - points[2]![1]! - unit) < 0.2);
  assert.ok(Math.abs(points[3]![0]! - points[0]![0]! - 3 * (points[1]![0]! - points[0]![0]!)) < 0.3);
  assert.deepEqual(
    b![0]!.map(([x]) => x),
    points.slice(0, 2).map(([x]) => x),
  );
});

test('a logarithmic axis gives equal factors equal steps', () => {
  const [line] = lines(historySvg({ loss: [100, 10, 1, 0.1] }, { logScale: true }));
  const heights = line![0]!.map(([, y]) => y!);
  for (let i = 1; i < 4; i++)
    assert.ok(Math.abs(heights[i]! - heights[i - 1]! - (heights[1]! - heights[0]!)) < 0.2);
  assert.throws(
    () => historySvg({ loss: [1, 0] }, { logScale: true }),
    /loss\[1\]: expected a value above 0 .* got 0/,
  );
});

test('values that are not finite leave a gap, and the description tells first and last', () => {
  const svg = historySvg({ loss: [3, Number.NaN, 2, 1, Number.POSITIVE_INFINITY, 5] }, { xLabel: 'report' });
  assert.deepEqual(
    lines(svg)[0]!.map((piece) => piece.length),
    [1, 2, 1],
  );
  const description = parseXml(svg).find(({ name }) => name === 'desc')?.text;
  assert.equal(description, 'One line, report 1 to 6: loss from 3 to 5.');
});

test('names at the ends stay apart and in order, and hostile ones are text', () => {
  const names = ['<a>&"', 'b', 'c', 'd'];
  const svg = historySvg(Object.fromEntries(names.map((name, i) => [name, [5, 1 + i / 1000]])));
  const ends = parseXml(svg).filter(
    ({ name, attributes }) => name === 'text' && attributes['font-weight'] && !attributes['font-size'],
  );
  assert.deepEqual(
    ends.map(({ text }) => text),
    names,
  );
  const heights = ends.map(({ attributes }) => Number(attributes.y));
  for (let i = 1; i < 4; i++) assert.ok(heights[i - 1]! - heights[i]! >= 16.9);
  assert.deepEqual(moveApart([5, 5, 5], 10, 0, 100), [5, 15, 25]);
  assert.deepEqual(moveApart([99, 98, 10], 10, 0, 100), [100, 90, 10]);
  assert.deepEqual(moveApart([3, 1, 2], 10, 0, 4), [4, 0, 2]);
});

test('one value, equal values and one list among empty ones are drawn; nothing to draw is an error', () => {
  const histories: Record<string, number[]>[] = [
    { a: [1] },
    { a: [0, 0, 0] },
    { a: [], b: [7, 7] },
    { a: [-3, -5] },
  ];
  for (const history of histories) {
    for (const [x, y] of lines(historySvg(history)).flat(2))
      assert.ok(Number.isFinite(x) && Number.isFinite(y));
  }
  assert.throws(
    () => historySvg({ a: [], b: [Number.NaN] }),
    (error: Error) => error instanceof DataError && /got 0 in 2 lists/.test(error.message),
  );
  assert.throws(
    () => historySvg({ a: 3 } as object as Record<string, number[]>),
    /a: expected a list, got 3/,
  );
  assert.throws(() => historySvg({ a: [1] }, { logscale: true } as object), OptionError);
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
