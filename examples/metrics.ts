/** Metrics: by name, as a custom function, as precomputed distances, or as precomputed neighbors. */
import {
  type FitInputs,
  knnAccuracy,
  type Matrix,
  ParametricUMAP,
  type ParametricUMAPOptions,
} from 'parametric-umap';
import { loadDigits } from './digits.js';
import { isProgram } from './output.js';

/** A custom metric: two images are near if the sums of their pixel rows are similar. */
function byLines(a: Float32Array, b: Float32Array): number {
  let distance = 0;
  for (let line = 0; line < 8; line++) {
    let across = 0;
    let down = 0;
    for (let i = 0; i < 8; i++) {
      across += a[8 * line + i]! - b[8 * line + i]!;
      down += a[8 * i + line]! - b[8 * i + line]!;
    }
    distance += across * across + down * down;
  }
  return Math.sqrt(distance);
}

/** All distances at once, n x n. */
function table({ data, shape: [rows, columns] }: Matrix): Matrix {
  const row = (i: number) => data.subarray(i * columns, (i + 1) * columns);
  const distances = Float32Array.from({ length: rows * rows }, (_, at) =>
    byLines(row(Math.floor(at / rows)), row(at % rows)),
  );
  return { data: distances, shape: [rows, rows] };
}

/** The 14 nearest others of each row, which another program may have found. */
function nearest({ data, shape: [rows] }: Matrix) {
  const everyRow = Array.from({ length: rows }, (_, row) => row);
  const indices = everyRow.map((row) => {
    const distance = (other: number) => data[row * rows + other]!;
    const others = everyRow.filter((other) => other !== row);
    return others.sort((a, b) => distance(a) - distance(b) || a - b).slice(0, 14);
  });
  return {
    indices,
    distances: indices.map((others, row) => others.map((other) => data[row * rows + other]!)),
  };
}

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train, trainLabels, test, testLabels } = await digits;
  const fit = async (own: Partial<ParametricUMAPOptions>, inputs: FitInputs = {}) => {
    const umap = new ParametricUMAP({ ...options, ...own });
    const map = await umap.fitTransform(train, null, inputs);
    const positions = await umap.transform(test);
    umap.dispose();
    return { map, accuracy: knnAccuracy({ train: map, trainLabels, test: positions, testLabels }) };
  };
  const distances = table(train);
  return {
    cosine: await fit({ metric: 'cosine' }),
    minkowski: await fit({ metric: 'minkowski', metricParams: { p: 3 } }),
    // The same distances given in three ways, so the same map three times.
    'a function': await fit({ metric: byLines }),
    'all distances': await fit({ metric: 'precomputed' }, { distances }),
    neighbors: await fit({}, { knn: nearest(distances) }),
  };
}

if (isProgram(import.meta.url)) {
  console.log('held-out 5-nearest-neighbor accuracy of the map, by what "near" means:');
  for (const [name, { accuracy }] of Object.entries(await main())) {
    console.log(`${name.padEnd(14)} ${accuracy.toFixed(3)}`);
  }
}
