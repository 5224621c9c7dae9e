/** Neighbours from the optional package usearch (hierarchical navigable small worlds, in C++, prebuilt). */
import { pausesFor } from '../core/pauses.js';
import type { NeighborProvider } from '../core/types.js';
import { openIndexInput, rowsAtATime } from './external.js';

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
  /** `counts` is there when more than one row was asked for. */
  search(
    vectors: Float32Array,
    k: number,
    threads: number,
  ): { keys: BigUint64Array; distances: Float32Array; counts?: BigUint64Array };
}

/** Links of a row in the index. More: better and slower, as with the two below. */
const LINKS = 16;
/** Candidates while building. */
const BUILD_CANDIDATES = 200;
/** Candidates while searching, at least 2 k. */
const SEARCH_CANDIDATES = 64;

/**
 * Approximate nearest neighbours by usearch. One thread, since with more its outcome changes from run to run.
 * Metrics: euclidean, cosine, correlation, hellinger.
 *
 * @param module what `import('usearch')` gives.
 */
export function usearch(module: UsearchModule): NeighborProvider {
  return {
    name: 'usearch',
    async search(data, query) {
      const { k, signal } = query;
      const pauses = pausesFor(signal);
      const opened = openIndexInput('usearch', data, query);
      const { rows, width, table, found, finish } = await pauses.run(opened);
      const index = new module.Index({
        dimensions: width,
        metric: 'l2sq',
        quantization: 'f32',
        connectivity: LINKS,
        expansion_add: BUILD_CANDIDATES,
        expansion_search: Math.max(SEARCH_CANDIDATES, 2 * k),
        multi: false,
      });
      for (let from = 0; from < rows; from += rowsAtATime) {
        await pauses.take();
        const to = Math.min(rows, from + rowsAtATime);
        const keys = BigUint64Array.from({ length: to - from }, (_, i) => BigInt(from + i));
        index.add(keys, table.subarray(from * width, to * width), 1);
      }
      for (let from = 0; from < rows; from += rowsAtATime) {
        await pauses.take();
        const to = Math.min(rows, from + rowsAtATime);
        const { keys, distances, counts } = index.search(table.subarray(from * width, to * width), k, 1);
        for (let row = from; row < to; row++) {
          const start = (row - from) * k;
          const count = counts === undefined ? keys.length : Number(counts[row - from]);
          for (let c = 0; c < count; c++) found(row, Number(keys[start + c]), distances[start + c]!);
        }
      }
      return pauses.run(finish());
    },
  };
}
