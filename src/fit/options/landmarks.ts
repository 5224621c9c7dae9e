/** Options of landmarks: rows that are kept at given places. */

import type { OptionRows } from '../../core/options.js';
import { callable, number, orNull } from '../../core/rules.js';
import type { LandmarkLoss } from '../../losses/landmark.js';

export interface LandmarkOptions {
  /**
   * Loss of (wanted, found) places of landmarks: a tensor of 32-bit floats, a scalar or a value a landmark, computed from
   * the found ones (else `OptionError`). Default null: mean Euclidean distance.
   */
  landmarkLossFn: LandmarkLoss | null;
  /** Weight of the landmark loss. Default 1. */
  landmarkLossWeight: number;
}

export const landmarkRows: OptionRows<LandmarkOptions> = {
  landmarkLossFn: {
    default: null,
    rule: orNull(callable),
    help: '(wanted, found) positions -> loss; null: Euclidean distance',
  },
  landmarkLossWeight: {
    default: 1,
    rule: number(0),
    help: 'weight of the landmark loss',
  },
};
