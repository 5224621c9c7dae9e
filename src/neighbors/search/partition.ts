/** Random projection trees: rows are split in halves by random cuts until the parts are small. */
import { inBlocks, type Work } from '../../core/pauses.js';
import type { Random } from '../../core/types.js';

/** Writes |x - a|² - |x - b|² (or another such margin) of the rows order[from..to) to margins[from..to). */
export type Margins = (
  a: number,
  b: number,
  order: Int32Array,
  from: number,
  to: number,
  margins: Float32Array,
) => void;

/** Rows whose margins are computed between two pauses. */
const marginsAtATime = 4096;

/** Ends of the leaves of a tree over `rows` rows. They do not depend on the cuts, which are always in the middle. */
export function leafEnds(rows: number, leafRows: number): Int32Array {
  const ends: number[] = [];
  const halve = (from: number, to: number) => {
    if (to - from <= leafRows) return void ends.push(to);
    const middle = from + ((to - from) >> 1);
    halve(from, middle);
    halve(middle, to);
  };
  halve(0, rows);
  return Int32Array.from(ends);
}

/**
 * Orders rows so that those of one leaf are contiguous. Each cut is between two random rows (Dasgupta and Freund, 2008),
 * shifted so that it halves the part: leaves have equal sizes, and equal rows are no problem.
 */
export function* partition(
  order: Int32Array,
  leafRows: number,
  random: Random,
  marginsOf: Margins,
): Work<void> {
  const margins = new Float32Array(order.length);
  function* cut(from: number, to: number): Work<void> {
    const count = to - from;
    if (count <= leafRows) return;
    const a = order[from + random.integer(count)]!;
    const b = order[from + random.integer(count)]!;
    yield* inBlocks(count, marginsAtATime, (start, end) =>
      marginsOf(a, b, order, from + start, from + end, margins),
    );
    const middle = from + (count >> 1);
    select(margins, order, from, to - 1, middle);
    yield* cut(from, middle);
    yield* cut(middle, to);
  }
  yield* cut(0, order.length);
}

/** Hoare's selection: afterwards no value before `middle` is larger than any value from there on. */
function select(values: Float32Array, order: Int32Array, from: number, to: number, middle: number): void {
  let low = from;
  let high = to;
  while (low < high) {
    const pivot = values[(low + high) >> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const value = values[i]!;
      values[i] = values[j]!;
      values[j] = value;
      const row = order[i]!;
      order[i] = order[j]!;
      order[j] = row;
      i++;
      j--;
    }
    if (middle <= j) high = j;
    else if (middle >= i) low = i;
    else return;
  }
}
