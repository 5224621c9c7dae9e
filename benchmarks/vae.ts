/**
 * The variational autoencoder:
 *
 *     node build/benchmarks/vae.js digits [--seeds 1,2,3,4,5] [--options '{"dropoutKeepProb": 0.75}']
 *     node build/benchmarks/vae.js step [--options '{}'] [--steps 300] [--latent 2,128]
 *     node build/benchmarks/vae.js mnist [--seeds 1,2,3] [--options '{}']
 *     node build/benchmarks/vae.js binarized [--seeds 1,2,3] [--samples 200] [--rows 10000] [--options '{"iafFlowLength": 0}']
 *
 * `digits`: the lowest loss on held-out rows of scikit-learn's digits, as the original reports it: standardized columns, a tenth
 * held out, the sum over features and latents in nats. `step`: milliseconds of a gradient step of 64 MNIST images with 2 and with
 * 128 latent dimensions, and seconds until the first one (`peers/compression_vae.py`: beside the original). `mnist`: squared error
 * of the 10,000 test images (mean over pixels) and 5-NN accuracy among the 60,000 training images, with two latent dimensions.
 * `binarized`: minus the log-likelihood of `--rows` test images by importance sampling, with 40 latent dimensions. Pixels are black
 * or white, with their gray values as probabilities: drawn anew in each epoch for training, once for testing.
 */
import { parseArgs } from 'node:util';
import { createRandom } from '../src/core/random.js';
import type { Matrix, Random } from '../src/core/types.js';
import { type RowSource, rowSource } from '../src/data/rowSource.js';
import { CompressionVAE } from '../src/estimators/vae/compressionVae.js';
import type { CompressionVAEOptions } from '../src/estimators/vae/options.js';
import { knnAccuracy } from '../src/metrics/scores.js';
import { cosineDecay } from '../src/training/schedule.js';
import { digits, head, type Labeled, mnist } from './data.js';
import { table } from './report.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '1' },
    options: { type: 'string', default: '{}' },
    steps: { type: 'string', default: '300' },
    latent: { type: 'string', default: '2,128' },
    samples: { type: 'string', default: '200' },
    rows: { type: 'string', default: '10000' },
  },
});
const given = JSON.parse(values.options) as Partial<CompressionVAEOptions>;
const seeds = values.seeds.split(',').map(Number);

type Row = Record<string, string | number>;

/** Fits, and tells how long it took. */
async function fitted(rows: Matrix | RowSource, options: Partial<CompressionVAEOptions>) {
  const started = performance.now();
  const vae = new CompressionVAE({ ...options, ...given });
  let steps = 0;
  for await (const { step } of vae.steps(rows)) steps = step;
  return { vae, steps, seconds: (performance.now() - started) / 1000 };
}

async function digitsRun(seed: number): Promise<Row> {
  const { rows } = await digits();
  const { vae, steps, seconds } = await fitted(rows, { seed, likelihood: 'gaussian' });
  const loss = Math.min(...vae.history.valLoss!);
  vae.dispose();
  return { seed, steps, s: seconds.toFixed(1), 'held-out loss': loss.toFixed(2) };
}

/** Time of a step between two reports, so that what comes before the first is left out. */
async function stepRun(dimLatent: number): Promise<Row> {
  const { rows } = await mnist('train', 2000);
  const steps = Number(values.steps);
  const started = performance.now();
  const vae = new CompressionVAE({
    ...{ dimLatent, numSteps: steps + 20, testEvery: 20, trainValidSplit: 1, lrScheduling: false, ...given },
  });
  const times: number[] = [];
  for await (const _ of vae.steps(rows)) times.push(performance.now());
  vae.dispose();
  const between = times.slice(1).map((time, i) => (time - times[i]!) / 20);
  between.sort((a, b) => a - b);
  return {
    'latent dimensions': dimLatent,
    'first 20 steps, s': ((times[0]! - started) / 1000).toFixed(2),
    'ms a step, median': between[between.length >> 1]!.toFixed(2),
    fastest: between[0]!.toFixed(2),
  };
}

async function mnistRun(train: Labeled, test: Labeled, seed: number): Promise<Row> {
  const { vae, steps, seconds } = await fitted(train.rows, { seed });
  const [z, held] = [await vae.transform(train.rows), await vae.transform(test.rows)];
  const back = await vae.inverseTransform(held);
  const error = back.data.reduce((sum, value, i) => sum + (value - test.rows.data[i]!) ** 2, 0);
  vae.dispose();
  const accuracy = knnAccuracy({ train: z, trainLabels: train.labels, test: held, testLabels: test.labels });
  return {
    ...{ seed, steps, s: seconds.toFixed(0), 'squared error': (error / back.data.length).toFixed(4) },
    '5-NN': accuracy.toFixed(4),
  };
}

/** Each pixel black or white, with its gray value as the probability. */
function binarized({ data, shape }: Matrix, random: Random): Matrix {
  return { data: data.map((value) => (random.next() < value ? 1 : 0)), shape };
}

/** Rows whose pixels are drawn anew at each pass. */
function redrawn({ data, shape }: Matrix, random: Random): RowSource {
  const [rows, columns] = shape;
  const block = 1000;
  return rowSource(
    function* () {
      for (let from = 0; from < rows; from += block) {
        const count = Math.min(block, rows - from);
        const part = data.subarray(from * columns, (from + count) * columns);
        yield binarized({ data: part, shape: [count, columns] }, random);
      }
    },
    { rows, rowShape: [columns] },
  );
}

async function binarizedRun(train: Matrix, test: Matrix, seed: number): Promise<Row> {
  const { vae, steps, seconds } = await fitted(redrawn(train, createRandom(`train ${seed}`)), {
    ...{ seed, dimLatent: 40, iafFlowLength: 0, likelihood: 'bernoulli', cellsEncoder: [300, 300] },
    ...{ klWeight: { warmUp: 0.1 }, trainValidSplit: 1, numSteps: 80_000 },
    learningRate: cosineDecay(0.001, 1).rate,
  });
  const nats = await vae.logLikelihood(test, { samples: Number(values.samples) });
  const bound = await vae.elbo(test);
  const mean = (list: Float64Array) => -list.reduce((sum, value) => sum + value / list.length, 0);
  vae.dispose();
  return { seed, steps, s: seconds.toFixed(0), NLL: mean(nats).toFixed(2), '-ELBO': mean(bound).toFixed(2) };
}

const [what = 'digits'] = positionals;
const lines: Row[] = [];
const add = (line: Row) => {
  console.error(JSON.stringify(line));
  lines.push(line);
};
if (what === 'step')
  for (const dimensions of values.latent.split(',').map(Number)) add(await stepRun(dimensions));
else if (what === 'digits') for (const seed of seeds) add(await digitsRun(seed));
else {
  const [train, test] = [await mnist('train', 60_000), await mnist('t10k', 10_000)];
  if (what === 'mnist') for (const seed of seeds) add(await mnistRun(train, test, seed));
  else {
    const held = binarized(head(test.rows, Number(values.rows)), createRandom('test'));
    for (const seed of seeds) add(await binarizedRun(train.rows, held, seed));
  }
}
table(lines);
