/**
 * Ablation of the default recipe: the recipe as it is, then with one part changed at a time.
 *
 *     node build/benchmarks/recipe.js [ROWS] [--seeds 1,2] [--only 'no input noise,twice the steps']
 *
 * ROWS is a number of MNIST images (10,000 by default), scored as in `fit`: mean and standard deviation over the seeds.
 */
import { parseArgs } from 'node:util';
import type * as tf from '@tensorflow/tfjs';
import { createRandom } from '../src/core/random.js';
import type { ParametricUMAPOptions } from '../src/estimators/umap/options.js';
import { ParametricUMAP } from '../src/estimators/umap/parametricUmap.js';
import { mlp } from '../src/networks/mlp.js';
import { mnist } from './data.js';
import { quality, spread, table } from './report.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string', default: '1,2' }, only: { type: 'string' } },
});
const train = await mnist('train', Number(positionals[0] ?? 10_000));
const held = await mnist('t10k', 10_000);

/** The default network on raw pixels: no principal components, and no noise unless it is asked for. */
function rawEncoder(seed: number): tf.LayersModel {
  const random = createRandom(seed).fork('raw');
  return mlp({ inputShape: [train.rows.shape[1]], outputShape: [2], random, name: 'raw' });
}

type Variant = (seed: number) => Partial<ParametricUMAPOptions>;
const variants: Readonly<Record<string, Variant>> = {
  'the recipe': () => ({}),
  'no start (init random)': () => ({ init: 'random' }),
  'start from principal components': () => ({ init: 'pca' }),
  'no input noise': () => ({ inputNoise: 0 }),
  'raw pixels': (seed) => ({ encoder: rawEncoder(seed) }),
  'constant rate 0.001': () => ({ learningRate: () => 0.001 }),
  'peak rate 0.005': () => ({ learningRate: 0.005 }),
  'peak rate 0.02': () => ({ learningRate: 0.02 }),
  '500 edges a step': () => ({ batchSize: 500 }),
  '2000 edges a step': () => ({ batchSize: 2000 }),
  'repulsion 1 (as in umap-learn)': () => ({ repulsionStrength: 1 }),
  'repulsion 4': () => ({ repulsionStrength: 4 }),
  'twice the steps': () => ({ nTrainingEpochs: 2 }),
};

const names = values.only?.split(',') ?? Object.keys(variants);
const records: Record<string, string | number>[] = [];
for (const name of names) {
  const variant = variants[name];
  if (!variant)
    throw new Error(`recipe: --only takes names of ${Object.keys(variants).join(', ')}; got ${name}`);
  const scores: number[][] = [];
  let steps = 0;
  for (const seed of values.seeds.split(',').map(Number)) {
    const options = variant(seed);
    const umap = new ParametricUMAP({ seed, ...options });
    const started = performance.now();
    for await (const progress of umap.steps(train.rows)) steps = progress.steps;
    const map = await umap.transform(train.rows);
    const seconds = (performance.now() - started) / 1000;
    const { accuracy, trustTrain, trustHeld } = quality(train, map, held, await umap.transform(held.rows));
    scores.push([seconds, accuracy, trustTrain, trustHeld]);
    umap.dispose();
    options.encoder?.dispose();
    console.error(
      `${name}, seed ${seed}: ${scores
        .at(-1)!
        .map((score) => score.toFixed(4))
        .join(' ')}`,
    );
  }
  const column = (i: number) => scores.map((row) => row[i]!);
  records.push({
    recipe: name,
    steps,
    'total s': spread(column(0), 0),
    '5-NN held-out': spread(column(1)),
    'trust train': spread(column(2)),
    'trust held-out': spread(column(3)),
  });
}
table(records);
