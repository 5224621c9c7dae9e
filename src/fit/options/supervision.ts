/** Options of supervision by targets, and of the classifier. */

import type { OptionRows } from '../../core/options.js';
import { choice, either, flag, integer, number, orNull, type Rule } from '../../core/rules.js';
import type { LayersModel } from '../../core/tf.js';
import { layersModel } from './layersModel.js';

export interface SupervisionOptions {
  /**
   * `'categorical'` for labels, `'euclidean'` for numbers on a scale, one a row (for which every l_p metric is the same)
   * or several. Unknown are null, -1 among labels, and NaN among numbers: such rows are neither drawn together nor kept
   * apart. Among equal numbers, rows that are neighbors come first, then a random choice. Default `'categorical'`.
   */
  targetMetric: 'categorical' | 'euclidean';
  /** 0 leaves the graph to the rows, 1 to the targets. Default 0.5, in [0, 1]. */
  targetWeight: number;
  /** Neighbours among continuous targets. Default null: `nNeighbors`. */
  targetNNeighbors: number | null;
  /** Trains a classifier on the map with the labels of `y`, spread over the graph, or the caller's own (one logit a class). Default false. */
  classifier: boolean | LayersModel;
  /** Weight of the classifier's loss. Default 1. */
  classifierLossWeight: number;
}

const targetMetric: Rule = {
  ...choice('categorical', 'euclidean'),
  advice: (value) =>
    value === 'l1' || value === 'l2' ? `for one number a row, ${value} is 'euclidean'; use that` : undefined,
};

export const supervisionRows: OptionRows<SupervisionOptions> = {
  targetMetric: {
    default: 'categorical',
    rule: targetMetric,
    help: "`y` holds labels; `'euclidean'`: numbers on a scale, one or more per row",
  },
  targetWeight: {
    default: 0.5,
    rule: number(0, 1),
    help: '0: the rows alone shape the graph, 1: the targets',
  },
  targetNNeighbors: {
    default: null,
    rule: orNull(integer(2)),
    help: 'neighbors among targets on a scale; null: `nNeighbors`',
  },
  classifier: {
    default: false,
    rule: either(flag, layersModel),
    help: 'trains a classifier on the map; or your own network, one logit per class',
  },
  classifierLossWeight: {
    default: 1,
    rule: number(0),
    help: "weight of the classifier's loss",
  },
};
