/** A fit from start to end, for any estimator. */

import { holdBackend, useBackend } from '../backend/choose.js';
import { pausesFor } from '../core/pauses.js';
import type { Stage } from '../core/stages.js';
import type { Progress } from '../core/types.js';
import { openCheckpoints } from '../fit/checkpoints.js';
import type { RunInputs } from '../fit/inputs.js';
import type { FitOptions } from '../fit/options/fitOptions.js';
import type { FitContext, Fitted, Learned, Prepared } from '../fit/records.js';
import { runFit } from '../fit/run.js';
import { progressBar } from '../training/progressBar.js';
import { type StageTeller, stageTeller } from '../training/stages.js';
import type { Lifecycle } from './estimator.js';

/**
 * Chooses a backend, prepares a training, runs it and commits the result; yields its progress. `prepare` gets the result of
 * the previous fit, if there was one. Checkpoints recognize a fit by `options` and `inputs`, which are those of the estimator.
 */
export async function* fitSteps<L extends Learned>(
  life: Lifecycle<Fitted<L>>,
  options: Pick<FitOptions, 'backend' | 'verbose' | 'callbacks' | 'checkpoint'>,
  inputs: RunInputs,
  prepare: (context: FitContext, earlier: Fitted<L> | undefined) => Promise<Prepared<L>>,
): AsyncGenerator<Progress, void, void> {
  const { backend: asked, verbose, callbacks } = options;
  life.begin();
  const bar = verbose ? progressBar() : undefined;
  let teller: StageTeller | undefined;
  try {
    const { name: backend, reason } = await useBackend(asked);
    // One line for the first two choices: the backend, and what is chosen next.
    let opening = `parametric-umap: backend: ${reason}; `;
    let opened = false;
    const log = (line: string) => {
      bar?.line(opening + line);
      opening = 'parametric-umap: ';
      opened = true;
    };
    const hold = () => holdBackend(backend);
    // In a log, the opening line is the first.
    const onStage = (stage: Stage, done?: number) => {
      if (bar?.live || opened) bar?.stage(stage, done);
    };
    const followers = bar ? [...callbacks, { onStage }] : callbacks;
    teller = stageTeller(followers, inputs.signal, hold);
    const { signal, run: stage, settled } = teller;
    const pauses = pausesFor(signal, hold);
    const checkpoints = await openCheckpoints({
      ...{ option: options.checkpoint, inputs, options, estimator: life.kind, pauses, log },
      fit: (life.current()?.fits ?? 0) + 1,
      warn: bar ? log : (line) => console.warn(`parametric-umap: ${line}`),
    });
    const context = { pauses, signal, hold, log, stage, identify: checkpoints?.identify };
    const prepared = await prepare(context, life.current());
    const commit = () => life.commit({ ...prepared.learned, backend });
    const run = { callbacks, backend, signal, stage, settled, checkpoints, log };
    for await (const progress of runFit(prepared, run, commit)) {
      bar?.report(progress);
      yield progress;
      life.checkAlive();
    }
  } finally {
    teller?.close();
    bar?.finish();
    life.end();
    for (const callback of callbacks) callback.onFitEnd?.();
  }
}
