/** The body of a worker thread: works, waits to be called, until it is sent home. */
import { importNode } from '../../core/platform.js';
import { awaitChange, CLOSE, control, type DenseStart, openHands } from './thread.js';

// No await outside of a function: the code is run as a script.
void serve();

async function serve(): Promise<void> {
  const { workerData } = (await importNode<typeof import('node:worker_threads')>('worker_threads'))!;
  const { words, work } = openHands(workerData as DenseStart);
  Atomics.add(words, control.workers, 1);
  while (true) {
    const call = Atomics.load(words, control.call);
    if (words[control.job] === CLOSE) break;
    work();
    awaitChange(words, control.call, call);
  }
}
