/**
 * Time and memory as the data grow, each size in a process of its own:
 *
 *     node build/benchmarks/growth.js [10000 30000 60000 120000]
 *
 * Beyond 60,000 the MNIST images are taken again, with noise. "time / n log n" is relative to the first size, and so
 * is "memory / n", of the fit's peak less what the process held before it (the rows among it).
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ParametricUMAP } from '../src/parametricUmap.js';
import { createRandom } from '../src/random.js';
import type { Matrix } from '../src/types.js';
import { mnist } from './data.js';
import { peakMemory, table } from './report.js';

interface Measured {
  readonly rows: number;
  readonly seconds: number;
  readonly steps: number;
  readonly before: number;
  readonly peak: number;
}

/** So many images: the 60,000 and, beyond them, the same again with noise of a tenth of the pixels' range. */
async function images(count: number): Promise<Matrix> {
  const { rows } = await mnist('train', Math.min(count, 60_000));
  const data = new Float32Array(count * 784);
  data.set(rows.data);
  const random = createRandom('growth');
  for (let i = rows.data.length; i < data.length; i++) {
    data[i] = data[i - rows.data.length]! + 0.1 * random.normal();
  }
  return { data, shape: [count, 784] };
}

async function measure(rows: number): Promise<Measured> {
  const X = await images(rows);
  const before = Math.round(process.memoryUsage.rss() / 1000 ** 2);
  const umap = new ParametricUMAP();
  const started = performance.now();
  let steps = 0;
  for await (const progress of umap.steps(X)) steps = progress.steps;
  await umap.transform(X);
  return { rows, seconds: (performance.now() - started) / 1000, steps, before, peak: peakMemory() };
}

const [first, one] = process.argv.slice(2);
if (first === '--one') {
  console.log(JSON.stringify(await measure(Number(one))));
} else {
  const sizes = process.argv.length > 2 ? process.argv.slice(2) : ['10000', '30000', '60000', '120000'];
  const found: Measured[] = [];
  for (const size of sizes) {
    const self = fileURLToPath(import.meta.url);
    const { stdout } = await promisify(execFile)(process.execPath, [self, '--one', size]);
    found.push(JSON.parse(stdout));
    console.error(stdout.trim());
  }
  const cost = ({ rows, seconds }: Measured) => seconds / (rows * Math.log(rows));
  const taken = ({ rows, before, peak }: Measured) => (peak - before) / rows;
  table(
    found.map((run) => ({
      rows: run.rows,
      'total s': run.seconds.toFixed(1),
      steps: run.steps,
      'time / n log n': (cost(run) / cost(found[0]!)).toFixed(2),
      'peak MB': run.peak,
      'of these before the fit': run.before,
      'memory / n': (taken(run) / taken(found[0]!)).toFixed(2),
    })),
  );
}
