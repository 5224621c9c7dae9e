/** Options of the correlation loss, for the global structure of an embedding. */

import type { OptionRows } from '../../core/options.js';
import { number } from '../../core/rules.js';

export interface CorrelationOptions {
  /** Weight of the correlation between distances in the data and in the embedding. Default 0, at least 0. */
  globalCorrelationLossWeight: number;
}

export const correlationRows: OptionRows<CorrelationOptions> = {
  globalCorrelationLossWeight: {
    default: 0,
    rule: number(0),
    help: 'weight of the correlation of distances',
  },
};
