/** The rows of a CSV file, piece by piece, each with the line on which it begins. */
import { DataError } from '../core/errors.js';

/** Text in pieces that end with a line, so that none ends within a character. */
export function* piecesOf(source: string): Generator<string> {
  for (let from = 0; from < source.length; ) {
    const lineEnd = source.indexOf('\n', from + 65536);
    const to = lineEnd < 0 ? source.length : lineEnd + 1;
    yield source.slice(from, to);
    from = to;
  }
}

/** The fields of a row, and the line on which it begins, counted from 1. */
export interface CsvRecord {
  readonly fields: readonly string[];
  readonly line: number;
}

/**
 * The rows of CSV text, parsed by `csv-parse` a piece at a time: those that end in each piece. Throws `DataError` with the line
 * for a quote that is out of place or never closed.
 */
export async function* readRecords(
  pieces: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  caller: string,
  separator: string,
): AsyncGenerator<readonly CsvRecord[], void, void> {
  const { CsvError, parse } = await import('#csv-parse');
  let found: CsvRecord[] = [];
  // Blank lines that were skipped, and the line after the last row if there were none.
  let blank = 0;
  let next = 1;
  const parser = parse({
    bom: true,
    delimiter: separator,
    record_delimiter: ['\r\n', '\n', '\r'],
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    // Gives undefined, so that no row waits in the stream.
    on_record: (fields: string[], { lines, empty_lines }) => {
      const line = next + empty_lines - blank;
      found.push({ fields, line });
      // The parser counts a line break of two characters within quotes as two, so only whether there are any is its.
      const inside = lines > line ? (fields.join().match(/\r\n|\n|\r/g)?.length ?? 0) : 0;
      next = line + 1 + inside;
      blank = empty_lines;
      return undefined;
    },
  });
  const ended = new Promise<void>((resolve, reject) => parser.once('end', resolve).once('error', reject));
  // It is awaited at the end, and may fail before.
  ended.catch(() => {});
  parser.resume();
  const taken = () => {
    const records = found;
    found = [];
    return records;
  };
  try {
    for await (const piece of pieces) {
      await new Promise<void>((resolve, reject) => {
        parser.write(piece, (error) => (error ? reject(error) : resolve()));
      });
      yield taken();
    }
    parser.end();
    await ended;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = next + ((cause as { empty_lines?: number }).empty_lines ?? blank) - blank;
    const what = cause.code === 'CSV_QUOTE_NOT_CLOSED' ? 'one that is never closed' : 'one out of place';
    throw new DataError(
      `${caller}: expected double quotes around whole fields, got ${what} in the row that begins in line ${line}; ` +
        'close it, or double quotes that belong to a field and quote the field',
      { cause },
    );
  }
  yield taken();
}

/** What programs write where a value is missing. */
const missing = /^\s*(<?#?n\/?a>?|nan|null|none|\?|)\s*$/i;

/** NaN for anything but a decimal number; `Number` alone takes '' for 0 and '0x10' for 16. */
export function toNumber(field: string): number {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(field) ? Number(field) : Number.NaN;
}

/** Whether a field stands for a value that is missing. */
export function isMissing(field: string): boolean {
  return missing.test(field);
}

/** Whether a field is neither a number nor missing. */
export function isText(field: string): boolean {
  return Number.isNaN(toNumber(field)) && !isMissing(field);
}
