/** Which way to search: the caller's choice, else by the number of rows. */
import { OptionError } from '../core/errors.js';
import { pausesFor } from '../core/pauses.js';
import { importPackage } from '../core/platform.js';
import type { DistanceFunction, NeighborProvider } from '../core/types.js';
import { exact } from './exact.js';
import { type HnswModule, hnsw } from './hnsw.js';
import { nndescent } from './nndescent.js';
import { neighborsFromDistancesInParts } from './precomputed.js';
import { usearch } from './usearch.js';

/** Ways to search. `auto`: exact up to 4,096 rows, else nndescent. */
export const neighborChoices = ['auto', 'exact', 'nndescent', 'hnsw', 'usearch'] as const;
export type NeighborChoice = (typeof neighborChoices)[number];

/** What the choice depends on. */
export interface ChoiceInput {
  readonly rows: number;
  readonly metric: string | DistanceFunction;
  /** Default `auto`. */
  readonly neighbors?: NeighborChoice;
}

export interface Choice {
  readonly provider: NeighborProvider;
  /** One line on what was picked and why, such as `exact (1,797 rows)`. */
  readonly reason: string;
}

/** Up to so many rows an exact search takes a second or so; umap-learn's limit, too. */
const exactRows = 4096;

const precomputed: NeighborProvider = {
  name: 'precomputed',
  async search(data, { k, signal }) {
    return pausesFor(signal).run(neighborsFromDistancesInParts(data, k));
  },
};

/**
 * Picks a way to search.
 *
 * @throws UnavailableError when an asked-for package is not installed or does not load; OptionError for an unknown
 *   choice.
 */
export async function chooseNeighbors({ rows, metric, neighbors = 'auto' }: ChoiceInput): Promise<Choice> {
  const size = `${rows.toLocaleString('en-US')} rows`;
  if (metric === 'precomputed') return { provider: precomputed, reason: `precomputed distances (${size})` };
  const asked = `${size}, asked for`;
  switch (neighbors) {
    case 'auto': {
      const few = rows <= exactRows;
      const provider = few ? exact() : nndescent();
      return { provider, reason: `${provider.name} (${size})` };
    }
    case 'exact':
      return { provider: exact(), reason: `exact (${asked})` };
    case 'nndescent':
      return { provider: nndescent(), reason: `nndescent (${asked})` };
    case 'hnsw': {
      const module = await load<{ default: HnswModule }>(neighbors, 'hnswlib-node');
      return { provider: hnsw(module.default), reason: `hnswlib-node (${asked})` };
    }
    case 'usearch':
      return { provider: usearch(await load(neighbors, 'usearch')), reason: `usearch (${asked})` };
    default:
      throw new OptionError(
        `neighbors: must be one of ${neighborChoices.join(', ')}, got ${String(neighbors)}`,
      );
  }
}

function load<Module>(choice: string, name: string): Promise<Module> {
  const advice = `run: npm install ${name} (with its install script allowed), or use neighbors: 'auto'`;
  return importPackage(name, `neighbors: '${choice}'`, advice);
}
