/**
 * Time and memory by the number of rows, each size in its own process:
 *
 *     node build/benchmarks/growth.js [10000 30000 60000 120000]
 *
 * Beyond 60,000 the MNIST images are repeated, with noise. "time / n log n" is relative to the first size; "KB per row
 * more" is the growth of the peak memory of the process per additional row, rows included: constant if memory is linear.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createRandom } from '../src/core/random.js';
import type { Matrix } from '../src/core/types.js';
import { ParametricUMAP } from '../src/estimators/umap/parametricUmap.js';
import { mnist } from './data.js';
import { peakMemory, table } from './report.js';

interface Measured {
  readonly rows: number;
  readonly seconds: number;
  readonly steps: number;
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
  const umap = new ParametricUMAP();
  const started = performance.now();
  let steps = 0;
  for await (const progress of umap.steps(X)) steps = progress.steps;
  await umap.transform(X);
  return { rows, seconds: (performance.now() - started) / 1000, steps, peak: peakMemory() };
}

/** Kilobytes that the peak grew by for each further row. */
function perRow(before: Measured | undefined, { rows, peak }: Measured): string {
  return before ? ((1000 * (peak - before.peak)) / (rows - before.rows)).toFixed(1) : '';
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
  table(
    found.map((run, i) => ({
      rows: run.rows,
      'total s': run.seconds.toFixed(1),
      steps: run.steps,
      'time / n log n': (cost(run) / cost(found[0]!)).toFixed(2),
      'peak MB': run.peak,
      'KB a row more': perRow(found[i - 1], run),
    })),
  );
}
