/** Losses that any main loss can be trained with: reconstruction, correlation, landmarks, classification, regularization. */

import { OptionError } from '../core/errors.js';
import type { Work } from '../core/pauses.js';
import type { Edges, LossTerm, Matrix, Network } from '../core/types.js';
import { spreadLabelsInParts } from '../graph/labelSpreading.js';
import { classificationLoss } from '../losses/classification.js';
import { correlationLoss } from '../losses/correlation.js';
import { euclideanLandmarkLoss, landmarkLoss } from '../losses/landmark.js';
import {
  defaultReconstructionInParts,
  type Reconstruction,
  reconstructionLoss,
} from '../losses/reconstruction.js';
import { regularizationLoss } from '../losses/regularization.js';
import { suppliedLoss } from '../losses/supplied.js';
import type { FitOptions } from './options/fitOptions.js';
import type { FitBase, FitContext, FitNetworks } from './records.js';

/** What is used of the options. */
export type AuxiliaryOptions = Pick<
  FitOptions,
  | 'parametricReconstructionLossWeight'
  | 'autoencoderLoss'
  | 'globalCorrelationLossWeight'
  | 'landmarkLossFn'
  | 'landmarkLossWeight'
  | 'classifierLossWeight'
>;

/**
 * The auxiliary losses that options and data of a fit ask for. `edges` is the graph that labels spread over; without one, a
 * classifier learns from the labeled rows alone.
 */
export async function auxiliaryLosses(
  base: FitBase,
  { encoder, decoder, classifier }: FitNetworks,
  options: AuxiliaryOptions,
  edges: Edges | undefined,
  inputs: { readonly landmarkLossWeight?: number | undefined },
  { pauses, stage }: FitContext,
): Promise<LossTerm[]> {
  const { streams, lossFn, classes, positions, projected } = base;
  const losses: LossTerm[] = [];
  if (decoder && lossFn) {
    const weight = options.parametricReconstructionLossWeight;
    losses.push(reconstructionLoss({ decoder, lossFn, weight, autoencoder: options.autoencoderLoss }));
  }
  if (options.globalCorrelationLossWeight > 0) {
    const weight = options.globalCorrelationLossWeight;
    losses.push(correlationLoss({ weight, random: streams.fork('correlation') }));
  }
  if (positions) {
    const weight = inputs.landmarkLossWeight ?? options.landmarkLossWeight;
    const { landmarkLossFn } = options;
    const landmarkFn = landmarkLossFn
      ? suppliedLoss('landmarkLossFn', landmarkLossFn)
      : euclideanLandmarkLoss;
    losses.push(landmarkLoss({ positions, weight, lossFn: landmarkFn }));
  }
  if (classifier && classes?.ids.some((label) => label >= 0)) {
    const targets = edges
      ? await stage('label spreading', (progress) =>
          pauses.run(spreadLabelsInParts(edges, classes.ids, classes.names.length), progress),
        )
      : oneHot(classes.ids, classes.names.length);
    losses.push(
      classificationLoss({
        ...{ encoder, classifier, matrix: projected, labels: classes.ids, targets },
        ...{ weight: options.classifierLossWeight, random: streams.fork('classification') },
      }),
    );
  }
  const regularization = regularizationLoss(
    [encoder, decoder, classifier].filter((part) => part !== undefined),
  );
  if (regularization) losses.push(regularization);
  return losses;
}

/** Probabilities of classes for labeled rows; zeros for unlabeled ones. */
function oneHot(labels: Int32Array, classes: number): Matrix {
  const data = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => {
    if (label >= 0) data[row * classes + label] = 1;
  });
  return { data, shape: [labels.length, classes] };
}

/** The kind of reconstruction: user-supplied, of the earlier fit, or the default for the rows. Throws `OptionError`. */
export function* chooseReconstruction(
  matrix: Matrix,
  decoder: Network,
  { parametricReconstructionLossFn: custom }: Pick<FitOptions, 'parametricReconstructionLossFn'>,
  earlier: { readonly reconstruction: Reconstruction | undefined } | undefined,
): Work<Reconstruction> {
  if (custom) return { kind: 'custom' };
  if (earlier?.reconstruction?.kind === 'custom') {
    throw new OptionError(
      'fit: expected the parametricReconstructionLossFn that this model was fitted with, which is not saved, got none; ' +
        'pass it to load(path, { parametricReconstructionLossFn })',
    );
  }
  return earlier?.reconstruction ?? (yield* defaultReconstructionInParts(matrix, decoder));
}

/** What `verbose` prints for each kind of reconstruction. */
export const reconstructionLines = {
  logits: 'binary cross-entropy on logits (the data lie in 0..1)',
  probabilities: 'binary cross-entropy (the data lie in 0..1, the decoder ends in a sigmoid)',
  squared: "mean squared error in units of the data's variance (the data leave 0..1)",
  custom: 'user-supplied',
} as const;
