/** Fit a map on some rows, embed other rows, and score the map. */
import { knnAccuracy, ParametricUMAP, type ParametricUMAPOptions, trustworthiness } from 'parametric-umap';
import { loadDigits } from './digits.js';
import { isProgram } from './output.js';

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train, trainLabels, test, testLabels } = await digits;
  const umap = new ParametricUMAP({ nNeighbors: 15, minDist: 0.1, ...options });
  const map = await umap.fitTransform(train);
  // One pass through the network: no neighbor search, and the map stays as it is.
  const positions = await umap.transform(test);
  umap.dispose();
  return {
    map,
    positions,
    trust: trustworthiness(train, map),
    heldOutTrust: trustworthiness(test, positions),
    heldOutAccuracy: knnAccuracy({ train: map, trainLabels, test: positions, testLabels }),
  };
}

if (isProgram(import.meta.url)) {
  const { map, positions, trust, heldOutTrust, heldOutAccuracy } = await main();
  console.log(`map of ${map.shape[0]} rows: trustworthiness ${trust.toFixed(3)}`);
  console.log(`${positions.shape[0]} new rows placed on it: trustworthiness ${heldOutTrust.toFixed(3)}`);
  console.log(`a new row's 5 neighbors on the map name its digit in ${(100 * heldOutAccuracy).toFixed(1)} %`);
}
