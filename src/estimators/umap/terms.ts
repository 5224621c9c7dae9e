/** The losses of a Parametric UMAP fit, and their values on held-out rows. */

import { DataError, OptionError } from '../../core/errors.js';
import type { Pauses, Work } from '../../core/pauses.js';
import type { Edges, LossTerm, Matrix, Network, Random, RowFrame } from '../../core/types.js';
import { enterWidth } from '../../data/matrix.js';
import { edgeSampler } from '../../data/sampler.js';
import type { Classes } from '../../data/targets.js';
import { spreadLabelsInParts } from '../../graph/labelSpreading.js';
import { neighborGraph } from '../../graph/neighborGraph.js';
import { callersLoss } from '../../losses/callers.js';
import { classificationLoss } from '../../losses/classification.js';
import { correlationLoss } from '../../losses/correlation.js';
import { euclideanLandmarkLoss, landmarkLoss } from '../../losses/landmark.js';
import {
  defaultReconstructionInParts,
  type Reconstruction,
  type ReconstructionLoss,
  reconstructionLoss,
} from '../../losses/reconstruction.js';
import { regularizationLoss } from '../../losses/regularization.js';
import { umapLoss } from '../../losses/umap.js';
import type { Curve } from '../../math/curve.js';
import { type Projection, projectRows } from '../../networks/projection.js';
import { validate } from '../../training/validation.js';
import type { ParametricUMAPOptions } from './options.js';

/** What the losses of one fit are made of. */
export interface Setting {
  readonly options: ParametricUMAPOptions;
  readonly random: Random;
  /** As trained: behind the projection, if there is one. */
  readonly encoder: Network;
  readonly decoder: Network | undefined;
  readonly classifier: Network | undefined;
  readonly lossFn: ReconstructionLoss | undefined;
  readonly classes: Classes | undefined;
  readonly positions: Matrix | undefined;
  readonly projection: Projection | undefined;
  /** Rows as the encoder gets them in use, in their frame if they have one. */
  readonly raw: Matrix;
  readonly frame: RowFrame | undefined;
  readonly matrix: Matrix;
  readonly curve: Curve;
}

/** The losses that this fit adds up; the UMAP loss is always among them. */
export function* termsFor(
  setting: Setting,
  edges: Edges,
  inputs: { readonly landmarkLossWeight?: number | undefined },
): Work<LossTerm[]> {
  const { options, random, encoder, decoder, classifier, lossFn, classes, positions, raw, matrix, curve } =
    setting;
  const terms: LossTerm[] = [umapLoss({ ...umapOptions(options, curve), random: random.fork('negatives') })];
  if (decoder && lossFn) {
    const weight = options.parametricReconstructionLossWeight;
    terms.push(
      reconstructionLoss({ decoder, matrix: raw, lossFn, weight, autoencoder: options.autoencoderLoss }),
    );
  }
  if (options.globalCorrelationLossWeight > 0) {
    const weight = options.globalCorrelationLossWeight;
    terms.push(correlationLoss({ matrix: raw, weight, random: random.fork('correlation') }));
  }
  if (positions) {
    const weight = inputs.landmarkLossWeight ?? options.landmarkLossWeight;
    const { landmarkLossFn } = options;
    const lossFn = landmarkLossFn ? callersLoss('landmarkLossFn', landmarkLossFn) : euclideanLandmarkLoss;
    terms.push(landmarkLoss({ positions, weight, lossFn }));
  }
  if (classifier && classes?.ids.some((label) => label >= 0)) {
    const targets = yield* spreadLabelsInParts(edges, classes.ids, classes.names.length);
    const parts = {
      encoder,
      classifier,
      matrix,
      labels: classes.ids,
      targets,
      weight: options.classifierLossWeight,
    };
    terms.push(classificationLoss({ ...parts, random: random.fork('classification') }));
  }
  const regularization = regularizationLoss(
    [encoder, decoder, classifier].filter((part) => part !== undefined),
  );
  if (regularization) terms.push(regularization);
  return terms;
}

function umapOptions({ negativeSampleRate, repulsionStrength }: ParametricUMAPOptions, { a, b }: Curve) {
  return { a, b, negativeSampleRate, repulsionStrength, negativeDraws: Math.ceil(8 * negativeSampleRate) };
}

/** The kind of reconstruction: the caller's, of an earlier fit, or the default for the rows. */
export function* reconstructionOf(
  matrix: Matrix,
  decoder: Network,
  { parametricReconstructionLossFn: custom }: ParametricUMAPOptions,
  earlier: { readonly reconstruction: Reconstruction | undefined } | undefined,
): Work<Reconstruction> {
  if (custom) return { kind: 'custom' };
  if (earlier?.reconstruction?.kind === 'custom') {
    throw new OptionError(
      "fit: this model was fitted with the caller's parametricReconstructionLossFn, which is not saved; " +
        'pass it to load(path, { parametricReconstructionLossFn })',
    );
  }
  return earlier?.reconstruction ?? (yield* defaultReconstructionInParts(matrix, decoder));
}

/** What `verbose` says of each kind of reconstruction. */
export const reconstructionLines = {
  logits: 'binary cross-entropy on logits (the data lie in 0..1)',
  probabilities: 'binary cross-entropy (the data lie in 0..1, the decoder ends in a sigmoid)',
  squared: "mean squared error in units of the data's variance (the data leave 0..1)",
  custom: "the caller's",
} as const;

/** Reads the held-out rows, builds their graph, and returns what evaluates them at a report. */
export async function validatorFor(
  setting: Setting,
  pauses: Pauses,
  signal: AbortSignal | undefined,
): Promise<() => Promise<Record<string, number>>> {
  const { options, decoder, lossFn, encoder, projection, raw, curve } = setting;
  const held = options.reconstructionValidation;
  if (held === null || !decoder || !lossFn) return async () => ({});
  const random = setting.random.fork('validation');
  const { matrix } = await enterWidth(held, raw.shape[1], 'fit: reconstructionValidation', {
    frame: setting.frame,
  });
  if (matrix.shape[0] < 2)
    throw new DataError('fit: reconstructionValidation: at least 2 rows wanted, got 1');
  const nNeighbors = Math.min(options.nNeighbors, matrix.shape[0]);
  const graphOptions = {
    ...options,
    nNeighbors,
    metric: options.metric === 'precomputed' ? 'euclidean' : options.metric,
  };
  const edges = await neighborGraph(matrix, undefined, graphOptions, { signal }, random, () => {});
  const batchSize = Math.min(1000, matrix.shape[0]);
  const projected = projection ? await projectRows(matrix, projection, pauses) : matrix;
  return async () => ({
    ...(await validate({
      matrix: projected,
      raw: matrix,
      encoder,
      decoder,
      lossFn,
      sampler: edgeSampler(edges, { batchSize, random: random.fork('edges') }),
      umap: umapLoss({ ...umapOptions(options, curve), random: random.fork('negatives') }),
      batches: 4,
    })),
  });
}
