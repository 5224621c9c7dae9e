/** Neighbours that the caller has already: as lists, or within a table of all distances. */
import { DataError } from '../errors.js';
import { blockOf, type Work, whole } from '../pauses.js';
import type { Knn, Matrix } from '../types.js';
import { createLists, createOffer, isShort, toKnn } from './lists.js';
import { checkCount } from './query.js';

/** A table of numbers: rows, typed or plain, or flat with its shape. */
export type NumberTable =
  | ArrayLike<ArrayLike<number>>
  | { readonly data: ArrayLike<number>; readonly shape: readonly number[] };

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

/** As {@link precomputedNeighborsInParts}, at once. */
export const precomputedNeighbors = whole(precomputedNeighborsInParts);

/**
 * Nearest neighbours from all distances.
 *
 * @param matrix n x n; the diagonal is not read, and row i holds the distances from row i.
 * @throws DataError when it is not square, k is above n, or a distance is negative or not a number.
 */
export function* neighborsFromDistancesInParts(matrix: Matrix, k: number): Work<Knn> {
  const [rows, columns] = matrix.shape;
  if (rows !== columns) {
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
      const distance = matrix.data[row * rows + other]!;
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
    const entries = (table as ArrayLike<ArrayLike<number>>)[row]!;
    if (entries.length !== columns) {
      throw new DataError(
        `knn: ${name} must be of one length; row 0 has ${columns}, row ${row} has ${entries.length}`,
      );
    }
    values.set(entries, row * columns);
  }
  return { values, rows, columns };
}

function flattenShaped(
  { data, shape }: Exclude<NumberTable, ArrayLike<ArrayLike<number>>>,
  name: string,
): Flat {
  const [rows = 0, columns = 0] = shape;
  if (shape.length === 2 && data.length === rows * columns) return { values: data, rows, columns };
  throw new DataError(
    `knn: ${name} of shape [${shape.join(', ')}] must have as many numbers, got ${data.length}`,
  );
}
