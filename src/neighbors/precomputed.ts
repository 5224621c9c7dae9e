/** User-supplied neighbors: as lists, or within a table of all distances. */
import { DataError } from '../core/errors.js';
import { blockOf, type Work, whole } from '../core/pauses.js';
import type { Knn, Matrix } from '../core/types.js';
import { checkDistances } from '../data/columnStats.js';
import { cast, type MatrixInput, type TypedArray } from '../data/matrix.js';
import { type FlatInput, numberOf, openFlat, openRows } from '../data/rows.js';
import { checkCount } from './query.js';
import { createLists, createPush, isShort, toKnn } from './search/lists.js';

/** A table of numbers: rows, typed or plain, or flat with its shape. */
export type NumberTable =
  | ArrayLike<ArrayLike<number | bigint>>
  | { readonly data: ArrayLike<number | bigint>; readonly shape: ArrayLike<number> };

/**
 * Distances between all rows: n x n in any form that rows may have, or the n (n - 1) / 2 above the diagonal, row by
 * row, as from scipy's `pdist`. An infinite distance means that two rows are not connected.
 */
export type DistanceInput = MatrixInput | readonly number[] | TypedArray;

/** Neighbors of every row: ids and distances of equal shape, any order, with or without the row itself. */
export interface KnnInput {
  readonly indices: NumberTable;
  readonly distances: NumberTable;
}

interface Flat {
  readonly values: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
}

/**
 * Converts user-supplied neighbors to lists of `k`, the row itself first. `given` must have at least `k - 1` others
 * per row; longer lists are cut to the nearest. Throws `DataError` for wrong shapes, ids or distances, or too few
 * others.
 */
export function* precomputedNeighborsInParts(
  given: KnnInput | Knn,
  needed: { readonly rows: number; readonly k: number },
): Work<Knn> {
  const { rows, k } = needed;
  checkCount(rows, k);
  const indices = flatten(given, 'indices');
  const distances = flatten(given, 'distances');
  if (indices.rows !== distances.rows || indices.columns !== distances.columns) {
    throw new DataError(
      `knn: expected indices and distances of one shape, got [${indices.rows}, ${indices.columns}] and ` +
        `[${distances.rows}, ${distances.columns}]; pass one distance per index`,
    );
  }
  const { columns } = indices;
  if (indices.rows !== rows) {
    throw new DataError(
      `knn: expected one list per row, ${rows} in all, got ${indices.rows}; pass lists of the rows of this fit`,
    );
  }
  if (columns < k - 1) {
    throw new DataError(
      `knn: expected lists of ${k - 1} others, or ${k} with the row itself, got ${columns}; lower nNeighbors`,
    );
  }
  checkScale(distances);
  const lists = createLists(rows, k - 1);
  const push = createPush(lists);
  const seen = new Int32Array(rows).fill(-1);
  for (let row = 0; row < rows; row++) {
    if (row % blockOf(4 * columns) === 0) yield row / rows;
    for (let c = 0; c < columns; c++) {
      const id = indices.values[row * columns + c]!;
      const distance = distances.values[row * columns + c]!;
      checkEntry(id, distance, row, c, rows);
      if (seen[id] === row) {
        throw new DataError(
          `knn: expected different neighbors of row ${row}, got neighbor ${id} twice; remove one of them`,
        );
      }
      seen[id] = row;
      if (id !== row) push(row, id, distance);
    }
    if (isShort(lists, row)) {
      throw new DataError(
        `knn: expected at least ${k - 1} others besides itself of row ${row}, got fewer; lower nNeighbors`,
      );
    }
  }
  return yield* toKnn(lists);
}

/** Throws `DataError` for finite distances that become infinite, 0 or indistinguishable in 32 bits. */
function checkScale({ values, rows, columns }: Flat): void {
  const who = 'knn: distances';
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value > largest && value !== Number.POSITIVE_INFINITY) largest = value;
  }
  if (largest > 0 && (largest < smallestListed || Math.fround(largest) === Number.POSITIVE_INFINITY)) {
    throw unrepresentable(who, largest);
  }
  const fill = (row: number, into: Float64Array) => {
    for (let c = 0; c < columns; c++) into[c] = values[row * columns + c]!;
  };
  checkDistances(fill, [rows, columns], who);
}

/** As {@link precomputedNeighborsInParts}, at once. */
export const precomputedNeighbors = whole(precomputedNeighborsInParts);
/** The graph is computed in 32 bits, where other distances would overflow or underflow. */
const largestSize = 2 ** 120;
const smallestSize = 2 ** -40;
/** Smaller distances have hardly any precision in 32 bits. */
const smallestListed = 2 ** -126;

/**
 * Reads a table of distances between `rows` rows, square or condensed. Throws `DataError` for another number of rows, for
 * values that are not numbers, and for distances that 32 bits cannot represent.
 */
export async function readDistances(input: DistanceInput, rows: number): Promise<Matrix> {
  const who = 'fit: distances';
  const list = ArrayBuffer.isView(input) || (Array.isArray(input) && typeof input[0] === 'number');
  const given = list ? { data: input as TypedArray, shape: [(input as TypedArray).length] } : input;
  const source = await openRows(given as MatrixInput, who);
  const [height = 0, ...others] = source.shape;
  const width = others.reduce((product, size) => product * size, 1);
  const condensed = source.shape.length === 1;
  if (height !== (condensed ? (rows * (rows - 1)) / 2 : rows)) {
    const found = condensed ? `${height} in a list` : `${height} x ${width}`;
    throw new DataError(
      `fit: expected distances between ${rows} rows (${rows} x ${rows}, or a list of ${(rows * (rows - 1)) / 2}), ` +
        `got ${found}; count kept landmarks, after the rows`,
    );
  }
  const data = cast(source, height, width);
  let largest = 0;
  for (const value of data) if (value > largest && value !== Number.POSITIVE_INFINITY) largest = value;
  const entry = new Float64Array(width);
  const wrongScale = largest < smallestSize || largest > largestSize;
  // In 32 bits, values that are too large cannot be told from infinite ones.
  const anyInfinite = data.includes(Number.POSITIVE_INFINITY);
  for (let row = 0; row < height && (wrongScale || anyInfinite); row++) {
    source.fill(row, entry, 0);
    const wrong = entry.find(
      (value) =>
        value !== 0 && Number.isFinite(value) && (wrongScale || !Number.isFinite(Math.fround(value))),
    );
    if (wrong !== undefined) throw unrepresentable(who, wrong);
  }
  checkDistances((row, into) => source.fill(row, into, 0), [height, width], who);
  return { data, shape: condensed ? [1, height] : [height, width] };
}

function unrepresentable(who: string, distance: number): DataError {
  return new DataError(
    `${who}: expected a scale that 32-bit numbers can represent, got ${distance}; multiply all distances by a constant`,
  );
}

/**
 * Nearest neighbors from all distances. `matrix` is n x n, with the distances from row i in row i; the diagonal is
 * not read. Or it is 1 x n (n - 1) / 2, with those above the diagonal, row by row. Infinite distances are kept, and
 * give no edge. Throws `DataError` if it is not square, if k is larger than n, or if a distance is negative or NaN.
 */
export function* neighborsFromDistancesInParts(matrix: Matrix, k: number): Work<Knn> {
  const [height, columns] = matrix.shape;
  const condensed = height === 1;
  const rows = condensed ? Math.round((1 + Math.sqrt(1 + 8 * columns)) / 2) : height;
  if (condensed ? (rows * (rows - 1)) / 2 !== columns : rows !== columns) {
    throw new DataError(
      `metric 'precomputed': expected a square table of distances, got ${rows} x ${columns}; pass one row and one column per row`,
    );
  }
  checkCount(rows, k);
  const lists = createLists(rows, k - 1);
  const push = createPush(lists);
  for (let row = 0; row < rows; row++) {
    if (row % blockOf(rows) === 0) yield row / rows;
    for (let other = 0; other < rows; other++) {
      if (other === row) continue;
      const low = Math.min(row, other);
      const above = low * rows - (low * (low + 1)) / 2 + Math.abs(other - row) - 1;
      const distance = matrix.data[condensed ? above : row * rows + other]!;
      if (distance >= 0) push(row, other, distance);
      else
        throw new DataError(
          `metric 'precomputed': expected distances of at least 0, got ${distance} at [${row}, ${other}]; check how it was computed`,
        );
    }
  }
  return yield* toKnn(lists);
}

/** As {@link neighborsFromDistancesInParts}, at once. */
export const neighborsFromDistances = whole(neighborsFromDistancesInParts);

function checkEntry(id: number, distance: number, row: number, column: number, rows: number): void {
  if (!Number.isInteger(id) || id < 0 || id >= rows) {
    throw new DataError(
      `knn: expected indices to be integers from 0 to ${rows - 1}, got ${id} at [${row}, ${column}]; use row numbers`,
    );
  }
  if (!(distance >= 0)) {
    throw new DataError(
      `knn: expected distances of at least 0, got ${distance} at [${row}, ${column}]; check how it was computed`,
    );
  }
}

function flatten(given: KnnInput | Knn, name: 'indices' | 'distances'): Flat {
  if ('k' in given) return { values: given[name], rows: given.rows, columns: given.k };
  const table = given[name];
  if (table !== null && typeof table === 'object' && 'shape' in table) return flattenShaped(table, name);
  const rows = (table as ArrayLike<ArrayLike<number>> | undefined)?.length ?? 0;
  const columns = (table as ArrayLike<ArrayLike<number>> | undefined)?.[0]?.length;
  if (columns === undefined) {
    throw new DataError(
      `knn: expected ${name} as rows of numbers or { data, shape }, got ${table === null ? 'null' : typeof table}; pass one row per list`,
    );
  }
  const values = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const entries = (table as ArrayLike<ArrayLike<unknown>>)[row] ?? [];
    if (entries.length !== columns) {
      throw new DataError(
        `knn: expected ${name} of one length, got ${columns} in row 0 and ${entries.length} in row ${row}; ` +
          'cut all lists to the shortest',
      );
    }
    for (let c = 0; c < columns; c++) values[row * columns + c] = entryOf(entries[c], name, row, c);
  }
  return { values, rows, columns };
}

function entryOf(value: unknown, name: string, row: number, column: number): number {
  return typeof value === 'number'
    ? value
    : numberOf(value, () => `knn: ${name}: expected a number at [${row}, ${column}]`);
}

function flattenShaped(table: Exclude<NumberTable, ArrayLike<unknown>>, name: string): Flat {
  const { data } = table;
  const shape = Array.from(table.shape, Number);
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2 || (data.length !== rows * columns && !('stride' in table || 'strides' in table))) {
    throw new DataError(
      `knn: expected as many ${name} as shape [${shape.join(', ')}] has, got ${data.length}; correct the shape`,
    );
  }
  const source = openFlat(table as FlatInput, `knn: ${name}`);
  const values = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) source.fill(row, values, row * columns);
  return { values, rows, columns };
}
