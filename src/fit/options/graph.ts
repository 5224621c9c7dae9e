/** Options of the neighbor graph: what each means, its default, its range. */

import type { OptionRows } from '../../core/options.js';
import {
  callable,
  choice,
  either,
  integer,
  number,
  object,
  orNull,
  positive,
  text,
} from '../../core/rules.js';
import type { DistanceFunction } from '../../core/types.js';

export interface GraphOptions {
  /** Neighbors per row, itself included: small shows detail, large shows the whole. Default 15, at least 2. */
  nNeighbors: number;
  /**
   * Distance between rows: a name (`'euclidean'`, `'cosine'`, `'manhattan'`, …), a function of two rows, or
   * `'precomputed'` with a distance matrix in `fit(X, y, { distances })`. Default `'euclidean'`.
   */
  metric: string | DistanceFunction;
  /** Extra arguments of the metric, such as `{ p: 3 }` for minkowski. Default none. */
  metricParams: Readonly<Record<string, unknown>>;
  /**
   * Method of neighbor search: `'exact'`, `'nndescent'`, `'hnsw'` (package hnswlib-node), `'usearch'` (package usearch), or
   * `'auto'`, by the number of rows and the metric. Default `'auto'`.
   */
  neighbors: 'auto' | 'exact' | 'nndescent' | 'hnsw' | 'usearch';
  /** Number of nearest neighbors assumed to be fully connected to a row. Default 1, at least 0; fractions interpolate. */
  localConnectivity: number;
  /** 1 for the fuzzy union of the rows' neighborhoods, 0 for their intersection. Default 1, in [0, 1]. */
  setOpMixRatio: number;
  /**
   * Edges at least this long are cut. Default null: the upper bound of the metric (2 for cosine, 1 for jaccard, …), up to
   * rounding in 32 bits; for a metric without a bound, no edge is cut.
   */
  disconnectionDistance: number | null;
}

export const graphRows: OptionRows<GraphOptions> = {
  nNeighbors: {
    default: 15,
    rule: integer(2),
    help: 'neighbors per row, itself included: small shows detail, large shows the whole',
  },
  metric: {
    default: 'euclidean',
    rule: either(text('a name'), callable),
    help: "distance between rows: a name, a function of two rows, or `'precomputed'`",
  },
  metricParams: {
    default: Object.freeze({}),
    rule: object(),
    help: 'arguments of the metric, such as `{ p: 3 }` for minkowski',
  },
  neighbors: {
    default: 'auto',
    rule: choice('auto', 'exact', 'nndescent', 'hnsw', 'usearch'),
    help: "search: `'exact'`, `'nndescent'`, `'hnsw'`, `'usearch'`; see Neighbor search",
  },
  localConnectivity: {
    default: 1,
    rule: number(0),
    help: 'nearest neighbors taken to be fully connected',
  },
  setOpMixRatio: {
    default: 1,
    rule: number(0, 1),
    help: "1: union of the rows' neighborhoods, 0: their intersection",
  },
  disconnectionDistance: {
    default: null,
    rule: orNull(positive),
    help: "edges this long are cut; null: the metric's bound (2 for cosine, …), or none",
  },
};
