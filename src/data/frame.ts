/**
 * Rows that 32 bits cannot hold as they are: columns far from 0 for their spread, such as timestamps, and tables whose
 * squares are too large or too small. What helps is done in 64 bits, at the door; what cannot be helped is refused.
 */

import { DataError } from '../core/errors.js';
import type { Matrix, RowFrame } from '../core/types.js';
import { checkWhole, farAway, type Look, lookAt } from './look.js';
import {
  cast,
  checkFinite,
  type Entered,
  enterSource,
  enterSourceNow,
  type MatrixInput,
  type WideMatrix,
} from './matrix.js';
import { openFlat, type Source } from './rows.js';

/** What may be done to the rows of a fit. */
export interface FrameRules {
  /** Why numbers may not be taken off the columns; undefined where they may. */
  readonly noShift: string | undefined;
  /** Why the table may not be multiplied; undefined where it may. */
  readonly noScale: string | undefined;
  /** Whether the metric looks at each column by itself, and not at the widest first. */
  readonly columnwise: boolean;
}

/** The same for values that 32 bits hold exactly: only the network's first layer loses by it. */
const farAwayExact = 2 ** 16;
/** Between these, squared distances in 32 bits are neither infinite nor 0. */
const largestSize = 2 ** 56;
const smallestSize = 2 ** -40;

/** Rows and the frame that they are in. */
export type Framed = Entered & { readonly frame: RowFrame | undefined };

/** As `enter`, in the frame that the rows need, if any. Throws `DataError` for rows that no frame may or can save. */
export async function enterFramed(input: MatrixInput, who: string, rules: FrameRules): Promise<Framed> {
  return framed(await enterSource(input, who, { unchecked: true }), who, rules);
}

/** As `enterFramed`, at once. Throws as `enterNow` does. */
export function enterFramedNow(input: MatrixInput, who: string, rules: FrameRules): Framed {
  return framed(enterSourceNow(input, who, { unchecked: true }), who, rules);
}

/**
 * As `enter`, in the frame of an earlier fit. Throws `DataError` where 32 bits lose the rows in that frame, as they lie
 * too far from those of the first fit.
 */
export async function enterAgain(
  input: MatrixInput,
  who: string,
  frame: RowFrame,
  columnwise: boolean,
): Promise<Framed> {
  const { entered, source } = await enterSource(input, who, { unchecked: true, frame });
  const { data, shape } = entered.matrix;
  const { shift, scale } = frame;
  // Rows of another width are for the caller to refuse.
  if (shape[1] !== shift.length) return { ...entered, frame };
  const look = lookAt(source, ...shape, frame);
  const { middle, spread, inexact, widest } = look;
  const wrong = (column: number, found: string) =>
    new DataError(
      `${who}: expected rows near those of the first fit (column ${column} around ${shift[column]}), got ${found}: ` +
        '32-bit numbers cannot hold them beside those; take a new estimator',
    );
  for (let c = 0; c < shape[1]; c++) {
    const reach = Math.abs(middle[c]!);
    const usual = columnwise ? spread[c]! : widest;
    if (!(inexact[c] && usual > 0 && Number.isFinite(usual) && Number.isFinite(reach))) continue;
    if (reach < farAway * usual) continue;
    throw wrong(c, `some around ${middle[c]! / scale + shift[c]!} with a spread of ${spread[c]! / scale}`);
  }
  // Names the place of values that are not finite in 64 bits either.
  const size = largestOf(data);
  if (!(size >= smallestSize && size <= largestSize)) {
    const { largest, column } = largestIn64(source, shape, shift, who);
    if (largest > 0) throw wrong(column, `none that is more than ${largest} from there`);
  }
  checkFinite(entered.matrix, who);
  return { ...entered, frame };
}

function framed(
  { entered, source }: { entered: Entered; source: Source },
  who: string,
  rules: FrameRules,
): Framed {
  const { matrix } = entered;
  const [rows, columns] = matrix.shape;
  const look = lookAt(source, rows, columns);
  const shift = shiftFor(look, who, rules);
  let data = shift ? cast(source, rows, columns, { shift, scale: 1 }) : matrix.data;
  const scale = scaleFor(source, { data, shape: matrix.shape }, shift, look.widest, who, rules);
  const frame = shift || scale !== 1 ? { shift: shift ?? new Float64Array(columns), scale } : undefined;
  if (scale !== 1) data = cast(source, rows, columns, frame);
  checkWhole(frame ? lookAt(source, rows, columns, frame) : look, who, rules.columnwise);
  const held: Matrix = { data, shape: matrix.shape };
  checkFinite(held, who);
  return { ...entered, matrix: held, frame };
}

/** A table of a file in 32 bits. Throws `DataError` for columns that they cannot hold. */
export function narrow({ data, shape }: WideMatrix, who: string): Matrix {
  const look = lookAt(openFlat({ data, shape }, who), ...shape);
  const rules: FrameRules = { noShift: 'in the file', noScale: undefined, columnwise: true };
  shiftFor(look, who, rules);
  checkWhole(look, who, rules.columnwise);
  return { data: Float32Array.from(data), shape };
}

/** Rows in their frame, back in the units of the data. */
export function unframe({ data, shape }: Matrix, { shift, scale }: RowFrame): WideMatrix {
  const columns = shape[1];
  return { data: Float64Array.from(data, (value, i) => value / scale + shift[i % columns]!), shape };
}

/** A line on what was done. */
export function frameLine({ shift, scale }: RowFrame): string {
  const moved = shift.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
  const at = shift.findIndex((value) => value !== 0);
  const parts = [
    ...(moved > 0 ? [`${moved} columns centered (column ${at} at ${shift[at]})`] : []),
    ...(scale === 1 ? [] : [`all multiplied by ${scale}`]),
  ];
  return `rows: 32 bits cannot hold them as they are; in 64 bits, ${parts.join(', ')}`;
}

/** What to take off each column; undefined for nothing. */
function shiftFor(look: Look, who: string, { noShift, columnwise }: FrameRules): Float64Array | undefined {
  const { middle, spread, inexact, widest } = look;
  let shift: Float64Array | undefined;
  for (let c = 0; c < middle.length; c++) {
    const reach = Math.abs(middle[c]!);
    const scale = columnwise ? spread[c]! : widest;
    // Columns that hold values which are not finite are refused later.
    if (!(scale > 0 && Number.isFinite(scale) && Number.isFinite(reach))) continue;
    if (reach < (inexact[c] ? farAway : farAwayExact) * scale) continue;
    if (noShift === undefined) {
      shift ??= new Float64Array(middle.length);
      shift[c] = middle[c]!;
    } else if (inexact[c] && spread[c]! > 0 && reach >= farAway * spread[c]!) {
      throw new DataError(
        `${who}: expected columns that 32-bit numbers can hold, got column ${c} around ${middle[c]} with a spread of ` +
          `${spread[c]}; subtract ${middle[c]} from it first (${noShift})`,
      );
    }
  }
  return shift;
}

/** The power of 2 by which the table has to be multiplied. */
function scaleFor(
  source: Source,
  { data, shape }: Matrix,
  shift: Float64Array | undefined,
  widest: number,
  who: string,
  { noScale }: FrameRules,
): number {
  const cheap = largestOf(data);
  if (cheap >= smallestSize && cheap <= largestSize) return 1;
  const { largest, column } = largestIn64(source, shape, shift, who);
  if (largest === 0) return 1;
  const usual = widest > 0 ? widest : largest;
  const scale = 2 ** -Math.min(1000, Math.max(-1000, Math.floor(Math.log2(usual))));
  const wrong = `${who}: expected values that 32-bit numbers can hold, got some as large as ${largest}`;
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

/** The largest magnitude; NaN is passed over. */
function largestOf(values: Float32Array): number {
  let high = 0;
  let low = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value > high) high = value;
    else if (value < low) low = value;
  }
  return Math.max(high, -low);
}

function largestIn64(
  source: Source,
  [rows, columns]: Matrix['shape'],
  shift: Float64Array | undefined,
  who: string,
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
          `${who}: finite 32-bit numbers wanted, got ${values[c]} at row ${row}, column ${c}; drop or fill such values first`,
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
