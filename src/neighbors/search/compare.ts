/** Compares rows with candidates and pushes these to the lists of the rows: with the kernels, or by any metric. */

import { blockOf, inBlocks, type Work } from '../../core/pauses.js';
import { distanceFor } from '../../math/distance.js';
import type { Kernels } from './kernels.js';
import { createPush, type Lists } from './lists.js';
import type { Margins } from './partition.js';
import { block, rowBlock, type SearchPlan, scratchLayout } from './plan.js';

export interface Comparer {
  /** Compares the rows [from, to) with ids[0..count). Returns the number of updates of lists. */
  rows(from: number, to: number, ids: Int32Array, count: number): number;
  /** Compares ids[from..to) with one another. */
  leaf(ids: Int32Array, from: number, to: number): void;
  /** Compares each row of [from, to) with all later rows and updates both lists. For one thread, without kernels. */
  readonly pairs?: (from: number, to: number) => Work<void>;
  readonly margins: Margins;
}

/** Squared Euclidean distances with the kernels. `scratch` is the address of this worker's scratch memory. */
export function kernelComparer(
  plan: SearchPlan,
  buffer: ArrayBufferLike,
  kernels: Kernels,
  scratch: number,
): Comparer {
  const { at, capacity } = plan;
  const stride = plan.width * 4;
  const { table, lists } = at;
  const layout = scratchLayout(plan);
  const ids = scratch + layout.ids;
  const copies = scratch + layout.copies;
  const distances = scratch + layout.distances;
  const words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
  const listStride = capacity * 8;

  return {
    rows(from, to, candidates, total) {
      let updates = 0;
      for (let start = 0; start < total; start += block) {
        const count = Math.min(block, total - start);
        words.set(candidates.subarray(start, start + count), ids >> 2);
        kernels.gather(table, stride, ids, count, copies);
        const padded = (count + 3) & ~3;
        kernels.squares(table + from * stride, (to - from + 1) & ~1, copies, padded, stride, distances);
        for (let row = from; row < to; row++) {
          const values = distances + (row - from) * padded * 4;
          updates += kernels.merge(lists + row * listStride, capacity, values, ids, count, row);
        }
      }
      return updates;
    },
    leaf(order, from, to) {
      const count = to - from;
      const padded = (count + 3) & ~3;
      words.set(order.subarray(from, to), ids >> 2);
      kernels.gather(table, stride, ids, count, copies);
      for (let start = 0; start < count; start += rowBlock) {
        const height = Math.min(rowBlock, count - start);
        kernels.squares(copies + start * stride, (height + 1) & ~1, copies, padded, stride, distances);
        for (let i = 0; i < height; i++) {
          const row = order[from + start + i]!;
          kernels.merge(lists + row * listStride, capacity, distances + i * padded * 4, ids, count, row);
        }
      }
    },
    margins: kernelMargins(plan, buffer, kernels, scratch),
  };
}

/** Differences of squared distances to two rows. */
function kernelMargins(
  { at, width, ...sizes }: SearchPlan,
  buffer: ArrayBufferLike,
  kernels: Kernels,
  scratch: number,
): Margins {
  const { table } = at;
  const stride = width * 4;
  const layout = scratchLayout({ width, ...sizes });
  const ids = scratch + layout.ids;
  const first = scratch + layout.distances;
  const second = first + block * 4;
  const words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
  const floats = new Float32Array(buffer, 0, buffer.byteLength >> 2);
  return (a, b, order, from, to, margins) => {
    for (let start = from; start < to; start += block) {
      const count = Math.min(block, to - start);
      words.set(order.subarray(start, start + count), ids >> 2);
      kernels.squaresTo(table + a * stride, table, stride, ids, count, first);
      kernels.squaresTo(table + b * stride, table, stride, ids, count, second);
      for (let i = 0; i < count; i++)
        margins[start + i] = floats[(first >> 2) + i]! - floats[(second >> 2) + i]!;
    }
  };
}

/** Distances of any metric, one pair at a time. */
export function metricComparer(plan: SearchPlan, buffer: ArrayBufferLike, lists: Lists): Comparer {
  const { at, rows, width } = plan;
  const distance = distanceFor(plan.metric!, plan.metricParams);
  const table = new Float32Array(buffer, at.table, rows * width);
  const push = createPush(lists);
  const pushBoth = (row: number, other: number) => {
    const value = distance(table, row * width, table, other * width, width);
    push(row, other, value);
    push(other, row, value);
  };

  return {
    rows(from, to, candidates, count) {
      let updates = 0;
      for (let row = from; row < to; row++) {
        for (let m = 0; m < count; m++) {
          const id = candidates[m]!;
          if (id !== row && push(row, id, distance(table, row * width, table, id * width, width))) updates++;
        }
      }
      return updates;
    },
    leaf(order, from, to) {
      for (let i = from; i < to; i++) for (let j = i + 1; j < to; j++) pushBoth(order[i]!, order[j]!);
    },
    *pairs(from, to) {
      for (let row = from; row < to; row++) {
        const first = row + 1;
        yield* inBlocks(rows - first, blockOf(width), (start, end) => {
          for (let other = first + start; other < first + end; other++) pushBoth(row, other);
        });
      }
    },
    // Differences of distances: a cut between two rows needs no coordinates, so that it works for any metric.
    margins(a, b, order, from, to, margins) {
      for (let i = from; i < to; i++) {
        const row = order[i]! * width;
        margins[i] =
          distance(table, a * width, table, row, width) - distance(table, b * width, table, row, width);
      }
    },
  };
}
