/** One training from start to end: callbacks heard, history written, and what was learned kept or put back. */
import { holdBackend } from '../../backend/choose.js';
import { gatherRows } from '../../backend/gatherRows.js';
import { DivergedError, OptionError } from '../../core/errors.js';
import * as tf from '../../core/tf.js';
import type { Edges, Progress } from '../../core/types.js';
import type { Curve } from '../../math/curve.js';
import { runCallbacks, type TrainingCallback } from '../../training/callbacks.js';
import { readWeights, train, trainedBy, writeWeights } from '../../training/train.js';
import type { Learned, Prepared } from './prepare.js';

/** All that a fit leaves behind; replaced as a whole. */
export interface Fitted extends Learned {
  readonly curve: Curve;
  /** Undefined only for a model that was saved without it. */
  readonly edges: Edges | undefined;
  /** The backend that it was learned on, as TensorFlow.js calls it. */
  readonly backend: string;
}

export interface RunOptions {
  readonly callbacks: readonly TrainingCallback[];
  /** The backend to train on, active before. */
  readonly backend: string;
  readonly signal: AbortSignal | undefined;
}

/** What lasts of a fit; the rows and the samplers may go. */
export function learnedOf(
  { plan, start, trained, fold, validate, release, ...lasting }: Prepared,
  backend: string,
): Fitted {
  return { ...lasting, backend };
}

/**
 * Trains and yields its progress. `keep` is called once, last, when there is something to keep: training ended,
 * was stopped by a callback or by the consumer, or diverged after a good report. Else all weights and the
 * optimiser are as they were.
 */
export async function* runFit(
  prepared: Prepared,
  { callbacks: watchers, backend, signal }: RunOptions,
  keep: () => void,
): AsyncGenerator<Progress, void, void> {
  const { encoder, optimizer, history, plan, fold } = prepared;
  const networks = trainedBy(plan.forward, plan.terms);
  // With the encoder as it is, should it be another network than the one trained: folding back rounds.
  const all = [...new Set([...networks, encoder])];
  const ready = async () => ({
    before: await readWeights(all),
    memory: await optimizer.state(),
    callbacks: runCallbacks(
      watchers,
      encoder.model,
      { epochs: plan.reports, steps: plan.steps },
      { snapshot: () => readWeights(networks), restore: (weights) => writeWeights(networks, weights) },
    ),
  });
  const { before, memory, callbacks } = await ready().catch((error: unknown) => {
    prepared.release(false);
    throw error;
  });
  const options = { ...plan, backend, signal, ...(watchers.length > 0 && { onStep: callbacks.step }) };
  let reports = 0;
  // A consumer that leaves early comes by as a `return`, which only `finally` sees: then what is there is kept.
  let failed = false;
  try {
    await callbacks.begin();
    if (prepared.start) for await (const _ of train({ ...prepared.start, backend, signal }));
    for await (const trained of train(options)) {
      holdBackend(backend);
      if (reports === 0) await checkPlaces(prepared.trained);
      holdBackend(backend);
      fold();
      const losses = { ...trained.losses, ...(await prepared.validate()) };
      for (const [name, value] of Object.entries(losses)) history[name] = [...(history[name] ?? []), value];
      reports++;
      const progress = { ...trained, losses };
      await callbacks.report(progress);
      yield progress;
      if (callbacks.stopped()) break;
    }
    await callbacks.end();
  } catch (error) {
    failed = !(error instanceof DivergedError);
    // What made the loss infinite is in Adam's moments too.
    if (!failed) await optimizer.restore(undefined);
    throw error;
  } finally {
    const kept = !failed && reports > 0;
    holdBackend(backend);
    if (kept) {
      fold();
    } else {
      writeWeights(all, before);
      await optimizer.restore(memory);
    }
    prepared.start?.optimizer.dispose();
    prepared.release(kept);
    if (kept) keep();
  }
}

/** Rows that are looked at to see whether an encoder tells rows apart. */
const LOOKED_AT = 200;

/**
 * Throws `OptionError` for an encoder that gives one point for different rows, and so will not learn: layers of ReLU behind
 * weights that are all 0 pass no gradient on.
 */
async function checkPlaces({ matrix, encoder }: Prepared['trained']): Promise<void> {
  const [rows, columns] = matrix.shape;
  const step = Math.max(1, rows / LOOKED_AT);
  const some = Int32Array.from({ length: Math.min(rows, LOOKED_AT) }, (_, i) => Math.floor(i * step));
  const row = (i: number) => matrix.data.subarray(some[i]! * columns, (some[i]! + 1) * columns);
  const first = row(0);
  if (some.every((_, i) => row(i).every((value, c) => value === first[c]))) return;
  const embedding = tf.tidy(() =>
    encoder.apply(gatherRows(matrix, some, some.length, encoder.inputShape), false),
  );
  const width = embedding.shape[1]!;
  const values = await embedding.data().finally(() => embedding.dispose());
  if (values.some((value, i) => value !== values[i % width])) return;
  throw new OptionError(
    'encoder: expected different points for different rows, got one point for all of them; ' +
      'its weights have no gradient, so start them from random values, not from 0',
  );
}
