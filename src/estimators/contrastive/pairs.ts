/** Self-supervised learning: a contrastive embedding trained on pairs that are given, instead of neighbors in a graph. */

import { openPairs, type PairSource } from '../../data/pairs.js';
import { auxiliaryLosses, reconstructionLines } from '../../fit/auxiliaryLosses.js';
import { beginFit, prepared, trainedNetworks } from '../../fit/prepare.js';
import type { FitContext, Prepared } from '../../fit/records.js';
import { pairsForward } from '../../training/pairsForward.js';
import { ratesOf } from './length.js';
import { lossOf } from './loss.js';
import { type ContrastiveOptions, chosenOptions } from './options.js';
import type { ContrastiveLearned } from './prepare.js';
import { placeOf, samePlace } from './spectrum.js';

/** Opens the pairs, and builds networks, loss and plan. */
export async function prepareOnPairs(
  source: PairSource,
  steps: number,
  options: ContrastiveOptions,
  earlier: ContrastiveLearned | undefined,
  context: FitContext,
): Promise<Prepared<ContrastiveLearned>> {
  const { hold, log, signal } = context;
  const reader = await openPairs(source, { steps, signal });
  // What failed or was aborted counts, not how the source took it.
  const close = () => void reader.close().catch(() => {});
  hold();
  try {
    const input = { matrix: reader.first, rowShape: reader.rowShape, form: 'flat' } as const;
    const rows = { input, y: undefined, positions: undefined, frame: undefined };
    const fitOptions = { ...chosenOptions(options), nTrainingEpochs: 1 };
    // Pairs may be drawn anew each time, so that the first ones tell nothing.
    const base = await beginFit(
      rows,
      fitOptions,
      earlier,
      { ...context, identify: undefined },
      { projected: false },
    );
    try {
      const networks = await trainedNetworks(base);
      const { encoder } = networks;
      const [count] = reader.first.shape;
      const negativeSamples = options.negativeSamples ?? 'full';
      // There is no global structure of a graph to unfold first.
      const earlyExaggeration = options.earlyExaggeration && options.s !== null;
      const main = await lossOf(
        { ...options, negativeSamples, earlyExaggeration },
        {
          ...{ rows: count, batchSize: count / 2, edges: undefined, earlier: earlier?.numbers },
          start: earlier && samePlace(earlier.place, options) ? 'trained' : 'layout',
          ...{ random: base.streams.fork('negatives'), own: base.own },
        },
      );
      hold();
      if (base.reconstruction) log(`reconstruction loss: ${reconstructionLines[base.reconstruction.kind]}`);
      const { clipValue, lossReportFrequency } = options;
      const ready = prepared(base, networks, earlier, {
        ...{ clipValue, steps, reports: Math.min(steps, lossReportFrequency), numbers: main.inForce },
        schedule: ratesOf(options, steps),
        forward: pairsForward({ reader, encoder }),
        terms: [main.term, ...(await auxiliaryLosses(base, networks, options, undefined, {}, context))],
        validate: async () => ({}),
        describe: main.describe,
        learned: { edges: undefined, numbers: main.numbers, place: placeOf(options) },
      });
      const release = (kept: boolean) => {
        close();
        ready.release(kept);
      };
      return { ...ready, release };
    } catch (error) {
      base.release(false);
      throw error;
    }
  } catch (error) {
    close();
    throw error;
  }
}
