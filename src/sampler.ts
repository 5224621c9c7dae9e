/** Training batches from a weighted graph. Nothing is materialised: edges are drawn, not repeated and shuffled. */
import { DataError } from './errors.js';
import type { Batch, Edges, Random, Sampler } from './types.js';

/**
 * Draws indices in proportion to weights in constant time: Walker's alias method (Vose, 1991). Two numbers a slot: how
 * many of the 2^31 draws keep it, less one, and the index that the others give.
 */
export type AliasTable = Int32Array;

/** Throws `DataError` for weights without a positive finite sum. */
export function aliasTable(weights: ArrayLike<number>): AliasTable {
  const n = weights.length;
  let total = 0;
  for (let i = 0; i < n; i++) total += weights[i]!;
  if (!(total > 0 && Number.isFinite(total))) {
    throw new DataError(
      `sampler: weights with a positive finite sum wanted, got ${n} weights that sum to ${total}`,
    );
  }
  const table = new Int32Array(2 * n);
  const probability = new Float64Array(n);
  // One array holds both work lists: indices below their fair share grow from the left, the others from the right.
  const lists = new Int32Array(n);
  let small = 0;
  let large = n;
  for (let i = 0; i < n; i++) {
    probability[i] = (weights[i]! * n) / total;
    if (probability[i]! < 1) lists[small++] = i;
    else lists[--large] = i;
  }
  while (small > 0 && large < n) {
    const poor = lists[--small]!;
    const rich = lists[large]!;
    table[2 * poor + 1] = rich;
    probability[rich] = probability[rich]! - (1 - probability[poor]!);
    if (probability[rich]! < 1) {
      large++;
      lists[small++] = rich;
    }
  }
  while (small > 0) probability[lists[--small]!] = 1;
  while (large < n) probability[lists[large++]!] = 1;
  for (let i = 0; i < n; i++) table[2 * i] = Math.round(probability[i]! * 2 ** 31) - 1;
  return table;
}

/**
 * Draws one index from an alias table. Without a branch: no guess could foresee it, and each wrong one would hold up the
 * reading of the next slots.
 */
export function drawIndex(table: AliasTable, random: Random): number {
  const slot = random.integer(table.length / 2);
  const away = (table[2 * slot]! - (random.uint32() >>> 1)) >> 31;
  return slot ^ ((slot ^ table[2 * slot + 1]!) & away);
}

export interface SamplerOptions {
  /** Edges (or rows) a batch, at least 1. */
  readonly batchSize: number;
  readonly random: Random;
}

/**
 * Batches of edges, each drawn with probability proportional to its weight, independently and with
 * replacement: the limit of umap-learn's repeated and shuffled edge list, without the list. `rows` holds every
 * end of the drawn edges once, so that a step encodes no row twice.
 * Throws `DataError` for a graph without edges.
 */
export function edgeSampler(edges: Edges, { batchSize, random }: SamplerOptions): Sampler {
  if (edges.head.length === 0) {
    throw new DataError(`sampler: a graph with edges wanted, got 0 edges among ${edges.vertices} rows`);
  }
  const { head, tail, vertices } = edges;
  const table = aliasTable(edges.weight);
  const batch: Batch = {
    rows: new Int32Array(Math.min(2 * batchSize, vertices)),
    rowCount: 0,
    heads: new Int32Array(batchSize),
    tails: new Int32Array(batchSize),
    pairCount: batchSize,
  };
  const place = placeRows(batch, vertices);
  const drawn = new Int32Array(batchSize);
  // Side by side, so that an edge is one cache miss.
  const ends = new Int32Array(2 * head.length);
  for (let e = 0; e < head.length; e++) {
    ends[2 * e] = head[e]!;
    ends[2 * e + 1] = tail[e]!;
  }
  return {
    next() {
      place.begin();
      for (let p = 0; p < batchSize; p++) drawn[p] = drawIndex(table, random);
      for (let p = 0; p < batchSize; p++) {
        batch.heads[p] = place.of(ends[2 * drawn[p]!]!);
        batch.tails[p] = place.of(ends[2 * drawn[p]! + 1]!);
      }
      return batch;
    },
  };
}

/** Batches of rows drawn uniformly with replacement, without pairs. */
export function rowSampler(rows: number, { batchSize, random }: SamplerOptions): Sampler {
  const none = new Int32Array(0);
  const batch: Batch = {
    rows: new Int32Array(batchSize),
    rowCount: batchSize,
    heads: none,
    tails: none,
    pairCount: 0,
  };
  return {
    next() {
      for (let i = 0; i < batchSize; i++) batch.rows[i] = random.integer(rows);
      return batch;
    },
  };
}

/** Gives every data row one place in `batch.rows`, without clearing a table for each batch. */
function placeRows(batch: Batch, vertices: number) {
  const placed = new Int32Array(vertices);
  const stamp = new Int32Array(vertices);
  let round = 0;
  return {
    begin() {
      round++;
      batch.rowCount = 0;
    },
    of(row: number): number {
      if (stamp[row] !== round) {
        stamp[row] = round;
        placed[row] = batch.rowCount;
        batch.rows[batch.rowCount++] = row;
      }
      return placed[row]!;
    },
  };
}

/**
 * Gradient steps of one pass over the graph as umap-learn counts them: edges lighter than max(w) / nEpochs are
 * left out, every other one is repeated floor(nEpochs * w) times, and a step takes `batchSize` repeats.
 */
export function stepsPerEpoch(edges: Edges, nEpochs: number, batchSize: number): number {
  const { weight } = edges;
  let heaviest = 0;
  for (let e = 0; e < weight.length; e++) heaviest = Math.max(heaviest, weight[e]!);
  let repeats = 0;
  for (let e = 0; e < weight.length; e++) {
    if (weight[e]! >= heaviest / nEpochs) repeats += Math.floor(Math.fround(nEpochs * weight[e]!));
  }
  return Math.max(1, Math.floor(repeats / batchSize));
}
