/** Reads positive pairs, two views of the same things, batch after batch. */

import { DataError, describe } from '../core/errors.js';
import { pausesFor } from '../core/pauses.js';
import type { Matrix } from '../core/types.js';
import { isDims, isFlat, isTensor } from './forms.js';
import { type InputRows, type MatrixInput, toMatrix } from './matrix.js';
import { disposeOf, iterate, pairStream } from './pairStream.js';
import { isRowSource } from './rowSource.js';

/** Rows of one view: any form of a table; rows may have any shape that the encoder takes. */
export type BatchInput = MatrixInput;

/** Two views of the same things: row `i` of the first and row `i` of the second are a positive pair. */
export type PairBatch = readonly [first: BatchInput, second: BatchInput];

/**
 * Batches of positive pairs: a function that starts an epoch, an iterable, an async iterable, or an array of batches. At its
 * end it is iterated again, for as many epochs as the training takes. A generator can be iterated once only, so that it must
 * yield all batches of the training; a function that returns a new one for every epoch has no such limit.
 *
 * Tensors are disposed of once they are read, as `fitDataset` of TensorFlow.js does it, since an iterator makes them for this
 * use; those in an array are used in every epoch, and stay the caller's.
 */
export type PairSource =
  | Iterable<PairBatch>
  | AsyncIterable<PairBatch>
  | (() => Iterable<PairBatch> | AsyncIterable<PairBatch>);

export interface OpenPairsOptions {
  /** Number of batches that the training takes, at least 1. */
  readonly steps: number;
  readonly signal?: AbortSignal | undefined;
}

/** Reads the batches of one training. */
export interface PairReader {
  /** Shape of one row in all views: `[784]`, or `[28, 28, 1]`. */
  readonly rowShape: readonly number[];
  /** The first batch, until `next` is called for the second one. */
  readonly first: Matrix;
  /**
   * The next batch of b pairs as 2b rows: those of the first view, then those of the second. The next call overwrites it.
   * Undefined after `steps` batches, and once the reader is closed. Wait for it before you call it again. Throws `DataError`
   * for anything but two views of at least 2 finite rows of the same shape, and for a source without enough batches; the
   * signal's reason when aborted. The source is closed when it throws, and after the last batch.
   */
  next(): Promise<Matrix | undefined>;
  /** Closes the source, for a training that ends early. Does nothing if it is closed. */
  close(): Promise<void>;
}

/**
 * Whether a value is a source of pairs, not rows. Functions are, and everything that can be iterated but arrays, typed arrays,
 * the forms of a table, sources of rows, maps, and sets that do not begin with a batch. An array is one if its first entry is an array of two views of which each is a tensor,
 * `{ data, shape }`, `{ data, dims }` or an array of typed arrays. Arrays that hold nothing but numbers are rows, however deep:
 * return such batches from a function, `() => batches`.
 */
export function isPairSource(value: unknown): value is PairSource {
  if (typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  if (Array.isArray(value)) {
    const [batch] = value as unknown[];
    return Array.isArray(batch) && batch.length === 2 && batch.every(isView);
  }
  if (isTable(value) || isRowSource(value) || iterate(value) === undefined) return false;
  const kind = Object.prototype.toString.call(value);
  // Others may be iterated only once, so that their first batch is checked when it is read.
  return kind !== '[object Map]' && (kind !== '[object Set]' || beginsWithBatch(value as Set<unknown>));
}

/** Batches per epoch, where that is known before they are read: for an array. */
export function pairBatchCount(source: PairSource): number | undefined {
  return Array.isArray(source) ? source.length : undefined;
}

const isTable = (value: unknown) => isTensor(value) || isFlat(value) || isDims(value);

/** Whether a set has a first entry that may be a batch: two views, which are objects in all forms. */
function beginsWithBatch(set: Set<unknown>): boolean {
  const [batch] = set;
  return (
    Array.isArray(batch) &&
    batch.length === 2 &&
    batch.every((view) => typeof view === 'object' && view !== null)
  );
}

/** Whether it is a view beyond doubt, not a part of nested numbers. */
function isView(value: unknown): boolean {
  return isTable(value) || (Array.isArray(value) && ArrayBuffer.isView(value[0]));
}

/**
 * Opens a source and reads its first batch; of an array, all batches, so that wrong ones are found before the training. Throws
 * as `PairReader.next` does.
 */
export async function openPairs(
  source: PairSource,
  { steps, signal }: OpenPairsOptions,
): Promise<PairReader> {
  let rowShape: readonly number[] | undefined;
  const read = async (batch: unknown, at: number, owned: boolean): Promise<Views> => {
    const views = await readViews(batch, at, owned, rowShape);
    rowShape ??= views[0].rowShape;
    return views;
  };
  if (Array.isArray(source)) {
    const pauses = pausesFor(signal);
    for (const [at, batch] of source.entries()) {
      await pauses.take();
      await read(batch, at, false);
    }
  }
  const stream = pairStream(source, steps, signal);
  let table = new Float32Array(0);
  let count = 0;
  const next = async () => {
    try {
      const views = await stream.next((batch, owned) => read(batch, count, owned));
      if (views === undefined) return undefined;
      const { length } = views[0].matrix.data;
      if (table.length !== 2 * length) table = new Float32Array(2 * length);
      views.forEach(({ matrix }, i) => {
        table.set(matrix.data, i * length);
      });
      if (++count === steps) await stream.close();
      const [rows, columns] = views[0].matrix.shape;
      return { data: table, shape: [2 * rows, columns] } as const;
    } catch (error) {
      // The first error counts.
      await stream.close().catch(() => {});
      throw error;
    }
  };
  let first = await next();
  return {
    rowShape: rowShape!,
    first: first!,
    async next() {
      const batch = first ?? (await next());
      first = undefined;
      return batch;
    },
    async close() {
      first = undefined;
      await stream.close();
    },
  };
}

/** The first view, then the second. */
type Views = readonly [InputRows, InputRows];

/** Reads and checks batch number `at`; disposes of its tensors if they are `owned`. */
async function readViews(
  batch: unknown,
  at: number,
  owned: boolean,
  rowShape: readonly number[] | undefined,
): Promise<Views> {
  try {
    if (!Array.isArray(batch) || batch.length !== 2) {
      throw new DataError(
        `pairs: expected [first view, second view] as batch ${at}, got ${describe(batch)}; yield two views of the same rows` +
          (at === 0 ? ', or collect rows in an array' : ''),
      );
    }
    const first = await readView(batch[0], `pairs: batch ${at}, first view`, owned);
    const second = await readView(batch[1], `pairs: batch ${at}, second view`, owned);
    checkShapes(first, second, at, rowShape);
    return [first, second];
  } finally {
    if (owned) disposeOf(batch);
  }
}

async function readView(view: unknown, caller: string, owned: boolean): Promise<InputRows> {
  if (owned && isTensor(view) && view.isDisposed) {
    throw new DataError(
      `${caller}: expected a live tensor, got a disposed one; yield a new tensor or a clone in every batch, ` +
        'since tensors are disposed of once they are read',
    );
  }
  return toMatrix(view as BatchInput, caller);
}

function checkShapes(
  first: InputRows,
  second: InputRows,
  at: number,
  rowShape: readonly number[] = first.rowShape,
): void {
  for (const [view, found] of [
    ['first', first],
    ['second', second],
  ] as const) {
    if (`${found.rowShape}` === `${rowShape}`) continue;
    const model = at === 0 ? 'its first view' : 'batch 0';
    throw new DataError(
      `pairs: expected rows of shape [${rowShape.join(', ')}] as in ${model}, got [${found.rowShape.join(', ')}] ` +
        `in the ${view} view of batch ${at}; give all rows one shape`,
    );
  }
  const [rows] = first.matrix.shape;
  const [others] = second.matrix.shape;
  if (rows !== others) {
    throw new DataError(
      `pairs: expected as many rows in both views of batch ${at}, got ${rows} and ${others}; ` +
        'row i of the second view is paired with row i of the first',
    );
  }
  if (rows < 2) {
    throw new DataError(
      `pairs: expected at least 2 rows in batch ${at}, got ${rows}; make larger batches, since the other rows are its negative samples`,
    );
  }
}
