/** The pairs of a step of the contrastive losses, and their negatives. */
import type { ContrastivePairs } from '../backend/contrastiveLoss.js';
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

/** Draws of a row until one is not excluded, then none. */
const TRIES = 10;

/**
 * Makes the pairs of a batch. Negatives are drawn uniformly from the batch, without the head and the `tailsPerHead` rows after
 * it, for the reason that `pairTable` gives; from `batch.candidates` where it has them, without the head; with `excluded`
 * rows, from all others. Weights of the pairs in a batch are scaled to a mean of 1.
 */
export function contrastivePairs(options: ContrastiveNegativeOptions): (batch: Batch) => ContrastivePairs {
  const { negativeSamples, aggregation, excluded, random } = options;
  const barred = excluded && exclusion(excluded);
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
      excluded: barred === undefined && list === undefined && rowCount > 2 * group ? group : 1,
      state: Int32Array.from({ length: 16 }, (_, i) => random.uint32() | Number(i >= 12)),
    };
    if (barred === undefined || pairs.source === 'none') return pairs;
    return withoutExcluded(pairs, batch.rows, barred, random);
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

/** Tells whether a row is excluded for another one. */
interface Exclusion {
  /** Sets the row that the next questions are about. */
  about(row: number): void;
  has(row: number): boolean;
}

function exclusion({ offsets, columns }: SparseRows): Exclusion {
  const marks = new Int32Array(offsets.length - 1);
  let mark = 0;
  let current = -1;
  return {
    about(row) {
      if (row === current) return;
      current = row;
      mark++;
      marks[row] = mark;
      for (let entry = offsets[row]!; entry < offsets[row + 1]!; entry++) marks[columns[entry]!] = mark;
    },
    has: (row) => marks[row] === mark,
  };
}

/** The same pairs with their negatives in a list: those drawn again that are excluded for the head, or all others. */
function withoutExcluded(
  pairs: ContrastivePairs,
  rows: Int32Array,
  barred: Exclusion,
  random: Random,
): ContrastivePairs {
  const { heads, tails, count, rowCount, source } = pairs;
  const among =
    pairs.list?.subarray(0, pairs.listCount) ?? Int32Array.from({ length: rowCount }, (_, i) => i);
  const samples = among.length === 0 ? 0 : source === 'all' ? among.length : pairs.samples;
  const list = new Int32Array(count * samples).fill(-1);
  if (source === 'drawn') random.integers(list, among.length);
  for (let p = 0, at = 0; p < count; p++) {
    const head = heads[p]!;
    barred.about(rows[head]!);
    if (source === 'all') {
      let end = at;
      for (const row of among) if (row !== tails[p] && !barred.has(rows[row]!)) list[end++] = row;
    } else {
      for (let k = at; k < at + samples; k++) {
        let row = among[list[k]!]!;
        for (let i = 0; i < TRIES && barred.has(rows[row]!); i++) row = among[random.integer(among.length)]!;
        list[k] = barred.has(rows[row]!) ? -1 : row;
      }
    }
    at += samples;
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
  const { heads, tails, source, samples, rowCount, list, listCount } = pairs;
  const state = pairs.state.slice();
  const most = source === 'all' ? (list === undefined ? rowCount : listCount) : samples;
  const rows = new Int32Array(most + 3);
  const below = list === undefined ? rowCount - pairs.excluded : listCount;
  return {
    rows,
    next(p) {
      const head = heads[p]!;
      let n = 0;
      const keep = (row: number) => {
        if (row >= 0 && row !== head) rows[n++] = row;
      };
      if (source === 'all') {
        for (let k = 0; k < most; k++) if ((list?.[k] ?? k) !== tails[p]) keep(list?.[k] ?? k);
      } else if (source === 'listed') {
        for (let k = p * samples; k < (p + 1) * samples; k++) keep(list![k]!);
      } else if (source === 'drawn' && below > 0) {
        drawFours(state, rows, (samples + 3) & -4, below);
        for (let k = 0; k < samples; k++) {
          const at = rows[k]!;
          if (list === undefined) keep((head + pairs.excluded + at) % rowCount);
          else keep(list[at] === head ? list[(at + 1) % listCount]! : list[at]!);
        }
      }
      return n;
    },
  };
}

/** Fills the first `count` entries, a multiple of four, with integers in [0, below) from four generators in turn. */
function drawFours(state: Int32Array, list: Int32Array, count: number, below: number): void {
  for (let lane = 0; lane < 4; lane++) {
    let [a, b, c, d] = [state[lane]!, state[4 + lane]!, state[8 + lane]!, state[12 + lane]!];
    for (let i = lane; i < count; i += 4) {
      const product = Math.imul(b, 5);
      const bits = Math.imul((product << 7) | (product >>> 25), 9);
      list[i] = ((bits >>> 0) / 0x100000000) * below;
      c ^= a;
      d ^= b;
      const shifted = b << 9;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = (d << 11) | (d >>> 21);
    }
    state[lane] = a;
    state[4 + lane] = b;
    state[8 + lane] = c;
    state[12 + lane] = d;
  }
}
