/**
 * Long computations that do not block the event loop. They are generators that yield between blocks of some
 * milliseconds. The arithmetic is written once, in one order, and the caller decides whether to pause at a yield.
 */

import type { PartDone } from './stages.js';

/**
 * A computation that yields where it may pause, and returns its result. It may yield the part of it that is done, from 0 to 1
 * and never falling. One that runs others within itself leaves that to itself: they yield nothing.
 */
export type Work<T> = Generator<number | undefined, T, void>;

/** Pauses of one computation, which may be aborted. */
export interface Pauses {
  /** Yields to the event loop if the interval is over. Throws the signal's reason when aborted. */
  take(): Promise<void>;
  /**
   * Runs a computation to its end, with pauses. `progress` takes the parts that it yields. Throws the signal's reason when
   * aborted.
   */
  run<T>(work: Work<T>, progress?: PartDone): Promise<T>;
}

/** Time between two pauses, in milliseconds. Only a benchmark sets it, to measure what pauses cost. */
export const pausing = { interval: 40 };

// Taken when the library is loaded, because a test framework may replace timers later.
const { setImmediate: immediately, setTimeout: later, MessageChannel: Channel } = globalThis;

/**
 * One turn of the event loop. Timers are the last resort: browsers delay nested ones by 4 ms, Node.js every one by 1 ms.
 */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (immediately !== undefined) immediately(resolve);
    else if (Channel === undefined) later(resolve, 0);
    else {
      const { port1, port2 } = new Channel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(undefined);
    }
  });
}

/**
 * Pauses of a new computation. The first is due at once, because the thread may have been busy before. `resumed` is
 * called after each pause: other code may have changed global state, such as the active backend.
 */
export function pausesFor(signal?: AbortSignal, resumed?: () => void): Pauses {
  let lastYield = Number.NEGATIVE_INFINITY;
  const due = () => performance.now() - lastYield >= pausing.interval;
  const pause = async () => {
    await turn();
    lastYield = performance.now();
  };
  return {
    async take() {
      if (due()) await pause();
      resumed?.();
      signal?.throwIfAborted();
    },
    async run(work, progress) {
      for (;;) {
        if (due()) await pause();
        resumed?.();
        signal?.throwIfAborted();
        const { done, value } = work.next();
        if (done) return value;
        if (value !== undefined) progress?.(value);
      }
    },
  };
}

/** Runs a computation to its end without a pause. */
export function finish<T>(work: Work<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** The function that does without pauses what `inParts` does with them. */
export function whole<Inputs extends unknown[], T>(
  inParts: (...inputs: Inputs) => Work<T>,
): (...inputs: Inputs) => T {
  return (...inputs) => finish(inParts(...inputs));
}

/** Calls `block` for consecutive ranges of `size` that cover [0, count), and yields after each. */
export function* inBlocks(
  count: number,
  size: number,
  block: (from: number, to: number) => void,
): Work<void> {
  for (let from = 0; from < count; from += size) {
    block(from, Math.min(count, from + size));
    yield;
  }
}

/** Items per block of some milliseconds, at least 1, where each item takes `numbers` operations. */
export function blockOf(numbers: number): number {
  return Math.max(1, Math.floor(2 ** 20 / numbers));
}
