/** Real data for the benchmarks. MNIST is in the folder that the environment variable `MNIST` names, by default beside the project. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Matrix } from '../src/core/types.js';
import { readCsv } from '../src/node/csv.js';
import { readIdx } from '../src/node/files.js';

export interface Labeled {
  readonly rows: Matrix;
  readonly labels: Int32Array;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const mnistFolder = process.env.MNIST ?? path.join(root, '../shared/data/mnist');

/** The first `count` MNIST images, flat, values in [0, 1]: from the 60,000 to train on or the 10,000 to test on. */
export async function mnist(part: 'train' | 't10k', count: number): Promise<Labeled> {
  const images = await readIdx(await readFile(path.join(mnistFolder, `${part}-images-idx3-ubyte.gz`)));
  const labels = await readIdx(await readFile(path.join(mnistFolder, `${part}-labels-idx1-ubyte.gz`)));
  // A loop: `from` would list all values as numbers first, which is more than a fit takes.
  const data = new Float32Array(count * 784);
  for (let i = 0; i < data.length; i++) data[i] = images.data[i]! / 255;
  return {
    rows: { data, shape: [count, 784] },
    labels: Int32Array.from(labels.data.subarray(0, count) as Uint8Array),
  };
}

/** The digits that come with the examples: 1,797 rows of 64 values. */
export async function digits(): Promise<Labeled> {
  const { data, labels } = await readCsv(path.join(root, 'examples/data/digits.csv'), { label: 'label' });
  return { rows: data, labels: Int32Array.from(labels as number[]) };
}

/** The rows with the given numbers, in that order. */
export function take({ rows: { data, shape }, labels }: Labeled, chosen: ArrayLike<number>): Labeled {
  const columns = shape[1];
  const taken = new Float32Array(chosen.length * columns);
  const names = new Int32Array(chosen.length);
  for (let i = 0; i < chosen.length; i++) {
    taken.set(data.subarray(chosen[i]! * columns, (chosen[i]! + 1) * columns), i * columns);
    names[i] = labels[chosen[i]!]!;
  }
  return { rows: { data: taken, shape: [chosen.length, columns] }, labels: names };
}

/** The digits to learn from, and the last 297 as held-out ones. */
export async function digitsSplit(): Promise<{ train: Labeled; held: Labeled }> {
  const all = await digits();
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  return { train: take(all, range(0, 1500)), held: take(all, range(1500, 1797)) };
}

/** The first `count` rows, without a copy. */
export function head({ data, shape: [rows, columns] }: Matrix, count: number): Matrix {
  const kept = Math.min(count, rows);
  return { data: data.subarray(0, kept * columns), shape: [kept, columns] };
}
