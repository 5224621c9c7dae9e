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

/** From `peak` at step 0 to 0 after `steps`, in equal steps, but never below `floor` times the peak. */
export function linearDecay(peak: number, steps: number, floor = 0): Schedule {
  return { rate: (step) => peak * Math.max(floor, 1 - step / steps) };
}

/**
 * The rate rises linearly to the first rate of `decay` during the first `steps`, then follows `decay` from its step 0. No step
 * is taken at rate 0, which would be lost: step s of n has (s + 1) / (n + 1) of the peak.
 */
export function withWarmUp(decay: Schedule, steps: number): Schedule {
  return {
    ...decay,
    rate: (step, group) =>
      step < steps ? (decay.rate(0, group) * (step + 1)) / (steps + 1) : decay.rate(step - steps, group),
  };
}

/** Schedules of their own for some groups of variables (see `Trainable.group`), by name; `common` for all others. */
export function withGroups(common: Schedule, groups: Readonly<Record<string, Schedule>>): Schedule {
  const parts = new Map([['', common], ...Object.entries(groups)]);
  const remembering = [...parts].filter(([, { state }]) => state);
  return {
    rate: (step, group = '') => (parts.get(group) ?? common).rate(step, group === '' ? undefined : group),
    report(progress) {
      for (const part of parts.values()) part.report?.(progress);
    },
    ...(remembering.length > 0 && {
      state: () => Object.fromEntries(remembering.map(([name, part]) => [name, part.state!()])),
      restore(state: unknown) {
        const states = state as Readonly<Record<string, unknown>> | undefined;
        for (const [name, part] of remembering) part.restore?.(states?.[name]);
      },
    }),
  };
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
