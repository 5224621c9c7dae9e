/** Rows that come in blocks, so that they need not fit into memory. */

import { DataError, describe } from '../core/errors.js';
import { isDims, isFlat, isTensor, type MatrixInput } from './forms.js';
import { iterate } from './pairStream.js';
import { openRows, type Source } from './rows.js';

/**
 * Rows that are read block by block, such as a file: what `fit` and `transform` take in place of rows that do not fit into
 * memory. `rowSource`, `openNpy` and `npyFolder` make one; your own need not be more than these fields. `B` is the form of
 * its blocks.
 */
export interface RowSource<B extends MatrixInput = MatrixInput> extends AsyncIterable<B> {
  /** Number of rows; undefined if only reading tells. */
  readonly rows: number | undefined;
  /** Shape of one row, such as `[784]`; undefined if only reading tells. */
  readonly rowShape: readonly number[] | undefined;
  /** Reads all rows from the first one on, in the same order every time. Rows have one shape in all blocks. */
  blocks(): AsyncIterable<B>;
  /** Rows by their numbers, which rise. Only sources with random access have it. */
  take?(numbers: ArrayLike<number>): Promise<MatrixInput>;
  /** The name of what holds a row, such as a file, for messages. Default: none. */
  where?(row: number): string | undefined;
}

/** What `fit` and `transform` take: rows in any form, or a source of them, of which the simplest is an async iterable of blocks. */
export type RowsInput = MatrixInput | RowSource | AsyncIterable<MatrixInput>;

/** What is known of the rows before they are read. */
export interface KnownRows {
  /** Number of rows. Default: unknown. */
  readonly rows?: number | undefined;
  /** Shape of one row. Default: unknown. */
  readonly rowShape?: readonly number[] | undefined;
}

type Blocks<B> = AsyncIterable<B> | Iterable<B>;

/** Iterators that were begun, and iterables that are their own iterator: they can be read once only. */
const begun = new WeakSet<object>();
const readOnce = new WeakSet<object>();
/** The sources made of async iterables, so that what is known of one is known at the next call. */
const made = new WeakMap<object, RowSource>();
/** Rows that were counted in a complete pass. */
const counted = new WeakMap<object, number>();

/**
 * Makes a source of blocks of rows: rows in any form, all of one shape. `blocks` is a function that begins a new pass, such as
 * a generator function; or an iterable, which can be read as often as it can be iterated, a generator once. Throws `DataError`
 * when it is read a second time where it cannot be.
 */
export function rowSource<B extends MatrixInput>(
  blocks: (() => Blocks<B>) | Blocks<B>,
  { rows, rowShape }: KnownRows = {},
): RowSource<B> {
  const begin = async function* (): AsyncGenerator<B, void, void> {
    const iterable: unknown = typeof blocks === 'function' ? blocks() : blocks;
    const start = iterate(iterable);
    if (start === undefined) {
      throw new DataError(
        `rows: expected an iterable or async iterable of blocks, got ${describe(iterable)}; return one, such as a generator`,
      );
    }
    const iterator = start();
    if (begun.has(iterator)) throw endedError();
    begun.add(iterator);
    // `for await` takes either kind, and closes it when the reader stops early.
    const pass = { [Symbol.asyncIterator]: () => iterator, [Symbol.iterator]: () => iterator };
    const { [Symbol.asyncIterator]: asynchronous } = (iterable ?? {}) as Partial<AsyncIterable<B>>;
    if (asynchronous) yield* { [Symbol.asyncIterator]: pass[Symbol.asyncIterator] } as AsyncIterable<B>;
    else yield* { [Symbol.iterator]: pass[Symbol.iterator] } as Iterable<B>;
  };
  const source = { rows, rowShape, blocks: begin, [Symbol.asyncIterator]: begin };
  if (typeof blocks !== 'function' && isIterator(blocks)) readOnce.add(source);
  return source;
}

/** Whether an iterable is its own iterator, as generators are. */
function isIterator(iterable: object): boolean {
  return typeof (iterable as Partial<Iterator<unknown>>).next === 'function';
}

/** Whether a value is a source of rows. */
export function isRowSource(value: unknown): value is RowSource {
  return typeof value === 'object' && value !== null && typeof (value as RowSource).blocks === 'function';
}

/** The source that a value is, or that an async iterable stands for; undefined for rows in memory and for anything else. */
export function asRowSource(value: unknown): RowSource | undefined {
  if (isRowSource(value)) return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (isTensor(value) || isFlat(value) || isDims(value) || !(Symbol.asyncIterator in value)) return undefined;
  const known = made.get(value);
  if (known) return known;
  const source = rowSource(value as AsyncIterable<MatrixInput>);
  made.set(value, source);
  return source;
}

function endedError(): DataError {
  return new DataError(
    'rows: expected a source that can be read several times, got an iterator that was read before; ' +
      'pass rowSource(() => blocks()) with a function that returns a new iterable each time',
  );
}

/** Whether a source is known to be readable once only. */
export function isReadOnce(source: RowSource): boolean {
  return readOnce.has(source);
}

/** Throws `DataError` for a source that is known to be readable once only, before a fit that would read it again. */
export function checkReadableAgain(source: RowSource): void {
  if (isReadOnce(source)) throw endedError();
}

/** Number of rows, where it is known or was counted. */
export function rowsOf(source: RowSource): number | undefined {
  return source.rows ?? counted.get(source);
}

/** A block of a source, opened. */
export interface OpenedBlock {
  readonly source: Source;
  readonly rows: number;
  /** Shape of one row, the same in all blocks. */
  readonly rowShape: readonly number[];
  /** The name in messages about this block. */
  readonly caller: string;
  /** Number of its first row in the source. */
  readonly first: number;
}

/**
 * Reads a source from its first row on, and checks that blocks are tables of rows of one shape. Blocks without rows are left
 * out. Throws `DataError` for others, for a source without rows, and for one with another number of rows than it says or had
 * in an earlier pass.
 */
export async function* readBlocks(
  source: RowSource,
  caller: string,
): AsyncGenerator<OpenedBlock, void, void> {
  let first = 0;
  let number = 0;
  let { rowShape } = source;
  let model = 'the source says';
  for await (const block of source.blocks()) {
    const name = `${caller}: block ${number}`;
    const opened = await openRows(block, name);
    const [rows = 0, ...found] = opened.shape;
    if (rows > 0) {
      checkBlockShape(found, rowShape, model, name, first);
      if (rowShape === undefined) model = `in block ${number}`;
      rowShape ??= found;
      yield { source: opened, rows, rowShape, caller: name, first };
      first += rows;
    }
    number++;
  }
  if (first === 0)
    throw new DataError(
      `${caller}: expected at least 1 row, got none from the source; give blocks with rows`,
    );
  const expected = rowsOf(source);
  if (expected !== undefined && expected !== first) {
    const why = source.rows === undefined ? 'in an earlier pass' : 'the source says';
    throw new DataError(
      `${caller}: expected ${expected} rows, as ${why}, got ${first}; give the same rows in every pass`,
    );
  }
  counted.set(source, first);
}

function checkBlockShape(
  found: readonly number[],
  expected: readonly number[] | undefined,
  model: string,
  name: string,
  first: number,
): void {
  if (found.length === 0) {
    throw new DataError(`${name}: expected rows (2 axes or more), got 1 axis; wrap one row as [row]`);
  }
  if (found.includes(0))
    throw new DataError(`${name}: expected at least 1 column, got 0; pass rows with numbers`);
  if (expected === undefined || `${found}` === `${expected}`) return;
  throw new DataError(
    `${name}: expected rows of shape [${expected.join(', ')}], as ${model}, got [${found.join(', ')}] ` +
      `from row ${first} on; give all rows one shape`,
  );
}
