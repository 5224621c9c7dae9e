/** Learns from one pass over a table how its columns become rows, and keeps the rows in a temporary file for the passes of a fit. */

import { DataError } from '../../core/errors.js';
import { requireNode } from '../../core/platform.js';
import { type RowSource, rowSource } from '../../data/rowSource.js';
import { fileSystem, openNpy, writeNpy } from '../npy.js';
import type { ChosenColumns, ColumnPlan, Feature } from './columnPlan.js';
import { encodedRows } from './encodeRows.js';
import { type RawColumn, rawWidth, readRaw } from './rawRows.js';
import { type Cell, type Choice, type Column, columnAt, type Table, type TableBlock } from './table.js';

/** Most categories of a column that is encoded. */
const MOST_CATEGORIES = 1000;

/** The rows of a table, ready for a fit. */
export interface LearnedTable {
  readonly plan: ColumnPlan;
  /** The rows, encoded and scaled; read from a temporary file. */
  readonly rows: RowSource;
  /** The label of each row, where a column of labels was named. */
  readonly labels: Cell[] | undefined;
  /** Rows that were left out, since a value was missing. */
  readonly dropped: number;
  /** Removes the temporary file. */
  close(): Promise<void>;
}

/**
 * Reads the table once: statistics of its columns (exact, over all rows), categories, labels, and the rows themselves. Throws
 * `DataError` for missing values where these are errors, and for a column without any value.
 */
export async function learnColumns(table: Table, chosen: ChosenColumns): Promise<LearnedTable> {
  const fs = await fileSystem('read a table');
  const os = await requireNode<typeof import('node:os')>('os', 'read a table', 'pass rows in memory');
  const folder = await fs.mkdtemp(`${os.tmpdir()}/parametric-umap-rows-`);
  const close = () => fs.rm(folder, { recursive: true, force: true });
  try {
    const file = `${folder}/rows.npy`;
    const pass = firstPass(table, chosen);
    await writeNpy(
      file,
      rowSource(() => pass.blocks()),
    );
    const plan = pass.plan();
    const raw = await openNpy(file);
    return { plan, rows: encodedRows(raw, plan), labels: pass.labels, dropped: pass.dropped(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Statistics of one number of a row. */
interface Statistics {
  readonly count: Float64Array;
  readonly mean: Float64Array;
  /** Sum of squared distances from the mean (Welford 1962). */
  readonly squares: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

function firstPass(table: Table, chosen: ChosenColumns) {
  const labels: Cell[] | undefined = chosen.label === null ? undefined : [];
  const choices: Choice[] = chosen.columns.map(({ at, column }) => ({ at, asCells: column.type === 'text' }));
  if (chosen.label !== null) choices.push({ at: columnAt(table, chosen.label, 'label'), asCells: true });
  let columns: RawColumn[] = [];
  let categories: string[][] = [];
  let statistics: Statistics | undefined;
  let dropped = 0;

  function begin(block: TableBlock): Statistics {
    categories = chosen.columns.map(() => []);
    columns = chosen.columns.map(({ column }, c) => rawColumn(column, block, c, categories[c]!));
    return emptyStatistics(rawWidth(columns));
  }

  return {
    labels,
    dropped: () => dropped,
    async *blocks() {
      for await (const block of table.blocks(choices)) {
        statistics ??= begin(block);
        const { data, rows, kept } = readRaw(block, columns, chosen.missing, table.name);
        dropped += block.rows - rows;
        addStatistics(statistics, data);
        if (labels) {
          const cells = block.values[chosen.columns.length]! as readonly Cell[];
          for (const row of kept) labels.push(cells[row]!);
        }
        if (rows > 0) yield { data, shape: [rows, rawWidth(columns)] };
      }
      if (dropped > 0 && statistics!.count.every((count) => count === 0)) {
        throw new DataError(
          `${table.name}: expected at least 1 row without missing values, got none of ${dropped}; do --missing mean`,
        );
      }
    },
    plan: () => planOf(chosen, columns, categories, statistics!, table.name),
  };
}

function rawColumn(column: Column, block: TableBlock, at: number, categories: string[]): RawColumn {
  const { name, type } = column;
  if (type === 'number') return { name, kind: 'number', width: 1 };
  if (type === 'vector') {
    const vectors = block.values[at]! as readonly (ArrayLike<number> | null)[];
    const width = vectors.find((vector) => vector !== null)?.length ?? 0;
    if (width === 0) throw new DataError(`column ${name}: expected vectors, got none in the first rows`);
    return { name, kind: 'vector', width };
  }
  const numbers = new Map<string, number>();
  return {
    ...{ name, kind: 'onehot', width: 1 },
    category(text) {
      const known = numbers.get(text);
      if (known !== undefined) return known;
      if (numbers.size === MOST_CATEGORIES) {
        throw new DataError(
          `column ${name}: expected at most ${MOST_CATEGORIES} different texts to encode, got more; leave it out with --exclude`,
        );
      }
      numbers.set(text, numbers.size);
      categories.push(text);
      return numbers.size - 1;
    },
  };
}

function emptyStatistics(width: number): Statistics {
  return {
    count: new Float64Array(width),
    mean: new Float64Array(width),
    squares: new Float64Array(width),
    low: new Float64Array(width).fill(Number.POSITIVE_INFINITY),
    high: new Float64Array(width).fill(Number.NEGATIVE_INFINITY),
  };
}

function addStatistics({ count, mean, squares, low, high }: Statistics, data: Float64Array): void {
  const width = count.length;
  for (let i = 0, c = 0; i < data.length; i++, c = c + 1 === width ? 0 : c + 1) {
    const value = data[i]!;
    if (!Number.isFinite(value)) continue;
    const before = value - mean[c]!;
    mean[c]! += before / ++count[c]!;
    squares[c]! += before * (value - mean[c]!);
    if (value < low[c]!) low[c] = value;
    if (value > high[c]!) high[c] = value;
  }
}

function planOf(
  chosen: ChosenColumns,
  columns: readonly RawColumn[],
  categories: readonly string[][],
  statistics: Statistics,
  table: string,
): ColumnPlan {
  const features: Feature[] = [];
  const shift: number[] = [];
  const factor: number[] = [];
  const mean: number[] = [];
  let at = 0;
  for (const [c, { name, kind, width }] of columns.entries()) {
    const none = statistics.count.subarray(at, at + width).indexOf(0);
    if (none >= 0) {
      throw new DataError(
        `${table}: expected values in column ${name}, got none; leave it out with --exclude ${name}`,
      );
    }
    if (kind === 'onehot') {
      const known = categories[c]!;
      features.push({ name, kind, width: known.length, categories: known });
      // Not scaled, and a missing text has no category.
      for (const list of [shift, mean]) list.push(...known.map(() => 0));
      factor.push(...known.map(() => 1));
    } else {
      const { shape } = chosen.columns[c]!.column;
      features.push({ name, kind, width, ...(shape && { shape }) });
      for (let i = at; i < at + width; i++) {
        const [by, times] = scaleOf(chosen.scaling, statistics, i);
        shift.push(by);
        factor.push(times);
        mean.push(statistics.mean[i]!);
      }
    }
    at += width;
  }
  const { label, id, scaling, missing } = chosen;
  const numbers = {
    shift: Float64Array.from(shift),
    factor: Float64Array.from(factor),
    mean: Float64Array.from(mean),
  };
  return { features, label, id, scaling, missing, ...numbers };
}

/** Shift and factor of a number; a constant one is only shifted. */
function scaleOf(
  scaling: ColumnPlan['scaling'],
  { count, mean, squares, low, high }: Statistics,
  i: number,
): readonly [shift: number, factor: number] {
  if (scaling === 'none') return [0, 1];
  const [shift, spread] =
    scaling === 'minmax' ? [low[i]!, high[i]! - low[i]!] : [mean[i]!, Math.sqrt(squares[i]! / count[i]!)];
  return [shift, high[i]! > low[i]! && spread > 0 ? 1 / spread : 1];
}
