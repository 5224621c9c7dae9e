/** Approximate nearest neighbors in about n log n time: random projection trees, then NN-descent. */
import { pausesFor } from '../core/pauses.js';
import type { NeighborProvider } from '../core/types.js';
import { checkQuery } from './query.js';
import { toKnn, viewLists } from './search/lists.js';
import type { SearchPlan } from './search/plan.js';
import { openPool, type SearchPool, threadsFor } from './search/pool.js';
import { prepare } from './search/prepare.js';

export interface DescentOptions {
  /**
   * Worker threads. Default: the number of cores, at most 8, or none for small data. The result does not depend on it. A
   * custom metric always runs on the calling thread.
   */
  readonly threads?: number;
}

const maxPasses = 12;
/** The search ends after a pass that updates less than this share of all list entries. */
const converged = 0.01;

/**
 * Approximate nearest neighbors for any metric.
 *
 * Leaves of several random projection trees (Dasgupta and Freund, 2008) give initial neighbors. Passes of NN-descent
 * (Dong, Moses and Li, 2011) compare rows with the neighbors of their neighbors until hardly any list changes.
 * Metrics that rank like a Euclidean distance use vector kernels; from 128 columns on they search along principal
 * components, and rank twice as many candidates as needed by all columns. The same seed gives the same neighbors on
 * any number of threads.
 */
export function nndescent({ threads }: DescentOptions = {}): NeighborProvider {
  return {
    name: 'nndescent',
    async search(data, query) {
      checkQuery(data, query);
      const workers = threads ?? (await threadsFor(data, query.metric));
      const pauses = pausesFor(query.signal);
      const { plan, arena, toDistance } = await pauses.run(prepare(data, query, workers, false));
      const pool = await openPool(plan, arena, workers, query.signal);
      try {
        await descend(plan, pool);
      } finally {
        await pool.close();
      }
      return pauses.run(
        toKnn(viewLists(arena.buffer, plan.at.result, plan.rows, plan.resultSize), toDistance),
      );
    },
  };
}

async function descend(plan: SearchPlan, pool: SearchPool): Promise<void> {
  if (plan.fullWidth > 0) await pool.run('project');
  await pool.run('order');
  await pool.run('permute');
  await pool.run('tree');
  for (let tree = 0; tree < plan.seeds.length - 1; tree++) await pool.run('leaves', tree);
  for (let pass = 0; pass < maxPasses; pass++) {
    await pool.run('snapshot');
    await pool.run('explore');
    if (pool.updates() < converged * plan.rows * plan.capacity) break;
  }
  await pool.run('rank');
}
