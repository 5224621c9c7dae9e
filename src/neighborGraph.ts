/** From rows, and targets where there are any, to the weighted graph that the map is drawn from. */
import { cutAtBound, disconnectionDefault } from './distance.js';
import { DataError, OptionError } from './errors.js';
import { disconnectedVertices, fuzzyGraph } from './fuzzy.js';
import { chooseNeighbors, type NeighborChoice } from './neighbors/choose.js';
import {
  type DistanceInput,
  type KnnInput,
  neighborsFromDistances,
  precomputedNeighbors,
  readDistances,
} from './neighbors/precomputed.js';
import { superviseCategorical, superviseContinuous } from './supervised.js';
import { groupTargets, nearNumbers, nearRows, searchTable } from './targetGroups.js';
import { targetMemberships } from './targetNeighbors.js';
import { type EnteredTargets, readValues } from './targets.js';
import type { DistanceFunction, Edges, Knn, Matrix, Random } from './types.js';

export interface GraphOptions {
  readonly nNeighbors: number;
  readonly metric: string | DistanceFunction;
  readonly metricParams: Readonly<Record<string, unknown>>;
  readonly neighbors: NeighborChoice;
  readonly localConnectivity: number;
  readonly setOpMixRatio: number;
  readonly disconnectionDistance: number | null;
  readonly targetWeight: number;
  readonly targetNNeighbors: number | null;
}

/** Stages done elsewhere. */
export interface GraphInputs {
  /** Neighbours found elsewhere, with or without the row itself: used instead of a search. */
  readonly knn?: KnnInput | undefined;
  /**
   * Distances between all rows, for `metric: 'precomputed'`: n x n, or the n (n - 1) / 2 above the diagonal in a list, as
   * of scipy's `pdist`. Rows at an infinite distance are never joined.
   */
  readonly distances?: DistanceInput | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Targets as `fit` takes them: classes by index (-1 unknown), or values to be read. */
export type GraphTargets = { readonly classes: Int32Array } | { readonly values: EnteredTargets } | undefined;

/** Finds neighbours, weighs them, and lets the targets have their say. `say` gets a line for each choice made. */
export async function neighborGraph(
  matrix: Matrix,
  targets: GraphTargets,
  options: GraphOptions,
  inputs: GraphInputs,
  random: Random,
  say: (line: string) => void,
): Promise<Edges> {
  const { metric } = options;
  const rows = matrix.shape[0];
  const found = await nearest(matrix, options, inputs, random, say);
  const bound = disconnectionDefault(metric);
  const disconnectionDistance = options.disconnectionDistance ?? bound;
  const knn =
    typeof metric === 'string' && disconnectionDistance === bound
      ? cutAtBound(found, metric, inputs.knn ? undefined : matrix, options.metricParams)
      : found;
  const { localConnectivity, setOpMixRatio } = options;
  const edges = fuzzyGraph(knn, { localConnectivity, setOpMixRatio, disconnectionDistance });
  const alone = disconnectedVertices(edges).length;
  if (alone > 0)
    say(`graph: ${alone} of ${rows} rows have no neighbour nearer than ${disconnectionDistance}`);
  return supervise(edges, targets, options, random.fork('targets'), inputs.signal);
}

async function nearest(
  matrix: Matrix,
  { nNeighbors: k, metric, metricParams, neighbors }: GraphOptions,
  { knn, distances, signal }: GraphInputs,
  random: Random,
  say: (line: string) => void,
): Promise<Knn> {
  const rows = matrix.shape[0];
  if (k > rows) {
    throw new DataError(
      `fit: at least nNeighbors rows wanted (nNeighbors ${k}, rows ${rows}); lower nNeighbors`,
    );
  }
  if (knn && distances) throw new OptionError('fit: knn or distances wanted, got both; leave one out');
  if ((metric === 'precomputed') !== (distances !== undefined) && !knn) {
    throw new OptionError(
      metric === 'precomputed'
        ? "fit: metric 'precomputed' wants a distance matrix; pass fit(X, y, { distances })"
        : `fit: distances go with metric 'precomputed'; got metric '${String(metric)}'`,
    );
  }
  if (knn) {
    say('neighbours: as given');
    return precomputedNeighbors(knn, { rows, k });
  }
  if (distances) {
    say('neighbours: from the given distances');
    return neighborsFromDistances(await readDistances(distances, rows), k);
  }
  const { provider, reason } = await chooseNeighbors({ rows, metric, neighbors });
  say(`neighbours: ${reason}`);
  return provider.search(matrix, { k, metric, metricParams, random: random.fork('neighbors'), signal });
}

/** Lets classes or values reweigh the graph (`supervised.ts`). */
async function supervise(
  edges: Edges,
  targets: GraphTargets,
  { targetWeight, targetNNeighbors, nNeighbors, neighbors }: GraphOptions,
  random: Random,
  signal: AbortSignal | undefined,
): Promise<Edges> {
  if (!targets || targetWeight === 0) return edges;
  if ('classes' in targets) return superviseCategorical(edges, targets.classes, { targetWeight });
  const values = readValues(targets.values, edges.vertices);
  const groups = groupTargets(values);
  // Targets that are all alike, or not known, tell no rows apart.
  if (groups.count < 2) return edges;
  const k = Math.min(targetNNeighbors ?? nNeighbors, groups.members.length);
  let near = values.shape[1] === 1 ? nearNumbers(groups, k) : undefined;
  if (!near) {
    const { provider } = await chooseNeighbors({ rows: groups.count, metric: 'euclidean', neighbors });
    // Groups of several rows fill a list sooner; as many groups as rows are always enough.
    const query = {
      k: Math.min(k, groups.count),
      metric: 'euclidean',
      random: random.fork('search'),
      signal,
    };
    near = nearRows(groups, await provider.search(searchTable(groups), query), k);
  }
  const memberships = targetMemberships(edges, groups, near, k, random);
  return superviseContinuous(edges, memberships, { targetWeight }, (row) => groups.groupOf[row]! >= 0);
}
