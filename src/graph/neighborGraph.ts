/** From rows, and targets where there are any, to the weighted graph that the map is drawn from. */

import { DataError, OptionError } from '../core/errors.js';
import { type Pauses, pausesFor } from '../core/pauses.js';
import type { DistanceFunction, Edges, Knn, Matrix, Random } from '../core/types.js';
import { takeRows } from '../data/matrix.js';
import { type EnteredTargets, readValues } from '../data/targets.js';
import { cutAtBound, disconnectionDefault } from '../math/distance.js';
import { chooseNeighbors, type NeighborChoice } from '../neighbors/choose.js';
import { linkCopies } from '../neighbors/copies.js';
import {
  type DistanceInput,
  type KnnInput,
  neighborsFromDistancesInParts,
  precomputedNeighborsInParts,
  readDistances,
} from '../neighbors/precomputed.js';
import { disconnectedVertices, fuzzyGraphInParts } from './fuzzy.js';
import { superviseCategoricalInParts, superviseContinuousInParts } from './supervised.js';
import { groupTargets, nearNumbers, nearRows, searchTable } from './targetGroups.js';
import { targetMembershipsInParts } from './targetNeighbors.js';

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
  /** Aborts the fit, which then throws the signal's reason and keeps the estimator as it was. */
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
  const pauses = pausesFor(inputs.signal);
  const found = await nearest(matrix, options, inputs, random, say, pauses);
  const bound = disconnectionDefault(metric);
  const disconnectionDistance = options.disconnectionDistance ?? bound;
  const knn =
    typeof metric === 'string' && disconnectionDistance === bound
      ? cutAtBound(found, metric, inputs.knn ? undefined : matrix, options.metricParams)
      : found;
  const { localConnectivity, setOpMixRatio } = options;
  const fuzzy = { localConnectivity, setOpMixRatio, disconnectionDistance };
  const edges = await pauses.run(fuzzyGraphInParts(knn, fuzzy));
  const alone = disconnectedVertices(edges).length;
  if (alone > 0)
    say(`graph: ${alone} of ${rows} rows have no neighbour nearer than ${disconnectionDistance}`);
  if (edges.head.length === 0) throw noEdges(knn, disconnectionDistance);
  const supervised = await supervise(edges, targets, options, random.fork('targets'), pauses, inputs.signal);
  if (supervised.head.length > 0) return supervised;
  throw new DataError(
    `fit: some neighbours of one label expected at targetWeight ${options.targetWeight}, which cuts all other edges, got none; ` +
      'lower targetWeight, or raise nNeighbors',
  );
}

/** Why a graph is empty: all neighbours are as far as rows that count as unrelated, or farther. */
function noEdges({ distances, k }: Knn, limit: number): DataError {
  // Column 0 is the row itself.
  const nearest = distances.reduce(
    (least, d, at) => (at % k === 0 ? least : Math.min(least, d)),
    Number.POSITIVE_INFINITY,
  );
  if (nearest === Number.POSITIVE_INFINITY) {
    return new DataError(
      'fit: expected finite distances between some rows, got none: no two rows are connected; ' +
        'give finite distances, or use another metric',
    );
  }
  return new DataError(
    `fit: neighbours nearer than the disconnectionDistance of ${limit} expected, got none: the nearest two rows are ` +
      `${nearest} apart; raise disconnectionDistance, or use another metric`,
  );
}

async function nearest(
  matrix: Matrix,
  { nNeighbors: k, metric, metricParams, neighbors }: GraphOptions,
  { knn, distances, signal }: GraphInputs,
  random: Random,
  say: (line: string) => void,
  pauses: Pauses,
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
    return pauses.run(precomputedNeighborsInParts(knn, { rows, k }));
  }
  if (distances) {
    say('neighbours: from the given distances');
    const table = await readDistances(distances, rows);
    const among = (some: Matrix, wanted: number) => pauses.run(neighborsFromDistancesInParts(some, wanted));
    return linkCopies(await among(table, k), (some, wanted) =>
      among(distancesAmong(table, rows, some), wanted),
    );
  }
  const { provider, reason } = await chooseNeighbors({ rows, metric, neighbors });
  say(`neighbours: ${reason}`);
  const query = { metric, metricParams, signal };
  const found = await provider.search(matrix, { ...query, k, random: random.fork('neighbors') });
  return linkCopies(found, (some, wanted) =>
    provider.search(takeRows(matrix, some), { ...query, k: wanted, random: random.fork('copies') }),
  );
}

/** The distances between some rows, out of a table of all `rows`, whole or condensed. */
function distancesAmong({ data, shape: [height] }: Matrix, rows: number, some: Int32Array): Matrix {
  const between = (i: number, j: number) => {
    if (height === rows) return data[i * rows + j]!;
    const low = Math.min(i, j);
    return i === j ? 0 : data[low * rows - (low * (low + 1)) / 2 + Math.abs(i - j) - 1]!;
  };
  const count = some.length;
  const among = Float32Array.from({ length: count ** 2 }, (_, at) =>
    between(some[Math.floor(at / count)]!, some[at % count]!),
  );
  return { data: among, shape: [count, count] };
}

/** Lets classes or values reweigh the graph (`supervised.ts`). */
async function supervise(
  edges: Edges,
  targets: GraphTargets,
  { targetWeight, targetNNeighbors, nNeighbors, neighbors }: GraphOptions,
  random: Random,
  pauses: Pauses,
  signal: AbortSignal | undefined,
): Promise<Edges> {
  if (!targets || targetWeight === 0) return edges;
  if ('classes' in targets) {
    return pauses.run(superviseCategoricalInParts(edges, targets.classes, { targetWeight }));
  }
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
  const memberships = await pauses.run(targetMembershipsInParts(edges, groups, near, k, random));
  const known = (row: number) => groups.groupOf[row]! >= 0;
  return pauses.run(superviseContinuousInParts(edges, memberships, { targetWeight }, known));
}
