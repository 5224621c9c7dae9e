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

/** Takes the fields of a row, and the line on which it begins, counted from 1. */
export type Add = (fields: string[], line: number) => void;

/**
 * Parses CSV text by `csv-parse`, a piece at a time. Throws `DataError` with the line for a quote that is out of place or
 * never closed, and what `add` throws.
 */
export async function parseRecords(
  pieces: Iterable<string> | AsyncIterable<Uint8Array>,
  caller: string,
  separator: string,
  add: Add,
): Promise<void> {
  const { CsvError, parse } = await import('#csv-parse');
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
      add(fields, line);
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
  try {
    for await (const piece of pieces) {
      await new Promise<void>((resolve, reject) => {
        parser.write(piece, (error) => (error ? reject(error) : resolve()));
      });
    }
    parser.end();
    await ended;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = next + ((cause as { empty_lines?: number }).empty_lines ?? blank) - blank;
    const found = cause.code === 'CSV_QUOTE_NOT_CLOSED' ? 'one that is never closed' : 'one out of place';
    throw new DataError(
      `${caller}: expected double quotes around whole fields, got ${found} in the row that begins in line ${line}; ` +
        'close it, or double quotes that belong to a field and quote the field',
      { cause },
    );
  }
}
