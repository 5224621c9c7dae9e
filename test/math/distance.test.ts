import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { Distance } from '../../src/core/types.js';
import { disconnectionDefault } from '../../src/math/disconnection.js';
import { checkMetricData, distanceFor, metricName, metricNames } from '../../src/math/distance.js';
import { fixture } from '../helpers/fixtures.js';

type Table = number[][];
const golden = fixture('metrics') as {
  P: Table;
  B: Table;
  real: Record<string, Table>;
  binary: Record<string, Table>;
  latLon: Table;
  haversine: Table;
};

/** Compares all pairs, with every row at an offset inside one flat array. */
function assertPairs(distance: Distance, rows: Table, expected: Table, label: string) {
  const columns = rows[0]!.length;
  const flat = Float32Array.from([0, ...rows.flat()]);
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < rows.length; j++) {
      const got = distance(flat, 1 + i * columns, flat, 1 + j * columns, columns);
      // Bit-equal rows are at 0 exactly in exact arithmetic; the originals leave rounding noise there.
      assert.ok(
        Math.abs(got - expected[i]![j]!) < 1e-5,
        `${label} [${i}, ${j}]: ${got} and ${expected[i]![j]}`,
      );
    }
  }
}

for (const [name, expected] of Object.entries(golden.real)) {
  test(`${name} equals umap-learn's`, () => {
    const [metric, p] = name.split('_p') as [string, string?];
    assertPairs(distanceFor(metric, p === undefined ? {} : { p: Number(p) }), golden.P, expected, name);
  });
}

for (const [name, expected] of Object.entries(golden.binary)) {
  test(`${name} equals umap-learn's`, () => assertPairs(distanceFor(name), golden.B, expected, name));
}

test("haversine equals umap-learn's", () => {
  assertPairs(distanceFor('haversine'), golden.latLon, golden.haversine, 'haversine');
});

test('aliases name the same function', () => {
  for (const [alias, name] of [
    ['l2', 'euclidean'],
    ['l1', 'manhattan'],
    ['taxicab', 'manhattan'],
    ['cityblock', 'manhattan'],
    ['linfinity', 'chebyshev'],
    ['linf', 'chebyshev'],
  ] as const) {
    assert.equal(metricName(alias), name);
    assert.equal(distanceFor(alias), distanceFor(name));
  }
});

test('metrics with arguments reduce to simpler ones', () => {
  const random = createRandom(5);
  const columns = 4;
  const rows = Array.from({ length: 5 }, () => Array.from({ length: columns }, () => random.normal()));
  const pairs = (metric: string, params = {}) => {
    const flat = Float32Array.from(rows.flat());
    const distance = distanceFor(metric, params);
    return rows.map((_, i) => rows.map((_, j) => distance(flat, i * columns, flat, j * columns, columns)));
  };
  const V = [1, 4, 9, 16];
  const scaled = rows.map((row) => row.map((value, c) => value / Math.sqrt(V[c]!)));
  const flat = Float32Array.from(scaled.flat());
  const expected = scaled.map((_, i) =>
    scaled.map((_, j) => distanceFor('euclidean')(flat, i * columns, flat, j * columns, columns)),
  );
  const VI = V.map((v, i) => V.map((_, j) => (i === j ? 1 / v : 0)));
  assertPairs(distanceFor('seuclidean', { V }), rows, expected, 'seuclidean');
  assertPairs(distanceFor('mahalanobis', { VI }), rows, expected, 'mahalanobis');
  assertPairs(distanceFor('mahalanobis', { VI: Float32Array.from(VI.flat()) }), rows, expected, 'flat VI');
  assertPairs(distanceFor('wminkowski', { w: V.map((v) => 1 / v) }), rows, expected, 'wminkowski');
  assertPairs(distanceFor('minkowski', { p: 1 }), rows, pairs('manhattan'), 'minkowski p=1');
  assertPairs(distanceFor('minkowski'), rows, pairs('euclidean'), 'minkowski');
});

test('every metric is symmetric and 0 from a row to itself, also for rows of zeros', () => {
  const random = createRandom(6);
  const args: Record<string, object> = {
    wminkowski: { w: [1, 2] },
    seuclidean: { V: [1, 2] },
    mahalanobis: { VI: [2, 0.5, 0.5, 1] },
  };
  const rows = Float32Array.from([0, 0, 0, 0, ...Array.from({ length: 8 }, () => random.next())]);
  for (const name of metricNames) {
    const distance = distanceFor(name, (args[metricName(name)] ?? {}) as Record<string, unknown>);
    for (let i = 0; i < 6; i++) {
      assert.ok(distance(rows, 2 * i, rows, 2 * i, 2) < 1e-7, `${name}: row ${i} to itself`);
      for (let j = 0; j < 6; j++) {
        // Counts of nothing are refused; see below.
        if (name === 'll_dirichlet' && Math.min(i, j) < 2) continue;
        const there = distance(rows, 2 * i, rows, 2 * j, 2);
        assert.ok(there >= 0, `${name} [${i}, ${j}] is ${there}`);
        assert.ok(Math.abs(there - distance(rows, 2 * j, rows, 2 * i, 2)) < 1e-12, `${name} [${i}, ${j}]`);
      }
    }
    assert.equal(distance(rows, 0, rows, 2, 2), 0, `${name}: two rows of zeros`);
  }
});

test('an unknown metric is named, with the closest one and the list', () => {
  assert.throws(
    () => distanceFor('euclidian'),
    (error: Error) => {
      assert.ok(error instanceof OptionError);
      assert.match(error.message, /'euclidian'.*did you mean 'euclidean'.*manhattan.*yule/);
      return true;
    },
  );
  assert.throws(
    () => distanceFor('nonsense'),
    (error: Error) => !error.message.includes('did you mean'),
  );
  assert.throws(() => distanceFor('toString'), OptionError);
});

test('bad arguments of a metric are refused', () => {
  assert.throws(() => distanceFor('minkowski', { p: 0.5 }), /metricParams.p: .* at least 1, got 0.5/);
  assert.throws(() => distanceFor('minkowski', { P: 3 }), /expected p for minkowski, got P/);
  assert.throws(() => distanceFor('cosine', { p: 3 }), /expected no arguments for cosine, got p/);
  assert.throws(() => distanceFor('seuclidean'), /metricParams.V/);
  assert.throws(() => distanceFor('seuclidean', { V: [1, 0] }), /above 0/);
  assert.throws(() => distanceFor('wminkowski', { w: [1, -1] }), /at least 0/);
});

test('a user-supplied metric gets rows, and NaN from it is an error', () => {
  const flat = Float32Array.from([9, 1, 2, 3, 4]);
  const seen: number[][] = [];
  const distance = distanceFor((a, b) => {
    seen.push([...a], [...b]);
    return Math.abs(a[0]! - b[0]!);
  });
  assert.equal(distance(flat, 1, flat, 3, 2), 2);
  assert.deepEqual(seen, [
    [1, 2],
    [3, 4],
  ]);
  assert.throws(
    () => distanceFor(() => Number.NaN)(flat, 0, flat, 1, 2),
    (error: Error) => error instanceof DataError && /to return a number.*NaN/.test(error.message),
  );
});

test('data that a metric is not defined for is refused', () => {
  const matrix = (values: number[], columns: number) =>
    ({ data: Float32Array.from(values), shape: [values.length / columns, columns] }) as const;
  assert.throws(() => checkMetricData('haversine', matrix([1, 2, 3], 3)), /got 3 columns/);
  assert.throws(() => checkMetricData('hellinger', matrix([1, 2, 3, -4], 2)), /got -4 in row 1, column 1/);
  assert.throws(
    () => checkMetricData('seuclidean', matrix([1, 2], 2), { V: [1] }),
    /metricParams.V: expected 2 entries.*got 1/,
  );
  assert.throws(
    () => checkMetricData('mahalanobis', matrix([1, 2], 2), { VI: [1, 1] }),
    /metricParams.VI: expected 4 entries/,
  );
  checkMetricData('hellinger', matrix([0, 1], 2));
  checkMetricData('mahalanobis', matrix([1, 2], 2), {
    VI: [
      [1, 0],
      [0, 1],
    ],
  });
  checkMetricData('euclidean', matrix([-1, 2], 2));
});

test('the distance of unrelated rows is the bound of bounded metrics', () => {
  assert.equal(disconnectionDefault('cosine'), 2);
  assert.equal(disconnectionDefault('correlation'), 2);
  for (const name of ['hellinger', 'jaccard', 'dice']) assert.equal(disconnectionDefault(name), 1);
  for (const metric of ['euclidean', () => 0])
    assert.equal(disconnectionDefault(metric), Number.POSITIVE_INFINITY);
});

const distributions = fixture('metrics_distributions') as Record<string, { rows: Table; distances: Table }>;
for (const name of ['symmetric_kl', 'll_dirichlet', 'poincare', 'softmax_hellinger']) {
  const { rows, distances } = distributions[name]!;
  test(`${name} equals umap-learn's`, () => {
    const columns = rows[0]!.length;
    const flat = Float32Array.from([0, ...rows.flat()]);
    const distance = distanceFor(name);
    for (let i = 0; i < rows.length; i++) {
      for (let j = 0; j < rows.length; j++) {
        if (i === j) continue;
        const got = distance(flat, 1 + i * columns, flat, 1 + j * columns, columns);
        assert.ok(Math.abs(got - distances[i]![j]!) < 1e-7, `[${i}, ${j}]: ${got}, ${distances[i]![j]}`);
      }
    }
  });
}

test('equal rows are at 0 in every metric of distributions, and never at NaN', () => {
  const random = createRandom(8);
  for (const name of ['symmetric_kl', 'll_dirichlet', 'poincare', 'softmax_hellinger']) {
    for (let i = 0; i < 200; i++) {
      const row = Float32Array.from({ length: 6 }, () => random.integer(30) / (name === 'poincare' ? 80 : 1));
      row[0] = name === 'poincare' ? 0 : 1 + random.integer(40);
      const distance = distanceFor(name)(row, 0, row, 0, 6);
      assert.ok(distance >= 0 && distance <= 1e-6, `${name}: ${distance}`);
    }
  }
});

test('rows that such a metric is not defined for are errors that name the row', () => {
  const refuse = (metric: string, rows: number[][], message: RegExp) =>
    assert.throws(
      () => checkMetricData(metric, { data: Float32Array.from(rows.flat()), shape: [rows.length, 2] }),
      (error) => error instanceof DataError && message.test(error.message),
    );
  refuse(
    'symmetric_kl',
    [
      [1, 2],
      [3, -1],
    ],
    /symmetric_kl: .*got -1 in row 1, column 1/,
  );
  refuse(
    'll_dirichlet',
    [
      [1, 2],
      [-3, 1],
    ],
    /ll_dirichlet: .*got -3 in row 1, column 0/,
  );
  refuse(
    'll_dirichlet',
    [
      [1, 2],
      [0, 0],
    ],
    /ll_dirichlet: expected a positive count in each row, got none in row 1/,
  );
  refuse(
    'poincare',
    [
      [0.5, 0.5],
      [0.8, 0.7],
    ],
    /poincare: expected rows within the unit ball .* got row 1/,
  );
  checkMetricData('poincare', { data: Float32Array.of(0.5, 0.5, 0.7, 0.7), shape: [2, 2] });
});

test('every name of umap-learn is known, or the error explains it', () => {
  // The keys of umap.distances.named_distances and named_distances_with_gradients in 0.5.12.
  const rows =
    'euclidean l2 manhattan taxicab l1 chebyshev linfinity linfty linf minkowski poincare seuclidean ' +
    'standardised_euclidean wminkowski weighted_minkowski mahalanobis canberra cosine correlation hellinger ' +
    'softmax_hellinger haversine braycurtis ll_dirichlet symmetric_kl hamming jaccard dice matching kulsinski ' +
    'rogerstanimoto russellrao sokalsneath sokalmichener yule';
  for (const name of rows.split(' ')) assert.ok(metricNames.includes(name), name);
  const others =
    'categorical ordinal hierarchical_categorical count string myers spherical_gaussian_energy ' +
    'diagonal_gaussian_energy gaussian_energy hyperboloid';
  for (const name of others.split(' ')) {
    assert.throws(
      () => metricName(name),
      (error) =>
        error instanceof OptionError && /umap-learn has for (targets|embeddings)/.test(error.message),
    );
  }
});
