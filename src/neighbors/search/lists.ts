/**
 * Lists of nearest neighbours while they are being filled: `capacity` keys a row, nearest first.
 *
 * A key is 64 bits: the bits of the 32-bit distance above, id * 2 + (0 if fresh else 1) below. Distances are not
 * negative, so keys compare like (distance, id), as integers in WebAssembly and as doubles here: a double made of
 * such bits is never NaN. A list therefore ends up the same whatever the order of the offers.
 */
import { DataError } from '../../core/errors.js';
import type { Work } from '../../core/pauses.js';
import type { Knn } from '../../core/types.js';

/** Highest distance word and id word: an empty place, after every real key. */
const emptyDistance = 0x7f800000;
const emptyId = 0xffffffff;

export interface Lists {
  readonly rows: number;
  readonly capacity: number;
  /** Keys as doubles. */
  readonly keys: Float64Array;
  /** The same bits: id word at 2 * place, distance word at 2 * place + 1. */
  readonly words: Uint32Array;
  /** The same bits: distances at 2 * place + 1. */
  readonly floats: Float32Array;
}

/** Bytes that lists take. */
export function listBytes(rows: number, capacity: number): number {
  return rows * capacity * 8;
}

/** Lists at a place in a buffer; their contents are left as they are. */
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

/** A function that offers (row, id, distance) to lists and says whether it got in. */
export function createOffer({
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
    // Adding 0 turns -0, whose bits are the largest of all, into 0.
    float[1] = distance + 0;
    word[0] = id * 2;
    const fresh = key[0]!;
    word[0] = id * 2 + 1;
    const known = key[0]!;
    if (known >= keys[last]!) return false;
    let place = last;
    while (place > start && keys[place - 1]! > known) place--;
    if (place > start && (keys[place - 1] === fresh || keys[place - 1] === known)) return false;
    for (let p = last; p > place; p--) keys[p] = keys[p - 1]!;
    keys[place] = fresh;
    return true;
  };
}

/** Whether the list of a row has an empty place. */
export function isShort({ words, capacity }: Lists, row: number): boolean {
  return words[2 * (row * capacity + capacity - 1)] === emptyId;
}

/**
 * Lists that hold the others of each row, with the row itself put in front.
 *
 * @param finish makes a distance of what the lists hold, without changing the order.
 */
export function* toKnn(lists: Lists, finish: (value: number) => number = (value) => value): Work<Knn> {
  const { rows, capacity, words, floats } = lists;
  const k = capacity + 1;
  const indices = new Int32Array(rows * k);
  const distances = new Float32Array(rows * k);
  for (let row = 0; row < rows; row++) {
    if (row % 2 ** 14 === 0) yield;
    if (capacity > 0 && isShort(lists, row)) {
      throw new DataError(`neighbors: row ${row} has fewer than ${capacity} neighbours besides itself`);
    }
    indices[row * k] = row;
    for (let c = 0; c < capacity; c++) {
      const place = 2 * (row * capacity + c);
      indices[row * k + c + 1] = words[place]! >>> 1;
      distances[row * k + c + 1] = finish(floats[place + 1]!);
    }
  }
  return { indices, distances, rows, k };
}
