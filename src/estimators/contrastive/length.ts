/** How long a contrastive embedding is trained, and how fast. */

import type { Edges } from '../../core/types.js';
import type { Plan } from '../../fit/records.js';
import { recipeSteps, scheduleOf } from '../../fit/trainingLength.js';
import type { ContrastiveOptions } from './options.js';

/** Steps, reports and learning rates of a training on a graph. An epoch meets every directed edge once, on average. */
export function contrastiveLength(
  options: ContrastiveOptions,
  edges: Edges,
  batchSize: number,
): Pick<Plan, 'steps' | 'reports' | 'schedule'> {
  const { nEpochs, lossReportFrequency, learningRate } = options;
  const steps =
    nEpochs === null
      ? recipeSteps(edges.vertices, batchSize)
      : Math.max(1, Math.round((nEpochs * edges.head.length) / batchSize));
  return {
    steps,
    reports: Math.min(steps, lossReportFrequency),
    schedule: scheduleOf(learningRate, steps, true, options),
  };
}
