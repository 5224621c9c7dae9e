import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { Distance, Knn, Matrix } from '../../src/core/types.js';
import {
  distanceCorrelation,
  knnAccuracy,
  knnRecall,
  silhouette,
  trustworthiness,
} from '../../src/metrics/scores.js';
import { close } from '../helpers/assert.js';
import { flat } from '../helpers/data.js';
import { fixture } from '../helpers/fixtures.js';

type MapName = 'random' | 'pca';
const mapNames: readonly MapName[] = ['random', 'pca'];
const digits = fixture('fuzzy_digits300') as { X: number[][]; y: number[] };
const golden = fixture('trustworthiness') as Record<MapName, number[][]> & {
  values: Record<string, Record<MapName, number>>;
};
const { scores } = fixture('metrics_scores') as {
  scores: Record<
    MapName,
    {
      trustworthinessOfUneven: Record<string, number>;
      trustworthinessOfUnevenManhattan: number;
      knnAccuracy: Record<string, number>;
      silhouette: number;
      distanceCorrelation: number;
    }
  > & { X: { silhouette: number } };
};

const X = flat(digits.X);
const y = Int32Array.from(digits.y);
const maps = { random: flat(golden.random), pca: flat(golden.pca) };
const uneven = flat(digits.X.map((row) => row.map((value, c) => value * (1 + c / 97))));

const manhattan: Distance = (a, i, b, j, columns) => {
  let sum = 0;
  for (let c = 0; c < columns; c++) sum += Math.abs(a[i + c]! - b[j + c]!);
  return sum;
};
const euclidean: Distance = (a, i, b, j, columns) => {
  let sum = 0;
  for (let c = 0; c < columns; c++) sum += (a[i + c]! - b[j + c]!) ** 2;
  return Math.sqrt(sum);
};

function randomMatrix(seed: number, rows: number, columns: number): Matrix {
  const random = createRandom(seed);
  return { data: new Float32Array(rows * columns).map(() => random.normal()), shape: [rows, columns] };
}

/** Trustworthiness by its definition, sorting every row. */
function slowTrustworthiness(data: Matrix, embedding: Matrix, k: number): number {
  const rows = data.shape[0];
  const order = (table: Matrix, i: number) =>
    Array.from({ length: rows }, (_, j) => j)
      .filter((j) => j !== i)
      .map(
        (j) =>
          [
            j,
            euclidean(table.data, i * table.shape[1], table.data, j * table.shape[1], table.shape[1]),
          ] as const,
      )
      .sort((a, b) => a[1] - b[1] || a[0] - b[0])
      .map(([j]) => j);
  let penalty = 0;
  for (let i = 0; i < rows; i++) {
    const inData = order(data, i);
    for (const j of order(embedding, i).slice(0, k)) penalty += Math.max(0, inData.indexOf(j) + 1 - k);
  }
  return 1 - (2 / (rows * k * (2 * rows - 3 * k - 1))) * penalty;
}

for (const name of mapNames) {
  test(`trustworthiness equals that of scikit-learn where no distances tie, ${name}`, () => {
    for (const [k, wanted] of Object.entries(scores[name].trustworthinessOfUneven)) {
      close(trustworthiness(uneven, maps[name], { nNeighbors: Number(k) }), wanted, 1e-12, `k ${k}`);
    }
    const { trustworthinessOfUnevenManhattan: wanted } = scores[name];
    close(
      trustworthiness(uneven, maps[name], { nNeighbors: 10, distance: manhattan }),
      wanted,
      1e-12,
      'manhattan',
    );
  });

  test(`trustworthiness of tied integer data equals that of scikit-learn but for the order of ties, ${name}`, () => {
    // NumPy's default sort leaves the order of equal distances open; any order moves these values by up to
    // 2.5e-4.
    for (const [k, wanted] of Object.entries(golden.values)) {
      close(trustworthiness(X, maps[name], { nNeighbors: Number(k) }), wanted[name], 2e-5, `k ${k}`);
    }
  });

  test(`accuracy, silhouette and distance correlation equal those of scikit-learn and SciPy, ${name}`, () => {
    const half = (odd: number) => {
      const rows = golden[name].filter((_, i) => i % 2 === odd);
      return [flat(rows), y.filter((_, i) => i % 2 === odd)] as const;
    };
    const [train, trainLabels] = half(0);
    const [testRows, testLabels] = half(1);
    for (const [k, wanted] of Object.entries(scores[name].knnAccuracy)) {
      close(
        knnAccuracy({ train, trainLabels, test: testRows, testLabels, k: Number(k) }),
        wanted,
        1e-12,
        `k ${k}`,
      );
    }
    close(silhouette(maps[name], y), scores[name].silhouette, 1e-9, 'silhouette');
    close(distanceCorrelation(X, maps[name]), scores[name].distanceCorrelation, 1e-9, 'all pairs');
    close(
      distanceCorrelation(X, maps[name], { pairs: 20_000 }),
      scores[name].distanceCorrelation,
      0.03,
      'some',
    );
  });
}

test('the silhouette of the digits themselves equals that of scikit-learn', () => {
  close(silhouette(X, y), scores.X.silhouette, 1e-9, 'silhouette');
});

test('trustworthiness equals its definition, ties and duplicates included, at every block remainder', () => {
  for (const rows of [5, 63, 64, 65, 130]) {
    const random = createRandom(rows);
    // Few distinct values, so that duplicates and ties abound.
    const tied = randomMatrix(rows, rows, 3);
    for (let i = 0; i < tied.data.length; i++) tied.data[i] = random.integer(4);
    const map = randomMatrix(rows + 1, rows, 2);
    for (const k of [1, 2, Math.ceil(rows / 2) - 1]) {
      const wanted = slowTrustworthiness(tied, map, k);
      close(trustworthiness(tied, map, { nNeighbors: k }), wanted, 1e-12, `${rows} rows, k ${k}`);
      close(
        trustworthiness(tied, map, { nNeighbors: k, distance: euclidean }),
        wanted,
        1e-12,
        'as a function',
      );
    }
  }
});

test('a copy of the data is fully trustworthy, and a swap on a line costs what it should', () => {
  const data = randomMatrix(5, 100, 4);
  assert.equal(trustworthiness(data, data), 1);
  // 0 and 6 swapped on a line of 7 points, k = 1. Nearest in the map: 0 -> 5, 1 -> 6, 2 -> 1, 3 -> 2, 4 -> 3,
  // 5 -> 4, 6 -> 1. In the data 5 is 5th from 0, 6 is 6th from 1 and 1 is 5th from 6: penalty 4 + 5 + 4.
  const line = flat([[0], [1], [2.1], [3.3], [4.6], [6], [7.5]]);
  const swapped = flat([[7.5], [1], [2.1], [3.3], [4.6], [6], [0]]);
  close(trustworthiness(line, swapped, { nNeighbors: 1 }), 1 - (2 / (7 * 10)) * 13, 1e-12, 'by hand');
});

test('the accuracy takes a majority, and the smallest of equally frequent labels', () => {
  const train = flat([[0], [1], [2], [10]]);
  const trainLabels = Int32Array.of(7, 3, -2, 7);
  const predicts = (at: number, label: number, k: number) =>
    knnAccuracy({ train, trainLabels, test: flat([[at]]), testLabels: Int32Array.of(label), k }) === 1;
  assert.ok(predicts(0.1, 7, 1));
  assert.ok(predicts(0.1, 3, 2));
  assert.ok(predicts(0.1, -2, 3));
  assert.ok(predicts(0.1, 7, 4));
});

test('the recall counts found neighbors, not the row itself', () => {
  const knn = (ids: number[], k: number): Knn => ({
    indices: Int32Array.from(ids),
    distances: new Float32Array(ids.length),
    rows: ids.length / k,
    k,
  });
  const exact = knn([0, 1, 2, 1, 0, 2, 2, 1, 3, 3, 2, 1], 3);
  assert.equal(knnRecall(exact, exact), 1);
  // Order does not matter; row 2 misses one, row 3 misses both (-1 stands for nothing found).
  assert.equal(knnRecall(knn([0, 2, 1, 1, 2, 0, 2, 1, 0, 3, 0, -1], 3), exact), 5 / 8);
  assert.throws(
    () => knnRecall(knn([0, 1, 1, 0], 2), exact),
    /found: expected rows=4, k=3, .* got rows=2, k=2/,
  );
});

test('the silhouette of two pairs on a line, by hand', () => {
  // a = 1, b = (9 + 10) / 2 and (8 + 9) / 2; then the same from the other side; a lone point counts 0.
  const wanted = (2 * ((9.5 - 1) / 9.5) + 2 * ((8.5 - 1) / 8.5)) / 4;
  close(silhouette(flat([[0], [1], [9], [10]]), Int32Array.of(5, 5, -1, -1)), wanted, 1e-12, 'pairs');
  const lone = silhouette(flat([[0], [1], [9]]), Int32Array.of(0, 0, 1));
  close(lone, (1 - 1 / 9 + (1 - 1 / 8) + 0) / 3, 1e-12, 'lone');
  assert.equal(silhouette(flat([[0], [0], [0]]), Int32Array.of(0, 0, 1)), 0);
});

test('the distance correlation sees order alone, and uses the seed', () => {
  const data = randomMatrix(1, 200, 3);
  const twice = { ...data, data: data.data.map((value) => 2 * value) };
  close(distanceCorrelation(data, twice), 1, 1e-12, 'scaled');
  const map = randomMatrix(2, 200, 2);
  const draw = (seed: number) => distanceCorrelation(data, map, { pairs: 500, seed });
  assert.equal(draw(1), draw(1));
  assert.notEqual(draw(1), draw(2));
});

test('bad input is named', () => {
  const [small, map] = [randomMatrix(1, 10, 3), randomMatrix(2, 10, 2)];
  const data = (run: () => unknown, message: RegExp) =>
    assert.throws(run, (error) => error instanceof DataError && message.test(error.message));
  const option = (run: () => unknown, message: RegExp) =>
    assert.throws(run, (error) => error instanceof OptionError && message.test(error.message));
  data(() => trustworthiness(small, randomMatrix(1, 11, 2)), /data=10, embedding=11/);
  data(
    () => trustworthiness({ ...small, shape: [11, 3] }, map),
    /data: expected 33 values for shape \[11, 3\], got 30/,
  );
  data(
    () => trustworthiness(small, { ...map, data: map.data.with(5, Number.NaN) }),
    /embedding.*NaN at row 2, column 1/,
  );
  option(() => trustworthiness(small, map), /rows=10.*nNeighbors=15/);
  option(() => trustworthiness(small, map, { nNeighbors: 5 }), /rows=10.*nNeighbors=5/);
  option(() => trustworthiness(small, map, { nNeighbors: 1.5 }), /nNeighbors=1.5/);
  const labels = new Int32Array(10);
  const accuracy = { train: map, trainLabels: labels, test: map, testLabels: labels };
  data(() => knnAccuracy({ ...accuracy, test: small }), /train=2.*test=3/);
  data(() => knnAccuracy({ ...accuracy, testLabels: new Int32Array(9) }), /testLabels.*rows=10.*labels=9/);
  option(() => knnAccuracy({ ...accuracy, k: 11 }), /rows=10.*k=11/);
  option(() => knnAccuracy({ ...accuracy, k: 0 }), /k=0/);
  data(() => silhouette(map, labels), /10 \(rows\) distinct labels, got 1/);
  data(
    () =>
      silhouette(
        map,
        labels.map((_, i) => i),
      ),
    /distinct labels, got 10/,
  );
  data(() => silhouette(map, new Int32Array(3)), /rows=10.*labels=3/);
  option(() => distanceCorrelation(small, map, { pairs: 1 }), /pairs: .*got 1$/);
  option(() => distanceCorrelation(small, map, { seed: 0.5 }), /seed: /);
  data(() => distanceCorrelation(randomMatrix(1, 2, 2), randomMatrix(1, 2, 2)), /rows=2/);
});
