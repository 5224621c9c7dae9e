/** Runs a prepared training: callbacks, history, and what was learned committed or put back. */

import { holdBackend } from '../backend/choose.js';
import { gatherRows } from '../backend/gatherRows.js';
import { DivergedError, OptionError } from '../core/errors.js';
import { pausesFor } from '../core/pauses.js';
import type { PartDone, RunStage } from '../core/stages.js';
import * as tf from '../core/tf.js';
import type { Progress } from '../core/types.js';
import { takeRows } from '../data/matrix.js';
import { encode } from '../networks/encode.js';
import { type NamedVariable, namedVariables } from '../networks/weightNames.js';
import { runCallbacks, type Training, type TrainingCallback } from '../training/callbacks.js';
import { readWeights, train, trainedBy, writeWeights } from '../training/train.js';
import type { Checkpoints } from './checkpoints.js';
import type { Plan, Prepared } from './records.js';
import { goOnFrom, savingOf } from './saving.js';

export interface RunOptions {
  readonly callbacks: readonly TrainingCallback[];
  /** The backend to train on, which is active already. */
  readonly backend: string;
  readonly signal: AbortSignal | undefined;
  /** Runs the warm start, and tells how far it is. */
  readonly stage: RunStage;
  /** Waits for callbacks that were told of stages. Throws what one of them failed with. */
  settled(): Promise<void>;
  /** Saves the training while it runs, and has what to go on from. Default: none. */
  readonly checkpoints?: Checkpoints | undefined;
  /** Takes a line for `verbose`. */
  log(line: string): void;
}

/**
 * Trains and yields its progress. `commit` is called once, last, when there is something to keep: training ended, was stopped
 * by a callback or by the consumer, or diverged after a good report. Otherwise all weights and the optimizer are as they were.
 */
export async function* runFit(
  prepared: Prepared,
  options: RunOptions,
  commit: () => void,
): AsyncGenerator<Progress, void, void> {
  const { backend, signal, checkpoints } = options;
  const { learned, plan, start, fold } = prepared;
  const found = checkpoints?.found;
  const { restore, callbacks } = await beforeTraining(prepared, options).catch((error: unknown) => {
    prepared.release(false);
    throw error;
  });
  const watched = options.callbacks.length > 0 && { onStep: callbacks.step };
  const saving = checkpoints && savingOf(prepared, checkpoints, callbacks, backend);
  let reports = 0;
  let last: Progress | undefined;
  // Whether the consumer has the last report, and may not come back.
  let shown = false;
  // If the consumer breaks out of the loop, the generator is closed by `return()`, which skips `catch` and runs only
  // `finally`. The weights trained so far are then kept.
  let failed = false;
  try {
    await options.settled();
    if (found) await goOnFrom(prepared, found, backend, options.log);
    reports = found?.training.reports ?? 0;
    if (found?.finished) return;
    await callbacks.begin(found && { reports, state: found.callbacks });
    if (start && !found)
      await options.stage('warm start', (progress) => trainFirst(start, options, progress));
    await options.settled();
    const training =
      prepared.run?.(saving?.ofOwn) ??
      train({ ...plan, backend, signal, ...watched, from: found?.training, saver: saving?.saver });
    for await (const trained of training) {
      holdBackend(backend);
      if (reports === 0) await checkDistinct(prepared);
      holdBackend(backend);
      fold();
      const losses = { ...trained.losses, ...(await prepared.validate()) };
      record(learned.history, losses);
      reports++;
      const progress = { ...trained, losses };
      await callbacks.report(progress);
      last = progress;
      shown = true;
      yield progress;
      shown = false;
      if (callbacks.stopped()) break;
    }
    await callbacks.end();
    await saving?.finished(last);
  } catch (error) {
    failed = !(error instanceof DivergedError);
    // What made the loss infinite is in Adam's moments too.
    if (!failed) await learned.optimizer.restore(undefined);
    throw error;
  } finally {
    const kept = !failed && reports > 0;
    if (shown && last) await saving?.left(last);
    holdBackend(backend);
    if (kept) fold();
    else await restore();
    start?.optimizer.dispose();
    prepared.release(kept);
    if (kept) commit();
  }
}

/** The short training before the other. Its losses are not reported. */
async function trainFirst(start: Plan, { backend, signal }: RunOptions, progress: PartDone): Promise<void> {
  const onStep = (step: number) => progress((step + 1) / start.steps);
  for await (const _ of train({ ...start, backend, signal, onStep }));
}

/** Copies what a failed training has to put back, and sets the callbacks up. */
async function beforeTraining(prepared: Prepared, options: RunOptions) {
  const { learned, plan, startsAnew } = prepared;
  const { encoder, optimizer } = learned;
  const trained = trainedBy(plan.forward, plan.terms);
  // The encoder too, where a projected one is trained in its place: folding rounds.
  const all = [...new Set([...trained, encoder])];
  const weights = await readWeights(all);
  const memory = await optimizer.state();
  const callbacks = runCallbacks(
    [...(prepared.watch ?? []), ...options.callbacks],
    encoder.model,
    { epochs: plan.reports, steps: plan.steps },
    {
      ...readable(prepared, options),
      snapshot: () => readWeights(trained),
      restore: (values) => writeWeights(trained, values),
    },
  );
  // Last, since nothing puts it back where something above throws.
  if (startsAnew) await optimizer.restore(undefined);
  return {
    async restore() {
      writeWeights(all, weights);
      await optimizer.restore(memory);
    },
    callbacks,
  };
}

/** Rows that a callback has embedded at once: their activations stay small beside the training's memory. */
const EMBEDDED = 4096;

/** What callbacks may read of a training. */
function readable(
  prepared: Prepared,
  { backend, signal }: RunOptions,
): Omit<Training, 'stop' | 'step' | 'progress' | 'snapshot' | 'restore'> {
  const { trained, describe = {} } = prepared;
  const { matrix, encoder } = trained;
  const hold = () => holdBackend(backend);
  const [count] = matrix.shape;
  // Without its model, so that it is applied as it is trained, and no second pool of threads is opened.
  const { inputShape, outputShape } = encoder;
  const network = { inputShape, outputShape, apply: encoder.apply.bind(encoder) };
  return {
    ...describe,
    rows: count,
    async embed(rows) {
      const beyond = rows?.find((row) => !(row >= 0 && row < count));
      if (beyond !== undefined) {
        throw new OptionError(
          `callbacks: embed: expected row numbers from 0 to ${count - 1}, got ${beyond}; pass those of fitted rows`,
        );
      }
      hold();
      const some = rows ? takeRows(matrix, rows) : matrix;
      return encode(network, some, { batchSize: EMBEDDED, pauses: pausesFor(signal, hold) });
    },
    async numbers() {
      hold();
      return (await describe.numbers?.()) ?? {};
    },
    async weights() {
      hold();
      prepared.fold();
      return Promise.all(
        weightsOf(prepared).map(async ({ name, variable }) => {
          const values = Float32Array.from(await variable.data());
          return { name, shape: [...variable.shape], values };
        }),
      );
    },
  };
}

/**
 * The weights of the networks as they are used, and those of whatever else is trained, by name. An encoder that is trained
 * behind a projection is the same network in other terms; learned numbers are reported with the losses.
 */
function weightsOf({ learned, plan, trained }: Prepared): NamedVariable[] {
  const { encoder, decoder, classifier, numbers = {} } = learned;
  const named = Object.entries({ encoder, decoder, classifier }).flatMap(([role, network]) =>
    network ? namedVariables(role, network.weights()) : [],
  );
  const elsewhere = [trained.encoder, ...Object.values(numbers)].flatMap((part) => part.weights());
  const known = new Set([...named.map(({ variable }) => variable), ...elsewhere]);
  const others = [
    { name: 'forward', trained: plan.forward.trained },
    ...plan.terms.map((term) => ({ name: term.name, trained: term.trained ?? [] })),
  ].flatMap((part) => {
    const weights = part.trained.flatMap((one) => one.weights()).filter((weight) => !known.has(weight));
    for (const weight of weights) known.add(weight);
    return namedVariables(part.name, weights);
  });
  return [...named, ...others];
}

/** Appends the losses of a report to the history. */
function record(history: Record<string, number[]>, losses: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(losses)) history[name] = [...(history[name] ?? []), value];
}

/** Rows that are compared to find out whether an encoder tells rows apart. */
const COMPARED = 200;

/**
 * Throws `OptionError` for an encoder that gives one position for different rows, and so will not learn: ReLU layers behind
 * weights that are all 0 have no gradient, and most losses have none between points that coincide.
 */
async function checkDistinct({ trained: { matrix, encoder }, learned }: Prepared): Promise<void> {
  const [rows, columns] = matrix.shape;
  const step = Math.max(1, rows / COMPARED);
  const some = Int32Array.from({ length: Math.min(rows, COMPARED) }, (_, i) => Math.floor(i * step));
  const row = (i: number) => matrix.data.subarray(some[i]! * columns, (some[i]! + 1) * columns);
  const first = row(0);
  if (some.every((_, i) => row(i).every((value, c) => value === first[c]))) return;
  const embedding = tf.tidy(() =>
    encoder.apply(gatherRows(matrix, some, some.length, encoder.inputShape), false),
  );
  const width = embedding.shape[1]!;
  const values = await embedding.data().finally(() => embedding.dispose());
  if (values.some((value, i) => value !== values[i % width])) return;
  if (learned.placement) {
    const { data, shape } = learned.placement.rows;
    // Rows that are all equal begin at one point, and stay there.
    if (data.every((value, i) => value === data[i % shape[1]])) return;
    throw new OptionError(
      'init: expected different positions for different rows, got one point for all of them; ' +
        'give other positions, or leave init out',
    );
  }
  throw new OptionError(
    'encoder: expected different points for different rows, got one point for all of them; ' +
      'its weights have no gradient, so start them from random values, not from 0',
  );
}
