/** A fit from start to end, for any estimator. */

import { holdBackend, useBackend } from '../backend/choose.js';
import { pausesFor } from '../core/pauses.js';
import type { Progress } from '../core/types.js';
import type { FitOptions } from '../fit/options/fitOptions.js';
import type { FitContext, Fitted, Learned, Prepared } from '../fit/records.js';
import { runFit } from '../fit/run.js';
import { progressBar } from '../training/progressBar.js';
import type { Lifecycle } from './estimator.js';

/**
 * Chooses a backend, prepares a training, runs it and commits the result; yields its progress. `prepare` gets the result of
 * the previous fit, if there was one.
 */
export async function* fitSteps<L extends Learned>(
  life: Lifecycle<Fitted<L>>,
  { backend: asked, verbose, callbacks }: Pick<FitOptions, 'backend' | 'verbose' | 'callbacks'>,
  signal: AbortSignal | undefined,
  prepare: (context: FitContext, earlier: Fitted<L> | undefined) => Promise<Prepared<L>>,
): AsyncGenerator<Progress, void, void> {
  life.begin();
  const bar = verbose ? progressBar() : undefined;
  try {
    const { name: backend, reason } = await useBackend(asked);
    // One line for the first two choices: the backend, and what is chosen next.
    let opening = `parametric-umap: backend: ${reason}; `;
    const log = (line: string) => {
      bar?.line(opening + line);
      opening = 'parametric-umap: ';
    };
    const hold = () => holdBackend(backend);
    const context = { pauses: pausesFor(signal, hold), signal, hold, log };
    const prepared = await prepare(context, life.current());
    const commit = () => life.commit({ ...prepared.learned, backend });
    for await (const progress of runFit(prepared, { callbacks, backend, signal }, commit)) {
      bar?.report(progress);
      yield progress;
      life.checkAlive();
    }
  } finally {
    bar?.finish();
    life.end();
  }
}
