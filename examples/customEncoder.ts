/** A custom encoder: a small convolutional network that reads the rows as images. */
import { knnAccuracy, ParametricUMAP, type ParametricUMAPOptions, tf } from 'parametric-umap';
import { loadDigits } from './digits.js';
import { isProgram } from './output.js';

const dims = [8, 8, 1];

/** Seeded initializers make the network, and so the map, reproducible. */
const start = (seed: number) => tf.initializers.glorotUniform({ seed });

function convolutional(nComponents: number): tf.LayersModel {
  const { conv2d, dense, flatten } = tf.layers;
  const convolution = { kernelSize: 3, padding: 'same', activation: 'relu' } as const;
  return tf.sequential({
    layers: [
      conv2d({ ...convolution, inputShape: dims, filters: 16, kernelInitializer: start(1) }),
      conv2d({ ...convolution, filters: 32, strides: 2, kernelInitializer: start(2) }),
      flatten(),
      dense({ units: 100, activation: 'relu', kernelInitializer: start(3) }),
      dense({ units: nComponents, kernelInitializer: start(4) }),
    ],
  });
}

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train, trainLabels, test, testLabels } = await digits;
  const encoder = convolutional(2);
  // The learning rate of the default recipe suits the default network; a deeper one needs a smaller one.
  const umap = new ParametricUMAP({ encoder, dims, learningRate: 0.002, ...options });
  // Rows may be flat, 64 numbers each, or shaped like `dims`; in `transform` too.
  const map = await umap.fitTransform(train);
  const positions = await umap.transform({ data: test.data, shape: [test.shape[0], ...dims] });
  umap.dispose(); // frees what it created; the encoder remains yours
  const weights = encoder.countParams();
  encoder.dispose();
  return {
    map,
    positions,
    weights,
    accuracy: knnAccuracy({ train: map, trainLabels, test: positions, testLabels }),
  };
}

if (isProgram(import.meta.url)) {
  const { weights, accuracy } = await main();
  console.log(`a convolutional encoder of ${weights} weights`);
  console.log(`held-out 5-nearest-neighbor accuracy on its map: ${accuracy.toFixed(3)}`);
}
