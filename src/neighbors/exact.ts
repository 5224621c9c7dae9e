/** Exact nearest neighbors: all pairs of rows are compared. */
import { pausesFor } from '../core/pauses.js';
import type { NeighborProvider } from '../core/types.js';
import { checkQuery } from './query.js';
import { toKnn, viewLists } from './search/lists.js';
import { openPool, threadsFor } from './search/pool.js';
import { prepare } from './search/prepare.js';

export interface ExactOptions {
  /** Worker threads. Default: the number of cores, at most 8, or none for small data. */
  readonly threads?: number;
}

/**
 * Exact nearest neighbors for any metric, in time that grows with rows². Ties are ordered by id. Distances are 32-bit
 * floats.
 */
export function exact({ threads }: ExactOptions = {}): NeighborProvider {
  return {
    name: 'exact',
    async search(data, query) {
      checkQuery(data, query);
      const workers = threads ?? (await threadsFor(data, query.metric));
      const pauses = pausesFor(query.signal);
      const { plan, arena, toDistance } = await pauses.run(prepare(data, query, workers, true));
      // One thread compares each pair once for both rows. Several update only lists of their own rows, which compares
      // each pair twice and so is faster from three threads on.
      const pairs = plan.metric !== undefined && workers < 3;
      const pool = await openPool(plan, arena, pairs ? 1 : workers, query.signal);
      const { progress } = query;
      // Each pair is compared at its first row, so that the work per row falls to 0.
      const ofPairs = progress && ((done: number) => progress(1 - (1 - done) ** 2));
      try {
        await pool.run(pairs ? 'pairs' : 'all', 0, pairs ? ofPairs : progress);
      } finally {
        await pool.close();
      }
      return pauses.run(toKnn(viewLists(arena.buffer, plan.at.lists, plan.rows, plan.capacity), toDistance));
    },
  };
}
