/** A classifier head that learns from the labelled rows while the map is learned from all of them. */
import * as tf from '@tensorflow/tfjs';
import { gatherRows } from '../train.js';
import type { LossTerm, Matrix, Network, Random } from '../types.js';

export interface ClassificationOptions {
  readonly encoder: Network;
  /** From places on the map to one logit a class. */
  readonly classifier: Network;
  /** Rows as the encoder takes them. */
  readonly matrix: Matrix;
  /** Class of each row, from 0; -1 is unknown. At least one must be known. */
  readonly classes: Int32Array;
  readonly weight: number;
  /** Labelled rows a step. Default 128. */
  readonly batchSize?: number;
  readonly random: Random;
}

/**
 * Softmax cross-entropy of the labelled rows, the paper's semi-supervised setting (Sainburg et al. 2021,
 * section 3.5). Labelled rows are drawn apart from the edges, classes in equal shares, so that few labels are
 * heard among many rows.
 */
export function classificationLoss(options: ClassificationOptions): LossTerm {
  const { encoder, classifier, matrix, classes, weight, batchSize = 128, random } = options;
  const count = classifier.outputShape[0]!;
  const members: number[][] = Array.from({ length: count }, () => []);
  classes.forEach((label, row) => {
    if (label >= 0) members[label]!.push(row);
  });
  const known = members.flatMap((rows, label) => (rows.length > 0 ? [label] : []));
  const rows = new Int32Array(batchSize);
  const labels = new Int32Array(batchSize);
  return {
    name: 'classification',
    weight,
    networks: [classifier],
    compute() {
      for (let i = 0; i < batchSize; i++) {
        const label = known[random.integer(known.length)]!;
        labels[i] = label;
        rows[i] = members[label]![random.integer(members[label]!.length)]!;
      }
      const x = gatherRows(matrix, rows, batchSize, encoder.inputShape);
      const logits = classifier.apply(encoder.apply(x, true), true);
      const targets = tf.oneHot(tf.tensor1d(labels.slice(), 'int32'), count);
      return tf.losses.softmaxCrossEntropy(targets, logits) as tf.Scalar;
    },
  };
}
