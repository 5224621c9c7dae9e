/**
 * Rows that 32 bits cannot hold as they are: columns far from 0 for their spread, such as timestamps, and tables whose
 * squares are too large or too small. What helps is done in 64 bits, at the door; what cannot be helped is refused.
 */

import { DataError } from '../core/errors.js';
import type { Matrix, RowFrame } from '../core/types.js';
import { cast, checkFinite, type Entered, enterSource, type MatrixInput, type WideMatrix } from './matrix.js';
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

/** A column this many spreads from 0 keeps some thousand places in 32 bits. */
const farAway = 2 ** 12;
/** The same for values that 32 bits hold exactly: only the network's first layer loses by it. */
const farAwayExact = 2 ** 16;
/** Between these, squared distances in 32 bits are neither infinite nor 0. */
const largestSize = 2 ** 56;
const smallestSize = 2 ** -40;
/** Values that the columns are judged by, about, and rows, at least and at most. */
const sampleSize = 2 ** 18;
const fewestSampled = 64;
const mostSampled = 256;

/** As `enter`, in the frame that the rows need, if any. Throws `DataError` for rows that no frame may or can save. */
export async function enterFramed(
  input: MatrixInput,
  who: string,
  rules: FrameRules,
): Promise<Entered & { readonly frame: RowFrame | undefined }> {
  const { entered, source } = await enterSource(input, who, { unchecked: true });
  const { matrix } = entered;
  const [rows, columns] = matrix.shape;
  const look = lookAt(source, rows, columns);
  const shift = shiftFor(look, who, rules);
  let data = shift ? cast(source, rows, columns, { shift, scale: 1 }) : matrix.data;
  const scale = scaleFor(source, { data, shape: matrix.shape }, shift, look.widest, who, rules);
  const frame = shift || scale !== 1 ? { shift: shift ?? new Float64Array(columns), scale } : undefined;
  if (scale !== 1) data = cast(source, rows, columns, frame);
  const framed: Matrix = { data, shape: matrix.shape };
  checkFinite(framed, who);
  return { ...entered, matrix: framed, frame };
}

/** A table of a file in 32 bits. Throws `DataError` for columns that they cannot hold. */
export function narrow({ data, shape }: WideMatrix, who: string): Matrix {
  const look = lookAt(openFlat({ data, shape }, who), ...shape);
  shiftFor(look, who, { noShift: 'in the file', noScale: undefined, columnwise: true });
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

/** What a sample says of each column. */
interface Look {
  readonly middle: Float64Array;
  /** Width of the middle half of the distinct values; 0 for one value. */
  readonly spread: Float64Array;
  /** 1 where 32 bits change a value. */
  readonly inexact: Uint8Array;
  /** The largest spread. */
  readonly widest: number;
}

function lookAt(source: Source, rows: number, columns: number): Look {
  const most = Math.min(mostSampled, Math.max(fewestSampled, Math.floor(sampleSize / columns)));
  const count = Math.min(rows, most);
  const row = new Float64Array(columns);
  const sample = new Float64Array(columns * count);
  const inexact = new Uint8Array(columns);
  for (let i = 0; i < count; i++) {
    source.fill(Math.floor(((i + 0.5) * rows) / count), row, 0);
    for (let c = 0; c < columns; c++) {
      sample[c * count + i] = row[c]!;
      if (Math.fround(row[c]!) !== row[c]) inexact[c] = 1;
    }
  }
  const middle = new Float64Array(columns);
  const spread = new Float64Array(columns);
  let widest = 0;
  for (let c = 0; c < columns; c++) {
    // Distinct values, so that many zeros, or one marker of a missing value, do not stand for the rest.
    const values = sample.subarray(c * count, (c + 1) * count).sort();
    let kept = 0;
    for (const value of values) if (kept === 0 || value !== values[kept - 1]) values[kept++] = value;
    middle[c] = values[kept >> 1]!;
    spread[c] = values[Math.ceil((kept - 1) * 0.75)]! - values[Math.floor((kept - 1) * 0.25)]!;
    if (spread[c]! > widest) widest = spread[c]!;
  }
  return { middle, spread, inexact, widest };
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
