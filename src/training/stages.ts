/** Tells the stages of a fit to those who follow it: callbacks and the progress bar. */

import { type RunStage, type Stage, untold } from '../core/stages.js';

/** Follows the stages of a fit. */
export interface StageReader {
  /**
   * Called at the start of each stage of a fit, then at most ten times a second, and at its end. `done` is the part of the
   * stage that is done, from 0 to 1: it never falls, is 1 at the end and only there, and undefined where it is not known. What
   * it throws, or rejects with, ends the fit; training waits for promises that it returns. Stages come before the first
   * report, and all but `warm start` before `onTrainBegin`.
   */
  onStage?(stage: Stage, done: number | undefined): void | Promise<void>;
}

/** What runs the stages of one fit. */
export interface StageTeller {
  readonly run: RunStage;
  /** Aborts when the fit is aborted, and when a reader fails: its reason is then the reader's error. */
  readonly signal: AbortSignal | undefined;
  /** Waits for what readers have promised. Throws what one of them rejected with. */
  settled(): Promise<void>;
  /** Ends the link to the signal of the fit. */
  close(): void;
}

/** Milliseconds between two parts of a stage that are told. */
const PAUSE = 100;
/** Stages that end when a result is precise enough, so that nobody knows how far they are. */
const unmeasured: ReadonlySet<Stage> = new Set<Stage>(['first layout']);

/** Tells stages to readers. `told` is called afterwards, because a reader may change global state, such as the backend. */
export function stageTeller(
  readers: readonly StageReader[],
  signal: AbortSignal | undefined,
  told: () => void,
): StageTeller {
  const following = readers.filter(({ onStage }) => onStage);
  if (following.length === 0) return { run: untold, signal, async settled() {}, close() {} };
  const control = new AbortController();
  const abort = () => control.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort);
  // One signal for all, because some stages wait for threads and learn of an error by it alone.
  const fail = (error: unknown) => control.abort(error);
  let promised: Promise<unknown> = Promise.resolve();
  const tell = (stage: Stage, done: number | undefined) => {
    try {
      for (const reader of following) {
        const answer = reader.onStage?.(stage, done);
        if (answer) promised = Promise.all([promised, Promise.resolve(answer).catch(fail)]);
      }
    } catch (error) {
      fail(error);
    }
    told();
    control.signal.throwIfAborted();
  };
  return {
    async run(stage, run) {
      const known = !unmeasured.has(stage);
      let last = 0;
      tell(stage, known ? 0 : undefined);
      let toldAt = performance.now();
      const result = await run((done) => {
        if (!known || !(done > last && done < 1)) return;
        const now = performance.now();
        if (now - toldAt < PAUSE) return;
        last = done;
        toldAt = now;
        tell(stage, done);
      });
      tell(stage, 1);
      return result;
    },
    signal: control.signal,
    async settled() {
      await promised;
      control.signal.throwIfAborted();
    },
    close: () => signal?.removeEventListener('abort', abort),
  };
}
