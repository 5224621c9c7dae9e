/** Rows of a table through a model, block by block, with the cells that are carried along. */

import { DataError } from '../../core/errors.js';
import type { MatrixInput } from '../../data/matrix.js';
import type { ColumnPlan } from './columnPlan.js';
import { plannedBlocks } from './encodeRows.js';
import type { Cell, Table } from './table.js';
import type { OutputTable } from './writeTable.js';

/** What embeds rows. */
export interface Embedder {
  transform(rows: MatrixInput): Promise<MatrixInput>;
}

/** Embedded rows of a table. */
export interface EmbeddedBlock {
  readonly rows: number;
  /** The embedding, row after row. */
  readonly z: Float32Array;
  readonly dimensions: number;
  /** The cells of each column that is carried along. */
  readonly carried: readonly (readonly Cell[])[];
}

/** How many rows were read. */
export interface RowCounts {
  rows: number;
  /** Left out, since a value was missing. */
  dropped: number;
}

/** Rows that pass the network together, at least. */
const BATCH = 4096;

/** Embeds a table. `counts` is kept up to date. Throws as `plannedBlocks` does. */
export async function* embedTable(
  model: Embedder,
  table: Table,
  plan: ColumnPlan,
  carry: readonly string[],
  counts: RowCounts,
): AsyncGenerator<EmbeddedBlock, void, void> {
  for await (const { data, shape, carried } of batches(table, plan, carry, counts)) {
    const embedded = (await model.transform({ data, shape })) as {
      data: Float32Array;
      shape: readonly number[];
    };
    const [rows = 0, dimensions = 1] = embedded.shape;
    yield { rows, z: embedded.data, dimensions, carried };
  }
  if (counts.rows === 0) {
    throw new DataError(
      `${table.name}: expected at least 1 row without missing values, got none of ${counts.dropped}; do --missing mean when fitting`,
    );
  }
}

interface Batch {
  readonly data: Float64Array;
  readonly shape: readonly number[];
  readonly carried: readonly (readonly Cell[])[];
}

/** Blocks of a table, put together where they are small. */
export async function* batches(
  table: Table,
  plan: ColumnPlan,
  carry: readonly string[],
  counts: RowCounts,
): AsyncGenerator<Batch, void, void> {
  let parts: Batch[] = [];
  let waiting = 0;
  for await (const { rows, carried, dropped } of plannedBlocks(table, plan, carry)) {
    counts.dropped += dropped;
    counts.rows += rows.shape[0]!;
    if (rows.shape[0]! > 0) parts.push({ ...rows, carried });
    waiting += rows.shape[0]!;
    if (waiting < BATCH) continue;
    yield joined(parts);
    [parts, waiting] = [[], 0];
  }
  if (parts.length > 0) yield joined(parts);
}

function joined(parts: readonly Batch[]): Batch {
  const [first] = parts;
  if (parts.length === 1) return first!;
  const data = new Float64Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  const rows = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const carried = first!.carried.map((_, c) => parts.flatMap((part) => part.carried[c]!));
  return { data, shape: [rows, ...first!.shape.slice(1)], carried };
}

/** Names of the coordinates of an embedding: x, y, z, or z1, z2, and so on. */
export function coordinateNames(dimensions: number): readonly string[] {
  if (dimensions <= 3) return ['x', 'y', 'z'].slice(0, dimensions);
  return Array.from({ length: dimensions }, (_, i) => `z${i + 1}`);
}

/**
 * An embedding as a table to be written: the id, the coordinates, and the other columns of `keep`, which are among those that the
 * blocks carry.
 */
export function embeddingTable(
  blocks: AsyncIterable<EmbeddedBlock>,
  dimensions: number,
  table: Table,
  keep: readonly string[],
  carry: readonly string[],
  id: string | null,
): OutputTable {
  const coordinates = coordinateNames(dimensions);
  const first = keep.filter((name) => name === id);
  const rest = keep.filter((name) => name !== id);
  const typed = (name: string) => ({ name: clearOf(name, coordinates), type: typeOf(table, name) });
  return {
    columns: [
      ...first.map(typed),
      ...coordinates.map((name) => ({ name, type: 'number' as const })),
      ...rest.map(typed),
    ],
    blocks: (async function* () {
      for await (const { rows, z, carried } of blocks) {
        const at = (name: string) => carried[carry.indexOf(name)]!;
        const positions = coordinates.map((_, c) =>
          Float64Array.from({ length: rows }, (_, row) => z[row * dimensions + c]!),
        );
        yield { rows, values: [...first.map(at), ...positions, ...rest.map(at)] };
      }
    })(),
  };
}

/** The name of a carried column beside the coordinates: a column `x` of the source becomes `x_source`. */
function clearOf(name: string, coordinates: readonly string[]): string {
  return coordinates.includes(name) ? `${name}_source` : name;
}

function typeOf(table: Table, name: string): 'number' | 'text' {
  return table.columns.find((column) => column.name === name)?.type === 'number' ? 'number' : 'text';
}

/**
 * The columns whose cells go into the file of an embedding: those that are asked for; else the id and the label, as far as the
 * file has them, and in a Parquet file all columns but vectors.
 */
export function carriedColumns(
  table: Table,
  { id, label }: Pick<ColumnPlan, 'id' | 'label'>,
  keep: readonly string[] | null,
  format: string | null,
): readonly string[] {
  const all = table.columns.filter(({ type }) => type !== 'vector').map(({ name }) => name);
  if (keep !== null && !(keep.length === 1 && keep[0] === 'all')) return [...new Set(keep)];
  if (keep !== null || format === 'parquet') return all;
  return all.filter((name) => name === id || name === label);
}
