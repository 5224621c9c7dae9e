/**
 * Times fits from raw rows to map, and scores each map:
 *
 *     node build/benchmarks/fit.js [digits|ROWS] [--seeds 1,2,3] [--options '{"nEpochs": 200}']
 *
 * ROWS is a number of MNIST images, of 60,000 (10,000 by default). Held-out rows are the 10,000 test images, or the
 * last 297 digits. "of umap-learn's" is the ratio to what umap-learn's ParametricUMAP needed and reached on the same
 * data with two cores on another day; `benchmarks/peers` runs both in one go.
 */
import { parseArgs } from 'node:util';
import { ParametricUMAP } from '../src/estimators/umap/parametricUmap.js';
import { digitsSplit, mnist } from './data.js';
import { peakMemory, quality, table } from './report.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string', default: '1' }, options: { type: 'string', default: '{}' } },
});
const [what = '10000'] = positionals;
const seeds = values.seeds.split(',').map(Number);

/** umap-learn's ParametricUMAP 0.5.12 with its defaults: seconds in all, and its final scores. */
const umapLearn: Readonly<
  Record<string, { seconds: number; accuracy: number; trustTrain: number; trustHeld: number }>
> = {
  '10000': { seconds: 419, accuracy: 0.883, trustTrain: 0.951, trustHeld: 0.883 },
  '60000': { seconds: 1357, accuracy: 0.9556, trustTrain: 0.9543, trustHeld: 0.9232 },
};

const { train, held } =
  what === 'digits'
    ? await digitsSplit()
    : { train: await mnist('train', Number(what)), held: await mnist('t10k', 10_000) };
const records: Record<string, string | number>[] = [];
for (const seed of seeds) {
  const umap = new ParametricUMAP({ seed, verbose: true, ...JSON.parse(values.options) });
  const started = performance.now();
  let firstReport = { at: started, step: 0 };
  let last = firstReport;
  for await (const { step } of umap.steps(train.rows)) {
    last = { at: performance.now(), step };
    if (firstReport.step === 0) firstReport = last;
  }
  const map = await umap.transform(train.rows);
  const finished = performance.now();
  const heldMap = await umap.transform(held.rows);
  const transformed = performance.now();
  // Before the scoring, which takes more than the fit.
  const peak = peakMemory();
  const { accuracy, trustTrain, trustHeld } = quality(train, map, held, heldMap);
  const seconds = (finished - started) / 1000;
  const theirs = umapLearn[what];
  records.push({
    data: what === 'digits' ? 'digits' : `MNIST ${what}`,
    seed,
    'total s': seconds.toFixed(1),
    steps: last.step,
    'ms a step': ((last.at - firstReport.at) / (last.step - firstReport.step)).toFixed(1),
    'transform rows/s': Math.round(held.labels.length / ((transformed - finished) / 1000)),
    '5-NN held-out': accuracy.toFixed(4),
    'trust train': trustTrain.toFixed(4),
    'trust held-out': trustHeld.toFixed(4),
    'peak MB': peak,
    ...(theirs && {
      "time of umap-learn's": (seconds / theirs.seconds).toFixed(3),
      "5-NN of umap-learn's": (accuracy / theirs.accuracy).toFixed(3),
      "trust held-out of umap-learn's": (trustHeld / theirs.trustHeld).toFixed(3),
    }),
  });
  umap.dispose();
}
table(records);
