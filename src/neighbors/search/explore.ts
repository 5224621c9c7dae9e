/** One pass over the neighbours of neighbours. */
import type { Work } from '../../core/pauses.js';
import type { Comparer } from './compare.js';
import { type SearchPlan, takenAt } from './plan.js';

/**
 * Neighbours of neighbours (Dong et al., 2011), searched by groups of rows that lie together: candidates of one
 * are worth a try for all. Ways along two links that were known a pass ago are not walked again.
 */
export function createExplore(plan: SearchPlan, buffer: ArrayBufferLike, compare: Comparer) {
  const { at, rows, links, group } = plan;
  const snapshot = new Uint32Array(buffer, at.snapshot, rows * links);
  const reverse = new Uint32Array(buffer, at.reverse, rows * links);
  const counts = new Int32Array(buffer, at.reverseCounts, rows);
  const control = new Int32Array(buffer, at.control, 2);
  const candidates = new Int32Array(rows);
  const seen = new Int32Array(rows).fill(-1);
  let count = 0;

  const walk = (words: Uint32Array, from: number, to: number, known: number, stamp: number) => {
    for (let i = from; i < to; i++) {
      const word = words[i]!;
      const id = word >>> 1;
      if ((word & known) === 1 || seen[id] === stamp) continue;
      seen[id] = stamp;
      candidates[count++] = id;
    }
  };
  const via = (words: Uint32Array, from: number, to: number, stamp: number) => {
    for (let i = from; i < to; i++) {
      const middle = (words[i]! >>> 1) * links;
      const known = words[i]! & 1;
      walk(snapshot, middle, middle + links, known, stamp);
      walk(reverse, middle, middle + counts[words[i]! >>> 1]!, known, stamp);
    }
  };
  return function* (from: number, to: number): Work<void> {
    let taken = 0;
    for (let start = from; start < to; start += group) {
      const end = Math.min(to, start + group);
      count = 0;
      for (let row = start; row < end; row++) {
        via(snapshot, row * links, (row + 1) * links, start);
        via(reverse, row * links, row * links + counts[row]!, start);
      }
      taken += compare.rows(start, end, candidates, count);
      yield;
    }
    Atomics.add(control, takenAt, taken);
  };
}
