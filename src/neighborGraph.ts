/** From rows, and targets where there are any, to the weighted graph that the map is drawn from. */
import { disconnectionDefault } from './distance.js';
import { DataError, OptionError } from './errors.js';
import { disconnectedVertices, fuzzyGraphInParts } from './fuzzy.js';
import { enter, type MatrixInput } from './matrix.js';
import { chooseNeighbors, type NeighborChoice } from './neighbors/choose.js';
import { linkCopies } from './neighbors/copies.js';
import {
  type KnnInput,
  neighborsFromDistancesInParts,
  precomputedNeighborsInParts,
} from './neighbors/precomputed.js';
import { type Pauses, pausesFor, type Work } from './pauses.js';
import { scalarNeighbors, superviseCategoricalInParts, superviseContinuousInParts } from './supervised.js';
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
  const pauses = pausesFor(inputs.signal);
  const knn = await nearest(matrix, options, inputs, random, say, pauses);
  const disconnectionDistance =
    options.disconnectionDistance ??
    (typeof metric === 'string' ? disconnectionDefault(metric) : Number.POSITIVE_INFINITY);
  const { localConnectivity, setOpMixRatio } = options;
  const fuzzy = { localConnectivity, setOpMixRatio, disconnectionDistance };
  const edges = await pauses.run(fuzzyGraphInParts(knn, fuzzy));
  const alone = disconnectedVertices(edges).length;
  if (alone > 0)
    say(`graph: ${alone} of ${rows} rows have no neighbour nearer than ${disconnectionDistance}`);
  return pauses.run(supervise(edges, targets, options));
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
    const { matrix: table } = await enter(distances, 'fit: distances');
    if (table.shape[0] !== rows) {
      throw new DataError(
        `fit: distances between ${rows} rows wanted (${rows} x ${rows}, kept landmarks counted, after the rows), ` +
          `got ${table.shape.join(' x ')}`,
      );
    }
    const among = (some: Matrix, wanted: number) => pauses.run(neighborsFromDistancesInParts(some, wanted));
    return linkCopies(await among(table, k), (some, wanted) => among(distancesAmong(table, some), wanted));
  }
  const { provider, reason } = await chooseNeighbors({ rows, metric, neighbors });
  say(`neighbours: ${reason}`);
  const query = { metric, metricParams, signal };
  const found = await provider.search(matrix, { ...query, k, random: random.fork('neighbors') });
  return linkCopies(found, (some, wanted) =>
    provider.search(rowsAmong(matrix, some), { ...query, k: wanted, random: random.fork('copies') }),
  );
}

/** Some rows of a table, in a table of their own. */
function rowsAmong({ data, shape: [, columns] }: Matrix, rows: Int32Array): Matrix {
  const some = new Float32Array(rows.length * columns);
  rows.forEach((row, i) => {
    some.set(data.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  return { data: some, shape: [rows.length, columns] };
}

/** The distances between some rows, out of a table of all. */
function distancesAmong({ data, shape: [, columns] }: Matrix, rows: Int32Array): Matrix {
  const some = Float32Array.from({ length: rows.length ** 2 }, (_, at) => {
    const [i, j] = [Math.floor(at / rows.length), at % rows.length];
    return data[rows[i]! * columns + rows[j]!]!;
  });
  return { data: some, shape: [rows.length, rows.length] };
}

/** Lets classes or values reweigh the graph (`supervised.ts`). */
function* supervise(
  edges: Edges,
  targets: GraphTargets,
  { targetWeight, targetNNeighbors, nNeighbors }: GraphOptions,
): Work<Edges> {
  if (!targets || targetWeight === 0) return edges;
  if ('classes' in targets) {
    return yield* superviseCategoricalInParts(edges, targets.classes, { targetWeight });
  }
  const values = readValues(targets.values, edges.vertices);
  const k = Math.min(targetNNeighbors ?? nNeighbors, edges.vertices);
  return yield* superviseContinuousInParts(edges, scalarNeighbors(values, k), { targetWeight });
}
