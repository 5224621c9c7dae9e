/**
 * Held-out reconstruction error of MNIST, default networks, two dimensions, with and without the autoencoder loss:
 *
 *     node build/benchmarks/reconstruction.js [ROWS] [--seeds 1] [--options '{}']
 *
 * Published with convolutional networks on 50,000 rows (Sainburg et al. 2021): 0.0374 and 0.0360.
 */
import { parseArgs } from 'node:util';
import { ParametricUMAP } from '../src/estimators/umap/parametricUmap.js';
import { mnist } from './data.js';
import { peakMemory, quality, table } from './report.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string', default: '1' }, options: { type: 'string', default: '{}' } },
});
const rows = Number(positionals[0] ?? 60_000);
const train = await mnist('train', rows);
const held = await mnist('t10k', 10_000);
const records: Record<string, string | number>[] = [];
for (const seed of values.seeds.split(',').map(Number)) {
  for (const autoencoderLoss of [false, true]) {
    const options = { seed, parametricReconstruction: true, autoencoderLoss, verbose: true };
    const umap = new ParametricUMAP({ ...options, ...JSON.parse(values.options) });
    const started = performance.now();
    const map = await umap.fitTransform(train.rows);
    const seconds = (performance.now() - started) / 1000;
    const heldMap = await umap.transform(held.rows);
    const back = await umap.inverseTransform(heldMap);
    const error = back.data.reduce((sum, v, i) => sum + (v - held.rows.data[i]!) ** 2, 0) / back.data.length;
    const { accuracy, trustTrain, trustHeld } = quality(train, map, held, heldMap);
    records.push({
      rows,
      seed,
      autoencoderLoss: String(autoencoderLoss),
      'held-out MSE': error.toFixed(5),
      '5-NN held-out': accuracy.toFixed(4),
      'trust train': trustTrain.toFixed(4),
      'trust held-out': trustHeld.toFixed(4),
      'total s': seconds.toFixed(0),
      'peak MB': peakMemory(),
    });
    umap.dispose();
  }
}
table(records);
