/** Loss of a classifier on the embedding, trained on labels while the embedding is trained on all rows. */

import { gatherRows } from '../backend/gatherRows.js';
import * as tf from '../core/tf.js';
import type { LossTerm, Matrix, Network, Random } from '../core/types.js';

export interface ClassificationOptions {
  readonly encoder: Network;
  /** Maps positions in the embedding to one logit per class. */
  readonly classifier: Network;
  /** Rows in the form of the encoder's input. */
  readonly matrix: Matrix;
  /** Class of each row, from 0; -1 for an unknown one. At least one is known. */
  readonly labels: Int32Array;
  /** Probability of each class for each row (`spreadLabels`). Rows of zeros are never drawn. */
  readonly targets: Matrix;
  readonly weight: number;
  /** Rows per step; every other one is labeled. Default 256. */
  readonly batchSize?: number;
  readonly random: Random;
}

/**
 * Softmax cross-entropy, the paper's semi-supervised setting (Sainburg et al. 2021, section 3.5). Half of
 * the rows of a step are labeled, with classes in equal shares, so that a few labels among many rows count; the targets of
 * the other half are the class probabilities that label spreading gives them.
 */
export function classificationLoss(options: ClassificationOptions): LossTerm {
  const { encoder, classifier, matrix, labels, targets, weight, batchSize = 256, random } = options;
  const classes = targets.shape[1];
  const members: number[][] = Array.from({ length: classes }, () => []);
  labels.forEach((label, row) => {
    if (label >= 0) members[label]!.push(row);
  });
  const labeled = members.filter((rows) => rows.length > 0);
  const withTarget = Int32Array.from(labels.keys()).filter((row) =>
    targets.data.subarray(row * classes, (row + 1) * classes).some((share) => share > 0),
  );
  const rows = new Int32Array(batchSize);
  return {
    name: 'classification',
    weight,
    trained: [classifier],
    compute() {
      for (let i = 0; i < batchSize; i++) {
        const from = i % 2 === 0 ? labeled[random.integer(labeled.length)]! : withTarget;
        rows[i] = from[random.integer(from.length)]!;
      }
      const x = gatherRows(matrix, rows, batchSize, encoder.inputShape);
      const logits = classifier.apply(encoder.apply(x, true), true);
      return tf.losses.softmaxCrossEntropy(
        gatherRows(targets, rows, batchSize, [classes]),
        logits,
      ) as tf.Scalar;
    },
  };
}
