/** From rows, and optional targets, to the weighted graph that is embedded. */

import { DataError, OptionError } from '../core/errors.js';
import { type Pauses, pausesFor } from '../core/pauses.js';
import { type PartDone, type RunStage, untold } from '../core/stages.js';
import type { DistanceFunction, Edges, Knn, Matrix, Random } from '../core/types.js';
import { takeRows } from '../data/matrix.js';
import { type ParsedTargets, readValues } from '../data/targets.js';
import { cutAtBound, disconnectionDefault } from '../math/disconnection.js';
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

/** Intermediate results that replace a stage, and the abort signal. */
export interface GraphInputs {
  /** Precomputed neighbors, with or without the row itself: used instead of a search. */
  readonly knn?: KnnInput | undefined;
  /**
   * Distances between all rows, for `metric: 'precomputed'`: n x n, or condensed, the n (n - 1) / 2 above the diagonal,
   * as scipy's `pdist` returns them. Rows at an infinite distance are not connected.
   */
  readonly distances?: DistanceInput | undefined;
  /** Aborts the fit, which then throws the signal's reason and keeps the estimator as it was. */
  readonly signal?: AbortSignal | undefined;
}

/** Inputs, and who takes the part done of a stage. */
interface FollowedInputs extends GraphInputs {
  readonly progress: PartDone;
}

/** Who is told what is done. */
export interface GraphListener {
  /** Takes a line for each choice that is made. */
  log(line: string): void;
  /** Runs a stage, and tells how far it is. Default: nobody is told. */
  readonly stage?: RunStage | undefined;
}

/** Targets as `fit` takes them: classes by index (-1 unknown), or values to be read. */
export type GraphTargets = { readonly classes: Int32Array } | { readonly values: ParsedTargets } | undefined;

/**
 * Searches neighbors, weights them, and optionally reweights edges by the targets.
 * Throws `DataError` for too few rows, and when no two rows are near enough for an edge.
 */
export async function neighborGraph(
  matrix: Matrix,
  targets: GraphTargets,
  options: GraphOptions,
  inputs: GraphInputs,
  random: Random,
  { log, stage = untold }: GraphListener,
): Promise<Edges> {
  const pauses = pausesFor(inputs.signal);
  const found = await stage('neighbors', (progress) =>
    nearestNeighbors(matrix, options, { ...inputs, progress }, random, log, pauses),
  );
  return stage('graph', (progress) =>
    weightedGraph(found, matrix, targets, options, { ...inputs, progress }, random, log, pauses),
  );
}

/** Share of the time of a graph with targets that is over before these are put in. */
const WEIGHTS_SHARE = 0.6;

/** The graph of neighbors that were found. */
async function weightedGraph(
  found: Knn,
  matrix: Matrix,
  targets: GraphTargets,
  options: GraphOptions,
  inputs: FollowedInputs,
  random: Random,
  log: (line: string) => void,
  pauses: Pauses,
): Promise<Edges> {
  const { metric } = options;
  const rows = matrix.shape[0];
  const bound = disconnectionDefault(metric);
  const disconnectionDistance = options.disconnectionDistance ?? bound;
  const knn =
    typeof metric === 'string' && disconnectionDistance === bound
      ? cutAtBound(found, metric, inputs.knn ? undefined : matrix, options.metricParams)
      : found;
  const { localConnectivity, setOpMixRatio } = options;
  const fuzzy = { localConnectivity, setOpMixRatio, disconnectionDistance };
  const share = targets ? WEIGHTS_SHARE : 1;
  const edges = await pauses.run(fuzzyGraphInParts(knn, fuzzy), (done) => inputs.progress(share * done));
  const isolated = disconnectedVertices(edges).length;
  if (isolated > 0)
    log(`graph: ${isolated} of ${rows} rows have no neighbor nearer than ${disconnectionDistance}`);
  if (edges.head.length === 0) throw noEdges(knn, disconnectionDistance);
  const supervised = await supervise(edges, targets, options, random.fork('targets'), pauses, inputs.signal);
  if (supervised.head.length > 0) return supervised;
  throw new DataError(
    `fit: expected some neighbors of equal label at targetWeight ${options.targetWeight}, which cuts all other edges, got none; ` +
      'lower targetWeight, or raise nNeighbors',
  );
}

/** The error for an empty graph: all neighbors are at the disconnection distance or beyond. */
function noEdges({ distances, k }: Knn, limit: number): DataError {
  // Column 0 is the row itself.
  const nearest = distances.reduce(
    (least, distance, entry) => (entry % k === 0 ? least : Math.min(least, distance)),
    Number.POSITIVE_INFINITY,
  );
  if (nearest === Number.POSITIVE_INFINITY) {
    return new DataError(
      'fit: expected finite distances between some rows, got none: no two rows are connected; ' +
        'give finite distances, or use another metric',
    );
  }
  return new DataError(
    `fit: expected neighbors nearer than the disconnectionDistance of ${limit}, got none: the nearest two rows are ` +
      `${nearest} apart; raise disconnectionDistance, or use another metric`,
  );
}

/** Neighbors as given, from given distances, or by a search. */
async function nearestNeighbors(
  matrix: Matrix,
  { nNeighbors: k, metric, metricParams, neighbors }: GraphOptions,
  { knn, distances, signal, progress }: FollowedInputs,
  random: Random,
  log: (line: string) => void,
  pauses: Pauses,
): Promise<Knn> {
  const rows = matrix.shape[0];
  if (k > rows) {
    throw new DataError(
      `fit: expected at least nNeighbors (${k}) rows, got ${rows}; lower nNeighbors or pass more rows`,
    );
  }
  if (knn && distances) throw new OptionError('fit: expected knn or distances, got both; leave one out');
  if ((metric === 'precomputed') !== (distances !== undefined) && !knn) {
    throw new OptionError(
      metric === 'precomputed'
        ? "fit: expected distances with metric 'precomputed', got none; pass fit(X, y, { distances })"
        : `fit: expected metric 'precomputed' with distances, got metric '${String(metric)}'; ` +
            'set the metric, or leave the distances out',
    );
  }
  if (knn) {
    log('neighbors: as given');
    return pauses.run(precomputedNeighborsInParts(knn, { rows, k }), progress);
  }
  if (distances) {
    log('neighbors: from the given distances');
    const table = await readDistances(distances, rows);
    const within = (some: Matrix, count: number) =>
      pauses.run(neighborsFromDistancesInParts(some, count), progress);
    return linkCopies(await within(table, k), (some, count) =>
      within(distancesAmong(table, rows, some), count),
    );
  }
  const { provider, reason } = await chooseNeighbors({ rows, metric, neighbors });
  log(`neighbors: ${reason}`);
  const query = { metric, metricParams, signal, progress };
  const found = await provider.search(matrix, { ...query, k, random: random.fork('neighbors') });
  return linkCopies(found, (some, count) =>
    provider.search(takeRows(matrix, some), { ...query, k: count, random: random.fork('copies') }),
  );
}

/** The square table of distances between some rows, from that of all `rows`, square or condensed. */
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

/** Reweights the edges by classes or continuous targets (`supervised.ts`). */
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
  // Targets that are all equal or unknown carry no information.
  if (groups.count < 2) return edges;
  const k = Math.min(targetNNeighbors ?? nNeighbors, groups.members.length);
  let near = values.shape[1] === 1 ? nearNumbers(groups, k) : undefined;
  if (!near) {
    // Each group has at least one row, so k groups have at least k rows.
    const query = {
      k: Math.min(k, groups.count),
      metric: 'euclidean',
      random: random.fork('search'),
      signal,
    };
    const { provider } = await chooseNeighbors({ rows: groups.count, metric: 'euclidean', neighbors });
    near = nearRows(groups, await provider.search(searchTable(groups), query), k);
  }
  const memberships = await pauses.run(targetMembershipsInParts(edges, groups, near, k, random));
  const known = (row: number) => groups.groupOf[row]! >= 0;
  return pauses.run(superviseContinuousInParts(edges, memberships, { targetWeight }, known));
}
