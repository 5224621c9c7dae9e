/** Chooses a neighbor search: the requested one, else by the number of rows. */
import { OptionError } from '../core/errors.js';
import { pausesFor } from '../core/pauses.js';
import { importPackage } from '../core/platform.js';
import type { DistanceFunction, NeighborProvider } from '../core/types.js';
import { exact } from './exact.js';
import { type HnswModule, hnsw } from './hnsw.js';
import { nndescent } from './nndescent.js';
import { neighborsFromDistancesInParts } from './precomputed.js';
import { usearch } from './usearch.js';

/** Searches by name. `auto`: exact up to 4,096 rows, else nndescent. */
export const neighborChoices = ['auto', 'exact', 'nndescent', 'hnsw', 'usearch'] as const;
export type NeighborChoice = (typeof neighborChoices)[number];

/** Input of the choice. */
export interface ChoiceInput {
  readonly rows: number;
  readonly metric: string | DistanceFunction;
  /** Default `auto`. */
  readonly neighbors?: NeighborChoice;
}

export interface Choice {
  readonly provider: NeighborProvider;
  /** The choice and its reason in one line, such as `exact (1,797 rows)`. */
  readonly reason: string;
}

/** Up to this many rows an exact search takes about a second; also the limit of umap-learn. */
const exactRows = 4096;

const precomputed: NeighborProvider = {
  name: 'precomputed',
  async search(data, { k, signal, progress }) {
    return pausesFor(signal).run(neighborsFromDistancesInParts(data, k), progress);
  },
};

/**
 * Chooses a neighbor search. Throws `UnavailableError` if a requested package is not installed or does not load, and
 * `OptionError` for an unknown name.
 */
export async function chooseNeighbors({ rows, metric, neighbors = 'auto' }: ChoiceInput): Promise<Choice> {
  const size = `${rows.toLocaleString('en-US')} rows`;
  if (metric === 'precomputed') return { provider: precomputed, reason: `precomputed distances (${size})` };
  const requested = `${size}, requested`;
  switch (neighbors) {
    case 'auto': {
      const few = rows <= exactRows;
      const provider = few ? exact() : nndescent();
      return { provider, reason: `${provider.name} (${size})` };
    }
    case 'exact':
      return { provider: exact(), reason: `exact (${requested})` };
    case 'nndescent':
      return { provider: nndescent(), reason: `nndescent (${requested})` };
    case 'hnsw': {
      const module = await load<{ default: HnswModule }>('hnsw', 'hnswlib-node');
      return { provider: hnsw(module.default), reason: `hnswlib-node (${requested})` };
    }
    case 'usearch':
      return { provider: usearch(await load('usearch', 'usearch')), reason: `usearch (${requested})` };
    default:
      throw new OptionError(
        `neighbors: expected one of ${neighborChoices.join(', ')}, got ${String(neighbors)}; use auto to choose by size`,
      );
  }
}

function load<Module>(choice: string, name: string): Promise<Module> {
  const advice = `run: npm install ${name} (with its install script allowed), or use neighbors: 'auto'`;
  return importPackage(name, `neighbors: '${choice}'`, advice);
}
