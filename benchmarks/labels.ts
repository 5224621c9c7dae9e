/**
 * Few labels among many rows: held-out accuracy of a classifier trained jointly with the UMAP loss, against the
 * same network trained on the labels alone (the setting of Sainburg et al. 2021, section 3.5, with dense networks).
 *
 *     node build/benchmarks/labels.js [ROWS] [--labels 4,16,64] [--seeds 1,2,3] [--components 2]
 *
 * ROWS of MNIST, 10,000 by default; accuracy on the 10,000 test images.
 */
import { parseArgs } from 'node:util';
import { useBackend } from '../src/backend/choose.js';
import { createRandom, shuffle } from '../src/core/random.js';
import type { Matrix } from '../src/core/types.js';
import { rowSampler } from '../src/data/sampler.js';
import { ParametricUMAP } from '../src/estimators/umap/parametricUmap.js';
import { classificationLoss } from '../src/losses/classification.js';
import { encode } from '../src/networks/encode.js';
import { type MlpOptions, mlp } from '../src/networks/mlp.js';
import { networkOf } from '../src/networks/network.js';
import { projectionOf, projectRows } from '../src/networks/projection.js';
import { rowsForward } from '../src/training/forward.js';
import { adam } from '../src/training/optimizer.js';
import { cosineDecay } from '../src/training/schedule.js';
import { train as training } from '../src/training/train.js';
import { mnist, take } from './data.js';
import { spread, table } from './report.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    labels: { type: 'string', default: '4,16,64' },
    seeds: { type: 'string', default: '1,2,3' },
    components: { type: 'string', default: '2' },
  },
});
await useBackend();
const train = await mnist('train', Number(positionals[0] ?? 10_000));
const held = await mnist('t10k', 10_000);
const nComponents = Number(values.components);

/** Row numbers of `count` random rows of each class. */
function chosen(count: number, seed: number): number[] {
  const order = shuffle(Int32Array.from(train.labels.keys()), createRandom(seed).fork('labels'));
  const left = new Array<number>(10).fill(count);
  return [...order].filter((row) => left[train.labels[row]!]!-- > 0);
}

async function accuracy(umap: ParametricUMAP): Promise<number> {
  const predicted = await umap.predict(held.rows);
  return predicted.filter((label, i) => label === held.labels[i]).length / predicted.length;
}

async function joint(rows: number[], seed: number): Promise<number> {
  const y = new Array<number | null>(train.labels.length).fill(null);
  for (const row of rows) y[row] = train.labels[row]!;
  const umap = new ParametricUMAP({ seed, classifier: true, nComponents });
  await umap.fit(train.rows, y);
  const score = await accuracy(umap);
  umap.dispose();
  return score;
}

/** The same networks, inputs, optimizer and steps, taught by the labeled rows alone. */
async function alone(rows: number[], seed: number): Promise<number> {
  const random = createRandom(seed);
  const { projection } = await projectionOf(train.rows, random);
  const labeled = take(train, rows);
  const matrix = await projectRows(labeled.rows, projection);
  const inputShape = [matrix.shape[1]];
  const place = [nComponents];
  const network = (name: string, options: Omit<MlpOptions, 'random' | 'name'>) =>
    networkOf(mlp({ ...options, random: random.fork(name), name }), name, true);
  const encoder = network('encoder', { inputShape, outputShape: place });
  const classifier = network('classifier', { inputShape: place, outputShape: [10], hidden: [100] });
  const targets = oneHot(labeled.labels);
  const parts = { encoder, classifier, matrix, labels: labeled.labels, targets, weight: 1 };
  const steps = 1000;
  const stream = training({
    forward: rowsForward({ matrix, encoder, sampler: rowSampler(rows.length, { batchSize: 1, random }) }),
    terms: [classificationLoss({ ...parts, random: random.fork('classification') })],
    optimizer: adam(),
    schedule: cosineDecay(0.01, steps),
    steps,
    reports: 1,
    clipValue: 4,
  });
  for await (const _ of stream);
  const logits = await encode(
    classifier,
    await encode(encoder, await projectRows(held.rows, projection), { batchSize: 4096 }),
    { batchSize: 4096 },
  );
  let right = 0;
  for (let i = 0; i < held.labels.length; i++) {
    const row = logits.data.subarray(10 * i, 10 * (i + 1));
    if (row.indexOf(Math.max(...row)) === held.labels[i]) right++;
  }
  encoder.dispose();
  classifier.dispose();
  return right / held.labels.length;
}

function oneHot(labels: Int32Array): Matrix {
  const data = new Float32Array(labels.length * 10);
  labels.forEach((label, i) => {
    data[10 * i + label] = 1;
  });
  return { data, shape: [labels.length, 10] };
}

const records = [];
for (const count of values.labels.split(',').map(Number)) {
  const scores: { joint: number[]; alone: number[] } = { joint: [], alone: [] };
  for (const seed of values.seeds.split(',').map(Number)) {
    const rows = chosen(count, seed);
    scores.alone.push(await alone(rows, seed));
    scores.joint.push(await joint(rows, seed));
  }
  records.push({
    'labels a class': count,
    'labels alone': spread(scores.alone, 3),
    'with UMAP': spread(scores.joint, 3),
  });
}
table(records);
