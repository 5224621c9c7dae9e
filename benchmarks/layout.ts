/**
 * Layouts without a network: this library's, and on request those of umap-learn (compiled before the clock starts) and umap-js, on
 * the same graph and from the same spectral start, each on one thread. Then the test images are placed on the map.
 *
 *     node build/benchmarks/layout.js [ROWS] [--seeds 1,2,3] [--strengths 1,2,3] [--epochs 500]
 *         [--python PYTHON] [--umapjs]
 *
 * ROWS of MNIST, 10,000 by default. `--python` names a Python with umap-learn (see peers/README.md). Processor seconds are
 * what to compare on a busy machine. Trust: 15 neighbors, first 5,000 rows. 5-NN: leave-one-out on the map, and of the placed
 * rows among the others.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import seedrandom from 'seedrandom';
import { UMAP } from 'umap-js';
import { finish } from '../src/core/pauses.js';
import { createRandom } from '../src/core/random.js';
import type { Edges, Knn, Matrix } from '../src/core/types.js';
import { fuzzyGraph } from '../src/graph/fuzzy.js';
import { placementEpochs, placeRows } from '../src/layout/place.js';
import { classicLayout, layoutEpochs } from '../src/layout/sgd.js';
import { spectralLayout } from '../src/layout/spectral.js';
import { fitCurve } from '../src/math/curve.js';
import { mostFrequent, nearestRows } from '../src/metrics/ranks.js';
import { knnAccuracy, trustworthiness } from '../src/metrics/scores.js';
import { queryNeighbors, type ReferenceNeighbors } from '../src/neighbors/newRows.js';
import { nndescent } from '../src/neighbors/nndescent.js';
import { head, mnist } from './data.js';
import { table } from './report.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '1,2,3' },
    strengths: { type: 'string', default: '1,2,3' },
    epochs: { type: 'string' },
    python: { type: 'string' },
    umapjs: { type: 'boolean', default: false },
  },
});
const k = 15;
const negatives = 5;
const train = await mnist('train', Number(positionals[0] ?? 10_000));
const held = await mnist('t10k', 10_000);
const rows = train.rows.shape[0];
const epochs = Number(values.epochs ?? layoutEpochs(rows));
const curve = fitCurve({ minDist: 0.1, spread: 1 });

/** Seconds on the clock, and of the processor. */
interface Seconds {
  readonly wall: number;
  readonly cpu: number;
}

interface Result {
  readonly name: string;
  readonly map: Matrix;
  readonly layout: Seconds;
  /** Absent where new rows are not placed. */
  readonly placed?: Matrix;
  readonly placement?: Seconds;
}

function timed<T>(work: () => T): [T, Seconds] {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  const result = work();
  const { user, system } = process.cpuUsage(cpu);
  return [result, { wall: (performance.now() - wall) / 1e3, cpu: (user + system) / 1e6 }];
}

function ours(
  edges: Edges,
  start: Matrix,
  neighbors: ReferenceNeighbors,
  seed: number,
  strength: number,
): Result {
  const options = { curve, negativeSampleRate: negatives, repulsionStrength: strength };
  const [map, layout] = timed(() => {
    const run = classicLayout(edges, start, { ...options, epochs, random: createRandom(seed) });
    finish(run.advance(epochs));
    return run.positions();
  });
  const placing = {
    ...options,
    epochs: placementEpochs(rows),
    localConnectivity: 1,
    random: createRandom(seed),
  };
  const [placed, placement] = timed(() => placeRows(neighbors, map, placing));
  return { name: `this library, strength ${strength}`, map, layout, placed, placement };
}

function umapLearn(
  python: string,
  { head, tail, weight }: Edges,
  start: Matrix,
  neighbors: ReferenceNeighbors,
  seed: number,
): Result {
  const folder = mkdtempSync(path.join(tmpdir(), 'layout-'));
  const file = (name: string) => path.join(folder, name);
  const tables = {
    ...{ 'head.i32': head, 'tail.i32': tail, 'weight.f32': weight, 'start.f32': start.data },
    ...{ 'neighbors.i32': neighbors.indices, 'distances.f32': neighbors.distances },
  };
  for (const [name, values] of Object.entries(tables)) writeFileSync(file(name), values);
  const job = {
    rows,
    k,
    negatives,
    seed,
    epochs,
    ...curve,
    strength: 1,
    placementEpochs: placementEpochs(rows),
  };
  writeFileSync(file('job.json'), JSON.stringify(job));
  const program = fileURLToPath(new URL('../../benchmarks/peers/umap_layout.py', import.meta.url));
  execFileSync(python, [program, folder], { stdio: ['ignore', 'inherit', 'inherit'] });
  const read = (name: string, count: number): Matrix => ({
    data: new Float32Array(Uint8Array.from(readFileSync(file(name))).buffer),
    shape: [count, 2],
  });
  const { version, ...seconds } = JSON.parse(readFileSync(file('result.json'), 'utf8')) as {
    version: string;
    layout: Seconds;
    placement: Seconds;
  };
  const maps = { map: read('map.f32', rows), placed: read('placed.f32', held.labels.length) };
  rmSync(folder, { recursive: true });
  return { name: `umap-learn ${version}, strength 1`, ...maps, ...seconds };
}

/** umap-js builds the same graph from the same neighbors; only its epochs are timed. */
function umapJs(knn: Knn, start: Matrix, seed: number): Result {
  const model = new UMAP({ nNeighbors: k, nEpochs: epochs, random: seedrandom(String(seed)) });
  const perRow = (list: ArrayLike<number>) =>
    Array.from({ length: rows }, (_, i) => Array.from({ length: k }, (_, c) => list[i * k + c]!));
  model.setPrecomputedKNN(perRow(knn.indices), perRow(knn.distances));
  // The rows themselves matter only for their number.
  model.initializeFit(Array.from({ length: rows }, (_, i) => [i]));
  model.getEmbedding().forEach((position, i) => {
    position.splice(0, 2, start.data[2 * i]!, start.data[2 * i + 1]!);
  });
  const [, layout] = timed(() => {
    for (let epoch = 0; epoch < epochs; epoch++) model.step();
  });
  const data = Float32Array.from(model.getEmbedding().flat());
  return { name: 'umap-js, strength 1', map: { data, shape: [rows, 2] }, layout };
}

/** Accuracy of each row's label as that of the majority of its five nearest others on the map. */
function leaveOneOut(map: Matrix): number {
  const near = nearestRows(map, map, 5, true);
  const right = train.labels.filter(
    (label, i) =>
      mostFrequent(
        near
          .subarray(5 * i, 5 * i + 5)
          .map((id) => train.labels[id]!)
          .sort(),
      ) === label,
  );
  return right.length / rows;
}

function report({ name, map, layout, placed, placement }: Result, seed: number): Record<string, string> {
  const known = { train: map, trainLabels: train.labels, testLabels: held.labels, k: 5 };
  const line = {
    ...{ layout: name, seed: String(seed) },
    'layout s': layout.wall.toFixed(2),
    'processor s': layout.cpu.toFixed(2),
    trust: trustworthiness(head(train.rows, 5000), head(map, 5000)).toFixed(4),
    '5-NN': leaveOneOut(map).toFixed(4),
    'placing s': placement?.wall.toFixed(2) ?? '',
    'its processor s': placement?.cpu.toFixed(2) ?? '',
    'held-out 5-NN': placed ? knnAccuracy({ ...known, test: placed }).toFixed(4) : '',
  };
  console.log(Object.values(line).join('  '));
  return line;
}

const knn = await nndescent().search(train.rows, { k, metric: 'euclidean', random: createRandom(1) });
const edges = fuzzyGraph(knn);
const searched = performance.now();
const neighbors = await queryNeighbors(train.rows, held.rows, { k, metric: 'euclidean' });
console.log(`${rows} rows, ${edges.head.length} edges, ${epochs} epochs`);
console.log(
  `neighbors of ${held.labels.length} new rows: ${((performance.now() - searched) / 1e3).toFixed(1)} s`,
);
const found: Record<string, string>[] = [];
for (const seed of values.seeds.split(',').map(Number)) {
  const start = spectralLayout(edges, { components: 2, random: createRandom(seed) });
  for (const strength of values.strengths.split(',').map(Number))
    found.push(report(ours(edges, start, neighbors, seed, strength), seed));
  if (values.python) found.push(report(umapLearn(values.python, edges, start, neighbors, seed), seed));
  // Minutes, so once.
  if (values.umapjs && found.every(({ layout }) => !layout!.startsWith('umap-js')))
    found.push(report(umapJs(knn, start, seed), seed));
}
table(found);
