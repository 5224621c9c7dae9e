/** Global structure: a loss that correlates distances on the map with distances in the data, small and large. */
import { type Matrix, ParametricUMAP, type ParametricUMAPOptions, trustworthiness } from 'parametric-umap';
import { loadDigits } from './digits.js';
import { isProgram } from './output.js';

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train } = await digits;
  const results = [];
  for (const globalCorrelationLossWeight of [0, 0.1, 1]) {
    const umap = new ParametricUMAP({ globalCorrelationLossWeight, ...options });
    const map = await umap.fitTransform(train);
    umap.dispose();
    results.push({
      weight: globalCorrelationLossWeight,
      correlation: pearson(distances(train), distances(map)),
      trust: trustworthiness(train, map),
    });
  }
  return results;
}

/** Distances of each row to the row half the table away: pairs that have nothing to do with each other. */
function distances({ data, shape: [rows, columns] }: Matrix): number[] {
  return Array.from({ length: rows }, (_, row) => {
    const other = (row + Math.floor(rows / 2)) % rows;
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += (data[row * columns + c]! - data[other * columns + c]!) ** 2;
    return Math.sqrt(sum);
  });
}

function pearson(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const [dx, dy] = [x.map((value) => value - mx), y.map((value) => value - my)];
  const product = (a: readonly number[], b: readonly number[]) => mean(a.map((value, i) => value * b[i]!));
  return product(dx, dy) / Math.sqrt(product(dx, dx) * product(dy, dy));
}

if (isProgram(import.meta.url)) {
  console.log('weight  correlation of distances  trustworthiness of neighborhoods');
  for (const { weight, correlation, trust } of await main()) {
    console.log(
      `${String(weight).padEnd(7)} ${correlation.toFixed(3).padStart(24)} ${trust.toFixed(3).padStart(34)}`,
    );
  }
}
