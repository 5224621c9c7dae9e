/** Runs the stages of a search: on a thread pool if that is available and pays off, else on this thread. */
import type { Worker } from 'node:worker_threads';
import { pausesFor } from '../../core/pauses.js';
import { cores, startThreads } from '../../core/platform.js';
import { isA } from '../../core/realms.js';
import type { PartDone } from '../../core/stages.js';
import type { DistanceFunction, Matrix } from '../../core/types.js';
import { type Arena, nextPartAt, type SearchPlan, updatesAt } from './plan.js';
import { openStages, partsOf, type Stage } from './stages.js';
import { workerCode } from './workerCode.js';

/** Data that a worker is started with, and a stage that it is told to run. */
export interface WorkerStart {
  readonly plan: SearchPlan;
  readonly arena: Arena;
  readonly slot: number;
}
export interface WorkerTask {
  readonly stage: Stage;
  readonly argument: number;
}
/** Answer of a worker that it is ready or done, or its error. */
export type WorkerAnswer = { readonly error?: Error };

export interface SearchPool {
  /** Runs all parts of a stage. `progress` takes the share of them that is done. */
  run(stage: Stage, argument?: number, progress?: PartDone): Promise<void>;
  /** Number of updates of lists since the last call. */
  updates(): number;
  close(): Promise<void>;
}

/** Below this many values in the data, starting threads takes longer than they save. */
const minParallel = 500_000;

/** Threads to use: the number of cores, at most 8; 1 for small data, without worker threads, or for a custom metric. */
export async function threadsFor({ data }: Matrix, metric: string | DistanceFunction): Promise<number> {
  if (typeof metric === 'function' || data.length < minParallel) return 1;
  return Math.min(8, await cores());
}

/** Opens a pool. With `threads` below 2, or if workers cannot be started, stages run on this thread. */
export async function openPool(
  plan: SearchPlan,
  arena: Arena,
  threads: number,
  signal?: AbortSignal,
): Promise<SearchPool> {
  const shared = isA('SharedArrayBuffer', arena.buffer);
  const supported = shared && typeof plan.metric !== 'function';
  const pool = threads > 1 && supported ? await startWorkers(plan, arena, threads, signal) : undefined;
  return pool ?? onThisThread(plan, arena, signal);
}

function onThisThread(plan: SearchPlan, arena: Arena, signal?: AbortSignal): SearchPool {
  const runPart = openStages(plan, arena, 0);
  const pauses = pausesFor(signal);
  return {
    async run(stage, argument = 0, progress) {
      const parts = partsOf(stage, plan);
      for (let part = 0; part < parts; part++) {
        await pauses.run(runPart(stage, part, argument));
        progress?.((part + 1) / parts);
      }
    },
    updates: () => takeUpdates(plan, arena),
    async close() {},
  };
}

async function startWorkers(
  plan: SearchPlan,
  arena: Arena,
  threads: number,
  signal?: AbortSignal,
): Promise<SearchPool | undefined> {
  const starts = Array.from({ length: threads }, (_, slot): WorkerStart => ({ plan, arena, slot }));
  const workers = await startThreads(workerCode, starts);
  if (workers === undefined) return undefined;
  const close = async () => void (await Promise.all(workers.map((worker) => worker.terminate())));
  const answers = () => Promise.all(workers.map((worker) => answerOf(worker, signal)));
  try {
    await answers();
  } catch (error) {
    await close();
    if (signal?.aborted) throw error;
    return undefined;
  }
  const control = new Int32Array(arena.buffer, plan.at.control, 2);
  return {
    async run(stage, argument = 0, progress) {
      signal?.throwIfAborted();
      Atomics.store(control, nextPartAt, 0);
      const done = answers();
      for (const worker of workers) worker.postMessage({ stage, argument } satisfies WorkerTask);
      const stop = progress && followParts(control, workers.length, partsOf(stage, plan), progress);
      try {
        await done;
      } finally {
        stop?.();
      }
    },
    updates: () => takeUpdates(plan, arena),
    close,
  };
}

/** Milliseconds between two looks at how far worker threads are. */
const LOOK = 100;

/** Tells which share of the parts is done while threads take one after the other, until the function it returns is called. */
function followParts(control: Int32Array, threads: number, parts: number, progress: PartDone): () => void {
  const timer = setInterval(() => {
    // Each thread still works on the part it took last.
    const done = (Atomics.load(control, nextPartAt) - threads) / parts;
    try {
      progress(Math.min(1, Math.max(0, done)));
    } catch {
      // An aborted signal, which `answerOf` has learned of too.
      clearInterval(timer);
    }
  }, LOOK);
  return () => clearInterval(timer);
}

/** Waits for the next answer of a worker. Rejects if it fails, or if the search is aborted. */
function answerOf(worker: Worker, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown) => {
      worker.off('message', onMessage).off('error', settle).off('exit', onExit);
      signal?.removeEventListener('abort', onAbort);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onMessage = ({ error }: WorkerAnswer) => settle(error);
    const onExit = (code: number) =>
      settle(
        new Error(
          `neighbors: expected an answer of a worker thread, got its exit with code ${code}; try again with fewer rows`,
        ),
      );
    const onAbort = () => settle(signal?.reason);
    worker.on('message', onMessage).on('error', settle).on('exit', onExit);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
  });
}

/** Reads and resets the number of updates. */
function takeUpdates(plan: SearchPlan, arena: Arena): number {
  return Atomics.exchange(new Int32Array(arena.buffer, plan.at.control, 2), updatesAt, 0);
}
