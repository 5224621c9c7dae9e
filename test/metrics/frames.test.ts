import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import { distanceCorrelation, knnAccuracy, silhouette, trustworthiness } from '../../src/metrics/scores.js';
import { saying } from '../checks/options.js';

const random = createRandom(3);
// Eighths, which stay what they are at 1.7e12 in 64 bits.
const eighth = (value: number) => Math.round(value * 8) / 8;
const rows = Array.from({ length: 120 }, (_, i) =>
  Array.from({ length: 6 }, (_, c) => eighth(10 * random.normal() + (c === i % 3 ? 30 : 0))),
);
const map = rows.map((row) => [row[0]! + row[3]! / 8, row[1]! - row[2]! / 4]);
const labels = rows.map((_, i) => i % 3);
const each = (table: number[][], change: (value: number) => number) => table.map((row) => row.map(change));

const scores = (X: number[][], Z: number[][]) => [
  trustworthiness(X, Z),
  trustworthiness(X, Z, { distance: 'l1' }),
  trustworthiness(X, Z, { distance: 'hamming' }),
  distanceCorrelation(X, Z, { seed: 1 }),
  silhouette(Z, labels),
  knnAccuracy({
    train: Z.slice(40),
    trainLabels: labels.slice(40),
    test: Z.slice(0, 40),
    testLabels: labels.slice(0, 40),
  }),
];

test('scores are the same where 32 bits cannot hold the rows, or the map', () => {
  const wanted = scores(rows, map);
  // A unit that is no power of 2 parts equal distances, by its rounding.
  const near = (found: number[], what: string) =>
    found.forEach((score, i) => {
      assert.ok(Math.abs(score - wanted[i]!) < 1e-3, `${what}, score ${i}: ${score} for ${wanted[i]}`);
    });
  for (const by of [2 ** -1000, 1e-300, 1e-39, 1e19, 1e38, 1e300]) {
    near(
      scores(
        each(rows, (value) => value * by),
        map,
      ),
      `rows x ${by}`,
    );
    near(
      scores(
        rows,
        each(map, (value) => value * by),
      ),
      `map x ${by}`,
    );
  }
  near(
    scores(
      each(rows, (value) => value + 1.7e12),
      map,
    ),
    'rows + 1.7e12',
  );
  near(
    scores(
      rows,
      each(map, (value) => value + 1.7e12),
    ),
    'map + 1.7e12',
  );
  const beside = scores(
    rows.map((row) => [...row, 1.7e12]),
    map,
  );
  // Of 7 columns instead of 6, one equal for all: hamming stays in the same order.
  near(beside, 'a constant column');
});

test('where the metric does not allow it, rows that 32 bits cannot hold are refused as by fit', () => {
  const far = each(rows, (value) => value + 1.7e12);
  assert.throws(
    () => trustworthiness(far, map, { distance: 'cosine' }),
    saying(DataError, 'trustworthiness: data', 'subtract', 'cosine'),
  );
  assert.throws(
    () => trustworthiness(far, map, { distance: (a, b) => Math.abs(a[0]! - b[0]!) }),
    saying(DataError, 'trustworthiness: data', 'column 0', 'a metric of your own'),
  );
  const distances = rows.map((a) => rows.map((b) => Math.hypot(...a.map((value, c) => value - b[c]!))));
  const wanted = trustworthiness(distances, map, { distance: 'precomputed' });
  for (const by of [1e39, 1e-300]) {
    assert.equal(
      trustworthiness(
        each(distances, (d) => d * by),
        map,
        { distance: 'precomputed' },
      ),
      wanted,
    );
  }
  assert.throws(
    () =>
      trustworthiness(
        each(distances, (d) => (d === 0 ? 0 : d + 1e12)),
        map,
        { distance: 'precomputed' },
      ),
    saying(DataError, 'subtract', 'diagonal'),
  );
});

test('labels may be whole numbers of 64 bits, up to 2^53', () => {
  const wanted = silhouette(map, labels);
  assert.equal(silhouette(map, BigInt64Array.from(labels, BigInt)), wanted);
  assert.equal(silhouette(map, labels.map(BigInt)), wanted);
  const accuracy = (testLabels: number[] | BigInt64Array) =>
    knnAccuracy({ train: map, trainLabels: labels, test: map, testLabels });
  assert.equal(accuracy(BigInt64Array.from(labels, BigInt)), accuracy(labels));
  assert.throws(
    () =>
      silhouette(
        map,
        labels.map((label) => 2n ** 60n + BigInt(label)),
      ),
    saying(DataError, 'silhouette: labels', 'row 0', '2^53'),
  );
});
