/**
 * Blocks of a table as rows of numbers before scaling: text as the number of its category, NaN for what is missing. Infinite
 * numbers count as missing.
 */

import { DataError } from '../../core/errors.js';
import type { Feature, MissingValues } from './columnPlan.js';
import type { Cell, TableBlock, Values } from './table.js';

/** How a column is read into a row: a number, a vector of `width` numbers, or a category. */
export interface RawColumn {
  readonly name: string;
  readonly kind: Feature['kind'];
  /** Numbers in a row: 1, but for vectors. */
  readonly width: number;
  /** The number of a category; undefined for one that is unknown. */
  category?(text: string): number | undefined;
}

/** Rows before scaling, and which row of the block each was. */
export interface RawRows {
  readonly data: Float64Array;
  readonly rows: number;
  readonly kept: Int32Array;
}

/** Numbers in a row before scaling. */
export function rawWidth(columns: readonly RawColumn[]): number {
  return columns.reduce((sum, { width }) => sum + width, 0);
}

/**
 * Reads a block, whose first values are those of `columns`. Throws `DataError` with place and column for a vector of another
 * length, and for missing values where these are errors.
 */
export function readRaw(
  { rows, values, where }: TableBlock,
  columns: readonly RawColumn[],
  missing: MissingValues,
  table: string,
): RawRows {
  const width = rawWidth(columns);
  const data = new Float64Array(rows * width);
  let offset = 0;
  for (const [c, column] of columns.entries()) {
    const place = (row: number) => `${table}: ${where(row)}, column ${column.name}`;
    fillColumn(data, values[c]!, column, rows, width, offset, place);
    offset += column.width;
  }
  const kept = new Int32Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const lacking = missing === 'mean' ? -1 : firstMissing(data, row * width, width);
    if (lacking >= 0 && missing === 'error') {
      const { name, found } = missingAt(columns, lacking, values, row);
      throw new DataError(
        `${table}: expected a value in ${where(row)}, column ${name}, got ${found}; ` +
          'do --missing drop to leave such rows out, or --missing mean to fill them in',
      );
    }
    if (lacking >= 0) continue;
    if (count < row) data.copyWithin(count * width, row * width, (row + 1) * width);
    kept[count++] = row;
  }
  return { data: data.subarray(0, count * width), rows: count, kept: kept.subarray(0, count) };
}

function fillColumn(
  data: Float64Array,
  values: Values,
  column: RawColumn,
  rows: number,
  stride: number,
  offset: number,
  place: (row: number) => string,
): void {
  for (let row = 0; row < rows; row++) {
    const at = row * stride + offset;
    const value = values[row]!;
    if (column.kind === 'number') data[at] = value as number;
    else if (value === null) data.fill(Number.NaN, at, at + column.width);
    else if (column.kind === 'onehot') data[at] = column.category!(String(value)) ?? Number.NaN;
    else {
      const vector = value as ArrayLike<number>;
      if (vector.length !== column.width) {
        throw new DataError(
          `${place(row)}: expected a vector of ${column.width} numbers, as before, got one of ${vector.length}; give all rows one length`,
        );
      }
      data.set(vector, at);
    }
  }
}

function firstMissing(data: Float64Array, from: number, width: number): number {
  for (let i = 0; i < width; i++) if (!Number.isFinite(data[from + i]!)) return i;
  return -1;
}

function missingAt(
  columns: readonly RawColumn[],
  position: number,
  values: readonly Values[],
  row: number,
): { readonly name: string; readonly found: string } {
  let left = position;
  for (const [c, { name, width, kind }] of columns.entries()) {
    if (left < width) {
      const value = values[c]![row] as Cell;
      if (kind === 'onehot' && value !== null)
        return { name, found: `'${value}', which the model does not know` };
      const infinite = kind === 'number' && !Number.isNaN(value);
      return { name, found: infinite ? `${value}` : 'a missing value' };
    }
    left -= width;
  }
  return { name: '', found: '' };
}
