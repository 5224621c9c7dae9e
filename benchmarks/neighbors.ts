/**
 * Time and recall of the neighbor searches on MNIST, 15 neighbors per row.
 *
 *   node build/benchmarks/neighbors.js [rows ...] [--only=nndescent,usearch]
 *
 * Reads the IDX files (gzip) from the folder named by MNIST, else from ../shared/data/mnist beside the package. Beyond
 * 60,000 rows the images are repeated, shifted one pixel to the right. Recall is of 1,000 rows, against exact search.
 *
 * What helped, in CPU seconds of one thread (recall), Node 20 on a shared EPYC core:
 *
 *   rows    pair by pair, plain   kernels       kernels, 64 directions   pynndescent   usearch
 *   10,000  6.4 (0.997)           2.8 (0.998)   0.65 (0.990)             1.05 (0.996)  8.2 (0.999)
 *   60,000                        24 (0.997)    4.0 (0.980)              9.7 (0.994)   95 (1.000)
 *
 * pynndescent 0.6 without its compilation, with the settings that umap-learn gives it.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { UnavailableError } from '../src/core/errors.js';
import { createRandom } from '../src/core/random.js';
import type { Knn, Matrix } from '../src/core/types.js';
import { chooseNeighbors, type NeighborChoice } from '../src/neighbors/choose.js';
import { bindKernels, createMemory } from '../src/neighbors/search/kernels.js';

const k = 15;
const columns = 784;
const sampled = 1000;

interface Way {
  readonly label: string;
  readonly neighbors: NeighborChoice;
  readonly threads?: number;
  /** Slower than is bearable above so many rows. */
  readonly upTo: number;
}

const ways: readonly Way[] = [
  { label: 'nndescent', neighbors: 'nndescent', upTo: 1_000_000 },
  { label: 'nndescent, 1 thread', neighbors: 'nndescent', threads: 1, upTo: 1_000_000 },
  { label: 'exact', neighbors: 'exact', upTo: 10_000 },
  { label: 'usearch', neighbors: 'usearch', upTo: 60_000 },
  { label: 'hnsw', neighbors: 'hnsw', upTo: 60_000 },
];

const folder = process.env.MNIST ?? fileURLToPath(new URL('../../../shared/data/mnist/', import.meta.url));
const sizes = process.argv.slice(2).filter((word) => /^\d+$/.test(word));
const only = process.argv
  .find((word) => word.startsWith('--only='))
  ?.slice(7)
  .split(',');

const images = new Uint8Array(
  gunzipSync(readFileSync(path.join(folder, 'train-images-idx3-ubyte.gz'))),
).subarray(16);
console.log(
  `${process.version}, k=${k}\n\n| rows | way | seconds | cpu seconds | recall | MiB at most |\n|---|---|---|---|---|---|`,
);
for (const rows of sizes.length > 0 ? sizes.map(Number) : [10_000, 20_000, 40_000, 60_000, 120_000]) {
  const data = mnist(rows);
  const queries = Array.from({ length: sampled }, (_, i) => Math.floor((i * rows) / sampled));
  const truth = exactNeighbors(data, queries);
  for (const way of ways) {
    if (rows <= way.upTo && (only === undefined || only.includes(way.neighbors)))
      await time(way, data, queries, truth);
  }
}

async function time(
  way: Way,
  data: Matrix,
  queries: readonly number[],
  truth: readonly Set<number>[],
): Promise<void> {
  const rows = data.shape[0];
  try {
    const { provider } = await chooseNeighbors({ rows, metric: 'euclidean', ...way });
    const started = performance.now();
    const before = process.cpuUsage();
    const knn = await provider.search(data, { k, metric: 'euclidean', random: createRandom(1) });
    const seconds = (performance.now() - started) / 1000;
    const { user, system } = process.cpuUsage(before);
    const memory = Math.round(process.resourceUsage().maxRSS / 1024);
    const cells = [rows, way.label, seconds.toFixed(2), ((user + system) / 1e6).toFixed(2)];
    console.log(`| ${[...cells, recallOf(knn, queries, truth).toFixed(4), memory].join(' | ')} |`);
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    console.log(`| ${rows} | ${way.label} | not installed | | | |`);
  }
}

function mnist(rows: number): Matrix {
  const data = new Float32Array(rows * columns);
  const available = images.length / columns;
  for (let i = 0; i < rows; i++) {
    const moved = Math.floor(i / available);
    const start = (i % available) * columns;
    for (let c = moved; c < columns; c++) data[i * columns + c] = images[start + c - moved]! / 255;
  }
  return { data, shape: [rows, columns] };
}

function exactNeighbors({ data, shape: [rows] }: Matrix, queries: readonly number[]): Set<number>[] {
  const block = 1000;
  const stride = columns * 4;
  const memory = createMemory((queries.length + block) * stride + queries.length * block * 4 + 4096)!;
  const kernels = bindKernels(memory)!;
  const floats = new Float32Array(memory.buffer);
  const blockAt = 1024 + queries.length * stride;
  const out = blockAt + block * stride;
  const best = queries.map(() => [] as { id: number; square: number }[]);
  queries.forEach((row, i) => {
    floats.set(data.subarray(row * columns, (row + 1) * columns), 256 + i * columns);
  });
  for (let from = 0; from < rows; from += block) {
    floats.set(data.subarray(from * columns, Math.min(rows, from + block) * columns), blockAt / 4);
    kernels.squares(1024, queries.length, blockAt, block, stride, out);
    best.forEach((list, i) => {
      for (let j = 0; j < Math.min(block, rows - from); j++) {
        const square = floats[out / 4 + i * block + j]!;
        if (list.length === k && square >= list[k - 1]!.square) continue;
        list.push({ id: from + j, square });
        list.sort((a, b) => a.square - b.square || a.id - b.id);
        list.length = Math.min(list.length, k);
      }
    });
  }
  return best.map((list) => new Set(list.map(({ id }) => id)));
}

function recallOf({ indices }: Knn, queries: readonly number[], truth: readonly Set<number>[]): number {
  let hits = 0;
  queries.forEach((row, i) => {
    for (const id of indices.subarray(row * k, (row + 1) * k)) if (truth[i]!.has(id)) hits++;
  });
  return hits / (queries.length * k);
}
