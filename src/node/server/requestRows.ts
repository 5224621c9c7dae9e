/** The body of a request as rows for a model: JSON, CSV or `.npy`. */

import { messageOf } from '../../artifact/json.js';
import { DataError, describe } from '../../core/errors.js';
import { type ColumnPlan, unscaledPlan } from '../table/columnPlan.js';
import { csvTableOf } from '../table/csvTable.js';
import { plannedBlocks } from '../table/encodeRows.js';
import { type Cell, type Column, shortList, type Table, type Values } from '../table/table.js';
import { npyBytesTable, VECTOR } from '../table/vectorTable.js';

/** Forms of bodies and replies. */
export type BodyForm = 'json' | 'csv' | 'npy';

/** Rows that a model takes: row after row, as many numbers as `width` in each. */
export interface RequestRows {
  readonly data: Float64Array;
  readonly rows: number;
}

const mediaTypes: readonly (readonly [pattern: RegExp, form: BodyForm])[] = [
  [/^application\/(.*\+)?json\b/i, 'json'],
  [/^text\/(csv|plain)\b/i, 'csv'],
  [/^application\/(x-npy|octet-stream)\b/i, 'npy'],
];

/** The form that a media type names; undefined for another one. */
export function formOf(mediaType: string | undefined): BodyForm | undefined {
  return mediaTypes.find(([pattern]) => pattern.test(mediaType ?? ''))?.[1];
}

/** A request for more rows than the server takes at once. */
export class TooManyRows extends Error {}

/**
 * Reads rows by a plan, or as the numbers that the model takes where there is none. Throws `DataError` for what is not such rows, and
 * `TooManyRows`.
 */
export async function requestRows(
  body: Uint8Array,
  form: BodyForm,
  plan: ColumnPlan | undefined,
  rowShape: readonly number[],
  most: number,
): Promise<RequestRows> {
  const table = await tableOf(body, form, plan);
  // A reply has a place for each row that was sent, so none may be left out.
  const given = plan ?? unscaledPlan(table, rowShape);
  const complete = given.missing === 'drop' ? ({ ...given, missing: 'error' } as const) : given;
  const parts: RequestRows[] = [];
  let rows = 0;
  for await (const block of plannedBlocks(table, complete, [])) {
    const { data, shape } = block.rows;
    rows += shape[0]!;
    if (rows > most) {
      throw new TooManyRows(`body: expected at most ${most} rows, got more; send them in several requests`);
    }
    parts.push({ data, rows: shape[0]! });
  }
  return joinRows(parts);
}

/** Rows one after another. */
export function joinRows(parts: readonly RequestRows[]): RequestRows {
  if (parts.length === 1) return parts[0]!;
  const data = new Float64Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  let rows = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
    rows += part.rows;
  }
  return { data, rows };
}

const NAME = 'body';

async function tableOf(body: Uint8Array, form: BodyForm, plan: ColumnPlan | undefined): Promise<Table> {
  if (form === 'csv') {
    return csvTableOf(
      async function* () {
        yield body;
      },
      NAME,
      { separator: ',', header: null },
    );
  }
  if (form === 'npy') return named(npyBytesTable(body, NAME), plan);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new DataError(`${NAME}: expected JSON, got ${messageOf(cause)}; send [[1, 2, 3], …]`, { cause });
  }
  return jsonTable(json, plan);
}

/** Rows of numbers without names take those of the plan, if it is of number columns alone. */
function named(table: Table, plan: ColumnPlan | undefined): Table {
  if (!plan) return table;
  const [vector] = table.columns;
  const { features } = plan;
  if (features.length === 1 && features[0]!.kind === 'vector') {
    return { ...table, columns: [{ ...vector!, name: features[0]!.name }] };
  }
  if (vector?.shape?.length !== 1 || vector.shape[0] !== features.length) return table;
  return {
    ...table,
    columns: features.map(({ name }) => ({ name, type: 'number' })),
    async *blocks(choices) {
      for await (const { rows, values, where } of table.blocks([{ at: 0 }])) {
        const vectors = values[0] as readonly ArrayLike<number>[];
        const columns = choices.map(({ at }) => Float64Array.from(vectors, (row) => row[at]!));
        yield { rows, values: columns, where };
      }
    },
  };
}

/** `[[…], …]`, `[{ … }, …]`, or `{ rows: … }` with either. */
function jsonTable(json: unknown, plan: ColumnPlan | undefined): Table {
  const list = Array.isArray(json) ? json : (json as { rows?: unknown } | null)?.rows;
  if (!Array.isArray(list) || list.length === 0) {
    throw new DataError(
      `${NAME}: expected at least 1 row, got ${describe(json)}; send [[1, 2, 3], …] or { "rows": … }`,
    );
  }
  const features = plan?.features;
  if (!Array.isArray(list[0])) return objectTable(list);
  const asVector = !features || (features.length === 1 && features[0]!.kind === 'vector');
  if (asVector) {
    const name = features?.[0]?.name ?? VECTOR;
    return cellTable([{ name, type: 'vector' }], list.length, (row) => list[row]);
  }
  for (const [i, row] of list.entries()) {
    if (Array.isArray(row) && row.length === features.length) continue;
    throw new DataError(
      `${NAME}: expected ${features.length} values in row ${i} (${shortList(features.map(({ name }) => name))}), ` +
        `got ${describe(row)}; send one for each column of the model`,
    );
  }
  const columns = features.map(({ name, kind }): Column => ({ name, type: typeOf[kind] }));
  return cellTable(columns, list.length, (row, at) => (list[row] as readonly unknown[])[at]);
}

const typeOf = { number: 'number', vector: 'vector', onehot: 'text' } as const;

/** Rows as objects. The columns are those of the first one. */
function objectTable(list: readonly unknown[]): Table {
  for (const [i, row] of list.entries()) {
    if (typeof row === 'object' && row !== null && !Array.isArray(row)) continue;
    throw new DataError(
      `${NAME}: expected rows of one kind, got ${describe(row)} as row ${i}; send arrays or objects`,
    );
  }
  const rows = list as readonly Readonly<Record<string, unknown>>[];
  const columns = Object.entries(rows[0]!).map(([name, first]): Column => {
    // A missing value says no type: the first row with one does.
    const value = first ?? rows.find((row) => (row[name] ?? null) !== null)?.[name];
    return { name, type: Array.isArray(value) ? 'vector' : typeof value === 'string' ? 'text' : 'number' };
  });
  return cellTable(columns, rows.length, (row, at) => rows[row]![columns[at]!.name]);
}

/** A table whose cells are looked up. */
function cellTable(
  columns: readonly Column[],
  rows: number,
  cell: (row: number, column: number) => unknown,
): Table {
  return {
    ...{ name: NAME, columns, rows },
    async *blocks(choices) {
      const values = choices.map(({ at, asCells }): Values => {
        const { name, type } = columns[at]!;
        if (type === 'vector')
          return Array.from({ length: rows }, (_, row) => vectorOf(cell(row, at), name, row));
        if (asCells || type === 'text')
          return Array.from({ length: rows }, (_, row) => (cell(row, at) ?? null) as Cell);
        const numbers = new Float64Array(rows);
        for (let row = 0; row < rows; row++) numbers[row] = numberOf(cell(row, at), name, row);
        return numbers;
      });
      yield { rows, values, where: (row) => `row ${row}` };
    },
  };
}

function numberOf(value: unknown, column: string, row: number): number {
  if (value === null || value === undefined) return Number.NaN;
  if (typeof value === 'number') return value;
  throw new DataError(
    `${NAME}: expected a number in row ${row}, column ${column}, got ${describe(value)}; send a number`,
  );
}

function vectorOf(value: unknown, column: string, row: number): ArrayLike<number> | null {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) {
    const flat = value.some(Array.isArray) ? (value.flat(Number.POSITIVE_INFINITY) as unknown[]) : value;
    const numbers = new Float64Array(flat.length);
    for (let i = 0; i < numbers.length; i++) numbers[i] = numberOf(flat[i], column, row);
    return numbers;
  }
  throw new DataError(
    `${NAME}: expected a list of numbers in row ${row}, got ${describe(value)}; send rows of one kind`,
  );
}
