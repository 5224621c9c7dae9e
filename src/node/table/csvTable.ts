/** CSV and TSV files as tables. */

import { DataError, describe } from '../../core/errors.js';
import { isMissing, isText, readRecords, toNumber } from '../csvRecords.js';
import { fileSystem } from '../npy.js';
import type { Cell, Choice, Column, Table, TableBlock, Values } from './table.js';

/** Rows from which names and types of the columns are found. */
const SAMPLE = 10_000;

/** How a CSV file is read. */
export interface CsvFormat {
  readonly separator: ',' | ';' | '\t';
  /** Whether the first line names the columns; null: yes if any of its fields is text. */
  readonly header: boolean | null;
}

/** Opens a CSV file; see `csvTableOf`. */
export function csvTable(path: string, name: string, format: CsvFormat): Promise<Table> {
  return csvTableOf(() => fileOf(path), name, format);
}

/**
 * Opens CSV that comes in pieces, from the start at each call. A column is text if one of its fields among the first 10,000 rows is neither a number nor missing. Without
 * a header the columns are named `c1`, `c2`, and so on. Throws `DataError` for an empty file, and for two columns of one name.
 */
export async function csvTableOf(
  pieces: () => AsyncIterable<Uint8Array>,
  name: string,
  format: CsvFormat,
): Promise<Table> {
  const { columns, header, width, firstLine } = await headOf(pieces, name, format);
  return {
    name,
    columns,
    async *blocks(choices) {
      let seen = false;
      for await (const records of readRecords(pieces(), name, format.separator)) {
        const rows = header && !seen ? records.slice(1) : records;
        seen ||= records.length > 0;
        for (const { fields, line } of rows) {
          if (fields.length !== width) throw wrongWidth(name, fields.length, width, line, firstLine);
        }
        if (rows.length > 0) yield blockOf(rows, choices, columns, name, format.separator);
      }
    },
  };
}

async function* fileOf(path: string): AsyncGenerator<Uint8Array, void, void> {
  const fs = await fileSystem('read a CSV file');
  const handle = await fs.open(path);
  try {
    const size = 2 ** 18;
    for (;;) {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(size), 0, size);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

interface Head {
  readonly columns: readonly Column[];
  readonly header: boolean;
  readonly width: number;
  readonly firstLine: number;
}

async function headOf(
  pieces: () => AsyncIterable<Uint8Array>,
  name: string,
  { separator, header: given }: CsvFormat,
): Promise<Head> {
  let first: readonly string[] | undefined;
  let firstLine = 0;
  let text: boolean[] = [];
  let rows = 0;
  let header = false;
  for await (const records of readRecords(pieces(), name, separator)) {
    for (const { fields, line } of records) {
      if (first === undefined) {
        [first, firstLine] = [fields, line];
        text = fields.map(() => false);
        header = given ?? fields.some(isText);
        if (header) continue;
      }
      // Not one row more, so that the types do not depend on how the file is cut into pieces.
      if (rows === SAMPLE) break;
      rows++;
      for (let c = 0; c < text.length; c++) text[c] ||= isText(fields[c] ?? '');
    }
    if (rows === SAMPLE) break;
  }
  if (first === undefined || rows === 0) {
    const found = first === undefined ? 'an empty file' : 'only a header';
    throw new DataError(`${name}: expected at least 1 row, got ${found}; check the file`);
  }
  const columns = first.map((field, c): Column => {
    return { name: header ? field.trim() : `c${c + 1}`, type: text[c] ? 'text' : 'number' };
  });
  checkNames(columns, name);
  return { columns, header, width: first.length, firstLine };
}

/** Throws `DataError` for two columns of one name. */
export function checkNames(columns: readonly Column[], table: string): void {
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name)) {
      throw new DataError(
        `${table}: expected columns of different names, got '${name}' twice; rename one of them`,
      );
    }
    seen.add(name);
  }
}

function wrongWidth(name: string, found: number, width: number, line: number, firstLine: number): DataError {
  return new DataError(
    `${name}: expected ${width} fields in line ${line}, as in line ${firstLine}, got ${found}; ` +
      'put fields that hold the separator in double quotes',
  );
}

type Records = readonly { readonly fields: readonly string[]; readonly line: number }[];

function blockOf(
  records: Records,
  choices: readonly Choice[],
  columns: readonly Column[],
  name: string,

  separator: string,
): TableBlock {
  const values = choices.map(({ at: c, asCells }): Values => {
    if (asCells || columns[c]!.type !== 'number') return records.map(({ fields }) => cellOf(fields[c]!));
    const numbers = new Float64Array(records.length);
    for (let i = 0; i < numbers.length; i++) {
      const field = records[i]!.fields[c]!;
      const value = toNumber(field);
      if (Number.isNaN(value) && !isMissing(field)) {
        throw notNumber(name, columns[c]!.name, field, records[i]!.line, separator);
      }
      numbers[i] = value;
    }
    return numbers;
  });
  return { rows: records.length, values, where: (row) => `line ${records[row]!.line}` };
}

function cellOf(field: string): Cell {
  const trimmed = field.trim();
  return isMissing(trimmed) ? null : trimmed;
}

function notNumber(table: string, column: string, field: string, line: number, separator: string): DataError {
  const shown = describe(field.length > 40 ? `${field.slice(0, 40)}…` : field);
  const other = [',', ';', '\t'].find((mark) => mark !== separator && field.includes(mark));
  const remedy =
    other === undefined
      ? `correct it, or leave the column out with --exclude ${column}`
      : `do --separator ${describe(other)} if that is between the fields`;
  return new DataError(
    `${table}: expected a number in line ${line}, column ${column}, as in the rows before, got ${shown}; ${remedy}`,
  );
}
