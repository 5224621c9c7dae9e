/** Approximate nearest neighbors in about n log n time: random projection trees, then NN-descent. */
import { pausesFor } from '../core/pauses.js';
import type { PartDone } from '../core/stages.js';
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
/** How much of the share that is left for passes the next one is taken for: how many follow is not known. */
const passShare = 0.35;

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
        const { progress = () => {} } = query;
        // Directions for the search along wide rows were found by now.
        const prepared = plan.fullWidth > 0 ? 0.2 : 0;
        await descend(plan, pool, (done) => progress(prepared + (1 - prepared) * done));
      } finally {
        await pool.close();
      }
      return pauses.run(
        toKnn(viewLists(arena.buffer, plan.at.result, plan.rows, plan.resultSize), toDistance),
      );
    },
  };
}

/** Shares of the time that are over before the trees, their leaves, the passes and the ranking, for tens of thousands of rows. */
const shares = { trees: 0.1, leaves: 0.2, passes: 0.4, rank: 0.95 };

async function descend(plan: SearchPlan, pool: SearchPool, progress: PartDone): Promise<void> {
  const between = (from: number, to: number) => (done: number) => progress(from + (to - from) * done);
  if (plan.fullWidth > 0) await pool.run('project', 0, between(0, shares.trees));
  await pool.run('order');
  await pool.run('permute');
  await pool.run('tree', 0, between(shares.trees, shares.leaves));
  const trees = plan.seeds.length - 1;
  for (let tree = 0; tree < trees; tree++) {
    const start = shares.leaves + ((shares.passes - shares.leaves) * tree) / trees;
    await pool.run('leaves', tree, between(start, start + (shares.passes - shares.leaves) / trees));
  }
  let done: number = shares.passes;
  for (let pass = 0; pass < maxPasses; pass++) {
    const next = done + (shares.rank - done) * passShare;
    await pool.run('snapshot');
    await pool.run('explore', 0, between(done, next));
    done = next;
    if (pool.updates() < converged * plan.rows * plan.capacity) break;
  }
  await pool.run('rank', 0, between(shares.rank, 1));
}
