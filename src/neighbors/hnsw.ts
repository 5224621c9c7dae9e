/** Neighbors by the optional package hnswlib-node (hierarchical navigable small worlds, in C++). */
import { pausesFor } from '../core/pauses.js';
import type { NeighborProvider } from '../core/types.js';
import { openIndexInput, rowsPerPause } from './external.js';

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

/** Links per row in the index, and candidates while building and searching: more are more accurate and slower. */
const m = 16;
const efConstruction = 200;
const ef = 64;

/**
 * Approximate nearest neighbors by hnswlib-node, on one thread; the same seed gives the same neighbors. Metrics:
 * euclidean, cosine, correlation, hellinger. `module` is the default export of `hnswlib-node`.
 */
export function hnsw(module: HnswModule): NeighborProvider {
  return {
    name: 'hnsw',
    async search(data, query) {
      const { k, random, signal, progress } = query;
      const pauses = pausesFor(signal);
      const opened = openIndexInput('hnsw', data, query);
      const { rows, width, table, add, neighbors: allNeighbors } = await pauses.run(opened);
      const index = new module.HierarchicalNSW('l2', width);
      // The package takes a signed 32-bit seed.
      const randomSeed = random.fork('hnsw').uint32() >>> 1;
      index.initIndex({ maxElements: rows, m, efConstruction, randomSeed });
      index.setEf(Math.max(ef, 2 * k));
      // It accepts plain arrays only, one row per call.
      const point = (row: number) => Array.from(table.subarray(row * width, (row + 1) * width));
      for (let row = 0; row < rows; row++) {
        if (row % rowsPerPause === 0) {
          await pauses.take();
          progress?.(row / (2 * rows));
        }
        index.addPoint(point(row), row);
      }
      for (let row = 0; row < rows; row++) {
        if (row % rowsPerPause === 0) {
          await pauses.take();
          progress?.((rows + row) / (2 * rows));
        }
        // The row itself is not always found, nor always first: `add` recognizes it by its id.
        const { neighbors, distances } = index.searchKnn(point(row), k);
        for (let c = 0; c < neighbors.length; c++) add(row, neighbors[c]!, distances[c]!);
      }
      return pauses.run(allNeighbors());
    },
  };
}
