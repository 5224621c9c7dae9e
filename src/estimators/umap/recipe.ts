/** The default recipe: what the encoder is trained on, where it starts, how long and how fast it learns. */

import type { Pauses } from '../../core/pauses.js';
import * as tf from '../../core/tf.js';
import type { Edges, Matrix, Random, Schedule } from '../../core/types.js';
import { edgeSampler, rowSampler, stepsPerEpoch } from '../../data/sampler.js';
import { refineLayoutInParts } from '../../layout/sgd.js';
import { spectralLayoutInParts } from '../../layout/spectral.js';
import { landmarkLoss } from '../../losses/landmark.js';
import { projectInParts } from '../../math/pca.js';
import { nearAxesInParts } from '../../networks/projection.js';
import { rowsForward } from '../../training/forward.js';
import { adam } from '../../training/optimizer.js';
import { constantRate, cosineDecay, linearDecay, suppliedSchedule } from '../../training/schedule.js';
import type { TrainOptions } from '../../training/train.js';
import { readPositions } from './landmarks.js';
import type { ParametricUMAPOptions } from './options.js';
import type { Setting } from './terms.js';

/** One training. */
export type Plan = Omit<TrainOptions, 'signal' | 'onStep' | 'backend'>;

/** Deviations along the first principal axis that a start from principal components spans to either side, at most. */
const FAR_OUT = 10;

/** Times that rows may be wider, narrower or farther off than those the projection was made for, before it is said. */
const DISTANT = 10;

/**
 * A line for rows of a later fit, projected, that lie outside what the network was scaled for: there their mean square is
 * 1, and their mean 0. Undefined where they lie within.
 */
export function distantLine({ data, shape: [rows, columns] }: Matrix): string | undefined {
  let offset = 0;
  let spread = 0;
  for (let c = 0; c < columns; c++) {
    let sum = 0;
    let squares = 0;
    for (let i = c; i < data.length; i += columns) {
      sum += data[i]!;
      squares += data[i]! ** 2;
    }
    const mean = sum / rows;
    offset += mean ** 2 / columns;
    spread += Math.max(0, squares / rows - mean ** 2) / columns;
  }
  const [away, wide] = [Math.sqrt(offset), Math.sqrt(spread)];
  if (away <= DISTANT && wide <= DISTANT && (rows === 1 || wide >= 1 / DISTANT)) return undefined;
  return (
    `rows: they lie outside what the network was scaled for (${wide.toPrecision(2)} times as wide as the first fit's, ` +
    `${away.toPrecision(2)} times as far off as those are wide); are they in the same unit? For other data take a new estimator`
  );
}

/**
 * Share of the mean distance between neighbours that the default encoder is trained to overlook, for up to so many rows.
 * More rows say more of what lies between them: the share falls with the root of their number, as noise in a mean does.
 */
const NOISE = 0.3;
const NOISY_ROWS = 10_000;
/** Edges that the mean distance is taken over. */
const MEASURED_EDGES = 2000;

/**
 * Deviation of the noise on each input of the encoder: `inputNoise` times the mean distance between graph neighbours
 * (as the encoder sees them), over the root of the number of inputs, so that a noise vector is about that long.
 * `ours` says whether the encoder is the default one.
 */
export function noiseDeviation(
  { data, shape }: Matrix,
  edges: Edges,
  { inputNoise }: ParametricUMAPOptions,
  random: Random,
  ours: boolean,
): number {
  const [count, columns] = shape;
  const share = inputNoise ?? (ours ? NOISE * Math.sqrt(Math.min(1, NOISY_ROWS / count)) : 0);
  if (share === 0) return 0;
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
  // Rows far outside must not hide what lies between the others. Where many rows are equal there is no noise: it would let
  // the encoder drive copies apart.
  const usual = 3 * lengths.sort()[MEASURED_EDGES >> 2]!;
  return (share * Math.min(sum / MEASURED_EDGES, usual)) / Math.sqrt(columns);
}

/**
 * The start: passes of UMAP without a network, in which clusters that a network would only ever push past each other
 * come apart; then steps, batch size and learning rate of the encoder's regression on the outcome, enough to arrange
 * the clusters, not to learn the details.
 */
const START = { epochs: 60, steps: 500, batchSize: 1000, learningRate: 0.01 };

/** A training on the first layout: every row a landmark, at the mean squared distance. */
export async function startFor(setting: Setting, edges: Edges, pauses: Pauses): Promise<Plan | undefined> {
  const { options, encoder, matrix, curve } = setting;
  const random = setting.random.fork('init');
  const layout = await firstLayout(setting, edges, random, pauses);
  if (!layout) return undefined;
  const { epochs, steps, batchSize, learningRate } = START;
  const { repulsionStrength } = options;
  const negativeSampleRate = Math.round(options.negativeSampleRate);
  const refinement = { curve, epochs, negativeSampleRate, repulsionStrength, random: random.fork('layout') };
  const positions = await pauses.run(refineLayoutInParts(edges, layout, refinement));
  return {
    forward: rowsForward({
      ...{ matrix, encoder },
      sampler: rowSampler(matrix.shape[0], { batchSize: Math.min(batchSize, matrix.shape[0]), random }),
    }),
    terms: [landmarkLoss({ positions, weight: 1, lossFn: tf.squaredDifference })],
    optimizer: adam(),
    clipValue: options.clipValue,
    steps,
    reports: 1,
    schedule: linearDecay(learningRate, steps),
  };
}

async function firstLayout(
  setting: Setting,
  edges: Edges,
  random: Random,
  pauses: Pauses,
): Promise<Matrix | undefined> {
  const { init, nComponents } = setting.options;
  if (init === 'random') return undefined;
  if (init === 'spectral')
    return pauses.run(spectralLayoutInParts(edges, { components: nComponents, random }));
  if (init !== 'pca') return readPositions(init, edges.vertices, nComponents, 'init', false);
  const axes = await pauses.run(nearAxesInParts(setting.raw, nComponents, { random }));
  const components = axes.variance.length;
  const { data } = await pauses.run(projectInParts(setting.raw, axes));
  // What lies far outside must not leave the others too little room.
  const most = FAR_OUT * Math.sqrt(axes.variance[0]!);
  for (let i = 0; i < data.length; i++) data[i] = Math.min(most, Math.max(-most, data[i]!));
  // Scaled as the spectral layout is; dimensions beyond the data's own stay 0.
  const extent = data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
  const places = new Float32Array(edges.vertices * nComponents);
  for (let i = 0; i < data.length; i++) {
    places[Math.floor(i / components) * nComponents + (i % components)] = (10 * data[i]!) / extent;
  }
  return { data: places, shape: [edges.vertices, nComponents] };
}

/** How long to train and how fast. */
export function scheduleFor(options: ParametricUMAPOptions, edges: Edges, batchSize: number) {
  const { nEpochs, nTrainingEpochs, lossReportFrequency, learningRate } = options;
  const passes =
    nEpochs === null ? recipeSteps(edges.vertices, batchSize) : stepsPerEpoch(edges, nEpochs, batchSize);
  const steps = passes * nTrainingEpochs;
  return {
    steps,
    reports: Math.min(steps, lossReportFrequency * nTrainingEpochs),
    schedule: rateOf(learningRate, steps, nEpochs === null),
  };
}

function rateOf(rate: ParametricUMAPOptions['learningRate'], steps: number, falls: boolean): Schedule {
  if (typeof rate === 'function') return suppliedSchedule(rate, steps);
  return falls ? cosineDecay(rate, steps) : constantRate(rate);
}

/**
 * Gradient steps that the map of so many rows needs: found on digits and MNIST, where it
 * gives about 780 for 1,797 rows, 2,400 for 10,000 and 7,700 for 60,000. A map needs to see edges: with smaller batches
 * than by default, there are more steps in proportion.
 */
function recipeSteps(rows: number, batchSize: number): number {
  const steps = Math.max(500, Math.round(6 * rows ** 0.65));
  return Math.round(steps * Math.max(1, defaultBatchSize(rows) / batchSize));
}

/** Edges in a training step, where the user gives no `batchSize`. */
export function defaultBatchSize(rows: number): number {
  return Math.min(rows, 1000);
}
