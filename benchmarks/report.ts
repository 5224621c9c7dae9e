/** Scores maps and prints tables for the benchmarks. */

import { createRandom } from '../src/core/random.js';
import type { Knn, Matrix } from '../src/core/types.js';
import { knnAccuracy, trustworthiness } from '../src/metrics/scores.js';
import { exact } from '../src/neighbors/exact.js';
import { head, type Labeled } from './data.js';

export interface Quality {
  /** 5-NN accuracy of held-out rows among the training rows, on the map. */
  readonly accuracy: number;
  /** Trustworthiness, 15 neighbors, of the first 5,000 rows: trained on, and held out. */
  readonly trustTrain: number;
  readonly trustHeld: number;
}

/** Scores a map of training rows and the embedding of held-out ones. */
export function quality(train: Labeled, map: Matrix, held: Labeled, heldMap: Matrix): Quality {
  const scored = 5000;
  const knn = { train: map, trainLabels: train.labels, test: heldMap, testLabels: held.labels, k: 5 };
  return {
    accuracy: knnAccuracy(knn),
    trustTrain: trustworthiness(head(train.rows, scored), head(map, scored)),
    trustHeld: trustworthiness(head(held.rows, scored), head(heldMap, scored)),
  };
}

/** The k nearest rows of each row, itself first. */
export function nearest(rows: Matrix, k: number): Promise<Knn> {
  return exact().search(rows, { k, metric: 'euclidean', random: createRandom(1) });
}

/** Share of the rows whose label most of their neighbors have, the nearest one deciding ties. */
export function leaveOneOut({ indices, rows, k }: Knn, labels: Int32Array): number {
  let hits = 0;
  for (let row = 0; row < rows; row++) {
    const votes = Array.from(indices.subarray(row * k + 1, (row + 1) * k), (at) => labels[at]!);
    const count = (label: number) => votes.filter((vote) => vote === label).length;
    const best = votes.reduce((chosen, label) => (count(label) > count(chosen) ? label : chosen));
    if (best === labels[row]) hits++;
  }
  return hits / rows;
}

/** Prints records as an aligned table, columns by the first record's keys. */
export function table(records: readonly Readonly<Record<string, string | number>>[]): void {
  const keys = Object.keys(records[0] ?? {});
  const cells = records.map((record) => keys.map((key) => String(record[key] ?? '')));
  const widths = keys.map((key, c) => Math.max(key.length, ...cells.map((row) => row[c]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, c) => cell.padEnd(widths[c]!)).join(' | ')} |`;
  console.log(line(keys));
  console.log(line(widths.map((width) => '-'.repeat(width))));
  for (const row of cells) console.log(line(row));
}

/** Mean and standard deviation, as `0.912 ± 0.004`. */
export function spread(values: readonly number[], digits = 4): string {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return `${mean.toFixed(digits)} ± ${Math.sqrt(variance).toFixed(digits)}`;
}

/** Largest resident memory of this process so far, in megabytes. */
export function peakMemory(): number {
  return Math.round((process.resourceUsage().maxRSS * 1024) / 1000 ** 2);
}
