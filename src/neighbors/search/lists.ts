/**
 * Lists of nearest neighbors while they are being filled: `capacity` keys per row, nearest first.
 *
 * A key has 64 bits: the bits of the 32-bit distance in the upper half, id * 2 + (0 if new, 1 if old) in the lower half.
 * Distances are not negative, so keys compare like (distance, id), as integers in WebAssembly and as doubles here; such
 * a double is never NaN. A list therefore does not depend on the order in which candidates are pushed.
 */
import { DataError } from '../../core/errors.js';
import type { Work } from '../../core/pauses.js';
import type { Knn } from '../../core/types.js';

/** Distance word and id word of an empty entry, which sorts after all others. */
const emptyDistance = 0x7f800000;
const emptyId = 0xffffffff;

export interface Lists {
  readonly rows: number;
  readonly capacity: number;
  /** Keys as doubles. */
  readonly keys: Float64Array;
  /** The same memory: id word of entry e at 2 e, distance word at 2 e + 1. */
  readonly words: Uint32Array;
  /** The same memory: distance of entry e at 2 e + 1. */
  readonly floats: Float32Array;
}

/** Bytes that lists take. */
export function listBytes(rows: number, capacity: number): number {
  return rows * capacity * 8;
}

/** Lists at an offset in a buffer, with their present contents. */
export function viewLists(buffer: ArrayBufferLike, offset: number, rows: number, capacity: number): Lists {
  const length = rows * capacity;
  return {
    rows,
    capacity,
    keys: new Float64Array(buffer, offset, length),
    words: new Uint32Array(buffer, offset, 2 * length),
    floats: new Float32Array(buffer, offset, 2 * length),
  };
}

/** Empties the lists of the rows [from, to). */
export function clearLists({ words, rows, capacity }: Lists, from = 0, to = rows): void {
  for (let i = 2 * from * capacity; i < 2 * to * capacity; i += 2) {
    words[i] = emptyId;
    words[i + 1] = emptyDistance;
  }
}

/** New empty lists. */
export function createLists(rows: number, capacity: number): Lists {
  const lists = viewLists(new ArrayBuffer(listBytes(rows, capacity)), 0, rows, capacity);
  clearLists(lists);
  return lists;
}

/** Returns a function that pushes a candidate (row, id, distance) to a list, and tells whether it was inserted. */
export function createPush({
  keys,
  capacity,
}: Lists): (row: number, id: number, distance: number) => boolean {
  const bits = new ArrayBuffer(8);
  const key = new Float64Array(bits);
  const word = new Uint32Array(bits);
  const float = new Float32Array(bits);
  return (row, id, distance) => {
    const start = row * capacity;
    const last = start + capacity - 1;
    // Adding 0 turns -0, whose bits would sort last, into 0.
    float[1] = distance + 0;
    word[0] = id * 2;
    const newKey = key[0]!;
    word[0] = id * 2 + 1;
    const oldKey = key[0]!;
    if (oldKey >= keys[last]!) return false;
    let entry = last;
    while (entry > start && keys[entry - 1]! > oldKey) entry--;
    if (entry > start && (keys[entry - 1] === newKey || keys[entry - 1] === oldKey)) return false;
    for (let e = last; e > entry; e--) keys[e] = keys[e - 1]!;
    keys[entry] = newKey;
    return true;
  };
}

/** Whether the list of a row has an empty entry. */
export function isShort({ words, capacity }: Lists, row: number): boolean {
  return words[2 * (row * capacity + capacity - 1)] === emptyId;
}

/**
 * The finished lists, with the row itself put first. `toDistance` converts the values in the lists to distances; it must
 * be increasing. Throws `DataError` for a row with an empty entry.
 */
export function* toKnn(lists: Lists, toDistance: (value: number) => number = (value) => value): Work<Knn> {
  const { rows, capacity, words, floats } = lists;
  const k = capacity + 1;
  const indices = new Int32Array(rows * k);
  const distances = new Float32Array(rows * k);
  for (let row = 0; row < rows; row++) {
    if (row % 2 ** 14 === 0) yield;
    if (capacity > 0 && isShort(lists, row)) {
      throw new DataError(
        `neighbors: expected ${capacity} neighbors of row ${row} besides itself, got fewer; ` +
          'check that the metric gives distances of at least 0',
      );
    }
    indices[row * k] = row;
    for (let c = 0; c < capacity; c++) {
      const entry = 2 * (row * capacity + c);
      indices[row * k + c + 1] = words[entry]! >>> 1;
      distances[row * k + c + 1] = toDistance(floats[entry + 1]!);
    }
  }
  return { indices, distances, rows, k };
}
