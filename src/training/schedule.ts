/** Learning rates over a training. */

import { describe, OptionError } from '../core/errors.js';
import type { Schedule } from '../core/types.js';

/** The same rate for every step. */
export function constantRate(rate: number): Schedule {
  return { rate: () => rate };
}

/** From `peak` at step 0 to 0 after `steps`, along half a cosine (Loshchilov and Hutter, 2017). */
export function cosineDecay(peak: number, steps: number): Schedule {
  // peak * (1 + cos(pi * step / steps)) / 2
  return { rate: (step) => peak * 0.5 * (1 + Math.cos((Math.PI * step) / steps)) };
}

/** From `peak` at step 0 to 0 after `steps`, in equal steps. */
export function linearDecay(peak: number, steps: number): Schedule {
  return { rate: (step) => peak * (1 - step / steps) };
}

/**
 * A user-supplied function of the part done, from 0 to below 1. Throws `OptionError` where it returns anything but a finite
 * number of at least 0.
 */
export function suppliedSchedule(rate: (done: number) => number, steps: number): Schedule {
  return {
    rate(step) {
      const value: unknown = rate(step / steps);
      if (typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY) return value;
      throw new OptionError(
        `fit: learningRate: expected a finite number of at least 0, got ${describe(value)} at step ${step} of ${steps}; ` +
          'return a rate for every part done, from 0 to 1',
      );
    },
  };
}
