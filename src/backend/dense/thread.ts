/** What a thread does for a stack of dense layers: it takes parts of the job at hand until none is left. */
import {
  backwardPart,
  type DenseKernels,
  type DenseLayer,
  type DensePlaces,
  type DenseReach,
  type DenseTable,
  fetchPart,
  finitePart,
  forwardPart,
  layOut,
  PARTS,
} from './passes.js';

/** What every thread is started with. */
export interface DenseStart {
  readonly layers: readonly DenseLayer[];
  readonly table: DenseTable;
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  /** Threads in all, and which of them this is; 0 gives the jobs. */
  readonly threads: number;
  readonly thread: number;
  readonly reach: DenseReach;
}

/** Words of the control block at the beginning of the memory; those that threads fight for lie 64 bytes apart. */
export const control = {
  /** What is to be done, for how many rows, in places for how many. */
  job: 0,
  rows: 1,
  capacity: 2,
  /** Whether a worker has failed. */
  failed: 3,
  /** Workers that have started. */
  workers: 4,
  /** Where the noise of the rows begins. */
  noise: 5,
  /** Whether the rows are where the next ones wait. */
  side: 6,
  /** Whether zeros may be skipped: 0 times a weight that is not finite is not 0. */
  skip: 7,
  /** Whether no row of the last forward pass was found that is not finite. */
  finite: 8,
  /** Counts the jobs: workers wait for it to change. */
  call: 16,
  /** The next part to take. */
  next: 32,
  /** Parts done. */
  done: 48,
  bytes: 256,
} as const;

/** Jobs. */
export const FORWARD = 0;
export const BACKWARD = 1;
export const FETCH = 2;
export const CLOSE = 3;

/** A thread looks so often before it lies down: to be woken takes as long as a part of a small network. */
const LOOKS = 10_000;

export interface Hands {
  readonly run: DenseKernels;
  readonly words: Int32Array;
  /** Where things are, for so many rows, and for as many as the control block says. */
  placesFor(rows: number): DensePlaces;
  places(): DensePlaces;
  /** Takes parts until none is left. */
  work(): void;
}

export function openHands(start: DenseStart): Hands {
  const { layers, table, memory, module, threads, thread, reach } = start;
  const run = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as DenseKernels;
  const words = new Int32Array(memory.buffer, 0, control.bytes / 4);
  const placesFor = (rows: number) => layOut(layers, { rows, threads, reach }, run, table.end);
  let capacity = 0;
  let laidOut = placesFor(capacity);
  const places = () => {
    if (words[control.capacity] !== capacity) {
      capacity = words[control.capacity]!;
      laidOut = placesFor(capacity);
    }
    return laidOut;
  };
  const work = () => {
    while (true) {
      const part = Atomics.add(words, control.next, 1);
      if (part >= PARTS) return;
      // Read after the part was taken: no other job can begin before it is done.
      const job = words[control.job];
      const there = places();
      const inputs = words[control.side] ? there.waiting : there.values[0]!;
      const skip = words[control.skip] === 1;
      const pass = { run, layers, places: there, inputs, rows: words[control.rows]!, thread, skip };
      try {
        if (job === FETCH) fetchPart(pass, table, part, words[control.noise]!);
        else if (job === FORWARD) {
          if (reach === 'none' && !finitePart(pass, part)) Atomics.store(words, control.finite, 0);
          forwardPart(pass, part);
        } else backwardPart(pass, part, reach);
      } catch (error) {
        Atomics.store(words, control.failed, 1);
        if (thread === 0) throw error;
      } finally {
        if (Atomics.add(words, control.done, 1) === PARTS - 1) Atomics.notify(words, control.done);
      }
    }
  };
  return { run, words, placesFor, places, work };
}

/** Blocks until the word is no longer `value`. */
export function awaitChange(words: Int32Array, word: number, value: number): void {
  for (let look = 0; look < LOOKS; look++) if (Atomics.load(words, word) !== value) return;
  Atomics.wait(words, word, value);
}
