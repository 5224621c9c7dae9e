/**
 * Contrastive embeddings beside `ParametricUMAP`, in one run:
 *
 *     node build/benchmarks/contrastive.js [digits|ROWS] [--seeds 1,2,3] [--losses umap,neg,infonce] [--s 0,0.5,1] [--points]
 *         [--options '{"negativeSamples": 500}'] [--alone]
 *
 * ROWS is a number of MNIST images (10,000 by default); held-out rows are the 10,000 test images, or the last 297 digits.
 * `--points` fits without a network: then held-out figures are those of placed rows. `--s` repeats each loss along the
 * spectrum. "recall" is the share of the 15 nearest neighbors that the map keeps, "global" the rank correlation of distances in
 * data and map, "classes" that of distances between class means. "time" is that of the default fit of `ParametricUMAP` with the same seed; `--alone` leaves that out.
 */
import { parseArgs } from 'node:util';
import { ContrastiveEmbedding } from '../src/estimators/contrastive/contrastiveEmbedding.js';
import type { ContrastiveOptions } from '../src/estimators/contrastive/options.js';
import { ParametricUMAP } from '../src/estimators/umap/parametricUmap.js';
import { distanceCorrelation, knnRecall } from '../src/metrics/scores.js';
import { digitsSplit, head, type Labeled, mnist } from './data.js';
import { leaveOneOut, nearest, peakMemory, quality, table } from './report.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '1' },
    losses: { type: 'string', default: 'neg,infonce' },
    s: { type: 'string' },
    points: { type: 'boolean', default: false },
    alone: { type: 'boolean', default: false },
    options: { type: 'string', default: '{}' },
  },
});
const [what = '10000'] = positionals;
const { train, held } =
  what === 'digits'
    ? await digitsSplit()
    : { train: await mnist('train', Number(what)), held: await mnist('t10k', 10_000) };
const places = values.s?.split(',').map(Number) ?? [null];

/** Rows that the correlation is computed on. */
const scored = Math.min(train.labels.length, 5000);
/** A row and its 15 neighbors in the data. */
const truth = await nearest(train.rows, 16);

interface Embedding {
  fitTransform(rows: Labeled['rows']): Promise<Labeled['rows']>;
  transform(rows: Labeled['rows']): Promise<Labeled['rows']>;
  dispose(): void;
}

/** The mean of the rows of each class. */
function classMeans({ data, shape: [rows, columns] }: Labeled['rows']): number[][] {
  const classes = [...new Set(train.labels)];
  const sums = new Map(classes.map((label) => [label, new Array<number>(columns + 1).fill(0)]));
  for (let row = 0; row < rows; row++) {
    const sum = sums.get(train.labels[row]!)!;
    for (let c = 0; c < columns; c++) sum[c]! += data[row * columns + c]!;
    sum[columns]!++;
  }
  return classes.map((label) => {
    const [count, ...rest] = sums.get(label)!.toReversed();
    return rest.reverse().map((sum) => sum / count!);
  });
}

async function measured(embedding: Embedding) {
  const started = performance.now();
  const map = await embedding.fitTransform(train.rows);
  const fitted = performance.now();
  const heldMap = await embedding.transform(held.rows);
  const seconds = (fitted - started) / 1000;
  const placed = (performance.now() - fitted) / 1000;
  embedding.dispose();
  const { accuracy, trustTrain, trustHeld } = quality(train, map, held, heldMap);
  return {
    seconds,
    scores: {
      'total s': seconds.toFixed(1),
      'transform s': placed.toFixed(2),
      '5-NN held-out': accuracy.toFixed(4),
      '5-NN learned': leaveOneOut(await nearest(map, 6), train.labels).toFixed(4),
      'trust train': trustTrain.toFixed(4),
      'trust held-out': trustHeld.toFixed(4),
      recall: knnRecall(await nearest(map, 16), truth).toFixed(3),
      global: distanceCorrelation(head(train.rows, scored), head(map, scored)).toFixed(3),
      classes: distanceCorrelation(classMeans(train.rows), classMeans(map)).toFixed(3),
      'peak MB': peakMemory(),
    },
  };
}

const records: Record<string, string | number>[] = [];
for (const seed of values.seeds.split(',').map(Number)) {
  let reference: number | undefined;
  if (!values.alone) {
    const { seconds, scores } = await measured(new ParametricUMAP({ seed }));
    reference = seconds;
    records.push({ loss: 'ParametricUMAP', s: '', seed, ...scores, time: '1.00' });
  }
  for (const lossMode of values.losses.split(',') as ContrastiveOptions['lossMode'][]) {
    for (const s of places) {
      const options = { lossMode, s, seed, parametric: !values.points, ...JSON.parse(values.options) };
      const { seconds, scores } = await measured(new ContrastiveEmbedding(options));
      const time = reference === undefined ? '' : (seconds / reference).toFixed(2);
      records.push({ loss: lossMode, s: s ?? '', seed, ...scores, time });
      console.error(JSON.stringify(records.at(-1)));
    }
  }
}
table(records);
