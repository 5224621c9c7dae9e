/** Points trained as UMAP without a network trains them: one edge at a time, instead of batches and gradients. */

import { pausesFor } from '../core/pauses.js';
import type { Edges, LossTerm, Matrix, Network, Progress, Random } from '../core/types.js';
import { edgeSampler } from '../data/sampler.js';
import { type ClassicState, classicLayoutInParts, layoutEpochs, type RefineOptions } from '../layout/sgd.js';
import { setPoints } from '../networks/pointTable.js';
import { rowsForward } from '../training/forward.js';
import { validate } from '../training/validation.js';
import type { FitBase, FitContext, OwnState, Plan } from './records.js';

/** Most edges per batch, and batches, that the loss of a report is the mean of. */
const LOSS_EDGES = 1000;
const LOSS_BATCHES = 4;

export interface ClassicOptions extends Omit<RefineOptions, 'epochs' | 'random'> {
  /** Repeats of the heaviest edge; null: 500 up to 10,000 rows, 200 above, as in umap-learn. */
  readonly nEpochs: number | null;
  /** Most reports. */
  readonly reports: number;
}

/** A training whose steps are epochs of the layout. */
export interface ClassicTraining extends Pick<Plan, 'steps' | 'reports' | 'schedule'> {
  run(state?: OwnState): AsyncGenerator<Progress, void, void>;
}

/**
 * Prepares the training of a table of points from `start`. `loss` is what reports tell; it draws its negative samples from the
 * stream that it is given, and takes no part in the training.
 */
export async function classicTraining(
  base: FitBase,
  table: Network,
  edges: Edges,
  start: Matrix,
  { nEpochs, reports: most, ...options }: ClassicOptions,
  loss: (random: Random) => LossTerm,
  { pauses, hold, signal }: FitContext,
): Promise<ClassicTraining> {
  const epochs = nEpochs ?? layoutEpochs(edges.vertices);
  const reports = Math.min(most, epochs);
  const refinement = { ...options, epochs, random: base.streams.fork('layout') };
  const layout = await pauses.run(classicLayoutInParts(edges, start, refinement));
  const schedule = { rate: (step: number) => 1 - step / epochs };
  const random = base.random.fork('layout loss');
  const lossNow = async () => {
    const { name, compute } = loss(random.fork('negatives'));
    const batchSize = Math.min(LOSS_EDGES, edges.head.length);
    const sampler = edgeSampler(edges, { batchSize, random: random.fork('edges') });
    const { projected: matrix, matrix: data } = base;
    const forward = rowsForward({ matrix, data, encoder: table, sampler, training: false });
    const means = await validate([{ name, forward, batches: LOSS_BATCHES, compute }], pauses);
    return { loss: means[name]!, ...means };
  };
  /** One epoch after the other where the state is saved, because it can be saved between them only. */
  const advance = async (until: number, reports: number, state: OwnState | undefined) => {
    if (!state) return pauses.run(layout.advance(until));
    const save = () => state.save({ step: layout.epoch, reports });
    // An aborted epoch is run to its end.
    const whole = pausesFor();
    while (layout.epoch < until) {
      const due = state.due(layout.epoch);
      await whole.run(layout.advance(layout.epoch + 1));
      if (due || signal?.aborted) await save();
      signal?.throwIfAborted();
    }
  };
  return {
    ...{ steps: epochs, reports, schedule },
    async *run(state) {
      state?.follow(layout.state);
      if (state?.from) layout.restore(state.from.own as ClassicState);
      for (let report = state?.from?.reports ?? 0; report < reports; report++) {
        const until = Math.round(((report + 1) * epochs) / reports);
        await advance(until, report, state);
        hold();
        setPoints(table, layout.positions());
        const losses = await lossNow();
        hold();
        const done = { epoch: report, epochs: reports, step: until, steps: epochs };
        yield { ...done, losses, learningRate: schedule.rate(until - 1) };
      }
    },
  };
}
