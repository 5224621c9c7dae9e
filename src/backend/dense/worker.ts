/** Main loop of a worker thread: takes parts of one job after another until the pool is closed. */
import { importNode } from '../../core/platform.js';
import { awaitChange, CLOSE, control, type DenseStart, openThreadLoop } from './thread.js';

// No top-level await: the code runs as a script.
void serve();

async function serve(): Promise<void> {
  const { workerData } = (await importNode<typeof import('node:worker_threads')>('worker_threads'))!;
  const { words, takeParts } = openThreadLoop(workerData as DenseStart);
  Atomics.add(words, control.workers, 1);
  while (true) {
    const call = Atomics.load(words, control.call);
    if (words[control.job] === CLOSE) break;
    takeParts();
    awaitChange(words, control.call, call);
  }
}
