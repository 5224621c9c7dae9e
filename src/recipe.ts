/** The default recipe: what the encoder is trained on, where it starts, how long and how fast it learns. */

import { describe, OptionError } from './errors.js';
import type { Setting } from './fitTerms.js';
import type { Projection } from './fold.js';
import { readPositions } from './landmarks.js';
import { refineLayout } from './layout.js';
import { pca, project } from './linalg.js';
import { landmarkLoss } from './losses/landmark.js';
import { adam } from './optimizer.js';
import type { ParametricUMAPOptions } from './parametricUmapOptions.js';
import { edgeSampler, rowSampler, stepsPerEpoch } from './sampler.js';
import { spectralLayout } from './spectral.js';
import * as tf from './tf.js';
import type { TrainOptions } from './train.js';
import type { Edges, Matrix, Random } from './types.js';

/** One training. */
export type Plan = Omit<TrainOptions, 'signal' | 'onStep' | 'backend'>;

/** Rows that the principal axes are found from. */
const PCA_ROWS = 5000;

/** Most columns the default encoder is trained on; wider rows are projected on as many principal components. */
const TRAINED_COLUMNS = 64;

/** Principal axes of (a sample of) the rows, and the scale that gives the projected values unit mean square. */
export function projectionOf(matrix: Matrix, random: Random): Projection {
  const components = Math.min(TRAINED_COLUMNS, ...matrix.shape);
  // Only what the axes span matters: at 1e-2, MNIST's lose a ten-millionth of the variance.
  const search = { sampleRows: PCA_ROWS, tolerance: 1e-2 };
  const axes = pca(matrix, { components, random: random.fork('projection'), ...search });
  let variance = 0;
  for (const v of axes.variance) variance += v / components;
  return { mean: axes.mean, components: axes.components, scale: variance > 0 ? Math.sqrt(variance) : 1 };
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
  let sum = 0;
  for (let p = 0; p < MEASURED_EDGES; p++) {
    const head = rows[heads[p]!]! * columns;
    const tail = rows[tails[p]!]! * columns;
    let squared = 0;
    for (let c = 0; c < columns; c++) squared += (data[head + c]! - data[tail + c]!) ** 2;
    sum += Math.sqrt(squared);
  }
  return (share * sum) / MEASURED_EDGES / Math.sqrt(columns);
}

/**
 * The start: passes of UMAP without a network, in which clusters that a network would only ever push past each other
 * come apart; then steps, batch size and learning rate of the encoder's regression on the outcome, enough to arrange
 * the clusters, not to learn the details.
 */
const START = { epochs: 60, steps: 500, batchSize: 1000, learningRate: 0.01 };

/** A training on the first layout: every row a landmark, at the mean squared distance. */
export async function startFor(setting: Setting, edges: Edges): Promise<Plan | undefined> {
  const { options, encoder, matrix, curve } = setting;
  const random = setting.random.fork('init');
  const layout = await firstLayout(setting, edges, random);
  if (!layout) return undefined;
  const { epochs, steps, batchSize, learningRate } = START;
  const { repulsionStrength } = options;
  const negativeSampleRate = Math.round(options.negativeSampleRate);
  const refinement = { curve, epochs, negativeSampleRate, repulsionStrength, random: random.fork('layout') };
  const positions = refineLayout(edges, layout, refinement);
  return {
    matrix,
    encoder,
    sampler: rowSampler(matrix.shape[0], { batchSize: Math.min(batchSize, matrix.shape[0]), random }),
    terms: [landmarkLoss({ positions, weight: 1, lossFn: tf.squaredDifference })],
    optimizer: adam(),
    clipValue: options.clipValue,
    steps,
    reports: 1,
    learningRate: (step) => learningRate * (1 - step / steps),
  };
}

async function firstLayout(setting: Setting, edges: Edges, random: Random): Promise<Matrix | undefined> {
  const { init, nComponents } = setting.options;
  if (init === 'random') return undefined;
  if (init === 'spectral') return spectralLayout(edges, { components: nComponents, random });
  if (init !== 'pca') return readPositions(init, edges.vertices, nComponents, 'init', false);
  const components = Math.min(nComponents, ...setting.raw.shape);
  const { data } = project(setting.raw, pca(setting.raw, { components, random, sampleRows: PCA_ROWS }));
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
  const passes = nEpochs === null ? recipeSteps(edges.vertices) : stepsPerEpoch(edges, nEpochs, batchSize);
  const steps = passes * nTrainingEpochs;
  return {
    steps,
    reports: Math.min(steps, lossReportFrequency * nTrainingEpochs),
    learningRate: rateOf(learningRate, steps, nEpochs === null),
  };
}

function rateOf(
  rate: ParametricUMAPOptions['learningRate'],
  steps: number,
  falls: boolean,
): (step: number) => number {
  if (typeof rate === 'function') {
    return (step) => {
      const value: unknown = rate(step / steps);
      if (typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY) return value;
      throw new OptionError(
        `fit: learningRate: a finite number of at least 0 expected, got ${describe(value)} at step ${step} of ${steps}; ` +
          'return a rate for every part done, from 0 to 1',
      );
    };
  }
  // Half a cosine from the peak to 0.
  return falls ? (step) => rate * 0.5 * (1 + Math.cos((Math.PI * step) / steps)) : () => rate;
}

/**
 * Gradient steps that the map of so many rows needs: found on digits and MNIST, where it
 * gives about 780 for 1,797 rows, 2,400 for 10,000 and 7,700 for 60,000.
 */
function recipeSteps(rows: number): number {
  return Math.max(500, Math.round(6 * rows ** 0.65));
}
