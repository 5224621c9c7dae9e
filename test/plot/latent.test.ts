import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { interpolate, type LatentGridPointsOptions, latentGridPoints } from '../../src/node.js';
import { allClose, near, saying } from '../helpers/assert.js';

const rowsOf = ({ data, shape: [rows, columns] }: { data: Float32Array; shape: readonly [number, number] }) =>
  Array.from({ length: rows }, (_, i) => [...data.subarray(i * columns, (i + 1) * columns)]);

test('a grid has the centers of its cells, from left to right and from above', () => {
  const points = latentGridPoints();
  assert.deepEqual(points.shape, [100, 2]);
  const rows = rowsOf(points);
  allClose(rows[0]!, [-3.6, 3.6], 1e-6);
  allClose(rows[9]!, [3.6, 3.6], 1e-6);
  allClose(rows[99]!, [3.6, -3.6], 1e-6);
  assert.deepEqual(
    rowsOf(
      latentGridPoints({
        range: [
          [0, 4],
          [10, 20],
        ],
        cells: [2, 1],
      }),
    ),
    [
      [1, 15],
      [3, 15],
    ],
  );
  assert.deepEqual(rowsOf(latentGridPoints({ range: [0, 2], cells: 1 })), [[1, 1]]);
});

test('a wrong range or number of cells is refused', () => {
  const wrong: [string, unknown][] = [
    ...[[4, -4], [1, 1], [1], [[0, 1]], [0, Number.NaN], 'all', null].map((range): [string, unknown] => [
      'range',
      range,
    ]),
    ...[0, 1.5, [1], [0, 2], '10', null].map((cells): [string, unknown] => ['cells', cells]),
  ];
  for (const [name, value] of wrong) {
    assert.throws(
      () => latentGridPoints({ [name]: value } as LatentGridPointsOptions),
      saying(OptionError, `latentGridPoints: ${name}: expected`, 'got'),
    );
  }
});

test('the straight way has even steps, both ends included', () => {
  assert.deepEqual(rowsOf(interpolate([0, 1], [4, -1], 5)), [
    [0, 1],
    [1, 0.5],
    [2, 0],
    [3, -0.5],
    [4, -1],
  ]);
  assert.deepEqual(rowsOf(interpolate(Float32Array.of(2), [3], 2)), [[2], [3]]);
});

test('the spherical way turns at an even rate and keeps the length', () => {
  const way = rowsOf(interpolate([3, 0, 0], [0, 3, 0], 4, 'spherical'));
  for (const [i, [x, y, z]] of way.entries()) {
    const angle = (i / 3) * (Math.PI / 2);
    allClose([x!, y!, z!], [3 * Math.cos(angle), 3 * Math.sin(angle), 0], 1e-6);
  }
  for (const row of rowsOf(interpolate([1, 2], [1, 2], 3, 'spherical'))) allClose(row, [1, 2], 1e-6);
  const [, middle] = rowsOf(interpolate([1, 0], [4, 0], 3, 'spherical'));
  near(middle![0]!, 2.5);
});

test('rows that cannot be ends are refused', () => {
  const refused = (kind: typeof DataError | typeof OptionError, part: string, ...values: unknown[]) =>
    assert.throws(
      () => interpolate(...(values as Parameters<typeof interpolate>)),
      saying(kind, part, 'expected', 'got'),
    );
  refused(DataError, 'interpolate: from', 3, [1], 2);
  refused(DataError, 'interpolate: from', [], [1], 2);
  refused(DataError, 'interpolate: to', [1], [Number.NaN], 2);
  refused(DataError, 'interpolate: to: expected 2 numbers', [1, 2], [1], 2);
  refused(OptionError, 'interpolate: steps', [1], [2], 1);
  refused(OptionError, 'interpolate: steps', [1], [2], 2.5);
  refused(OptionError, 'interpolate: method', [1], [2], 3, 'round');
  refused(DataError, 'one of zeros', [0, 0], [1, 0], 3, 'spherical');
  refused(DataError, '180 degrees', [1, 1], [-2, -2], 3, 'spherical');
});
