/** The weight of the KL divergence in the loss: a number, a warm-up, or whatever keeps the divergence at a target. */

/**
 * The option: a number; `warmUp`, a rise from 0 to `to` (default 1) along this part of the training; or `target`, nats per
 * dimension that the divergence is kept at.
 */
export type KlWeightOption = number | KlWarmUp | KlTarget;

/** A weight of the KL divergence that rises from 0. */
export interface KlWarmUp {
  /** Part of the training in which it rises, above 0 and at most 1. */
  readonly warmUp: number;
  /** The weight after that, above 0. Default 1. */
  readonly to?: number;
}

/** A weight of the KL divergence that is controlled. */
export interface KlTarget {
  /** The divergence to keep, in nats per latent dimension, above 0. */
  readonly target: number;
}

/** A weight that may depend on the part of the training done, and on the divergence. */
export interface KlWeight {
  /** The weight in force. */
  at(done: number): number;
  /**
   * The weight with which losses can be compared: the one that is kept in the end; 0 where the divergence itself is kept, at this mean of the
   * last steps. Undefined while weight or divergence are still on their way.
   */
  settled(done: number, nats: number): number | undefined;
  /** Takes the divergence of a step, in nats; present where the weight follows it. */
  observe?(nats: number): void;
  /** State of a weight that follows the divergence, as plain data. */
  state?(): unknown;
  /** Sets the state; undefined starts anew. */
  restore?(state: unknown): void;
}

/** The weight that an option stands for, in a latent space of so many dimensions. */
export function klWeightOf(option: KlWeightOption, dimensions: number): KlWeight {
  if (typeof option === 'number') return { at: () => option, settled: () => option };
  if ('target' in option) return targetWeight(option.target * dimensions);
  const { warmUp, to = 1 } = option;
  return {
    at: (done) => (done < warmUp ? (to * done) / warmUp : to),
    settled: (done) => (done < warmUp ? undefined : to),
  };
}

/** Share of a new divergence in the mean that the controller follows. */
const SHARE = 0.05;
/** Change of the logarithm of the weight per step, for a divergence of twice the target or more. */
const INTEGRAL = 0.005;
/** Immediate change of the logarithm of the weight, which damps oscillations. */
const PROPORTIONAL = 0.5;
/** Largest distance of a divergence from its target, relative to that, at which it counts as kept. */
const KEPT = 0.1;
/** The weight stays within exp(±9), about 1e-4 to 1e4. */
const MOST = 9;

/** State of the controller. */
interface ControllerState {
  /** Mean divergence of the last steps, in nats; null at first. */
  readonly mean: number | null;
  /** Sum of the errors, in the logarithm of the weight. */
  readonly sum: number;
}

/**
 * A controller with proportional and integral parts, on the logarithm of the weight (as Shao et al. 2020 on the weight). The
 * error is relative to the target, and limited to ±1, so that the wild first steps do not count.
 */
function targetWeight(target: number): KlWeight {
  let mean: number | null = null;
  let sum = 0;
  const error = () => (mean === null ? 0 : Math.min(1, Math.max(-1, (mean - target) / target)));
  return {
    at: () => Math.exp(sum + PROPORTIONAL * error()),
    settled: (_, nats) => (Math.abs(nats - target) <= KEPT * target ? 0 : undefined),
    observe(nats) {
      if (!Number.isFinite(nats)) return;
      mean = mean === null ? nats : mean + SHARE * (nats - mean);
      sum = Math.min(MOST, Math.max(-MOST, sum + INTEGRAL * error()));
    },
    state: (): ControllerState => ({ mean, sum }),
    restore(state) {
      ({ mean, sum } = (state as ControllerState | undefined) ?? { mean: null, sum: 0 });
    },
  };
}
