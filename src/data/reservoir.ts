/** Which rows a sample of fixed size takes from a sequence whose length need not be known. */

import type { Random } from '../core/types.js';

/** Takes rows into a fixed number of places, so that at any time every row seen so far is in with the same probability. */
export interface Reservoir {
  /** The next row that is taken; rows before it are not. */
  readonly next: number;
  /** Takes row `next`, and returns the place for it, whose row is dropped. */
  place(): number;
}

/**
 * A reservoir of `size` places, by algorithm L (Li 1994): it draws how many rows to skip, so that a sample costs a number of
 * draws in the order of `size`, not of the rows.
 */
export function reservoir(size: number, random: Random): Reservoir {
  let next = 0;
  let weight = 1;
  const logUniform = () => Math.log(1 - random.next());
  const skip = () => {
    weight *= Math.exp(logUniform() / size);
    next += Math.floor(logUniform() / Math.log1p(-weight)) + 1;
  };
  return {
    get next() {
      return next;
    },
    place() {
      if (next < size) {
        const place = next;
        if (place === size - 1) skip();
        else next++;
        return place;
      }
      const place = random.integer(size);
      skip();
      return place;
    },
  };
}

/** The numbers of the rows that a reservoir of `size` places holds after `rows` rows, rising. */
export function reservoirRows(rows: number, size: number, random: Random): Float64Array {
  const numbers = new Float64Array(Math.min(rows, size));
  if (rows <= size) return numbers.map((_, i) => i);
  const taken = reservoir(size, random);
  while (taken.next < rows) {
    const row = taken.next;
    numbers[taken.place()] = row;
  }
  return numbers.sort();
}
