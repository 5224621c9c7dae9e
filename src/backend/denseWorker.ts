/** The body of a worker thread: works, waits to be called, until it is sent home. */
import { awaitChange, CLOSE, control, type DenseStart, openHands } from './denseHands.js';

const { workerData } = await import('node:worker_threads');
const { words, work } = openHands(workerData as DenseStart);
Atomics.add(words, control.workers, 1);
while (true) {
  const call = Atomics.load(words, control.call);
  if (words[control.job] === CLOSE) break;
  work();
  awaitChange(words, control.call, call);
}
