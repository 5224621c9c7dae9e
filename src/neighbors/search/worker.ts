/** Main loop of a worker thread: takes parts of the requested stage until none is left. */
import { finish } from '../../core/pauses.js';
import { importNode } from '../../core/platform.js';
import { nextPartAt } from './plan.js';
import type { WorkerAnswer, WorkerStart, WorkerTask } from './pool.js';
import { openStages, partsOf } from './stages.js';

// No top-level await: the code runs as a script.
void serve();

async function serve(): Promise<void> {
  const { parentPort, workerData } = (await importNode<typeof import('node:worker_threads')>(
    'worker_threads',
  ))!;
  const { plan, arena, slot } = workerData as WorkerStart;
  const control = new Int32Array(arena.buffer, plan.at.control, 2);
  const runPart = openStages(plan, arena, slot);

  parentPort!.on('message', ({ stage, argument }: WorkerTask) => {
    const answer: { error?: Error } = {};
    try {
      const parts = partsOf(stage, plan);
      for (;;) {
        const part = Atomics.add(control, nextPartAt, 1);
        if (part >= parts) break;
        finish(runPart(stage, part, argument));
      }
    } catch (error) {
      answer.error = error as Error;
    }
    parentPort!.postMessage(answer satisfies WorkerAnswer);
  });
  parentPort!.postMessage({} satisfies WorkerAnswer);
}
