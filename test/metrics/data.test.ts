import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { DistanceFunction, Matrix } from '../../src/core/types.js';
import {
  distanceCorrelation,
  knnAccuracy,
  knnRecall,
  silhouette,
  trustworthiness,
} from '../../src/metrics/scores.js';
import { saying } from '../checks/options.js';
import { pages, read } from '../checks/pages.js';

await tf.setBackend('cpu');

const random = createRandom(3);
const rows = Array.from({ length: 90 }, (_, i) =>
  Array.from({ length: 6 }, (_, c) => random.normal() + (c === i % 3 ? 3 : 0)),
);
const map = rows.map((row) => [row[0]! + 0.1 * row[3]!, row[1]! - 0.2 * row[2]!]);
const numbers = rows.map((_, i) => i % 3);
const words = numbers.map((label) => ['ant', 'bee', 'cow'][label]!);

const flat = (table: number[][]): Matrix => ({
  data: Float32Array.from(table.flat()),
  shape: [table.length, table[0]!.length],
});

/** The same rows in every form that estimators take. */
const forms = (table: number[][]) => ({
  arrays: table,
  typedRows: table.map((row) => Float64Array.from(row)),
  flat: flat(table),
  plainFlat: { data: table.flat(), shape: [table.length, table[0]!.length] },
  tensor: tf.tensor2d(table),
});

test('every score takes rows in every form, and gives the same number', () => {
  const [ofRows, ofMaps] = [forms(rows), forms(map)];
  const scores = (X: keyof typeof ofRows) => [
    trustworthiness(ofRows[X], ofMaps[X]),
    knnAccuracy({ train: ofMaps[X], trainLabels: numbers, test: ofMaps[X], testLabels: numbers }),
    silhouette(ofMaps[X], numbers),
    distanceCorrelation(ofRows[X], ofMaps[X], { seed: 1 }),
  ];
  const wanted = scores('flat');
  for (const form of Object.keys(ofRows) as (keyof typeof ofRows)[]) {
    assert.deepEqual(scores(form), wanted, form);
  }
  const ids = [
    [0, 1, 2],
    [1, 0, 2],
    [2, 1, 0],
  ];
  const other = [
    [0, 1, -1],
    [1, 0, 2],
    [2, 1, 0],
  ];
  for (const indices of Object.values(forms(ids)))
    assert.equal(knnRecall({ indices: other }, { indices }), 5 / 6);
});

test('labels may be words or numbers, plain or typed', () => {
  const accuracy = (labels: number[] | string[] | Float64Array) =>
    knnAccuracy({ train: map, trainLabels: labels, test: map, testLabels: labels, k: 7 });
  const wanted = accuracy(numbers);
  // Three classes that overlap: neither all nor none are right.
  assert.ok(wanted > 0.4 && wanted < 1, `accuracy ${wanted}`);
  assert.equal(accuracy(words), wanted);
  assert.equal(accuracy(numbers.map((label) => label / 2 - 0.25)), wanted);
  assert.equal(accuracy(Float64Array.from(numbers)), wanted);
  assert.equal(silhouette(map, words), silhouette(map, numbers));
});

test('of equally frequent words the first in the alphabet counts, as in scikit-learn', () => {
  const train = [[0], [1], [2]];
  const guess = (trainLabels: string[], testLabels: string[]) =>
    knnAccuracy({ train, trainLabels, test: [[0.1]], testLabels, k: 2 });
  assert.equal(guess(['pear', 'fig', 'fig'], ['fig']), 1);
  assert.equal(guess(['fig', 'pear', 'fig'], ['fig']), 1);
  assert.equal(guess(['10', '9', '9'], ['10']), 1);
});

test('labels that are unknown, of two kinds or too few are named', () => {
  const refuse = (labels: unknown, message: RegExp) =>
    assert.throws(
      () => silhouette(map, labels as number[]),
      (error) => error instanceof DataError && message.test(error.message),
    );
  refuse(numbers.with(4, null as unknown as number), /^silhouette: labels: .* at row 4, got null; leave out/);
  refuse(numbers.with(4, Number.NaN), /at row 4, got NaN/);
  refuse((words as unknown[]).with(7, 3), /of one kind expected, got 3 at row 7 after strings/);
  refuse(undefined, /undefined/);
  assert.throws(
    () => knnAccuracy({ train: map, trainLabels: words, test: map, testLabels: numbers }),
    /testLabels: labels of one kind expected, got 0 at row 0/,
  );
});

test('the metric goes by name, arguments and function, as in an estimator', () => {
  const trust = (options: object) => trustworthiness(rows, map, options);
  const plain = trust({});
  const manhattan: DistanceFunction = (a, b) => a.reduce((sum, value, c) => sum + Math.abs(value - b[c]!), 0);
  assert.equal(trust({ distance: 'euclidean' }), plain);
  assert.equal(trust({ distance: 'l1' }), trust({ distance: manhattan }));
  assert.notEqual(trust({ distance: 'l1' }), plain);
  assert.equal(trust({ distance: 'minkowski', metricParams: { p: 1 } }), trust({ distance: 'l1' }));
  assert.notEqual(trust({ distance: 'cosine' }), plain);
  // Distances between scaled rows: cosine ignores length.
  const scaled = rows.map((row, i) => row.map((value) => value * (1 + i)));
  assert.equal(trustworthiness(scaled, map, { distance: 'cosine' }), trust({ distance: 'cosine' }));
  const table = rows.map((a) => rows.map((b) => manhattan(Float32Array.from(a), Float32Array.from(b))));
  assert.equal(trustworthiness(table, map, { distance: 'precomputed' }), trust({ distance: 'l1' }));
});

test('unknown options get the likely name; tables and metrics that do not fit are named', () => {
  const refuse = (options: object, message: RegExp) =>
    assert.throws(() => trustworthiness(rows, map, options), saying(OptionError, message));
  refuse({ n_neighbors: 5 }, /trustworthiness: unknown option 'n_neighbors'; did you mean 'nNeighbors'/);
  refuse({ metric: 'cosine' }, /unknown option 'metric': .*'distance'/);
  refuse({ distance: 'cosin' }, /unknown metric 'cosin', did you mean 'cosine'/);
  refuse({ distance: 3 }, /distance: expected .*a function, got 3/);
  refuse({ nNeighbors: '5' }, /nNeighbors must be a whole number/);
  const accuracy = { train: map, trainLabels: words, test: map, testLabels: words };
  assert.throws(
    () => knnAccuracy({ ...accuracy, n_neighbors: 3 } as typeof accuracy),
    saying(OptionError, /unknown option 'n_neighbors': the neighbours that vote are called 'k'/),
  );
  const data = (run: () => unknown, message: RegExp) => assert.throws(run, saying(DataError, message));
  data(() => trustworthiness(rows, map, { distance: 'precomputed' }), /n x n\) expected .* got 90 x 6/);
  data(() => trustworthiness(rows, map, { distance: 'hellinger' }), /hellinger/);
  data(() => trustworthiness(rows, map.with(3, [1])), /embedding: row 0 has 2 values, row 3 has 1 values/);
  data(
    () => silhouette(undefined as unknown as number[][], numbers),
    /points: number\[\]\[\].* got undefined/,
  );
  data(() => knnRecall(undefined as never, { indices: [[0]] }), /found: neighbours .* got undefined/);
});

test('a tensor that is disposed, or of a backend that cannot be read at once, is named', () => {
  const gone = tf.tensor2d(map);
  gone.dispose();
  assert.throws(
    () => silhouette(gone, numbers),
    saying(DataError, /points: a tensor expected, got a disposed one/),
  );
  const far = tf.tensor2d(map);
  far.dataSync = () => {
    throw new Error('Read on demand is only possible by a promise');
  };
  assert.throws(() => silhouette(far, numbers), saying(DataError, /read at once.*await tensor\.data\(\)/));
  far.dispose();
});

test('no text of this project turns labels into numbers: words would all become 0', () => {
  const texts = [...pages, ['examples/digits.ts', read('examples/digits.ts')] as const];
  for (const [name, text] of texts) {
    assert.doesNotMatch(text, /Int32Array\.from\(\s*labels[!\w]*, Number\)/, name);
  }
});
