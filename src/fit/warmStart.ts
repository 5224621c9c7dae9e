/** Where an encoder starts: a short training on a layout that UMAP without a network has refined. */

import type { Work } from '../core/pauses.js';
import * as tf from '../core/tf.js';
import type { Edges, Matrix, Network, Random } from '../core/types.js';
import { rowSampler } from '../data/sampler.js';
import { principalLayoutInParts } from '../layout/principal.js';
import { refineLayoutInParts } from '../layout/sgd.js';
import { spectralLayoutInParts } from '../layout/spectral.js';
import { landmarkLoss } from '../losses/landmark.js';
import type { Curve } from '../math/curve.js';
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
export async function firstLayout(
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
    return stage('first layout', () => pauses.run(principalStart(matrix, nComponents, random)));
  return readPositions(init, edges.vertices, nComponents, 'init', false);
}

/** Principal components, scaled as the spectral layout is. Outliers have no part in the axes. */
function* principalStart(matrix: Matrix, components: number, random: Random): Work<Matrix> {
  const axes = yield* nearAxesInParts(matrix, components, { random });
  return yield* principalLayoutInParts(matrix, axes, { components, scale: 'extent' });
}
