/** Parquet, JSON lines and SQL by DuckDB, whose package `@duckdb/node-api` need not be installed. */

import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import { messageOf } from '../../artifact/json.js';
import { DataError } from '../../core/errors.js';
import { importPackage, requireNode } from '../../core/platform.js';
import { checkNames } from './csvTable.js';
import type { Cell, Choice, Column, ColumnType, Table, TableBlock, Values } from './table.js';

/** What DuckDB may keep in memory; beyond it writes to a temporary directory. */
const MEMORY = '512MB';

let opened: Promise<DuckDBConnection> | undefined;

/** A connection to a database in memory, the same at every call. Throws `UnavailableError` with the line to type. */
export function duckdb(caller: string): Promise<DuckDBConnection> {
  opened ??= connect(caller).catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

async function connect(caller: string): Promise<DuckDBConnection> {
  const advice = 'do `npm install @duckdb/node-api`, or give a CSV or .npy file';
  const { DuckDBInstance } = await importPackage<typeof import('@duckdb/node-api')>(
    '@duckdb/node-api',
    caller,
    advice,
  );
  const os = await requireNode<typeof import('node:os')>('os', caller, advice);
  const database = await DuckDBInstance.create(':memory:', {
    memory_limit: MEMORY,
    temp_directory: `${os.tmpdir()}/parametric-umap-duckdb-${process.pid}`,
  });
  return database.connect();
}

/** A name in SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text in SQL. */
export function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** The SQL function that reads each kind of file. */
const readers = {
  parquet: (path: string) => `read_parquet(${literal(path)})`,
  jsonl: (path: string) => `read_json(${literal(path)})`,
} as const;

/** Kinds of files that DuckDB reads. */
export type DuckDBFormat = keyof typeof readers;

/** Opens a file that DuckDB reads. Throws `DataError` with its message for one that is none. */
export function fileTable(path: string, name: string, format: DuckDBFormat): Promise<Table> {
  return relationTable(`SELECT * FROM ${readers[format](path)}`, name);
}

/**
 * Opens the result of a query. It is computed once, into a temporary table, so that every pass reads the same rows in the same
 * order. Throws `DataError` with DuckDB's message for a query that fails.
 */
export async function queryTable(sql: string): Promise<Table> {
  const name = 'the query';
  const connection = await duckdb('read a query');
  const table = `query_${++queries}`;
  await attempt(name, () => connection.run(`CREATE TEMP TABLE ${table} AS ${sql}`));
  return {
    ...(await relationTable(`SELECT * FROM ${table}`, name)),
    close: async () => void (await connection.run(`DROP TABLE IF EXISTS ${table}`)),
  };
}

let queries = 0;

async function relationTable(sql: string, name: string): Promise<Table> {
  const connection = await duckdb(`read ${name}`);
  const described = await attempt(name, () => connection.runAndReadAll(`DESCRIBE ${sql}`));
  const columns = described.getRows().map(([column, type]): Column => {
    return { name: String(column), type: typeOf(String(type)), given: String(type) };
  });
  checkNames(columns, name);
  const counted = await attempt(name, () => connection.runAndReadAll(`SELECT count(*) FROM (${sql})`));
  const rows = Number(counted.getRows()[0]![0]);
  if (rows === 0) throw new DataError(`${name}: expected at least 1 row, got none; check the file or query`);
  return {
    ...{ name, columns, rows },
    async *blocks(choices) {
      const list = choices.map((choice) => expression(choice, columns[choice.at]!));
      const result = await attempt(name, () =>
        connection.stream(`SELECT ${list.join(', ') || '1'} FROM (${sql})`),
      );
      let first = 0;
      for (;;) {
        const chunk = await attempt(name, () => result.fetchChunk());
        if (chunk === null || chunk.rowCount === 0) return;
        yield blockOf(chunk, choices, columns, first);
        first += chunk.rowCount;
      }
    },
  };
}

/** Runs a step of DuckDB. Throws its errors as `DataError`, on one line. */
async function attempt<T>(name: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    const message = messageOf(cause).split('\n')[0]!.trim();
    throw new DataError(`${name}: expected what DuckDB can read, got an error: ${message}`, { cause });
  }
}

const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)|BOOLEAN)$/;

function typeOf(type: string): ColumnType {
  if (NUMBER.test(type)) return 'number';
  if (/^(VARCHAR|ENUM\(.*\)|UUID)$/.test(type)) return 'text';
  const element = /^(.*)\[\d*\]$/.exec(type);
  return element && NUMBER.test(element[1]!) ? 'vector' : 'other';
}

/** A column in the form in which it is quick to read. */
function expression({ asCells }: Choice, { name, type, given }: Column): string {
  const column = quoted(name);
  if (type === 'vector') return `CAST(${column} AS DOUBLE[])`;
  if (type !== 'number') return `CAST(${column} AS VARCHAR)`;
  if (asCells && given === 'BOOLEAN') return `CAST(${column} AS VARCHAR)`;
  return `CAST(${column} AS DOUBLE)`;
}

function blockOf(
  chunk: DuckDBDataChunk,
  choices: readonly Choice[],
  columns: readonly Column[],
  first: number,
): TableBlock {
  const rows = chunk.rowCount;
  const values = choices.map(({ at, asCells }, i): Values => {
    const vector = chunk.getColumnVector(i);
    const { type } = columns[at]!;
    if (type === 'vector') return Array.from({ length: rows }, (_, row) => numbersOf(vector.getItem(row)));
    if (type !== 'number' || asCells) {
      return Array.from({ length: rows }, (_, row) => vector.getItem(row) as Cell);
    }
    const numbers = new Float64Array(rows);
    for (let row = 0; row < rows; row++) numbers[row] = (vector.getItem(row) as number | null) ?? Number.NaN;
    return numbers;
  });
  return { rows, values, where: (row) => `row ${first + row}` };
}

/** The numbers of a list, NaN for those that are null; null for no list. */
function numbersOf(value: unknown): Float64Array | null {
  if (value === null) return null;
  const { items } = value as { items: readonly (number | null)[] };
  return Float64Array.from(items, (item) => item ?? Number.NaN);
}
