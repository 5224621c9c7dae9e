/**
 * What a checkpoint costs, on MNIST images:
 *
 *     node build/benchmarks/checkpoints.js [rows] [--turns 3]
 *
 * Each estimator is fitted without checkpoints and with some twenty of them, in turns. The difference of the fastest fits gives
 * the cost of one, and what share of the time that is at the default interval.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Matrix } from '../src/core/types.js';
import { checkpointName, SECONDS } from '../src/fit/checkpoints.js';
import { CompressionVAE, ContrastiveEmbedding, ParametricUMAP } from '../src/index.js';
import { mnist } from './data.js';
import { table } from './report.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { turns: { type: 'string', default: '3' } },
});
const { rows } = await mnist('train', Number(positionals[0] ?? 10_000));
const directory = await mkdtemp(path.join(tmpdir(), 'checkpoints-'));
/** Checkpoints of a fit, about. */
const WANTED = 20;

const makers = {
  ParametricUMAP: (options: object) => new ParametricUMAP(options),
  ContrastiveEmbedding: (options: object) => new ContrastiveEmbedding(options),
  CompressionVAE: (options: object) => new CompressionVAE({ numSteps: 1000, ...options }),
};

/** What is used of an estimator. */
interface Steps {
  steps(rows: Matrix): AsyncIterable<{ readonly step: number }>;
  dispose(): void;
}

/** Seconds and gradient steps of a fit. */
async function timed(make: (options: object) => Steps, options: object) {
  const from = performance.now();
  const estimator = make(options);
  let steps = 0;
  for await (const report of estimator.steps(rows)) steps = report.step;
  estimator.dispose();
  return { seconds: (performance.now() - from) / 1000, steps };
}

const lines: Record<string, string | number>[] = [];
for (const [name, make] of Object.entries(makers)) {
  const place = path.join(directory, name);
  const plain: number[] = [];
  const written: number[] = [];
  let count = 0;
  for (let turn = 0; turn < Number(values.turns); turn++) {
    const { seconds, steps } = await timed(make, {});
    plain.push(seconds);
    const everySteps = Math.max(1, Math.floor(steps / WANTED));
    count = Math.floor(steps / everySteps);
    written.push((await timed(make, { checkpoint: { path: place, everySteps } })).seconds);
  }
  const cost = (Math.min(...written) - Math.min(...plain)) / count;
  lines.push({
    estimator: name,
    'fit, s': Math.min(...plain).toFixed(1),
    checkpoints: count,
    'MB each': ((await stat(path.join(place, checkpointName))).size / 1e6).toFixed(1),
    'one costs, s': cost.toFixed(3),
    'of the default interval': `${((100 * cost) / SECONDS).toFixed(2)} %`,
  });
  console.error(JSON.stringify(lines.at(-1)));
}
await rm(directory, { recursive: true });
table(lines);
