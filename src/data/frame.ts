/**
 * Rows that 32-bit numbers cannot represent: columns far from 0 relative to their spread, such as timestamps, and tables
 * whose squares overflow or underflow. A frame, a shift per column and one scale, is applied to them in 64 bits. Where no
 * frame helps, or the metric forbids it, they are rejected.
 */

import { DataError } from '../core/errors.js';
import { blockOf, finish, inBlocks, pausesFor, type Work } from '../core/pauses.js';
import type { Matrix, RowFrame } from '../core/types.js';
import { type ColumnStats, checkIntegers, columnStats, farFromZero } from './columnStats.js';
import {
  cast,
  checkFiniteInParts,
  type InputRows,
  type Matrix64,
  type MatrixInput,
  matrixAndSource,
  matrixAndSourceSync,
} from './matrix.js';
import { openFlat, type Source } from './rows.js';

/** What a frame may change. */
export interface FrameRules {
  /** Why columns must not be shifted; undefined if they may be. */
  readonly noShift: string | undefined;
  /** Why the table must not be scaled; undefined if it may be. */
  readonly noScale: string | undefined;
  /** Whether the metric weighs each column separately, so that narrow columns matter beside wide ones. */
  readonly columnwise: boolean;
}

/** As `farFromZero`, for values that 32 bits hold exactly: there only the network's first layer loses precision. */
const farFromZeroExact = 2 ** 16;
/** Between these magnitudes, squared distances neither overflow nor underflow in 32 bits. */
const largestSize = 2 ** 56;
const smallestSize = 2 ** -40;

/** Rows, with the frame that was applied to them. */
export type FramedRows = InputRows & { readonly frame: RowFrame | undefined };

/**
 * As `toMatrix`, after applying the frame that the rows need, if any. Throws `DataError` for rows that need a frame which
 * the rules forbid, or that no frame helps.
 */
export async function toFramedMatrix(
  input: MatrixInput,
  caller: string,
  rules: FrameRules,
  pauses = pausesFor(),
): Promise<FramedRows> {
  return pauses.run(frameRows(await matrixAndSource(input, caller, { unchecked: true }), caller, rules));
}

/** As `toFramedMatrix`, synchronously. Throws as `toMatrixSync` does. */
export function toFramedMatrixSync(input: MatrixInput, caller: string, rules: FrameRules): FramedRows {
  return finish(frameRows(matrixAndSourceSync(input, caller, { unchecked: true }), caller, rules));
}

/**
 * As `toMatrix`, with the frame of an earlier fit. Throws `DataError` where 32 bits cannot represent the rows in that
 * frame, because they are too far from those of the first fit.
 */
export async function toMatrixInFrame(
  input: MatrixInput,
  caller: string,
  frame: RowFrame,
  columnwise: boolean,
  pauses = pausesFor(),
): Promise<FramedRows> {
  const { entered, source } = await matrixAndSource(input, caller, { unchecked: true, frame });
  const { data, shape } = entered.matrix;
  const { shift, scale } = frame;
  // The caller checks the width.
  if (shape[1] !== shift.length) return { ...entered, frame };
  const stats = columnStats(source, ...shape, frame);
  const { median, spread, inexact, widest } = stats;
  const wrong = (column: number, found: string) =>
    new DataError(
      `${caller}: expected rows near those of the first fit (column ${column} around ${shift[column]}), got ${found}: ` +
        '32-bit numbers cannot hold both; use a new estimator',
    );
  for (let c = 0; c < shape[1]; c++) {
    const offset = Math.abs(median[c]!);
    const usual = columnwise ? spread[c]! : widest;
    if (!(inexact[c] && usual > 0 && Number.isFinite(usual) && Number.isFinite(offset))) continue;
    if (offset < farFromZero * usual) continue;
    throw wrong(c, `some around ${median[c]! / scale + shift[c]!} with a spread of ${spread[c]! / scale}`);
  }
  // Throws with row and column for values that are not finite in 64 bits either.
  const size = await pauses.run(largestOf(data));
  if (!(size >= smallestSize && size <= largestSize)) {
    const { largest, column } = largestIn64(source, shape, shift, caller);
    if (largest > 0) throw wrong(column, `none that is more than ${largest} from there`);
  }
  await pauses.run(checkFiniteInParts(entered.matrix, caller));
  return { ...entered, frame };
}

function* frameRows(
  { entered, source }: { entered: InputRows; source: Source },
  caller: string,
  rules: FrameRules,
): Work<FramedRows> {
  const { matrix } = entered;
  const [rows, columns] = matrix.shape;
  const stats = columnStats(source, rows, columns);
  const shift = shiftFor(stats, caller, rules);
  let data = shift ? cast(source, rows, columns, { shift, scale: 1 }) : matrix.data;
  yield;
  const table = { data, shape: matrix.shape };
  const scale = yield* scaleFor(source, table, shift, stats.widest, caller, rules);
  const frame = shift || scale !== 1 ? { shift: shift ?? new Float64Array(columns), scale } : undefined;
  if (scale !== 1) data = cast(source, rows, columns, frame);
  checkIntegers(frame ? columnStats(source, rows, columns, frame) : stats, caller, rules.columnwise);
  const framed: Matrix = { data, shape: matrix.shape };
  yield* checkFiniteInParts(framed, caller);
  return { ...entered, matrix: framed, frame };
}

/** A 64-bit table in 32 bits, without a frame. Throws `DataError` for columns that 32 bits cannot represent. */
export function narrow({ data, shape }: Matrix64, caller: string): Matrix {
  const stats = columnStats(openFlat({ data, shape }, caller), ...shape);
  const rules: FrameRules = { noShift: 'in the file', noScale: undefined, columnwise: true };
  shiftFor(stats, caller, rules);
  checkIntegers(stats, caller, rules.columnwise);
  return { data: Float32Array.from(data), shape };
}

/** Rows in a frame, back in the units of the data: the inverse of the frame. */
export function unframe({ data, shape }: Matrix, { shift, scale }: RowFrame): Matrix64 {
  const columns = shape[1];
  return { data: Float64Array.from(data, (value, i) => value / scale + shift[i % columns]!), shape };
}

/** One line for `verbose` about what the frame does. */
export function describeFrame({ shift, scale }: RowFrame): string {
  const moved = shift.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
  const at = shift.findIndex((value) => value !== 0);
  const parts = [
    ...(moved > 0 ? [`${moved} columns centered (column ${at} at ${shift[at]})`] : []),
    ...(scale === 1 ? [] : [`all multiplied by ${scale}`]),
  ];
  return `rows: 32-bit numbers cannot hold them; in 64 bits, ${parts.join(', ')}`;
}

/** What to subtract from each column; undefined for nothing. */
function shiftFor(
  stats: ColumnStats,
  caller: string,
  { noShift, columnwise }: FrameRules,
): Float64Array | undefined {
  const { median, spread, inexact, widest } = stats;
  let shift: Float64Array | undefined;
  for (let c = 0; c < median.length; c++) {
    const offset = Math.abs(median[c]!);
    const scale = columnwise ? spread[c]! : widest;
    // Columns with values that are not finite are rejected later.
    if (!(scale > 0 && Number.isFinite(scale) && Number.isFinite(offset))) continue;
    if (offset < (inexact[c] ? farFromZero : farFromZeroExact) * scale) continue;
    if (noShift === undefined) {
      shift ??= new Float64Array(median.length);
      shift[c] = median[c]!;
    } else if (inexact[c] && spread[c]! > 0 && offset >= farFromZero * spread[c]!) {
      throw new DataError(
        `${caller}: expected columns that 32-bit numbers can hold, got column ${c} around ${median[c]} with a spread of ` +
          `${spread[c]}; subtract ${median[c]} from it first (${noShift})`,
      );
    }
  }
  return shift;
}

/** The power of 2 by which to multiply the table; 1 for tables of ordinary size. */
function* scaleFor(
  source: Source,
  { data, shape }: Matrix,
  shift: Float64Array | undefined,
  widest: number,
  caller: string,
  { noScale }: FrameRules,
): Work<number> {
  const size = yield* largestOf(data);
  if (size >= smallestSize && size <= largestSize) return 1;
  const { largest, column } = largestIn64(source, shape, shift, caller);
  if (largest === 0) return 1;
  const usual = widest > 0 ? widest : largest;
  const scale = 2 ** -Math.min(1000, Math.max(-1000, Math.floor(Math.log2(usual))));
  const wrong = `${caller}: expected values that 32-bit numbers can hold, got some as large as ${largest}`;
  if (!(largest * scale <= largestSize)) {
    throw new DataError(
      `${wrong} in column ${column}, beside others that spread over ${usual}; ` +
        'replace markers of missing values, or scale the columns',
    );
  }
  if (noScale !== undefined) {
    throw new DataError(`${wrong} in column ${column}; multiply all rows by ${scale} first (${noScale})`);
  }
  return scale;
}

/** The largest magnitude; NaN is ignored. */
function* largestOf(values: Float32Array): Work<number> {
  let high = 0;
  let low = 0;
  yield* inBlocks(values.length, blockOf(1), (from, to) => {
    for (let i = from; i < to; i++) {
      const value = values[i]!;
      if (value > high) high = value;
      else if (value < low) low = value;
    }
  });
  return Math.max(high, -low);
}

/** The largest magnitude in 64 bits, and its column. Throws `DataError` for values that are not finite. */
function largestIn64(
  source: Source,
  [rows, columns]: Matrix['shape'],
  shift: Float64Array | undefined,
  caller: string,
): { largest: number; column: number } {
  const values = new Float64Array(columns);
  let largest = 0;
  let column = 0;
  for (let row = 0; row < rows; row++) {
    source.fill(row, values, 0);
    for (let c = 0; c < columns; c++) {
      const size = Math.abs(values[c]! - (shift?.[c] ?? 0));
      if (!Number.isFinite(size)) {
        throw new DataError(
          `${caller}: expected finite 32-bit numbers, got ${values[c]} at row ${row}, column ${c}; drop or fill such values first`,
        );
      }
      if (size > largest) {
        largest = size;
        column = c;
      }
    }
  }
  return { largest, column };
}
