/** CSV files as tables of numbers, and labels if there are any. */
import { DataError, describe, OptionError } from '../core/errors.js';
import { resolveOptions } from '../core/options.js';
import { requireNode } from '../core/platform.js';
import { choice, flag, orNull, text } from '../core/rules.js';
import type { Matrix } from '../core/types.js';
import { narrow } from '../data/frame.js';
import { isMissing, isText, piecesOf, readRecords, toNumber } from './csvRecords.js';

/** Options of `readCsv`. */
export interface CsvOptions {
  /** Name of the column that holds labels instead of numbers; needs a header. Default null: none. */
  readonly label?: string | null | undefined;
  /** Whether the first line names the columns. Default null: yes if any of its fields is text. */
  readonly header?: boolean | null | undefined;
  /** Between fields. Default ','. */
  readonly separator?: ',' | ';' | '\t' | undefined;
}

/** A CSV file that was read: numbers, and labels if there are any. */
export interface Csv {
  /** The numbers, without the column of labels. */
  readonly data: Matrix;
  /** Names of the columns of `data`; absent without a header. */
  readonly columns?: readonly string[];
  /** Present when `label` was given: numbers if every label is one, else text. */
  readonly labels?: number[] | string[];
}

const defaults: Readonly<Required<CsvOptions>> = Object.freeze({ label: null, header: null, separator: ',' });

const rules = {
  label: orNull(text('the name of a column', { empty: true })),
  header: orNull(flag),
  separator: choice(',', ';', '\t'),
};

/**
 * Reads a table of numbers from a file, or from CSV text (anything that holds a line break). A file is read piece by
 * piece, so that it may be far larger than memory if its numbers are not: they take 20 bytes each while they are read
 * and 4 afterwards.
 *
 * Fields may stand in double quotes and then hold separators, line breaks, and doubled quotes. Blank lines, spaces around
 * fields and a byte order mark are skipped; lines end in any of the usual ways.
 *
 * Throws `DataError` with line and column for a missing value and for a field that is not a number; with the line for
 * another number of fields and for a quote that is out of place or never closed; without rows; and for a column that 32 bits
 * cannot hold (times in milliseconds). Throws `OptionError` for a `label` that no column has.
 */
export async function readCsv(source: string | URL, options: CsvOptions = {}): Promise<Csv> {
  const resolved = resolveOptions<Required<CsvOptions>>('readCsv', options, defaults, rules);
  const given = typeof source === 'string' && /[\r\n]/.test(source);
  const caller = given ? 'readCsv' : `readCsv ${source}`;
  const table = tableOf(caller, resolved);
  const pieces = given ? piecesOf(source) : await open(source);
  for await (const records of readRecords(pieces, caller, resolved.separator)) {
    for (const { fields, line } of records) table.add(fields, line);
  }
  return table.finish();
}

async function open(source: string | URL): Promise<AsyncIterable<Uint8Array>> {
  const fs = await requireNode<typeof import('node:fs')>('fs', 'readCsv', 'give its text');
  return fs.createReadStream(source);
}

/** What is kept of the rows. */
interface Table {
  add(fields: readonly string[], line: number): void;
  finish(): Csv;
}

function tableOf(caller: string, { label, header, separator }: Required<CsvOptions>): Table {
  const numbers = growing();
  const labels: string[] = [];
  let names: string[] | undefined;
  let width = 0;
  let firstLine = 0;
  let labelAt = -1;
  let rows = 0;

  function begin(fields: readonly string[], line: number): void {
    width = fields.length;
    firstLine = line;
    if (header ?? (label !== null || fields.some(isText))) names = fields.map((field) => field.trim());
    if (label !== null) labelAt = labelColumn(label, names, caller);
    if (width - (labelAt < 0 ? 0 : 1) > 0) return;
    throw new DataError(
      `${caller}: expected at least 1 column of numbers, got only that of the labels; check separator`,
    );
  }

  return {
    add(fields, line) {
      if (width === 0) {
        begin(fields, line);
        if (names) return;
      }
      if (fields.length !== width) {
        throw new DataError(
          `${caller}: expected ${width} fields in line ${line}, as in line ${firstLine}, got ${fields.length}; ` +
            'put fields that hold the separator in double quotes',
        );
      }
      for (let column = 0; column < width; column++) {
        const field = fields[column]!;
        if (column === labelAt) {
          labels.push(field.trim());
          continue;
        }
        const value = toNumber(field);
        if (!Number.isFinite(Math.fround(value))) {
          const name = names ? ` (${names[column]})` : '';
          const place = `line ${line}, column ${column + 1}${name}`;
          throw new DataError(
            `${caller}: expected a 32-bit number at ${place}, got ${whatIs(field, value, separator)}`,
          );
        }
        numbers.push(value);
      }
      rows++;
    },
    finish() {
      if (rows === 0) {
        const found = width === 0 ? 'an empty table' : 'only a header';
        throw new DataError(`${caller}: expected at least 1 row, got ${found}; check the file`);
      }
      return {
        data: narrow({ data: numbers.take(), shape: [rows, width - (labelAt < 0 ? 0 : 1)] }, caller),
        ...(names && { columns: names.filter((_, column) => column !== labelAt) }),
        ...(labelAt >= 0 && { labels: asNumbers(labels) }),
      };
    },
  };
}

function labelColumn(label: string, names: readonly string[] | undefined, caller: string): number {
  const at = names?.indexOf(label) ?? -1;
  if (at >= 0) return at;
  throw new OptionError(
    names
      ? `${caller}: expected label to name a column, got '${label}'; columns are ${names.join(', ')}`
      : `${caller}: expected a header that names label '${label}', got header: false; leave one of the two out`,
  );
}

/** Numbers of which there may be any number, in blocks, so that none is copied before the end. */
function growing(): { push(value: number): void; take(): Float64Array } {
  const size = 65536;
  const full: Float64Array[] = [];
  let block = new Float64Array(size);
  let used = 0;
  return {
    push(value) {
      if (used === size) {
        full.push(block);
        block = new Float64Array(size);
        used = 0;
      }
      block[used++] = value;
    },
    take() {
      const all = new Float64Array(full.length * size + used);
      full.forEach((part, i) => void all.set(part, i * size));
      all.set(block.subarray(0, used), full.length * size);
      full.length = 0;
      return all;
    },
  };
}

/** What stands in the place of a number, and what to do about it. */
function whatIs(field: string, value: number, separator: string): string {
  const shown = describe(field.length > 40 ? `${field.slice(0, 40)}…` : field);
  if (isMissing(field)) return `${shown}, a missing value; fill it in or leave out the row`;
  if (!Number.isNaN(value)) return `${shown}, which is too large; divide the column`;
  const other = [',', ';', '\t'].find((mark) => mark !== separator && field.includes(mark));
  if (other !== undefined)
    return `${shown}; give separator: ${describe(other)} if that is between the fields`;
  return `${shown}; leave out the column, or name it as label if it holds labels`;
}

function asNumbers(labels: string[]): number[] | string[] {
  const numbers = labels.map(toNumber);
  return numbers.some(Number.isNaN) ? labels : numbers;
}
