/** Neighbours that the caller has already: as lists, or within a table of all distances. */
import { DataError } from '../core/errors.js';
import { blockOf, type Work, whole } from '../core/pauses.js';
import type { Knn, Matrix } from '../core/types.js';
import { checkDistances } from '../data/columnStats.js';
import { cast, type MatrixInput, type TypedArray } from '../data/matrix.js';
import { type FlatInput, numberOf, openFlat, openRows } from '../data/rows.js';
import { checkCount } from './query.js';
import { createLists, createOffer, isShort, toKnn } from './search/lists.js';

/** A table of numbers: rows, typed or plain, or flat with its shape. */
export type NumberTable =
  | ArrayLike<ArrayLike<number | bigint>>
  | { readonly data: ArrayLike<number | bigint>; readonly shape: ArrayLike<number> };

/**
 * Distances between all rows: n x n in any form that rows may have, or the n (n - 1) / 2 above the diagonal, row by row,
 * as scipy's `pdist` gives them. An infinite distance stands between rows that are not connected.
 */
export type DistanceInput = MatrixInput | readonly number[] | TypedArray;

/** Neighbours of every row: ids and distances of equal shape, any order, with or without the row itself. */
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
 * Brings a caller's neighbours into the shape that the next stages want.
 *
 * @param given lists of at least `k - 1` others a row; longer ones are cut.
 * @param wanted rows of the data, and `k`, the row itself counted.
 * @throws DataError when shapes, ids or distances are not right, or a row has too few others.
 */
export function* precomputedNeighborsInParts(
  given: KnnInput | Knn,
  wanted: { readonly rows: number; readonly k: number },
): Work<Knn> {
  const { rows, k } = wanted;
  checkCount(rows, k);
  const indices = flatten(given, 'indices');
  const distances = flatten(given, 'distances');
  if (indices.rows !== distances.rows || indices.columns !== distances.columns) {
    throw new DataError(
      `knn: indices and distances must have one shape, got [${indices.rows}, ${indices.columns}] and ` +
        `[${distances.rows}, ${distances.columns}]`,
    );
  }
  const { columns } = indices;
  if (indices.rows !== rows)
    throw new DataError(`knn: one list a row is wanted (rows=${rows}), got ${indices.rows}`);
  if (columns < k - 1) {
    throw new DataError(
      `knn: lists must hold ${k - 1} others, or ${k} with the row itself, got ${columns}; lower nNeighbors`,
    );
  }
  checkScale(distances);
  const lists = createLists(rows, k - 1);
  const offer = createOffer(lists);
  const seen = new Int32Array(rows).fill(-1);
  for (let row = 0; row < rows; row++) {
    if (row % blockOf(4 * columns) === 0) yield;
    for (let c = 0; c < columns; c++) {
      const id = indices.values[row * columns + c]!;
      const distance = distances.values[row * columns + c]!;
      checkEntry(id, distance, row, c, rows);
      if (seen[id] === row) throw new DataError(`knn: row ${row} lists neighbour ${id} twice`);
      seen[id] = row;
      if (id !== row) offer(row, id, distance);
    }
    if (isShort(lists, row)) {
      throw new DataError(
        `knn: row ${row} lists fewer than ${k - 1} others besides itself; lower nNeighbors`,
      );
    }
  }
  return yield* toKnn(lists);
}

/** Throws `DataError` for finite distances that are infinite in 32 bits, all 0 there, or all the same. */
function checkScale({ values, rows, columns }: Flat): void {
  const who = 'knn: distances';
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value > largest && value !== Number.POSITIVE_INFINITY) largest = value;
  }
  if (largest > 0 && (largest < smallestListed || Math.fround(largest) === Number.POSITIVE_INFINITY)) {
    throw unheld(who, largest);
  }
  const fill = (row: number, into: Float64Array) => {
    for (let c = 0; c < columns; c++) into[c] = values[row * columns + c]!;
  };
  checkDistances(fill, [rows, columns], who);
}

/** As {@link precomputedNeighborsInParts}, at once. */
export const precomputedNeighbors = whole(precomputedNeighborsInParts);
/** Distances of other sizes lose their scale on the way to a graph, which works in 32 bits. */
const largestSize = 2 ** 120;
const smallestSize = 2 ** -40;
/** Lists whose largest distance is less have next to no digits in 32 bits. */
const smallestListed = 2 ** -126;

/**
 * Reads a table of distances between `rows` rows, whole or condensed. Throws `DataError` for another number of rows, for
 * what is not a number, and for distances that 32 bits cannot hold.
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
      `fit: distances between ${rows} rows wanted (${rows} x ${rows}, or a list of ${(rows * (rows - 1)) / 2}; ` +
        `kept landmarks counted, after the rows), got ${found}`,
    );
  }
  const data = cast(source, height, width);
  let largest = 0;
  for (const value of data) if (value > largest && value !== Number.POSITIVE_INFINITY) largest = value;
  const entry = new Float64Array(width);
  const wrongScale = largest < smallestSize || largest > largestSize;
  // Too large for 32 bits, and infinite, are the same there.
  const anyInfinite = data.includes(Number.POSITIVE_INFINITY);
  for (let row = 0; row < height && (wrongScale || anyInfinite); row++) {
    source.fill(row, entry, 0);
    const odd = entry.find(
      (value) =>
        value !== 0 && Number.isFinite(value) && (wrongScale || !Number.isFinite(Math.fround(value))),
    );
    if (odd !== undefined) throw unheld(who, odd);
  }
  checkDistances((row, into) => source.fill(row, into, 0), [height, width], who);
  return { data, shape: condensed ? [1, height] : [height, width] };
}

function unheld(who: string, distance: number): DataError {
  return new DataError(
    `${who}: expected a scale that 32-bit numbers can hold, got ${distance}; multiply all of them`,
  );
}

/**
 * Nearest neighbours from all distances.
 *
 * @param matrix n x n; the diagonal is not read, and row i holds the distances from row i. Or 1 x n (n - 1) / 2: those
 *   above the diagonal, row by row. Infinite ones are taken as they are: no edge is made of them.
 * @throws DataError when it is not square, k is above n, or a distance is negative or not a number.
 */
export function* neighborsFromDistancesInParts(matrix: Matrix, k: number): Work<Knn> {
  const [height, columns] = matrix.shape;
  const condensed = height === 1;
  const rows = condensed ? Math.round((1 + Math.sqrt(1 + 8 * columns)) / 2) : height;
  if (condensed ? (rows * (rows - 1)) / 2 !== columns : rows !== columns) {
    throw new DataError(
      `metric 'precomputed': a square table of distances is wanted, got ${rows} x ${columns}`,
    );
  }
  checkCount(rows, k);
  const lists = createLists(rows, k - 1);
  const offer = createOffer(lists);
  for (let row = 0; row < rows; row++) {
    if (row % blockOf(rows) === 0) yield;
    for (let other = 0; other < rows; other++) {
      if (other === row) continue;
      const low = Math.min(row, other);
      const above = low * rows - (low * (low + 1)) / 2 + Math.abs(other - row) - 1;
      const distance = matrix.data[condensed ? above : row * rows + other]!;
      if (distance >= 0) offer(row, other, distance);
      else
        throw new DataError(
          `metric 'precomputed': distances are at least 0, got ${distance} at [${row}, ${other}]`,
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
      `knn: indices are whole numbers from 0 to ${rows - 1}, got ${id} at [${row}, ${column}]`,
    );
  }
  if (!(distance >= 0)) {
    throw new DataError(`knn: distances are at least 0, got ${distance} at [${row}, ${column}]`);
  }
}

function flatten(given: KnnInput | Knn, name: 'indices' | 'distances'): Flat {
  if ('k' in given) return { values: given[name], rows: given.rows, columns: given.k };
  const table = given[name];
  if (table !== null && typeof table === 'object' && 'shape' in table) return flattenShaped(table, name);
  const rows = (table as ArrayLike<ArrayLike<number>> | undefined)?.length ?? 0;
  const columns = (table as ArrayLike<ArrayLike<number>> | undefined)?.[0]?.length;
  if (columns === undefined) {
    throw new DataError(`knn: ${name} must be rows of numbers or { data, shape }`);
  }
  const values = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const entries = (table as ArrayLike<ArrayLike<unknown>>)[row] ?? [];
    if (entries.length !== columns) {
      throw new DataError(
        `knn: ${name} must be of one length; row 0 has ${columns}, row ${row} has ${entries.length}`,
      );
    }
    for (let c = 0; c < columns; c++) values[row * columns + c] = entryOf(entries[c], name, row, c);
  }
  return { values, rows, columns };
}

function entryOf(value: unknown, name: string, row: number, column: number): number {
  return typeof value === 'number'
    ? value
    : numberOf(value, () => `knn: ${name} must be numbers, at [${row}, ${column}]`);
}

function flattenShaped(table: Exclude<NumberTable, ArrayLike<unknown>>, name: string): Flat {
  const { data } = table;
  const shape = Array.from(table.shape, Number);
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2 || (data.length !== rows * columns && !('stride' in table || 'strides' in table))) {
    throw new DataError(
      `knn: ${name} of shape [${shape.join(', ')}] must have as many numbers, got ${data.length}`,
    );
  }
  const source = openFlat(table as FlatInput, `knn: ${name}`);
  const values = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) source.fill(row, values, row * columns);
  return { values, rows, columns };
}
