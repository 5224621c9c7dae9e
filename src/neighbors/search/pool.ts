/** Who runs the stages of a search: worker threads where they are to be had and worth it, else this thread. */
import type { Worker } from 'node:worker_threads';
import { pausesFor } from '../../core/pauses.js';
import { cores, startThreads } from '../../core/platform.js';
import { isA } from '../../core/realms.js';
import type { DistanceFunction, Matrix } from '../../core/types.js';
import { type Arena, nextPartAt, type SearchPlan, takenAt } from './plan.js';
import { openStages, partsOf, type Stage } from './stages.js';
import { workerCode } from './workerCode.js';

/** What a worker is started with, and what it is told to do. */
export interface WorkerStart {
  readonly plan: SearchPlan;
  readonly arena: Arena;
  readonly slot: number;
}
export interface WorkerTask {
  readonly stage: Stage;
  readonly argument: number;
}
/** A worker's answer: it is ready, it is done, or why not. */
export type WorkerAnswer = { readonly error?: Error };

export interface Crew {
  /** Worker threads at work; 0 when this thread does it all. */
  readonly threads: number;
  run(stage: Stage, argument?: number): Promise<void>;
  /** List entries that were taken since the last call. */
  taken(): number;
  close(): Promise<void>;
}

/** Below this many numbers threads cost more than they save. */
const worthThreads = 500_000;

/** Threads worth starting: the cores, at most 8; 1 for little work, no worker threads, or a metric that is a function. */
export async function threadsFor({ data }: Matrix, metric: string | DistanceFunction): Promise<number> {
  if (typeof metric === 'function' || data.length < worthThreads) return 1;
  return Math.min(8, await cores());
}

/** Opens a crew; with `threads` below 2, or where workers do not start, this thread does the work. */
export async function openCrew(
  plan: SearchPlan,
  arena: Arena,
  threads: number,
  signal?: AbortSignal,
): Promise<Crew> {
  const shared = isA('SharedArrayBuffer', arena.buffer);
  const able = shared && typeof plan.metric !== 'function';
  const crew = threads > 1 && able ? await startWorkers(plan, arena, threads, signal) : undefined;
  return crew ?? inThread(plan, arena, signal);
}

function inThread(plan: SearchPlan, arena: Arena, signal?: AbortSignal): Crew {
  const runPart = openStages(plan, arena, 0);
  const pauses = pausesFor(signal);
  return {
    threads: 0,
    async run(stage, argument = 0) {
      const parts = partsOf(stage, plan);
      for (let part = 0; part < parts; part++) await pauses.run(runPart(stage, part, argument));
    },
    taken: () => takeCount(plan, arena),
    async close() {},
  };
}

async function startWorkers(
  plan: SearchPlan,
  arena: Arena,
  threads: number,
  signal?: AbortSignal,
): Promise<Crew | undefined> {
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
    threads,
    async run(stage, argument = 0) {
      signal?.throwIfAborted();
      Atomics.store(control, nextPartAt, 0);
      const done = answers();
      for (const worker of workers) worker.postMessage({ stage, argument } satisfies WorkerTask);
      await done;
    },
    taken: () => takeCount(plan, arena),
    close,
  };
}

/** Waits for the next answer of a worker, its failure or the caller's abort. */
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
      settle(new Error(`neighbors: a worker thread ended early (exit code ${code})`));
    const onAbort = () => settle(signal?.reason);
    worker.on('message', onMessage).on('error', settle).on('exit', onExit);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
  });
}

function takeCount(plan: SearchPlan, arena: Arena): number {
  return Atomics.exchange(new Int32Array(arena.buffer, plan.at.control, 2), takenAt, 0);
}
