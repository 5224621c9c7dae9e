/** Options of supervision by targets, and of the classifier. */

import type { OptionRows } from '../../core/options.js';
import { choice, either, flag, integer, number, orNull, type Rule } from '../../core/rules.js';
import type { LayersModel } from '../../core/tf.js';
import { layersModel } from './layersModel.js';

export interface SupervisionOptions {
  /**
   * `'categorical'` for labels, `'euclidean'` for numbers on a scale, one per row (for which all l_p metrics are equal) or
   * several. A target is unknown if it is null, -1 among labels, or NaN among numbers; the edges of such
   * a row are treated alike. Among equal numbers, rows that are neighbors are chosen first, then random ones. Default
   * `'categorical'`.
   */
  targetMetric: 'categorical' | 'euclidean';
  /** 0: the graph depends on the rows alone, 1: on the targets. Default 0.5, in [0, 1]. */
  targetWeight: number;
  /** Neighbors among continuous targets, itself included. Default null: `nNeighbors`. At least 2. */
  targetNNeighbors: number | null;
  /** Trains a classifier on the embedding with the labels of `y`, spread over the graph: the default one, or a user-supplied network (one logit per class). Default false. */
  classifier: boolean | LayersModel;
  /** Weight of the classifier's loss. Default 1, at least 0. */
  classifierLossWeight: number;
}

const targetMetric: Rule = {
  ...choice('categorical', 'euclidean'),
  advice: (value) =>
    value === 'l1' || value === 'l2'
      ? `for one number per row, ${value} is 'euclidean'; use that`
      : undefined,
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
