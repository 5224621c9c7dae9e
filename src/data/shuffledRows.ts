/** Batches of the rows of a source in shuffled order, epoch after epoch, with few of them in memory. */

import { DataError } from '../core/errors.js';
import type { Random, RowFrame } from '../core/types.js';
import { blockMatrix } from './rowSample.js';
import { type RowSource, readBlocks } from './rowSource.js';

export interface ShuffledRowsOptions {
  /** Rows of a batch, at least 1. */
  readonly batchSize: number;
  /**
   * Rows in memory, at least `batchSize`, from which the next one is drawn. A source that has no more is read once; one that
   * has more should not be sorted, since a row comes at most about as much earlier as the buffer is long.
   */
  readonly bufferRows: number;
  /** Each epoch forks its own stream, so that its order depends on its number alone. */
  readonly random: Random;
  /** The name in messages. Default `'fit'`. */
  readonly caller?: string;
  /** Shift and scale of the rows. Default: none. */
  readonly frame?: RowFrame | undefined;
  /** Rows to leave out, such as held-out ones, by their number. Default: none. */
  readonly skip?: ((row: number) => boolean) | undefined;
}

/** Some rows, which the next call overwrites. */
export interface RowBatch {
  /** Row after row, `batchSize` of them. */
  readonly data: Float32Array;
  readonly shape: readonly [rows: number, columns: number];
  /** Number of each row in the source. */
  readonly numbers: Float64Array;
}

/** Where in the stream of batches one is, as plain data. */
export interface ShuffledRowsState {
  /** Epochs that are over. */
  readonly epoch: number;
  /** Rows that were taken of the epoch. */
  readonly taken: number;
}

export interface ShuffledRows {
  /**
   * The next batch. Every epoch has each row once; a batch may end one epoch and begin the next, so that all have the same
   * size. Throws as `readBlocks` does, and `DataError` for values that are not finite and where all rows are left out. Wait
   * for it before you call it again.
   */
  next(): Promise<RowBatch>;
  state(): ShuffledRowsState;
  /** Goes to a state of a stream of the same source, options and seed. It reads the epoch from its start. */
  restore(state: ShuffledRowsState): Promise<void>;
  /** Ends reading. A later `next` goes on from where it was. */
  close(): Promise<void>;
}

/** Batches of shuffled rows: the next row is drawn from a buffer, and the next one of the source takes its place. */
export function shuffledRows(
  source: RowSource,
  { batchSize, bufferRows, random, caller = 'fit', frame, skip }: ShuffledRowsOptions,
): ShuffledRows {
  const buffer = rowBuffer(Math.max(bufferRows, batchSize));
  let epoch = 0;
  let taken = 0;
  let pass: Pass | undefined;
  let batch: RowBatch | undefined;

  const begin = async () => {
    buffer.restart();
    const rows = buffer.complete ? undefined : readRows(source, caller, frame, skip);
    pass = { rows, order: random.fork(`epoch ${epoch}`), ended: rows === undefined };
    // Where the epoch begins the buffer is filled.
    while (!pass.ended && !buffer.full) await refill(pass);
    if (buffer.size === 0) {
      throw new DataError(`${caller}: expected rows to train on, got none: all are held out; hold out fewer`);
    }
  };
  const refill = async (current: Pass) => {
    const { done, value } = await current.rows!.next();
    if (done) current.ended = true;
    else buffer.add(value.data, value.number);
  };
  /** Draws a row, and calls `read` with its place in the buffer. */
  const draw = async (read: (place: number) => void) => {
    if (!pass) await begin();
    const current = pass!;
    read(buffer.remove(current.order.integer(buffer.size)));
    taken++;
    if (!current.ended) await refill(current);
    if (buffer.size > 0) return;
    buffer.complete ||= !buffer.overflowed;
    epoch++;
    taken = 0;
    pass = undefined;
  };
  const close = async () => {
    await pass?.rows?.return();
    pass = undefined;
  };
  const skipTo = async (count: number) => {
    while (taken < count) await draw(() => {});
  };
  let resumeAt = 0;
  return {
    async next() {
      // After `close`, an epoch is read again up to where it was.
      if (!pass && resumeAt > 0) await skipTo(resumeAt);
      resumeAt = 0;
      for (let i = 0; i < batchSize; i++) {
        await draw((place) => {
          const { columns } = buffer;
          batch ??= {
            data: new Float32Array(batchSize * columns),
            shape: [batchSize, columns],
            numbers: new Float64Array(batchSize),
          };
          batch.data.set(buffer.row(place), i * columns);
          batch.numbers[i] = buffer.numberOf(place);
        });
      }
      return batch!;
    },
    state: () => ({ epoch, taken: Math.max(taken, resumeAt) }),
    async restore(state) {
      await close();
      epoch = state.epoch;
      taken = 0;
      resumeAt = state.taken;
    },
    async close() {
      resumeAt = Math.max(taken, resumeAt);
      await close();
      taken = 0;
    },
  };
}

/** The reading of one epoch. */
interface Pass {
  /** Undefined where the buffer has all rows. */
  readonly rows: AsyncGenerator<ReadRow, void, void> | undefined;
  readonly order: Random;
  ended: boolean;
}

interface ReadRow {
  readonly data: Float32Array;
  readonly number: number;
}

async function* readRows(
  source: RowSource,
  caller: string,
  frame: RowFrame | undefined,
  skip: ((row: number) => boolean) | undefined,
): AsyncGenerator<ReadRow, void, void> {
  for await (const block of readBlocks(source, caller)) {
    const { data, shape } = blockMatrix(block, source, caller, frame);
    const [, columns] = shape;
    for (let i = 0; i < block.rows; i++) {
      const number = block.first + i;
      if (!skip?.(number)) yield { data: data.subarray(i * columns, (i + 1) * columns), number };
    }
  }
}

/** Up to `most` rows. Rows are removed by their position among those that are in, and added where one was removed. */
function rowBuffer(most: number) {
  let data = new Float32Array(0);
  let numbers = new Float64Array(0);
  /** Places of the rows that are in, the first `size` entries, then free places. */
  let places = new Int32Array(0);
  let size = 0;
  let used = 0;
  let columns = 0;
  const grow = () => {
    const capacity = Math.min(most, Math.max(1024, 2 * places.length));
    const larger = new Float32Array(capacity * columns);
    larger.set(data);
    data = larger;
    const more = new Float64Array(capacity);
    more.set(numbers);
    numbers = more;
    const order = Int32Array.from({ length: capacity }, (_, i) => i);
    order.set(places);
    places = order;
  };
  return {
    /** All rows of the source are in, so that it need not be read again. */
    complete: false,
    /** A row took the place of another one. */
    overflowed: false,
    get size() {
      return size;
    },
    get columns() {
      return columns;
    },
    get full() {
      return size === most;
    },
    /** Empties it, or has all rows in again, in the order in which they were added. */
    restart() {
      places = Int32Array.from({ length: places.length }, (_, i) => i);
      size = this.complete ? used : 0;
      if (!this.complete) used = 0;
    },
    add(row: Float32Array, number: number) {
      columns = row.length;
      if (size === places.length) grow();
      const place = places[size++]!;
      if (place < used) this.overflowed = true;
      used = Math.max(used, place + 1);
      data.set(row, place * columns);
      numbers[place] = number;
    },
    remove(at: number): number {
      const place = places[at]!;
      places[at] = places[--size]!;
      places[size] = place;
      return place;
    },
    row: (place: number) => data.subarray(place * columns, (place + 1) * columns),
    numberOf: (place: number) => numbers[place]!,
  };
}
