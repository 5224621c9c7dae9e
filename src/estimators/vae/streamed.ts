/** Rows that a variational autoencoder reads from a source again in each epoch, since they need not fit into memory. */

import type { Pauses } from '../../core/pauses.js';
import type { PartDone } from '../../core/stages.js';
import type { Random, RowFrame } from '../../core/types.js';
import { blockMatrix } from '../../data/rowSample.js';
import { type RowSource, readBlocks } from '../../data/rowSource.js';
import { shuffledRows } from '../../data/shuffledRows.js';
import { type RowStatistics, standardizeRows } from '../../networks/variational/standardization.js';
import type { BatchStream } from '../../training/streamedForward.js';

/** Most rows, and most values, that wait in memory to be drawn. */
const BUFFER_ROWS = 200_000;
const BUFFER_VALUES = 2 ** 25;

/** All rows of a source that are trained on. */
export interface StreamedRows {
  readonly source: RowSource;
  /** How many there are to train on. */
  readonly rows: number;
  /** Numbers of the held-out rows in the source. */
  readonly held: ReadonlySet<number>;
  readonly frame: RowFrame | undefined;
}

/** A value outside [0, 1]. */
export interface OutsideValue {
  readonly value: number;
  readonly row: number;
  readonly column: number;
}

/** What one pass tells of all rows. */
export interface Scan {
  readonly statistics: RowStatistics;
  /** The first value outside [0, 1]; undefined: there is none. */
  readonly outside: OutsideValue | undefined;
}

/** Mean and deviation of each column (in one pass, by Welford's rule), and the first value outside [0, 1]. */
export async function scanRows(
  { source, held, frame, rows }: StreamedRows,
  pauses: Pauses,
  progress: PartDone,
): Promise<Scan> {
  let sums: ColumnSums | undefined;
  let outside: OutsideValue | undefined;
  for await (const block of readBlocks(source, 'fit')) {
    const { data, shape } = blockMatrix(block, source, 'fit', frame);
    const [, columns] = shape;
    sums ??= columnSums(columns);
    for (let i = 0; i < block.rows; i++) {
      const row = block.first + i;
      if (held.has(row)) continue;
      const values = data.subarray(i * columns, (i + 1) * columns);
      sums.add(values);
      if (outside) continue;
      const column = values.findIndex((value) => !(value >= 0 && value <= 1));
      if (column >= 0) outside = { value: values[column]!, row, column };
    }
    progress((block.first + block.rows) / (rows + held.size));
    await pauses.take();
  }
  return { statistics: sums!.statistics(), outside };
}

interface ColumnSums {
  add(row: Float32Array): void;
  statistics(): RowStatistics;
}

function columnSums(columns: number): ColumnSums {
  const [mean, squares, largest] = [0, 1, 2].map(() => new Float64Array(columns)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let count = 0;
  return {
    add(row) {
      count++;
      for (let c = 0; c < columns; c++) {
        const value = row[c]!;
        const before = value - mean[c]!;
        mean[c]! += before / count;
        squares[c]! += before * (value - mean[c]!);
        largest[c] = Math.max(largest[c]!, Math.abs(value));
      }
    },
    statistics: () => statisticsFrom(mean, squares, largest, count),
  };
}

/**
 * Statistics from the means and the sums of squared deviations of the columns. A column whose deviation is below 1e-7 of its
 * largest value counts as constant: what is left of it is rounding.
 */
export function statisticsFrom(
  mean: Float64Array,
  squares: Float64Array,
  largest: Float64Array,
  rows: number,
): RowStatistics {
  const deviation = Float32Array.from(squares, (sum, c) => {
    const value = Math.sqrt(sum / rows);
    return value > 1e-7 * largest[c]! ? value : 0;
  });
  return { mean: Float32Array.from(mean), deviation };
}

/**
 * Batches of the rows in a new order in each epoch, written into `table`, one row after another, as the networks take them. Close
 * it after the training.
 */
export function rowStream(
  { source, rows, held, frame }: StreamedRows,
  table: Float32Array,
  batchSize: number,
  statistics: RowStatistics | undefined,
  random: Random,
): BatchStream & { close(): Promise<void> } {
  const columns = table.length / batchSize;
  const reader = shuffledRows(source, {
    ...{ batchSize, random, frame },
    bufferRows: Math.max(batchSize, Math.min(BUFFER_ROWS, Math.floor(BUFFER_VALUES / columns))),
    skip: (row) => held.has(row),
  });
  return {
    async fill() {
      const { data } = await reader.next();
      if (statistics) standardizeRows(data, statistics, table);
      else table.set(data);
    },
    skip(batches) {
      const taken = batches * batchSize;
      return reader.restore({ epoch: Math.floor(taken / rows), taken: taken % rows });
    },
    close: () => reader.close(),
  };
}
