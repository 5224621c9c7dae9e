/** The pairs of a step of the contrastive losses, and their negatives. */
import type { BarredRows, ContrastivePairs } from '../backend/contrastiveLoss.js';
import { drawIntegers } from '../core/random.js';
import type { Batch, Random } from '../core/types.js';
import type { SparseRows } from '../math/sparse.js';

export interface ContrastiveNegativeOptions {
  /** Negatives per positive pair, drawn with replacement; `'full'`: every row of the batch but the pair's own two. */
  readonly negativeSamples: number | 'full';
  /** Whether the weights of the pairs have a mean or a sum of 1. */
  readonly aggregation: 'mean' | 'sum';
  /** Rows that are never negatives of a row: the columns of its entries, whatever their values. */
  readonly excluded?: SparseRows | undefined;
  readonly random: Random;
}

/** Draws of a candidate until one is not excluded, then none. */
const TRIES = 10;

/**
 * Makes the pairs of a batch. Negatives are drawn uniformly from the batch, without the head and the `tailsPerHead` rows after
 * it, for the reason that `pairTable` gives; from `batch.candidates` where it has them, without the head; with `excluded`
 * rows, from all others. Weights of the pairs in a batch are scaled to a mean of 1.
 */
export function contrastivePairs(options: ContrastiveNegativeOptions): (batch: Batch) => ContrastivePairs {
  const { negativeSamples, aggregation, excluded, random } = options;
  const barredRows = excluded && exclusion(excluded);
  let weights = new Float32Array(0);
  return (batch) => {
    const { heads, tails, pairCount: count, rowCount, tailsPerHead = 0 } = batch;
    if (weights.length < count) weights = new Float32Array(count);
    fillWeights(weights, batch, aggregation);
    const group = 1 + tailsPerHead;
    const list = batch.candidates;
    const listCount = batch.candidateCount ?? list?.length ?? 0;
    const drawn = negativeSamples !== 'full';
    const pairs: ContrastivePairs = {
      ...{ heads, tails, weights, count, rowCount, list, listCount },
      source: drawn ? (negativeSamples > 0 && rowCount > 1 ? 'drawn' : 'none') : 'all',
      samples: drawn ? negativeSamples : 0,
      excluded: rowCount > 2 * group ? group : 1,
      state: Int32Array.from({ length: 16 }, (_, i) => random.uint32() | Number(i >= 12)),
    };
    if (barredRows === undefined || pairs.source === 'none') return pairs;
    const barred = barredRows(batch);
    return list === undefined ? { ...pairs, barred } : withoutBarred(pairs, barred, random);
  };
}

/** Sum 1, or a mean of 1. */
function fillWeights(
  weights: Float32Array,
  { pairCount, pairWeights }: Batch,
  aggregation: 'mean' | 'sum',
): void {
  const sum = aggregation === 'mean' ? 1 : pairCount;
  let total = 0;
  for (let p = 0; p < pairCount; p++) total += pairWeights?.[p] ?? 1;
  if (total === 0) weights.fill(0);
  else for (let p = 0; p < pairCount; p++) weights[p] = ((pairWeights?.[p] ?? 1) * sum) / total;
}

/** Finds the excluded rows of a head in a batch, whose rows must differ. */
function exclusion({ offsets, columns }: SparseRows): (batch: Batch) => BarredRows {
  // The last known position of each row, right where the batch has the row there.
  const positions = new Int32Array(offsets.length - 1);
  return ({ rows, rowCount, heads, pairCount }) => {
    for (let at = 0; at < rowCount; at++) positions[rows[at]!] = at;
    const found: number[] = [];
    const ranges = new Int32Array(2 * pairCount);
    for (let p = 0; p < pairCount; p++) {
      if (p > 0 && heads[p] === heads[p - 1]) {
        ranges.copyWithin(2 * p, 2 * p - 2, 2 * p);
        continue;
      }
      const head = heads[p]!;
      const own = [head];
      for (let entry = offsets[rows[head]!]!; entry < offsets[rows[head]! + 1]!; entry++) {
        const at = positions[columns[entry]!]!;
        if (at < rowCount && rows[at] === columns[entry] && at !== head) own.push(at);
      }
      own.sort((a, b) => a - b);
      ranges[2 * p] = found.length;
      // Each once, whatever the entries.
      for (let i = 0; i < own.length; i++) if (own[i] !== own[i - 1]) found.push(own[i]!);
      ranges[2 * p + 1] = found.length;
    }
    return { ranges, rows: Int32Array.from(found) };
  };
}

/**
 * The same pairs with their negatives among the candidates in a list: drawn again where they are barred, or all that are not.
 */
function withoutBarred(
  pairs: ContrastivePairs,
  { ranges, rows }: BarredRows,
  random: Random,
): ContrastivePairs {
  const { tails, count, rowCount, source } = pairs;
  const among = pairs.list!.subarray(0, pairs.listCount);
  const samples = among.length === 0 ? 0 : source === 'all' ? among.length : pairs.samples;
  const list = new Int32Array(count * samples).fill(-1);
  if (source === 'drawn') random.integers(list, among.length);
  const isBarred = new Uint8Array(rowCount);
  for (let p = 0, at = 0; p < count; p++) {
    const own = rows.subarray(ranges[2 * p], ranges[2 * p + 1]);
    for (const row of own) isBarred[row] = 1;
    const end = at + samples;
    if (source === 'all') {
      let next = at;
      for (const row of among) if (row !== tails[p] && isBarred[row] === 0) list[next++] = row;
    } else {
      for (let k = at; k < end; k++) {
        let row = among[list[k]!]!;
        for (let i = 0; i < TRIES && isBarred[row] === 1; i++) row = among[random.integer(among.length)]!;
        list[k] = isBarred[row] === 1 ? -1 : row;
      }
    }
    for (const row of own) isBarred[row] = 0;
    at = end;
  }
  return { ...pairs, source: 'listed', samples, list, listCount: list.length };
}

/** The negatives of each pair in turn, the same ones as the kernel's (kernels/training/negatives.ts). */
export interface NegativesReader {
  /** Row of each negative; only the first entries, as many as `next` returns, are valid. */
  readonly rows: Int32Array;
  /** Finds the negatives of pair `p`, which must be the one after that of the last call. */
  next(p: number): number;
}

/** Reads the negatives of pairs; they are drawn meanwhile, from a copy of the state. */
export function readNegatives(pairs: ContrastivePairs): NegativesReader {
  const { heads, tails, source, samples, rowCount, list, listCount, barred } = pairs;
  const state = pairs.state.slice();
  const most = source === 'all' ? (list === undefined ? rowCount : listCount) : samples;
  const rows = new Int32Array(most + 3);
  return {
    rows,
    next(p) {
      const head = heads[p]!;
      const own = barred?.rows.subarray(barred.ranges[2 * p], barred.ranges[2 * p + 1]);
      const below = list === undefined ? rowCount - (own?.length ?? pairs.excluded) : listCount;
      let n = 0;
      const keep = (row: number) => {
        if (row >= 0 && row !== head) rows[n++] = row;
      };
      if (source === 'all') {
        for (let k = 0; k < most; k++) {
          const row = list === undefined ? k : list[k]!;
          if (row !== tails[p] && !own?.includes(row)) keep(row);
        }
      } else if (source === 'listed') {
        for (let k = p * samples; k < (p + 1) * samples; k++) keep(list![k]!);
      } else if (source === 'drawn' && below > 0) {
        // Four generators in turn, as in the kernel.
        const drawn = rows.subarray(0, (samples + 3) & -4);
        for (let lane = 0; lane < 4; lane++) drawIntegers(state, drawn, below, lane, 4);
        for (let k = 0; k < samples; k++) {
          let at = rows[k]!;
          if (own !== undefined) {
            for (const row of own) at += Number(at >= row);
            keep(at);
          } else if (list === undefined) keep((head + pairs.excluded + at) % rowCount);
          else keep(list[at] === head ? list[(at + 1) % listCount]! : list[at]!);
        }
      }
      return n;
    },
  };
}
