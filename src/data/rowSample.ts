/** A seeded sample of the rows of a source, and all of its rows in memory. */

import { DataError } from '../core/errors.js';
import { type Pauses, pausesFor } from '../core/pauses.js';
import { isA } from '../core/realms.js';
import type { PartDone } from '../core/stages.js';
import type { Matrix, Random, RowFrame } from '../core/types.js';
import { cast } from './matrix.js';
import { reservoir, reservoirRows } from './reservoir.js';
import { type OpenedBlock, type RowSource, readBlocks, rowsOf } from './rowSource.js';
import { openRows, type Source } from './rows.js';

/** Some rows of a source, in its order. */
export interface RowSample {
  /** In 64 bits, unless 32 hold them all exactly. */
  readonly input: { readonly data: Float32Array | Float64Array; readonly shape: readonly number[] };
  /** Number of each row in the source. */
  readonly numbers: Float64Array;
  /** Rows of the source. */
  readonly rows: number;
}

export interface SampleOptions {
  readonly pauses?: Pauses;
  /** Takes the part of the rows that was read, where their number is known. */
  readonly progress?: PartDone;
}

/** Rows that are fetched at once from a source with random access. */
const FETCHED = 4096;
/** Rows are fetched one by one if the source has at least this many times as many; else it is read from the start. */
const SPARSE = 8;

/**
 * Draws `most` rows of a source without replacement, each with the same probability; all of them if there are no more. The
 * same seed draws the same rows, whatever the blocks are. Throws `DataError`, with the row, for values that are not finite,
 * and as `readBlocks` does.
 */
export async function sampleRows(
  source: RowSource,
  most: number,
  random: Random,
  caller: string,
  { pauses = pausesFor(), progress = () => {} }: SampleOptions = {},
): Promise<RowSample> {
  const known = rowsOf(source);
  const sample =
    known === undefined
      ? await sampleUnknown(source, most, random, caller, pauses)
      : await sampleKnown(source, known, reservoirRows(known, most, random), caller, pauses, progress);
  checkSample(sample, source, caller);
  return sample;
}

/** Rows of a source whose number is known: which ones is known before they are read. */
async function sampleKnown(
  source: RowSource,
  rows: number,
  numbers: Float64Array,
  caller: string,
  pauses: Pauses,
  progress: PartDone,
): Promise<RowSample> {
  const table = growingTable(numbers.length);
  let at = 0;
  if (source.take && numbers.length * SPARSE <= rows) {
    for (; at < numbers.length; at += FETCHED) {
      const some = numbers.subarray(at, at + FETCHED);
      const opened = await openRows(await source.take(some), caller);
      for (let i = 0; i < some.length; i++) table.set(opened, i, at + i);
      progress((at + some.length) / numbers.length);
      await pauses.take();
    }
    return { input: table.rows(numbers.length), numbers, rows };
  }
  for await (const block of readBlocks(source, caller)) {
    while (at < numbers.length && numbers[at]! < block.first + block.rows) {
      table.set(block.source, numbers[at]! - block.first, at);
      at++;
    }
    progress((block.first + block.rows) / rows);
    await pauses.take();
  }
  return { input: table.rows(numbers.length), numbers, rows };
}

async function sampleUnknown(
  source: RowSource,
  most: number,
  random: Random,
  caller: string,
  pauses: Pauses,
): Promise<RowSample> {
  const table = growingTable(most);
  const taken = reservoir(most, random);
  let numbers = new Float64Array(Math.min(most, 1024));
  let rows = 0;
  for await (const block of readBlocks(source, caller)) {
    const end = block.first + block.rows;
    while (taken.next < end) {
      const row = taken.next;
      const place = taken.place();
      if (place >= numbers.length) numbers = resized(numbers, Math.min(most, 2 * numbers.length));
      numbers[place] = row;
      table.set(block.source, row - block.first, place);
    }
    rows = end;
    await pauses.take();
  }
  const count = Math.min(rows, most);
  numbers = numbers.slice(0, count);
  const order = Int32Array.from({ length: count }, (_, place) => place).sort(
    (a, b) => numbers[a]! - numbers[b]!,
  );
  const input = table.rows(count);
  if (rows > most) reorder(input, order);
  return { input, numbers: numbers.sort(), rows };
}

/** Moves row `order[i]` to place `i`, within the table. */
function reorder({ data, shape }: RowSample['input'], order: Int32Array): void {
  const columns = data.length / shape[0]!;
  const held = data.slice(0, columns);
  const moved = new Uint8Array(order.length);
  for (let start = 0; start < order.length; start++) {
    if (moved[start] || order[start] === start) continue;
    held.set(data.subarray(start * columns, (start + 1) * columns));
    let to = start;
    for (let from = order[to]!; from !== start; from = order[to]!) {
      data.copyWithin(to * columns, from * columns, (from + 1) * columns);
      moved[to] = 1;
      to = from;
    }
    data.set(held, to * columns);
    moved[to] = 1;
  }
}

type Table = Float32Array | Float64Array;

function resized<T extends Table>(values: T, length: number): T {
  const larger = new (values.constructor as new (length: number) => T)(length);
  larger.set(values.subarray(0, Math.min(length, values.length)));
  return larger;
}

/** Whether 32-bit numbers hold all values of a block. */
function fitsIn32({ whole }: Source): boolean {
  return (
    whole !== undefined &&
    (
      ['Float32Array', 'Uint8Array', 'Uint8ClampedArray', 'Int8Array', 'Uint16Array', 'Int16Array'] as const
    ).some((name) => isA(name, whole))
  );
}

/** A table that grows up to `most` rows; in 32 bits for as long as these hold all values. */
function growingTable(most: number) {
  let data: Table | undefined;
  let rowShape: readonly number[] = [];
  let columns = 0;
  let capacity = Math.min(most, 1024);
  return {
    set(source: Source, row: number, place: number): void {
      if (data === undefined) {
        rowShape = source.shape.slice(1);
        columns = rowShape.reduce((product, size) => product * size, 1);
        data = new Float32Array(capacity * columns);
      }
      if (data instanceof Float32Array && !fitsIn32(source)) data = new Float64Array(data);
      if (place >= capacity) {
        // The last step goes to the end at once, as growing takes both tables.
        capacity = 4 * capacity >= most ? most : 2 * capacity;
        data = resized<Table>(data, capacity * columns);
      }
      source.fill(row, data, place * columns);
    },
    rows(count: number): RowSample['input'] {
      const { length } = data!;
      const values = count * columns === length ? data! : data!.slice(0, count * columns);
      data = undefined;
      return { data: values, shape: [count, ...rowShape] };
    },
  };
}

/** The first value that is not finite gets the number that its row has in the source. */
function checkSample({ input: { data }, numbers }: RowSample, source: RowSource, caller: string): void {
  const columns = data.length / numbers.length;
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i]!)) continue;
    throw notFinite(data[i]!, numbers[Math.floor(i / columns)]!, i % columns, source, caller);
  }
}

function notFinite(value: number, row: number, column: number, source: RowSource, caller: string): DataError {
  const name = source.where?.(row);
  return new DataError(
    `${caller}: expected finite 32-bit numbers, got ${value} at row ${row}, column ${column}` +
      `${name === undefined ? '' : ` (${name})`}; drop or fill such values first`,
  );
}

/**
 * A block in 32 bits, shifted and scaled by `frame`. Throws `DataError`, with the row in the source, for the first value that is
 * not finite. The caller checks that the width is that of the frame.
 */
export function blockMatrix(
  block: OpenedBlock,
  source: RowSource,
  caller: string,
  frame: RowFrame | undefined,
): Matrix {
  const columns = block.rowShape.reduce((product, size) => product * size, 1);
  const data = cast(block.source, block.rows, columns, frame);
  for (let start = 0; start < data.length; start += 4096) {
    const end = Math.min(start + 4096, data.length);
    let sum = 0;
    // A product with 0 is 0 for finite values only.
    for (let i = start; i < end; i++) sum += data[i]! * 0;
    if (sum === 0) continue;
    const at = start + data.subarray(start, end).findIndex((value) => !Number.isFinite(value));
    throw notFinite(data[at]!, block.first + Math.floor(at / columns), at % columns, source, caller);
  }
  return { data, shape: [block.rows, columns] };
}

/**
 * Reads all rows of a source into memory, in 32 bits: `{ data, shape }`, rows flat. With `out`, into that array, which must
 * have the length of all values. Throws `DataError` for another length, and for what is no source of rows of one shape.
 */
export async function collectRows(
  source: RowSource,
  { out }: { readonly out?: Float32Array | undefined } = {},
): Promise<{ readonly data: Float32Array; readonly shape: readonly [rows: number, columns: number] }> {
  const caller = 'collectRows';
  let data = out ?? new Float32Array(0);
  let end = 0;
  let columns = 1;
  const lengthError = (found: number, more: string) =>
    new DataError(
      `${caller}: out: expected as many numbers as the rows have (${more}${found}), got ${data.length}; make it of that length`,
    );
  for await (const { source: block, rows, rowShape, first } of readBlocks(source, caller)) {
    columns = rowShape.reduce((product, size) => product * size, 1);
    const known = rowsOf(source);
    end = (first + rows) * columns;
    const most = known === undefined ? end : Math.max(end, known * columns);
    if (out && most > out.length) throw lengthError(most, known === undefined ? 'at least ' : '');
    if (end > data.length) data = resized(data, known === undefined ? Math.max(end, 2 * data.length) : most);
    for (let row = 0; row < rows; row++) block.fill(row, data, (first + row) * columns);
  }
  if (out && out.length !== end) throw lengthError(end, '');
  return { data: data.length === end ? data : data.slice(0, end), shape: [end / columns, columns] };
}
