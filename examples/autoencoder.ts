/** Autoencoder: the reconstruction loss also trains the encoder, so that the map keeps more of the information in the rows. */
import { knnAccuracy, ParametricUMAP, type ParametricUMAPOptions } from 'parametric-umap';
import { loadDigits } from './digits.js';
import { isProgram } from './output.js';
import { meanSquaredError } from './reconstruction.js';

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train, trainLabels, test, testLabels } = await digits;
  const results = [];
  for (const autoencoderLoss of [false, true]) {
    const umap = new ParametricUMAP({ parametricReconstruction: true, autoencoderLoss, ...options });
    const map = await umap.fitTransform(train);
    const positions = await umap.transform(test);
    results.push({
      autoencoderLoss,
      error: meanSquaredError(train, await umap.inverseTransform(map)),
      heldOutError: meanSquaredError(test, await umap.inverseTransform(positions)),
      accuracy: knnAccuracy({ train: map, trainLabels, test: positions, testLabels }),
    });
    umap.dispose();
  }
  return results;
}

if (isProgram(import.meta.url)) {
  console.log('encoder learns from        error  held-out error  held-out 5-NN accuracy');
  for (const { autoencoderLoss, error, heldOutError, accuracy } of await main()) {
    const teacher = autoencoderLoss ? 'UMAP and reconstruction' : 'UMAP alone';
    const figures = [error.toFixed(4).padStart(7), heldOutError.toFixed(4).padStart(15)];
    console.log(`${teacher.padEnd(24)} ${figures.join(' ')} ${accuracy.toFixed(3).padStart(23)}`);
  }
}
