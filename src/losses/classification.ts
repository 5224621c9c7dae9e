/** A classifier head that learns from labels while the map is learned from all rows. */

import { gatherRows } from '../backend/gatherRows.js';
import * as tf from '../core/tf.js';
import type { LossTerm, Matrix, Network, Random } from '../core/types.js';

export interface ClassificationOptions {
  readonly encoder: Network;
  /** From places on the map to one logit a class. */
  readonly classifier: Network;
  /** Rows as the encoder takes them. */
  readonly matrix: Matrix;
  /** Class of each row, from 0; -1 is unknown. At least one must be known. */
  readonly labels: Int32Array;
  /** Probability of each class for each row (`spreadLabels`); a row of zeros is left out. */
  readonly targets: Matrix;
  readonly weight: number;
  /** Rows a step; every other one is labelled. Default 256. */
  readonly batchSize?: number;
  readonly random: Random;
}

/**
 * Softmax cross-entropy, the paper's semi-supervised setting (Sainburg et al. 2021, section 3.5). Half of the rows
 * of a step are labelled ones, classes in equal shares, so that few labels are heard among many rows; the others
 * are taught what the graph says of them.
 */
export function classificationLoss(options: ClassificationOptions): LossTerm {
  const { encoder, classifier, matrix, labels, targets, weight, batchSize = 256, random } = options;
  const classes = targets.shape[1];
  const members: number[][] = Array.from({ length: classes }, () => []);
  labels.forEach((label, row) => {
    if (label >= 0) members[label]!.push(row);
  });
  const known = members.filter((rows) => rows.length > 0);
  const reached = Int32Array.from(labels.keys()).filter((row) =>
    targets.data.subarray(row * classes, (row + 1) * classes).some((share) => share > 0),
  );
  const rows = new Int32Array(batchSize);
  return {
    name: 'classification',
    weight,
    trained: [classifier],
    compute() {
      for (let i = 0; i < batchSize; i++) {
        const from = i % 2 === 0 ? known[random.integer(known.length)]! : reached;
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
