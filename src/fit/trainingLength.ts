/** How long to train, in what batches, and how fast. */

import type { Edges, Schedule } from '../core/types.js';
import { stepsPerEpoch } from '../data/sampler.js';
import {
  constantRate,
  cosineDecay,
  linearDecay,
  suppliedSchedule,
  withGroups,
  withWarmUp,
} from '../training/schedule.js';
import type { FitOptions } from './options/fitOptions.js';
import type { Plan } from './records.js';

/** Edges (or rows) per training step. */
export function batchSizeOf({ batchSize }: Pick<FitOptions, 'batchSize'>, rows: number): number {
  return batchSize ?? defaultBatchSize(rows);
}

/** Edges per training step where the user gives no `batchSize`. */
export function defaultBatchSize(rows: number): number {
  return Math.min(rows, 1000);
}

type LengthOptions = Pick<
  FitOptions,
  'nEpochs' | 'nTrainingEpochs' | 'lossReportFrequency' | 'learningRate'
> &
  RateOptions;

/**
 * Steps, reports and learning rates of a training on a graph; the rates by `scheduled`, which is `pointsScheduleOf` for points
 * without a network.
 */
export function trainingLength(
  options: LengthOptions,
  edges: Edges,
  batchSize: number,
  scheduled: typeof pointsScheduleOf = scheduleOf,
): Pick<Plan, 'steps' | 'reports' | 'schedule'> {
  const { nEpochs, nTrainingEpochs, lossReportFrequency, learningRate } = options;
  const passes =
    nEpochs === null ? recipeSteps(edges.vertices, batchSize) : stepsPerEpoch(edges, nEpochs, batchSize);
  const steps = passes * nTrainingEpochs;
  return {
    steps,
    reports: Math.min(steps, lossReportFrequency * nTrainingEpochs),
    schedule: scheduled(learningRate, steps, nEpochs === null, options),
  };
}

/** Peak of the learning rate of networks where the user gives none. */
const USUAL_RATE = 0.01;

/** The same for points without a network, which have far to go where a network moves all rows at once. */
const POINTS_RATE = 1;

/**
 * As `scheduleOf`, for points that are trained without a network. Networks beside them, such as a decoder, have rates that are
 * lower as their usual rate is.
 */
export function pointsScheduleOf(
  given: FitOptions['learningRate'],
  steps: number,
  falls: boolean,
  options: RateOptions,
): Schedule {
  const points = scheduleOf(given ?? POINTS_RATE, steps, falls, options);
  const networks = { rate: (step: number) => (USUAL_RATE / POINTS_RATE) * points.rate(step) };
  return withGroups(points, { decoder: networks, classifier: networks });
}

/** Options that tell how the learning rate rises and falls. Default: no warm-up, and `'auto'`. */
export type RateOptions = Partial<Pick<FitOptions, 'learningRateDecay' | 'warmUp'>>;

/**
 * Rates for the option `learningRate`: user-supplied, or from a peak as `learningRateDecay` and `warmUp` tell. `falls` decides
 * what `'auto'` is: half a cosine, or else constant.
 */
export function scheduleOf(
  given: FitOptions['learningRate'],
  steps: number,
  falls = true,
  { learningRateDecay = 'auto', warmUp = 0 }: RateOptions = {},
): Schedule {
  const rate = given ?? USUAL_RATE;
  if (typeof rate === 'function') return suppliedSchedule(rate, steps);
  const rising = Math.round(warmUp * steps);
  const decay = learningRateDecay === 'auto' ? (falls ? 'cosine' : 'constant') : learningRateDecay;
  const falling = decays[decay](rate, steps - rising);
  return rising > 0 ? withWarmUp(falling, rising) : falling;
}

const decays = { cosine: cosineDecay, linear: linearDecay, constant: constantRate } as const;

/**
 * Gradient steps that an embedding of so many rows needs: found on digits and MNIST, where it gives about 780 for 1,797 rows,
 * 2,400 for 10,000 and 7,700 for 60,000. What counts is how many edges are seen: with batches smaller than by default, there
 * are more steps in proportion.
 */
export function recipeSteps(rows: number, batchSize: number): number {
  const steps = Math.max(500, Math.round(6 * rows ** 0.65));
  return Math.round(steps * Math.max(1, defaultBatchSize(rows) / batchSize));
}
