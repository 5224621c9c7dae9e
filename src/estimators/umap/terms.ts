/** The losses of a Parametric UMAP fit. */

import { OptionError } from '../../core/errors.js';
import type { Work } from '../../core/pauses.js';
import type { Edges, LossTerm, Matrix, Network, Random, RowFrame } from '../../core/types.js';
import type { Classes } from '../../data/targets.js';
import { spreadLabelsInParts } from '../../graph/labelSpreading.js';
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
import type { Projection } from '../../networks/projection.js';
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
  const { options, random, encoder, decoder, classifier, lossFn, classes, positions, matrix, curve } =
    setting;
  const terms: LossTerm[] = [umapLoss({ ...umapOptions(options, curve), random: random.fork('negatives') })];
  if (decoder && lossFn) {
    const weight = options.parametricReconstructionLossWeight;
    terms.push(reconstructionLoss({ decoder, lossFn, weight, autoencoder: options.autoencoderLoss }));
  }
  if (options.globalCorrelationLossWeight > 0) {
    const weight = options.globalCorrelationLossWeight;
    terms.push(correlationLoss({ weight, random: random.fork('correlation') }));
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

/** What the UMAP loss takes of the options. */
export function umapOptions(
  { negativeSampleRate, repulsionStrength }: ParametricUMAPOptions,
  { a, b }: Curve,
) {
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
