/** Neighbours from the optional package hnswlib-node (hierarchical navigable small worlds, in C++). */
import { pausesFor } from '../core/pauses.js';
import type { NeighborProvider } from '../core/types.js';
import { openIndexInput, rowsAtATime } from './external.js';

/** The part of hnswlib-node that is used here. */
export interface HnswModule {
  readonly HierarchicalNSW: new (space: 'l2', columns: number) => HnswIndex;
}

export interface HnswIndex {
  initIndex(options: { maxElements: number; m: number; efConstruction: number; randomSeed: number }): void;
  setEf(ef: number): void;
  addPoint(point: number[], id: number): void;
  searchKnn(point: number[], k: number): { distances: number[]; neighbors: number[] };
}

/** Links of a row in the index. More: better and slower, as with the two below. */
const LINKS = 16;
/** Candidates while building. */
const BUILD_CANDIDATES = 200;
/** Candidates while searching, at least 2 k. */
const SEARCH_CANDIDATES = 64;

/**
 * Approximate nearest neighbours by hnswlib-node, one thread, the same for a seed. Metrics: euclidean, cosine,
 * correlation, hellinger.
 *
 * @param module what `import('hnswlib-node')` gives as its default.
 */
export function hnsw(module: HnswModule): NeighborProvider {
  return {
    name: 'hnsw',
    async search(data, query) {
      const { k, random, signal } = query;
      const pauses = pausesFor(signal);
      const opened = openIndexInput('hnsw', data, query);
      const { rows, width, table, found, finish } = await pauses.run(opened);
      const index = new module.HierarchicalNSW('l2', width);
      // The package takes a signed 32-bit seed.
      const randomSeed = random.fork('hnsw').uint32() >>> 1;
      index.initIndex({ maxElements: rows, m: LINKS, efConstruction: BUILD_CANDIDATES, randomSeed });
      index.setEf(Math.max(SEARCH_CANDIDATES, 2 * k));
      // It takes plain arrays only, one row a call.
      const point = (row: number) => Array.from(table.subarray(row * width, (row + 1) * width));
      for (let row = 0; row < rows; row++) {
        if (row % rowsAtATime === 0) await pauses.take();
        index.addPoint(point(row), row);
      }
      for (let row = 0; row < rows; row++) {
        if (row % rowsAtATime === 0) await pauses.take();
        // The row itself is not always among those found, nor first: it is known by its id.
        const { neighbors, distances } = index.searchKnn(point(row), k);
        for (let c = 0; c < neighbors.length; c++) found(row, neighbors[c]!, distances[c]!);
      }
      return pauses.run(finish());
    },
  };
}
