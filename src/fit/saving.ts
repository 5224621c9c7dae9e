/** Saves a running training in checkpoints, and brings a prepared one to where a checkpoint was made. */

import { holdBackend } from '../backend/choose.js';
import type { Progress } from '../core/types.js';
import type { CallbackRunner } from '../training/callbacks.js';
import { restoreTraining, trainState } from '../training/state.js';
import type { LoopState, Saver } from '../training/train.js';
import type { Checkpoints, SavedTraining } from './checkpoints.js';
import type { OwnState, Prepared } from './records.js';

/** What saves one training. */
export interface Saving {
  /** For the training loop. */
  readonly saver: Saver;
  /** For a training without the loop. */
  readonly ofOwn: OwnState;
  /** Saves the training at a report at which the consumer leaves it. */
  left(report: Progress): Promise<void>;
  /** Saves the result of a training that has ended with this report; undefined where it had ended before. */
  finished(report: Progress | undefined): Promise<void>;
}

/** Saves `prepared`, whose callbacks are run by `callbacks`. */
export function savingOf(
  { plan, streams, learned }: Prepared,
  { due, write, found }: Checkpoints,
  callbacks: CallbackRunner,
  backend: string,
): Saving {
  let own: (() => unknown) | undefined;
  const save = (loop: LoopState, finished = false) =>
    write(async () => {
      holdBackend(backend);
      const training = await trainState(plan, streams, loop);
      const { history } = learned;
      return { finished, backend, training, callbacks: callbacks.state(), history, own: own?.() };
    });
  const at = ({ step, epoch }: Progress) => ({ step, reports: epoch + 1 });
  return {
    saver: { due, save },
    ofOwn: {
      from: found && { step: found.training.step, reports: found.training.reports, own: found.own },
      ...{ due, save },
      follow(tells) {
        own = tells;
      },
    },
    left: (report) => save(at(report)),
    finished: (report) => save(report ? at(report) : found!.training, true),
  };
}

/** Brings a training to a checkpoint. Throws `OptionError` for networks or callbacks of another training. */
export async function goOnFrom(
  { plan, streams, learned }: Prepared,
  { training, finished, history, backend: earlier }: SavedTraining,
  backend: string,
  log: (line: string) => void,
): Promise<void> {
  if (earlier !== backend) {
    log(`resume: the training began on ${earlier} and goes on on ${backend}, whose last bits differ`);
  }
  holdBackend(backend);
  const { skip: _, ...forward } = plan.forward;
  await restoreTraining(finished ? { ...plan, forward } : plan, streams, training);
  for (const name of Object.keys(learned.history)) delete learned.history[name];
  for (const [name, values] of Object.entries(history)) learned.history[name] = [...values];
}
