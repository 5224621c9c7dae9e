/** Supervision: labels or continuous targets, some of them unknown, shape the map. */
import { ParametricUMAP, type ParametricUMAPOptions, silhouette } from 'parametric-umap';
import { loadDigits } from './digits.js';
import { isProgram } from './output.js';

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train, trainLabels, test, testLabels } = await digits;
  const separation = async (y: Int32Array | (number | null)[] | null) => {
    const umap = new ParametricUMAP({ targetWeight: 0.5, ...options });
    const map = await umap.fitTransform(train, y);
    const positions = await umap.transform(test);
    umap.dispose();
    return { train: silhouette(map, trainLabels), heldOut: silhouette(positions, testLabels) };
  };
  return {
    none: await separation(null),
    half: await separation(Array.from(trainLabels, (label, row) => (row % 2 === 0 ? label : null))),
    all: await separation(trainLabels),
  };
}

/** A number per row instead of a class: here the sum of the pixels. */
export async function byNumbers(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train } = await digits;
  const ink = Float32Array.from({ length: train.shape[0] }, (_, row) =>
    train.data.subarray(64 * row, 64 * row + 64).reduce((sum, value) => sum + value, 0),
  );
  const umap = new ParametricUMAP({ targetMetric: 'euclidean', ...options });
  const map = await umap.fitTransform(train, ink);
  umap.dispose();
  return { map, ink };
}

if (isProgram(import.meta.url)) {
  const { none, half, all } = await main();
  console.log('labels   silhouette of the digits: train  held out');
  for (const [name, { train, heldOut }] of Object.entries({ none, half, all })) {
    console.log(`${name.padEnd(9)} ${train.toFixed(3).padStart(30)} ${heldOut.toFixed(3).padStart(9)}`);
  }
}
