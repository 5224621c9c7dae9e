/** Places new rows on a finished layout by the rule of umap-learn's `transform`. */

import { blockOf, type Work, whole } from '../core/pauses.js';
import type { Matrix, Random } from '../core/types.js';
import { bisect, nearestDistance, smallestScale } from '../graph/smoothKnn.js';
import type { Curve } from '../math/curve.js';
import type { ReferenceNeighbors } from '../neighbors/newRows.js';
import { clipped, power, powerTable, SOFTENING } from './sgd.js';

export interface PlaceOptions {
  /** Curve of the similarity 1 / (1 + a d^(2b)), as the layout was made with. */
  readonly curve: Curve;
  /** Times that a neighbor of membership 1 attracts a row; others in proportion to their membership. 0: no refinement. */
  readonly epochs: number;
  /** Negative samples, rows of the layout, each time that a neighbor attracts a row. */
  readonly negativeSampleRate: number;
  /** Factor on the repulsion. */
  readonly repulsionStrength: number;
  /** As in the fit: neighbors with membership 1, the row itself counted, so that 1 stands for the row alone. */
  readonly localConnectivity: number;
  readonly random: Random;
}

/** The learning rate falls from here to 0: a quarter of that of a layout, as in umap-learn. */
const FIRST_RATE = 0.25;
/** Negative samples, drawn once for all rows: each takes them from a place of its own. A power of 2. */
const SAMPLES = 2 ** 14;

/**
 * Epochs of a placement by umap-learn's rule: 100 up to 10,000 rows, 30 above. umap-learn counts the new rows; with the rows of
 * the layout instead, a row's position does not depend on how many others are placed with it.
 */
export function placementEpochs(rows: number): number {
  return rows <= 10_000 ? 100 : 30;
}

/**
 * Positions for new rows, given their neighbors among the rows of a layout. A row starts at the mean of its neighbors' positions,
 * weighted by their memberships. Then neighbors attract it, with random rows of the layout as negative samples, by the formulas
 * of `classicLayout`; the layout itself stays as it is. A row at distance 0 from a row of the layout gets the position of
 * the first such row. A row without neighbors (all ids -1) gets NaN.
 *
 * A position depends on the row's own neighbors and the seed alone: memberships are scaled by the row's own distances
 * (umap-learn: by the largest of all), and negative samples are read from one list, from an index that the
 * first position determines. So rows placed one by one and all together get the same bits.
 */
export function* placeRowsInParts(
  neighbors: ReferenceNeighbors,
  layout: Matrix,
  options: PlaceOptions,
): Work<Matrix> {
  const { rows, k, indices, distances } = neighbors;
  const columns = layout.shape[1];
  const data = new Float32Array(rows * columns);
  const samples = new Int32Array(SAMPLES);
  options.random.integers(samples, layout.shape[0]);
  const refine = refiner(layout, samples, options);
  const atATime = blockOf(Math.max(1, options.epochs) * k * (1 + options.negativeSampleRate));
  for (let row = 0; row < rows; row++) {
    if (row % atATime === 0) yield row / rows;
    const [from, to] = [row * k, (row + 1) * k];
    const own = membershipsOf(
      indices.subarray(from, to),
      distances.subarray(from, to),
      options.localConnectivity,
    );
    const position = data.subarray(row * columns, (row + 1) * columns);
    weightedMean(layout, own, position);
    if (own.weights.length > 0 && !own.equal) refine(own, position);
  }
  return { data, shape: [rows, columns] };
}

/** As {@link placeRowsInParts}, at once. */
export const placeRows = whole(placeRowsInParts);

/** Neighbors of one row that have a weight, nearest first. */
interface Memberships {
  readonly ids: number[];
  readonly weights: number[];
  /** Whether the row equals a row of the layout, which is then the only neighbor. */
  readonly equal: boolean;
}

/** Memberships of a new row in its neighbors: `directedMemberships` for a row that is not among its own neighbors. */
function membershipsOf(indices: Int32Array, distances: Float32Array, localConnectivity: number): Memberships {
  const k = indices.length;
  const listed = [...indices.keys()].filter((c) => indices[c]! >= 0);
  const kept = Float64Array.from(listed, (c) => distances[c]!);
  if (kept[0] === 0) return { ids: [indices[listed[0]!]!], weights: [1], equal: true };
  // The fit counts the row itself as its first neighbor.
  const rho = nearestDistance(kept, kept.length, Math.max(0, localConnectivity - 1));
  // umap-learn leaves the first of the list out of the sum here too, where it is not the row itself.
  const found = bisect(kept, 1, kept.length, rho, Math.log2(k));
  const mean = kept.reduce((sum, d) => sum + d, 0) / kept.length;
  const sigma = Math.max(found, smallestScale * mean);
  const ids: number[] = [];
  const weights: number[] = [];
  listed.forEach((c, i) => {
    const weight = kept[i]! <= rho ? 1 : Math.exp((rho - kept[i]!) / sigma);
    if (!(weight > 0)) return;
    ids.push(indices[c]!);
    weights.push(weight);
  });
  return { ids, weights, equal: false };
}

/** Writes the mean of the neighbors' positions; NaN without any. */
function weightedMean({ data, shape }: Matrix, { ids, weights }: Memberships, out: Float32Array): void {
  const columns = shape[1];
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  for (let c = 0; c < columns; c++) {
    let sum = 0;
    ids.forEach((id, i) => {
      sum += weights[i]! * data[id * columns + c]!;
    });
    out[c] = ids.length === 1 ? data[ids[0]! * columns + c]! : sum / total;
  }
}

/** Returns a function that moves one position by all epochs. */
function refiner(
  { data, shape: [, columns] }: Matrix,
  samples: Int32Array,
  { curve: { a, b }, epochs, negativeSampleRate, repulsionStrength }: PlaceOptions,
): (memberships: Memberships, position: Float32Array) => void {
  const powers = powerTable(b);
  const at = new Float64Array(columns);
  /** Takes a step along the difference from a row of the layout, by a factor that depends on the squared distance. */
  const move = (id: number, rate: number, attract: boolean) => {
    const other = id * columns;
    let squared = 0;
    for (let c = 0; c < columns; c++) squared += (at[c]! - data[other + c]!) ** 2;
    if (squared === 0) return;
    const g = a * power(powers, squared);
    const factor = attract
      ? (-2 * g * b) / (squared * (1 + g))
      : (2 * repulsionStrength * b) / ((SOFTENING + squared) * (1 + g));
    for (let c = 0; c < columns; c++) at[c]! += rate * clipped(factor * (at[c]! - data[other + c]!));
  };
  return ({ ids, weights }, position) => {
    at.set(position);
    let next = hashOf(position);
    // Neighbor i is due every 1 / weight epochs.
    const due = weights.map((weight) => 1 / weight);
    for (let epoch = 0; epoch < epochs; epoch++) {
      const rate = FIRST_RATE * (1 - epoch / epochs);
      for (let i = 0; i < ids.length; i++) {
        if (due[i]! > epoch) continue;
        due[i]! += 1 / weights[i]!;
        move(ids[i]!, rate, true);
        for (let n = 0; n < negativeSampleRate; n++) move(samples[next++ % SAMPLES]!, rate, false);
      }
    }
    position.set(at);
  };
}

/** An index into the list of negative samples. */
function hashOf(position: Float32Array): number {
  const words = new Int32Array(position.slice().buffer);
  const mixed = words.reduce((hash, word) => Math.imul(hash ^ word, 0x9e3779b1) ^ (hash >>> 15), 0x5bd1e995);
  return (mixed >>> 8) % SAMPLES;
}
