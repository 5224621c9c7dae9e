/** Neighbors by the optional package usearch (hierarchical navigable small worlds, in C++, prebuilt). */
import { pausesFor } from '../core/pauses.js';
import type { NeighborProvider } from '../core/types.js';
import { openIndexInput, rowsPerPause } from './external.js';

/** The part of usearch that is used here. */
export interface UsearchModule {
  readonly Index: new (options: UsearchIndexOptions) => UsearchIndex;
}

export interface UsearchIndexOptions {
  readonly dimensions: number;
  readonly metric: 'l2sq';
  readonly quantization: 'f32';
  readonly connectivity: number;
  readonly expansion_add: number;
  readonly expansion_search: number;
  readonly multi: boolean;
}

export interface UsearchIndex {
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
  /** `counts` is missing for a single row. */
  search(
    vectors: Float32Array,
    k: number,
    threads: number,
  ): { keys: BigUint64Array; distances: Float32Array; counts?: BigUint64Array };
}

/** Links per row in the index, and candidates while building and searching: more are more accurate and slower. */
const connectivity = 16;
const expansionAdd = 200;
const expansionSearch = 64;

/**
 * Approximate nearest neighbors by usearch, on one thread, because with more its results change from run to run. Metrics:
 * euclidean, cosine, correlation, hellinger. `module` is the module `usearch`.
 */
export function usearch(module: UsearchModule): NeighborProvider {
  return {
    name: 'usearch',
    async search(data, query) {
      const { k, signal, progress } = query;
      const pauses = pausesFor(signal);
      const opened = openIndexInput('usearch', data, query);
      const { rows, width, table, add, neighbors } = await pauses.run(opened);
      const index = new module.Index({
        dimensions: width,
        metric: 'l2sq',
        quantization: 'f32',
        connectivity,
        expansion_add: expansionAdd,
        expansion_search: Math.max(expansionSearch, 2 * k),
        multi: false,
      });
      for (let from = 0; from < rows; from += rowsPerPause) {
        await pauses.take();
        progress?.(from / (2 * rows));
        const to = Math.min(rows, from + rowsPerPause);
        const keys = BigUint64Array.from({ length: to - from }, (_, i) => BigInt(from + i));
        index.add(keys, table.subarray(from * width, to * width), 1);
      }
      for (let from = 0; from < rows; from += rowsPerPause) {
        await pauses.take();
        progress?.((rows + from) / (2 * rows));
        const to = Math.min(rows, from + rowsPerPause);
        const { keys, distances, counts } = index.search(table.subarray(from * width, to * width), k, 1);
        for (let row = from; row < to; row++) {
          const start = (row - from) * k;
          const count = counts === undefined ? keys.length : Number(counts[row - from]);
          for (let c = 0; c < count; c++) add(row, Number(keys[start + c]), distances[start + c]!);
        }
      }
      return pauses.run(neighbors());
    },
  };
}
