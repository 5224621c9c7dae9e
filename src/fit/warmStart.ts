/** Where an encoder starts: a short training on a layout that UMAP without a network has refined. */

import type { Pauses } from '../core/pauses.js';
import * as tf from '../core/tf.js';
import type { Edges, Matrix, Network, Random } from '../core/types.js';
import { rowSampler } from '../data/sampler.js';
import { refineLayoutInParts } from '../layout/sgd.js';
import { spectralLayoutInParts } from '../layout/spectral.js';
import { landmarkLoss } from '../losses/landmark.js';
import type { Curve } from '../math/curve.js';
import { projectInParts } from '../math/pca.js';
import { nearAxesInParts } from '../networks/projection.js';
import { rowsForward } from '../training/forward.js';
import { adam } from '../training/optimizer.js';
import { linearDecay } from '../training/schedule.js';
import { readPositions } from './landmarks.js';
import type { FitOptions } from './options/fitOptions.js';
import type { FitBase, FitContext, Plan } from './records.js';

/**
 * Epochs of non-parametric UMAP, which separates clusters that an encoder trained from scratch tends to leave entangled; then
 * steps, batch size and learning rate of a short regression of the encoder onto that layout. It is long enough to place the
 * clusters and too short to fit details.
 */
const START = { epochs: 60, steps: 500, batchSize: 1000, learningRate: 0.01 };

/** Standard deviations along the first principal axis beyond which a start from principal components is clipped. */
const FAR_OUT = 10;

/** How the first layout is refined. */
export interface LayoutOptions {
  readonly curve: Curve;
  readonly negativeSampleRate: number;
  readonly repulsionStrength: number;
}

/** A training on the first layout: every row a landmark, at the mean squared distance. Undefined for `init: 'random'`. */
export async function warmStart(
  base: FitBase,
  encoder: Network,
  edges: Edges,
  options: Pick<FitOptions, 'init' | 'nComponents' | 'clipValue'>,
  { curve, negativeSampleRate, repulsionStrength }: LayoutOptions,
  context: FitContext,
): Promise<Plan | undefined> {
  const random = base.random.fork('init');
  const layout = await firstLayout(base.matrix, edges, options, random, context);
  if (!layout) return undefined;
  const { epochs, steps, batchSize, learningRate } = START;
  const refinement = {
    ...{ curve, epochs, repulsionStrength, random: random.fork('layout') },
    negativeSampleRate: Math.round(negativeSampleRate),
  };
  const positions = await context.stage('layout refinement', (progress) =>
    context.pauses.run(refineLayoutInParts(edges, layout, refinement), progress),
  );
  const matrix = base.projected;
  const [rows] = matrix.shape;
  return {
    forward: rowsForward({
      ...{ matrix, encoder },
      sampler: rowSampler(rows, { batchSize: Math.min(batchSize, rows), random }),
    }),
    terms: [landmarkLoss({ positions, weight: 1, lossFn: tf.squaredDifference })],
    ...{ optimizer: adam(), schedule: linearDecay(learningRate, steps) },
    ...{ clipValue: options.clipValue, steps, reports: 1 },
  };
}

/** The layout that `init` names, unrefined. */
async function firstLayout(
  matrix: Matrix,
  edges: Edges,
  { init, nComponents }: Pick<FitOptions, 'init' | 'nComponents'>,
  random: Random,
  context: FitContext,
): Promise<Matrix | undefined> {
  const { pauses, stage } = context;
  if (init === 'random') return undefined;
  if (init === 'spectral')
    return stage('first layout', () =>
      pauses.run(spectralLayoutInParts(edges, { components: nComponents, random })),
    );
  if (init === 'pca')
    return stage('first layout', () => principalLayout(matrix, nComponents, random, pauses));
  return readPositions(init, edges.vertices, nComponents, 'init', false);
}

/** Principal components, scaled as the spectral layout is: to 10 along the widest axis. */
async function principalLayout(
  matrix: Matrix,
  nComponents: number,
  random: Random,
  pauses: Pauses,
): Promise<Matrix> {
  const axes = await pauses.run(nearAxesInParts(matrix, nComponents, { random }));
  const components = axes.variance.length;
  const { data } = await pauses.run(projectInParts(matrix, axes));
  // Outliers must not leave the other rows too little room.
  const most = FAR_OUT * Math.sqrt(axes.variance[0]!);
  for (let i = 0; i < data.length; i++) data[i] = Math.min(most, Math.max(-most, data[i]!));
  const extent = data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
  const [rows] = matrix.shape;
  // Dimensions beyond the data's own stay 0.
  const positions = new Float32Array(rows * nComponents);
  for (let i = 0; i < data.length; i++) {
    positions[Math.floor(i / components) * nComponents + (i % components)] = (10 * data[i]!) / extent;
  }
  return { data: positions, shape: [rows, nComponents] };
}
