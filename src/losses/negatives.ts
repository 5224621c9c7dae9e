/** The pairs of a training step: positives of a batch, and negatives sampled from it. */

import type { Negatives } from '../backend/pairLoss.js';
import { drawIntegers } from '../core/random.js';
import type { Batch, Random } from '../core/types.js';

export interface NegativeOptions {
  /** R: total weight of the negative pairs per positive pair, at least 0. With 0 there is only attraction. */
  readonly negativeSampleRate: number;
  /** Negatives sampled per positive pair, each of weight R / samples; more of them reduce the variance of the gradient. */
  readonly negativeDraws?: number;
  /** Factor on the negative pairs' cost. Default 1. */
  readonly repulsionStrength?: number;
  readonly random: Random;
}

/**
 * The pairs of one step: positives first, then negatives, as positions in the batch, with their weights. While
 * `negatives` are still to be drawn, their entries are empty.
 */
export interface PairTable {
  heads: Int32Array;
  tails: Int32Array;
  weights: Float32Array;
  positives: number;
  /** Pairs in all; entries beyond belong to an earlier, larger step. */
  count: number;
  negatives?: Negatives | undefined;
  fill(batch: Batch): void;
}

/**
 * Samples `negativeDraws` negatives per head, uniformly from the batch, excluding the head itself and the `tailsPerHead` rows
 * after it. Those rows are the head's positives whenever both were first added to the batch by this head. In a batch,
 * positives are over-represented compared with the whole data set, so drawing them as negatives at the batch rate would
 * repel true neighbors too often. Positives that were in the batch before are still drawn, so that about the right number
 * remains. Batches of at most 2 (1 + tailsPerHead) rows exclude only the head. The weights sum to 1 / (1 + R) over the
 * positives and to R times the repulsion strength / (1 + R) over the negatives.
 */
export function pairTable(options: NegativeOptions): PairTable {
  const { negativeSampleRate: rate, repulsionStrength = 1, random } = options;
  const samples = rate === 0 ? 0 : (options.negativeDraws ?? Math.max(1, Math.round(rate)));
  return {
    heads: new Int32Array(0),
    tails: new Int32Array(0),
    weights: new Float32Array(0),
    positives: 0,
    count: 0,
    fill({ heads, tails, pairCount, rowCount, tailsPerHead = 0, pairWeights }) {
      this.positives = pairCount;
      // A batch of one row has no negatives.
      this.count = rowCount > 1 ? pairCount * (1 + samples) : pairCount;
      if (this.heads.length < this.count) {
        this.heads = new Int32Array(this.count);
        this.tails = new Int32Array(this.count);
        this.weights = new Float32Array(this.count);
      }
      this.heads.set(heads.subarray(0, pairCount));
      this.tails.set(tails.subarray(0, pairCount));
      let total = pairCount;
      if (pairWeights) {
        total = 0;
        for (let p = 0; p < pairCount; p++) total += pairWeights[p]!;
      }
      const each = 1 / (total * (1 + rate));
      this.weights.fill(each, 0, pairCount);
      if (pairWeights) for (let p = 0; p < pairCount; p++) this.weights[p]! *= pairWeights[p]!;
      this.negatives = undefined;
      if (this.count === pairCount) return;
      const state = Int32Array.from({ length: 4 }, (_, i) => random.uint32() | Number(i === 3));
      const group = 1 + tailsPerHead;
      const excluded = rowCount > 2 * group ? group : 1;
      const weightRatio = (rate * repulsionStrength) / samples;
      this.negatives = { samples, weightRatio, rowCount, excluded, state };
    },
  };
}

/** Draws the negatives of a table. A kernel draws the same ones. */
export function drawNegatives(table: PairTable): void {
  if (table.negatives === undefined) return;
  const { heads, tails, weights, positives, count } = table;
  const { samples, weightRatio, rowCount, excluded, state } = table.negatives;
  drawIntegers(state, tails.subarray(positives, count), rowCount - excluded);
  for (let p = 0, at = positives; p < positives; p++) {
    const head = heads[p]!;
    const end = at + samples;
    heads.fill(head, at, end);
    weights.fill(weightRatio * weights[p]!, at, end);
    // Counted from the first row after the excluded ones, wrapping around at the end.
    for (; at < end; at++) {
      const tail = head + excluded + tails[at]!;
      tails[at] = tail < rowCount ? tail : tail - rowCount;
    }
  }
  table.negatives = undefined;
}
