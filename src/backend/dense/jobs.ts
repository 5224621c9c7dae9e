/** Starts jobs for the threads of the pool, and takes part in them. */
import { grown } from '../../core/wasmModule.js';
import { PARTS } from './layout.js';
import { awaitChange, CLOSE, control, type DenseStart, openThreadLoop, type ThreadLoop } from './thread.js';

export interface Jobs extends ThreadLoop {
  /** Starts a job; the last one must be finished. */
  begin(job: number): void;
  /** Takes parts of the current job until all of them are done. */
  finish(): void;
  /** Finishes the current job and makes room for a batch of so many rows. */
  reserve(rows: number): void;
  close(): void;
}

export function openJobs(start: DenseStart): Jobs {
  const loop = openThreadLoop(start);
  const { words, layoutOf, takeParts } = loop;
  // Nothing to take before the first job.
  Atomics.store(words, control.nextPart, PARTS);
  Atomics.store(words, control.doneParts, PARTS);
  const wakeWorkers = () => {
    Atomics.add(words, control.call, 1);
    Atomics.notify(words, control.call);
  };
  const finish = () => {
    takeParts();
    while (true) {
      const done = Atomics.load(words, control.doneParts);
      if (done === PARTS) break;
      awaitChange(words, control.doneParts, done);
    }
    if (words[control.failed]) {
      throw new Error('dense layers: expected all threads to finish, got a failure in a worker; try again');
    }
  };
  return {
    ...loop,
    finish,
    begin(job) {
      // Set before parts can be taken: the thread that takes one reads which job it belongs to.
      words[control.job] = job;
      Atomics.store(words, control.doneParts, 0);
      Atomics.store(words, control.nextPart, 0);
      wakeWorkers();
    },
    reserve(rows) {
      finish();
      if (rows > words[control.capacity]!) {
        grown(start.memory, layoutOf(rows).bytes);
        words[control.capacity] = rows;
      }
      words[control.rows] = rows;
    },
    close() {
      try {
        finish();
      } catch {
        // The failure was thrown where it happened.
      }
      words[control.job] = CLOSE;
      wakeWorkers();
    },
  };
}
