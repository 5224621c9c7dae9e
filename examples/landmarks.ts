/** Landmarks: train an old map on a new class without moving the old rows; or give the positions of rows from the start. */
import { type Matrix, ParametricUMAP, type ParametricUMAPOptions } from 'parametric-umap';
import { loadDigits, pick } from './digits.js';
import { isProgram } from './output.js';

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train, trainLabels } = await digits;
  const [old] = pick(train, trainLabels, (_, label) => label !== 9);
  const [nines] = pick(train, trainLabels, (_, label) => label === 9);
  const umap = new ParametricUMAP(options);
  const before = await umap.fitTransform(old);

  // Some old rows stay in training, and keep their present positions.
  await umap.addLandmarks(old, { fraction: 0.2, landmarkLossWeight: 1 });
  await umap.fit(nines);
  const after = await umap.transform(old);
  const newcomers = await umap.transform(nines);
  umap.removeLandmarks(); // later fits may move the map again
  umap.dispose();
  return { before, after, newcomers, drift: meanDistance(before, after) / spread(before) };
}

/** Places given from the start: the first eight of each digit on a circle, null for all other rows. */
export async function onCircle(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train, trainLabels } = await digits;
  const seen = new Array<number>(10).fill(0);
  const landmarkPositions = Array.from(trainLabels, (digit) => {
    if (++seen[digit]! > 8) return null;
    return [10 * Math.cos((digit * Math.PI) / 5), 10 * Math.sin((digit * Math.PI) / 5)];
  });
  const umap = new ParametricUMAP(options);
  const map = await umap.fitTransform(train, null, { landmarkPositions, landmarkLossWeight: 1 });
  umap.dispose();
  return { map, landmarkPositions };
}

function meanDistance(a: Matrix, b: Matrix): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i += 2) {
    sum += Math.hypot(a.data[i]! - b.data[i]!, a.data[i + 1]! - b.data[i + 1]!);
  }
  return sum / a.shape[0];
}

/** Root mean square distance of the points from their center. */
function spread({ data, shape: [rows, columns] }: Matrix): number {
  const center = Array.from({ length: columns }, (_, c) => {
    let sum = 0;
    for (let i = c; i < data.length; i += columns) sum += data[i]! / rows;
    return sum;
  });
  const squares = data.reduce((sum, value, i) => sum + (value - center[i % columns]!) ** 2, 0);
  return Math.sqrt(squares / rows);
}

if (isProgram(import.meta.url)) {
  const { before, newcomers, drift } = await main();
  console.log(`${newcomers.shape[0]} nines joined a map of ${before.shape[0]} other digits,`);
  console.log(`which moved by ${(100 * drift).toFixed(1)} % of the map's spread on average`);
}
