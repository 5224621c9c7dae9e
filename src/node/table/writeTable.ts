/** Tables as files: CSV, TSV, JSON lines, Parquet (by DuckDB) and `.npy`, or on the standard output. */

import type { Writable } from 'node:stream';
import { temporaryName } from '../../artifact/atomicSwap.js';
import { OptionError } from '../../core/errors.js';
import { requireNode } from '../../core/platform.js';
import { rowSource } from '../../data/rowSource.js';
import { fileSystem, writeNpy } from '../npy.js';
import { duckdb, literal, quoted } from './duckdb.js';
import type { Cell } from './table.js';

/** Some rows of the table that is written, by column. */
export type OutputBlock = readonly (ArrayLike<number> | readonly Cell[])[];

/** A table that is written block by block. */
export interface OutputTable {
  readonly columns: readonly { readonly name: string; readonly type: 'number' | 'text' }[];
  /** Rows in each block, and their values by column. */
  readonly blocks: AsyncIterable<{ readonly rows: number; readonly values: OutputBlock }>;
}

const endings: Readonly<Record<string, RegExp>> = {
  csv: /\.(csv|txt)$/i,
  tsv: /\.(tsv|tab)$/i,
  jsonl: /\.(jsonl|ndjson)$/i,
  parquet: /\.(parquet|pq)$/i,
  npy: /\.npy$/i,
};

/** Names of the formats. */
export const outputFormats: readonly string[] = Object.keys(endings);

/** The format of a file: as given, by its ending, or CSV on the standard output. Throws `OptionError`. */
export function outputFormat(path: string, given: string | null = null): string {
  const format = given ?? (path === '-' ? 'csv' : outputFormats.find((name) => endings[name]!.test(path)));
  if (format === undefined) {
    throw new OptionError(
      `${path}: expected a name that ends in .csv, .tsv, .jsonl, .parquet or .npy, got another; give one of them`,
    );
  }
  if (path !== '-' || format === 'csv' || format === 'tsv' || format === 'jsonl') return format;
  throw new OptionError(`-: expected csv, tsv or jsonl on the standard output, got ${format}; give a file`);
}

/**
 * Writes a table. A file is written beside its place and moved there when it is complete, so that an error leaves an older file
 * as it was. `.npy` holds the numbers alone. Returns the number of rows.
 */
export async function writeTable(
  path: string,
  table: OutputTable,
  format = outputFormat(path),
): Promise<number> {
  if (path === '-') return writeText(process.stdout, table, format);
  if (format === 'npy') return writeNumbers(path, table);
  const fs = await fileSystem('write a table');
  const paths = await requireNode<typeof import('node:path')>('path', 'write a table', 'give another format');
  await fs.mkdir(paths.dirname(paths.resolve(path)), { recursive: true });
  const temporary = `${await temporaryName(path)}.new`;
  try {
    const rows = await (format === 'parquet'
      ? writeParquet(temporary, table)
      : writeTextFile(temporary, table, format));
    await fs.rename(temporary, path);
    return rows;
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

async function writeNumbers(path: string, { columns, blocks }: OutputTable): Promise<number> {
  const chosen = columns.flatMap(({ type }, c) => (type === 'number' ? [c] : []));
  const source = rowSource(async function* () {
    for await (const { rows, values } of blocks) {
      const data = new Float32Array(rows * chosen.length);
      for (const [i, c] of chosen.entries()) {
        for (let row = 0; row < rows; row++) data[row * chosen.length + i] = values[c]![row] as number;
      }
      yield { data, shape: [rows, chosen.length] };
    }
  });
  const { shape } = await writeNpy(path, source);
  return shape[0]!;
}

async function writeTextFile(path: string, table: OutputTable, format: string): Promise<number> {
  const { createWriteStream } = await requireNode<typeof import('node:fs')>(
    'fs',
    'write a table',
    'print it',
  );
  const { once } = await events();
  const stream = createWriteStream(path, { flags: 'wx' });
  const failed = new Promise<never>((_, reject) => stream.once('error', reject));
  failed.catch(() => {});
  const rows = await Promise.race([writeText(stream, table, format), failed]);
  stream.end();
  await Promise.race([once(stream, 'close'), failed]);
  return rows;
}

function events() {
  return requireNode<typeof import('node:events')>('events', 'write a table', 'give another format');
}

async function writeText(
  stream: Writable,
  { columns, blocks }: OutputTable,
  format: string,
): Promise<number> {
  const { once } = await events();
  const separator = format === 'tsv' ? '\t' : ',';
  let total = 0;
  const names = columns.map(({ name }) => name);
  if (format !== 'jsonl') stream.write(lineOf(names, separator));
  for await (const { rows, values } of blocks) {
    let text = '';
    for (let row = 0; row < rows; row++) {
      const cells = cellsAt(values, row);
      text +=
        format === 'jsonl'
          ? `${JSON.stringify(Object.fromEntries(names.map((name, i) => [name, jsonValue(cells[i]!, columns[i]!.type)])))}\n`
          : lineOf(cells, separator);
    }
    total += rows;
    if (!stream.write(text)) await once(stream, 'drain');
  }
  return total;
}

/** A cell as JSON has it: in a column of numbers, a number that was read as text. */
function jsonValue(cell: Cell, type: 'number' | 'text'): Cell {
  return type === 'number' && typeof cell === 'string' ? Number(cell) : cell;
}

/** Lines of CSV with a header. */
export function csvText(names: readonly string[], rows: number, values: OutputBlock): string {
  let text = lineOf(names, ',');
  for (let row = 0; row < rows; row++) text += lineOf(cellsAt(values, row), ',');
  return text;
}

function cellsAt(values: OutputBlock, row: number): Cell[] {
  return values.map((column) => column[row] as Cell);
}

/** A line of a CSV file. */
function lineOf(cells: readonly (Cell | undefined)[], separator: string): string {
  return `${cells.map((cell) => fieldOf(cell, separator)).join(separator)}\n`;
}

/** A field of a CSV file (RFC 4180): in quotes where it holds a separator, a quote or a line break. */
function fieldOf(value: Cell | undefined, separator: string): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '';
  const text = String(value);
  return text.includes(separator) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

let written = 0;

async function writeParquet(path: string, { columns, blocks }: OutputTable): Promise<number> {
  const connection = await duckdb('write a Parquet file');
  const table = `written_${++written}`;
  const types = columns.map(
    ({ name, type }) => `${quoted(name)} ${type === 'number' ? 'DOUBLE' : 'VARCHAR'}`,
  );
  await connection.run(`CREATE TEMP TABLE ${table} (${types.join(', ')})`);
  try {
    const appender = await connection.createAppender(table);
    let total = 0;
    for await (const { rows, values } of blocks) {
      for (let row = 0; row < rows; row++) {
        for (const [c, { type }] of columns.entries()) {
          const value = values[c]![row] as Cell;
          if (value === null || Number.isNaN(value)) appender.appendNull();
          else if (type === 'number') appender.appendDouble(Number(value));
          else appender.appendVarchar(String(value));
        }
        appender.endRow();
      }
      total += rows;
    }
    appender.closeSync();
    await connection.run(`COPY ${table} TO ${literal(path)} (FORMAT parquet)`);
    return total;
  } finally {
    await connection.run(`DROP TABLE ${table}`);
  }
}
