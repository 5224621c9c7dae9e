/** How much noise an encoder's inputs get in training, measured on the graph. */

import type { Edges, Matrix, Random } from '../core/types.js';
import { edgeSampler } from '../data/sampler.js';
import { type InputNoise, inputNoise } from '../networks/noise.js';
import type { FitOptions } from './options/fitOptions.js';

/**
 * Standard deviation of the noise on the default encoder's inputs, relative to the mean distance between neighbors, for up to
 * `NOISY_ROWS` rows. More rows show more of what lies between them: it falls with the root of their number, as the error of
 * a mean does.
 */
const NOISE = 0.3;
const NOISY_ROWS = 10_000;
/** Edges that the mean distance is taken over. */
const MEASURED_EDGES = 2000;

/**
 * Noise for the encoder's inputs; undefined for none. Its deviation on each input is `inputNoise` times the mean distance
 * between graph neighbors (as the encoder sees them), over the root of the number of inputs, so that a noise vector is
 * about that long. `projected` tells whether the default encoder stands behind a projection: only then is there noise by
 * default.
 */
export function graphNoise(
  matrix: Matrix,
  edges: Edges,
  { inputNoise: given }: Pick<FitOptions, 'inputNoise'>,
  random: Random,
  projected: boolean,
): InputNoise | undefined {
  const [rows, columns] = matrix.shape;
  const share = given ?? (projected ? NOISE * Math.sqrt(Math.min(1, NOISY_ROWS / rows)) : 0);
  if (share === 0) return undefined;
  return inputNoise((share * meanEdgeLength(matrix, edges, random)) / Math.sqrt(columns), random);
}

/** Mean length of some edges. */
function meanEdgeLength({ data, shape: [, columns] }: Matrix, edges: Edges, random: Random): number {
  const { rows, heads, tails } = edgeSampler(edges, { batchSize: MEASURED_EDGES, random }).next();
  const lengths = new Float64Array(MEASURED_EDGES);
  let sum = 0;
  for (let p = 0; p < MEASURED_EDGES; p++) {
    const head = rows[heads[p]!]! * columns;
    const tail = rows[tails[p]!]! * columns;
    let squared = 0;
    for (let c = 0; c < columns; c++) squared += (data[head + c]! - data[tail + c]!) ** 2;
    lengths[p] = Math.sqrt(squared);
    sum += lengths[p]!;
  }
  // Outliers must not hide what lies between the other rows. Where many rows are equal there is no noise: it would let the
  // encoder drive copies apart.
  const usual = 3 * lengths.sort()[MEASURED_EDGES >> 2]!;
  return Math.min(sum / MEASURED_EDGES, usual);
}
