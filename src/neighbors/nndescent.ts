/** Approximate neighbours in about n log n time: random trees, then neighbours of neighbours. */
import { pausesFor } from '../core/pauses.js';
import type { NeighborProvider } from '../core/types.js';
import { checkQuery } from './query.js';
import { toKnn, viewLists } from './search/lists.js';
import type { SearchPlan } from './search/plan.js';
import { type Crew, openCrew, threadsFor } from './search/pool.js';
import { prepare } from './search/prepare.js';

export interface DescentOptions {
  /**
   * Worker threads. Default: the cores of the machine, at most 8, or none for small data. The outcome does not
   * depend on it. A metric that is a function always runs in the calling thread.
   */
  readonly threads?: number;
}

const maxPasses = 12;
/** A pass that takes fewer than this share of all list entries was the last. */
const settled = 0.01;

/**
 * Approximate nearest neighbours for any metric.
 *
 * Leaves of several random trees (Dasgupta and Freund, 2008) give first neighbours; passes over the neighbours of
 * neighbours (NN-descent: Dong, Moses and Li, 2011) better them until hardly any list changes. Metrics that rank
 * like a Euclidean distance use vector kernels; from 128 columns on they search along principal components and rank
 * twice as many candidates as wanted in all columns. The same seed gives the same neighbours, on any number of threads.
 */
export function nndescent({ threads }: DescentOptions = {}): NeighborProvider {
  return {
    name: 'nndescent',
    async search(data, query) {
      checkQuery(data, query);
      const workers = threads ?? (await threadsFor(data, query.metric));
      const pauses = pausesFor(query.signal);
      const { plan, arena, finish } = await pauses.run(prepare(data, query, workers, false));
      const crew = await openCrew(plan, arena, workers, query.signal);
      try {
        await descend(plan, crew);
      } finally {
        await crew.close();
      }
      return pauses.run(toKnn(viewLists(arena.buffer, plan.at.result, plan.rows, plan.wanted), finish));
    },
  };
}

async function descend(plan: SearchPlan, crew: Crew): Promise<void> {
  if (plan.fullWidth > 0) await crew.run('project');
  await crew.run('order');
  await crew.run('permute');
  await crew.run('tree');
  for (let tree = 0; tree < plan.seeds.length - 1; tree++) await crew.run('leaves', tree);
  for (let pass = 0; pass < maxPasses; pass++) {
    await crew.run('links');
    await crew.run('explore');
    if (crew.taken() < settled * plan.rows * plan.capacity) break;
  }
  await crew.run('rank');
}
