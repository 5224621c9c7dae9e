/** Readers of small data files: CSV with an optional label column, and MNIST's IDX. */
import { DataError, describe, OptionError } from '../core/errors.js';
import { resolveOptions } from '../core/options.js';
import { requireNode } from '../core/platform.js';
import { choice, flag, orNull, text } from '../core/rules.js';
import type { Matrix } from '../core/types.js';
import { narrow } from '../data/frame.js';

/** Options of `readCsv`. */
export interface CsvOptions {
  /** Name of the column that holds labels instead of numbers; needs a header. Default null: none. */
  readonly label?: string | null | undefined;
  /** Whether the first line names the columns. Default null: yes if any of its fields is not a number. */
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
 * Reads a table of numbers from a file, or from CSV text (anything that holds a line break). Throws `DataError`
 * with line and column for a field that is not a number, a line with another number of fields, or no rows, and for a
 * column that 32 bits cannot hold (times in milliseconds).
 */
export async function readCsv(source: string | URL, options: CsvOptions = {}): Promise<Csv> {
  const o = resolveOptions<Required<CsvOptions>>('readCsv', options, defaults, rules);
  if (typeof source === 'string' && /[\r\n]/.test(source)) return parse(source, 'readCsv', o);
  const fs = await requireNode<typeof import('node:fs/promises')>('fs/promises', 'readCsv', 'give its text');
  return parse(await fs.readFile(source, 'utf8'), `readCsv ${source}`, o);
}

interface Line {
  readonly fields: readonly string[];
  /** Counted from 1, in the text. */
  readonly number: number;
}

function parse(text: string, who: string, { label, header, separator }: Required<CsvOptions>): Csv {
  const lines = splitLines(text, separator, who);
  const top = lines[0];
  if (top === undefined) throw new DataError(`${who}: at least 1 row wanted, got an empty table`);
  const named = header ?? (label !== null || top.fields.some((field) => Number.isNaN(toNumber(field))));
  const names = named ? top.fields.map((field) => field.trim()) : undefined;
  const rows = named ? lines.slice(1) : lines;
  if (rows.length === 0) throw new DataError(`${who}: at least 1 row wanted, got only a header`);
  const labelAt = label === null ? -1 : (names?.indexOf(label) ?? -1);
  if (label !== null && labelAt < 0) {
    const known = names ? `columns are ${names.join(', ')}` : 'there is no header';
    throw new OptionError(`${who}: no column '${label}' for label; ${known}`);
  }
  const width = top.fields.length;
  const columns = labelAt < 0 ? width : width - 1;
  if (columns === 0) throw new DataError(`${who}: at least 1 column of numbers wanted, got 0`);
  const data = new Float64Array(rows.length * columns);
  const labels: string[] = [];
  let at = 0;
  for (const { fields, number } of rows) {
    if (fields.length !== width) {
      throw new DataError(
        `${who}: line ${number} has ${fields.length} fields, line ${top.number} has ${width}`,
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
        throw new DataError(
          `${who}: line ${number}, column ${column + 1}${name}: a 32-bit number wanted, got ${describe(field)}`,
        );
      }
      data[at++] = value;
    }
  }
  return {
    data: narrow({ data, shape: [rows.length, columns] }, who),
    ...(names && { columns: names.filter((_, column) => column !== labelAt) }),
    ...(labelAt >= 0 && { labels: asNumbers(labels) }),
  };
}

/** Lines that are not blank, split into fields. */
function splitLines(text: string, separator: string, who: string): Line[] {
  const lines: Line[] = [];
  const body = text.startsWith('\ufeff') ? text.slice(1) : text;
  for (const [at, line] of body.split(/\r\n|\n|\r/).entries()) {
    if (line.trim() === '') continue;
    const fields = line.includes('"') ? splitQuoted(line, separator, at + 1, who) : line.split(separator);
    lines.push({ fields, number: at + 1 });
  }
  return lines;
}

/** Fields in double quotes may hold the separator, and a doubled quote for a quote; line breaks they may not. */
function splitQuoted(line: string, separator: string, number: number, who: string): string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!;
    if (quoted && character === '"' && line[i + 1] === '"') {
      field += '"';
      i++;
    } else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      fields.push(field);
      field = '';
    } else field += character;
  }
  if (quoted) throw new DataError(`${who}: line ${number}: a quote is opened and not closed on that line`);
  return [...fields, field];
}

/** NaN for anything but a decimal number; `Number` alone takes '' for 0 and '0x10' for 16. */
function toNumber(field: string): number {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(field) ? Number(field) : Number.NaN;
}

function asNumbers(labels: string[]): number[] | string[] {
  const numbers = labels.map(toNumber);
  return numbers.some(Number.isNaN) ? labels : numbers;
}

/** Numbers of an IDX file in the type that the file names. */
export interface Idx {
  /** All values, row after row. */
  readonly data: Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
  /** Length of each axis, such as `[60000, 28, 28]`. */
  readonly shape: readonly number[];
}

/**
 * Reads bytes of an IDX file, the format of MNIST, gzipped or not. Big-endian numbers come out in the machine's
 * order. Throws `DataError` when the magic number, the type or the size is wrong.
 * Format: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
 */
export async function readIdx(bytes: Uint8Array): Promise<Idx> {
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? await gunzipped(bytes) : bytes;
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  if (plain.length < 4 || plain[0] !== 0 || plain[1] !== 0) {
    const start = Array.from(plain.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new DataError(
      `readIdx: a file that begins 00 00 wanted, got ${plain.length} bytes: ${start || 'none'}`,
    );
  }
  const code = plain[2]!;
  const axes = plain[3]!;
  const type = TYPES.get(code);
  if (type === undefined) {
    const known = [...TYPES.keys()].map(hex).join(', ');
    throw new DataError(`readIdx: number type must be one of ${known}; got ${hex(code)}`);
  }
  const start = 4 + 4 * axes;
  if (axes === 0 || plain.length < start) {
    throw new DataError(
      `readIdx: a header of ${start} bytes for ${axes} axes wanted, file has ${plain.length}`,
    );
  }
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = shape.reduce((product, length) => product * length, 1);
  if (plain.length - start !== size * type.bytes) {
    throw new DataError(
      `readIdx: shape [${shape.join(', ')}] wants ${size * type.bytes} bytes of data, file has ${plain.length - start}`,
    );
  }
  return { data: type.read(view, start, size), shape };
}

async function gunzipped(bytes: Uint8Array): Promise<Uint8Array> {
  const { gunzipSync } = await requireNode<typeof import('node:zlib')>(
    'zlib',
    'readIdx',
    'unpack the file first',
  );
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new DataError(`readIdx: the gzip data is damaged (${(cause as Error).message})`, { cause });
  }
}

function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, '0')}`;
}

type Read = (view: DataView, start: number, size: number) => Idx['data'];

const TYPES: ReadonlyMap<number, { readonly bytes: number; readonly read: Read }> = new Map([
  [
    0x08,
    { bytes: 1, read: (v, at, n) => new Uint8Array(v.buffer as ArrayBuffer, v.byteOffset + at, n).slice() },
  ],
  [0x09, { bytes: 1, read: (v, at, n) => Int8Array.from({ length: n }, (_, i) => v.getInt8(at + i)) }],
  [0x0b, { bytes: 2, read: (v, at, n) => Int16Array.from({ length: n }, (_, i) => v.getInt16(at + 2 * i)) }],
  [0x0c, { bytes: 4, read: (v, at, n) => Int32Array.from({ length: n }, (_, i) => v.getInt32(at + 4 * i)) }],
  [
    0x0d,
    { bytes: 4, read: (v, at, n) => Float32Array.from({ length: n }, (_, i) => v.getFloat32(at + 4 * i)) },
  ],
  [
    0x0e,
    { bytes: 8, read: (v, at, n) => Float64Array.from({ length: n }, (_, i) => v.getFloat64(at + 8 * i)) },
  ],
] satisfies [number, { bytes: number; read: Read }][]);
