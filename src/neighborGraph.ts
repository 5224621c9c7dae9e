/** From rows, and targets where there are any, to the weighted graph that the map is drawn from. */
import { disconnectionDefault } from './distance.js';
import { DataError, OptionError } from './errors.js';
import { disconnectedVertices, fuzzyGraph } from './fuzzy.js';
import { enter, type MatrixInput } from './matrix.js';
import { chooseNeighbors, type NeighborChoice } from './neighbors/choose.js';
import { type KnnInput, neighborsFromDistances, precomputedNeighbors } from './neighbors/precomputed.js';
import { scalarNeighbors, superviseCategorical, superviseContinuous } from './supervised.js';
import { readValues, type Targets } from './targets.js';
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
  readonly knn?: KnnInput;
  /** Distances between all rows, n x n, for `metric: 'precomputed'`. */
  readonly distances?: MatrixInput;
  readonly signal?: AbortSignal;
}

/** Targets as `fit` takes them: classes by index (-1 unknown), or values to be read. */
export type GraphTargets = { readonly classes: Int32Array } | { readonly values: Targets } | undefined;

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
  const knn = await nearest(matrix, options, inputs, random, say);
  const disconnectionDistance =
    options.disconnectionDistance ??
    (typeof metric === 'string' ? disconnectionDefault(metric) : Number.POSITIVE_INFINITY);
  const { localConnectivity, setOpMixRatio } = options;
  const edges = fuzzyGraph(knn, { localConnectivity, setOpMixRatio, disconnectionDistance });
  const alone = disconnectedVertices(edges).length;
  if (alone > 0)
    say(`graph: ${alone} of ${rows} rows have no neighbour nearer than ${disconnectionDistance}`);
  if (edges.head.length === 0) throw noEdges(knn, disconnectionDistance);
  const supervised = supervise(edges, targets, options);
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
    const { matrix: table } = await enter(distances, 'fit: distances');
    if (table.shape[0] !== rows) {
      throw new DataError(
        `fit: distances between ${rows} rows wanted (${rows} x ${rows}, kept landmarks counted, after the rows), ` +
          `got ${table.shape.join(' x ')}`,
      );
    }
    return neighborsFromDistances(table, k);
  }
  const { provider, reason } = await chooseNeighbors({ rows, metric, neighbors });
  say(`neighbours: ${reason}`);
  return provider.search(matrix, { k, metric, metricParams, random: random.fork('neighbors'), signal });
}

/** Lets classes or values reweigh the graph (`supervised.ts`). */
function supervise(
  edges: Edges,
  targets: GraphTargets,
  { targetWeight, targetNNeighbors, nNeighbors }: GraphOptions,
): Edges {
  if (!targets || targetWeight === 0) return edges;
  if ('classes' in targets) return superviseCategorical(edges, targets.classes, { targetWeight });
  const values = readValues(targets.values, edges.vertices);
  const k = Math.min(targetNNeighbors ?? nNeighbors, edges.vertices);
  return superviseContinuous(edges, scalarNeighbors(values, k), { targetWeight });
}
