/** One pass over the neighbors of neighbors. */
import type { Work } from '../../core/pauses.js';
import type { Comparer } from './compare.js';
import { type SearchPlan, updatesAt } from './plan.js';

/**
 * Compares rows with the neighbors of their neighbors (Dong et al., 2011), for groups of rows that are close together:
 * candidates of one are good candidates for all. Pairs of old neighbors are not compared again (the new/old flags of
 * NN-descent).
 */
export function createExplore(plan: SearchPlan, buffer: ArrayBufferLike, compare: Comparer) {
  const { at, rows, snapshotSize, group } = plan;
  const snapshot = new Uint32Array(buffer, at.snapshot, rows * snapshotSize);
  const reverse = new Uint32Array(buffer, at.reverse, rows * snapshotSize);
  const counts = new Int32Array(buffer, at.reverseCounts, rows);
  const control = new Int32Array(buffer, at.control, 2);
  const candidates = new Int32Array(rows);
  const seen = new Int32Array(rows).fill(-1);
  let count = 0;

  const collect = (words: Uint32Array, from: number, to: number, old: number, stamp: number) => {
    for (let i = from; i < to; i++) {
      const word = words[i]!;
      const id = word >>> 1;
      if ((word & old) === 1 || seen[id] === stamp) continue;
      seen[id] = stamp;
      candidates[count++] = id;
    }
  };
  const collectThrough = (words: Uint32Array, from: number, to: number, stamp: number) => {
    for (let i = from; i < to; i++) {
      const middle = (words[i]! >>> 1) * snapshotSize;
      const old = words[i]! & 1;
      collect(snapshot, middle, middle + snapshotSize, old, stamp);
      collect(reverse, middle, middle + counts[words[i]! >>> 1]!, old, stamp);
    }
  };
  return function* (from: number, to: number): Work<void> {
    let updates = 0;
    for (let start = from; start < to; start += group) {
      const end = Math.min(to, start + group);
      count = 0;
      for (let row = start; row < end; row++) {
        collectThrough(snapshot, row * snapshotSize, (row + 1) * snapshotSize, start);
        collectThrough(reverse, row * snapshotSize, row * snapshotSize + counts[row]!, start);
      }
      updates += compare.rows(start, end, candidates, count);
      yield;
    }
    Atomics.add(control, updatesAt, updates);
  };
}
