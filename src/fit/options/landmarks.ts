/** Options of landmarks: rows with a given position in the embedding. */

import type { OptionRows } from '../../core/options.js';
import { callable, number, orNull } from '../../core/rules.js';
import type { LandmarkLoss } from '../../losses/landmark.js';

export interface LandmarkOptions {
  /**
   * Loss of (target, current) positions of landmarks. Must return 32-bit floats, a scalar or a value per landmark, computed
   * from the current positions (else `OptionError`). Default null: mean Euclidean distance.
   */
  landmarkLossFn: LandmarkLoss | null;
  /** Weight of the landmark loss. Default 1, at least 0. */
  landmarkLossWeight: number;
}

export const landmarkRows: OptionRows<LandmarkOptions> = {
  landmarkLossFn: {
    default: null,
    rule: orNull(callable),
    help: '(target, current) positions -> loss; null: Euclidean distance',
  },
  landmarkLossWeight: {
    default: 1,
    rule: number(0),
    help: 'weight of the landmark loss',
  },
};
