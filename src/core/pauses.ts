/**
 * Long computations that let the event loop in. They are written as generators that yield between blocks of some
 * milliseconds: the arithmetic stays one piece of code in one order, and whoever runs it decides whether it pauses there.
 */

/** A computation that yields where it may pause, and returns its result. */
export type Work<T> = Generator<void, T, void>;

/** Pauses of one caller, who may abort. */
export interface Pauses {
  /** Lets timers, events and abortion in where it is time for it. Throws the signal's reason when aborted. */
  take(): Promise<void>;
  /** Runs a computation to its end, with pauses. */
  run<T>(work: Work<T>): Promise<T>;
}

/** Longest time, in milliseconds, between two pauses. */
const STRETCH = 40;

// As they were when the library was loaded: tests of callers may replace timers by their own later.
const { setImmediate: immediately, setTimeout: later, MessageChannel: Channel } = globalThis;

/**
 * One turn of the event loop, as short as it can be had: browsers make a timer within a timer wait for 4 ms, Node.js
 * any timer for 1.
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
 * Pauses for a caller; the first is due at once, for nobody knows how long the thread has been busy. `resumed` is called
 * whenever the caller goes on: others may have changed what is shared meanwhile, such as the active backend.
 */
export function pausesFor(signal?: AbortSignal, resumed?: () => void): Pauses {
  let rested = Number.NEGATIVE_INFINITY;
  const due = () => performance.now() - rested >= STRETCH;
  const rest = async () => {
    await turn();
    rested = performance.now();
  };
  return {
    async take() {
      if (due()) await rest();
      resumed?.();
      signal?.throwIfAborted();
    },
    async run(work) {
      for (;;) {
        if (due()) await rest();
        resumed?.();
        signal?.throwIfAborted();
        const { done, value } = work.next();
        if (done) return value;
      }
    },
  };
}

/** Runs a computation to its end at once. */
export function finish<T>(work: Work<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** The function that does at once what `inParts` does with pauses. */
export function whole<Inputs extends unknown[], T>(
  inParts: (...inputs: Inputs) => Work<T>,
): (...inputs: Inputs) => T {
  return (...inputs) => finish(inParts(...inputs));
}

/** Calls `block` for stretches of `size` that cover [0, count), in order. May pause after each. */
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

/** How many items of so many numbers each make a block of some milliseconds; at least 1. */
export function blockOf(numbers: number): number {
  return Math.max(1, Math.floor(2 ** 20 / numbers));
}
