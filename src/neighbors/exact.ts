/** Exact neighbours: every pair of rows is compared. */
import { pausesFor } from '../core/pauses.js';
import type { NeighborProvider } from '../core/types.js';
import { checkQuery } from './query.js';
import { toKnn, viewLists } from './search/lists.js';
import { openCrew, threadsFor } from './search/pool.js';
import { prepare } from './search/prepare.js';

export interface ExactOptions {
  /** Worker threads. Default: the cores of the machine, at most 8, or none for small data. */
  readonly threads?: number;
}

/**
 * Exact nearest neighbours for any metric, in time that grows with rows². Equal distances are ordered by id, and
 * distances are as exact as 32-bit floats.
 */
export function exact({ threads }: ExactOptions = {}): NeighborProvider {
  return {
    name: 'exact',
    async search(data, query) {
      checkQuery(data, query);
      const able = threads ?? (await threadsFor(data, query.metric));
      const pauses = pausesFor(query.signal);
      const { plan, arena, finish } = await pauses.run(prepare(data, query, able, true));
      // Alone, a thread compares each pair once for both rows; threads own their rows, so it takes three to be faster.
      const pairs = plan.metric !== undefined && able < 3;
      const crew = await openCrew(plan, arena, pairs ? 1 : able, query.signal);
      try {
        await crew.run(pairs ? 'pairs' : 'all');
      } finally {
        await crew.close();
      }
      return pauses.run(toKnn(viewLists(arena.buffer, plan.at.lists, plan.rows, plan.capacity), finish));
    },
  };
}
