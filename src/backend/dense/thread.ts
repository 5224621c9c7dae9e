/** The loop of a thread of the pool: it takes parts of the current job until none is left. */
import {
  type DenseGradients,
  type DenseKernels,
  type DenseLayer,
  type DenseLayout,
  type DenseTable,
  layoutFor,
  PARTS,
} from './layout.js';
import { backwardPart, finitePart, forwardPart, gatherPart } from './passes.js';

/** What a thread is started with. */
export interface DenseStart {
  readonly layers: readonly DenseLayer[];
  readonly table: DenseTable;
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  /** Number of threads, and which of them this is; thread 0 starts the jobs. */
  readonly threads: number;
  readonly thread: number;
  readonly gradients: DenseGradients;
}

/**
 * Words of the control block at the start of the memory; contended ones are 64 bytes apart, on cache lines of their
 * own.
 */
export const control = {
  /** The job, the rows of its batch, and the rows that the current layout has room for. */
  job: 0,
  rows: 1,
  capacity: 2,
  /** 1 after a thread has failed. */
  failed: 3,
  /** Workers that have started. */
  workers: 4,
  /** Start of the noise within its ring. */
  noise: 5,
  /** Buffer of the input rows: 0 for `activations[0]`, 1 for `nextInputs`. */
  inputBuffer: 6,
  /** 1 if products with zeros may be skipped; 0 times a weight that is not finite is not 0. */
  skipZeros: 7,
  /** 1 if all input rows of the last forward pass are finite. */
  finite: 8,
  /** Incremented for each job: workers wait for it to change. */
  call: 16,
  /** The next part to take. */
  nextPart: 32,
  /** Parts that are done. */
  doneParts: 48,
  bytes: 256,
} as const;

/** Jobs. */
export const FORWARD = 0;
export const BACKWARD = 1;
export const GATHER = 2;
export const CLOSE = 3;

/**
 * Spin iterations before a thread blocks in `Atomics.wait`; waking a thread costs about as much as computing one part
 * of a small network.
 */
const SPIN_LIMIT = 10_000;

export interface ThreadLoop {
  readonly run: DenseKernels;
  readonly words: Int32Array;
  /** The layout for so many rows, and for the capacity in the control block. */
  layoutOf(rows: number): DenseLayout;
  layout(): DenseLayout;
  /** Takes parts until none is left. */
  takeParts(): void;
}

export function openThreadLoop(start: DenseStart): ThreadLoop {
  const { layers, table, memory, module, threads, gradients } = start;
  const run = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as DenseKernels;
  const words = new Int32Array(memory.buffer, 0, control.bytes / 4);
  const layoutOf = (rows: number) => layoutFor(layers, { rows, threads, gradients }, run, table.end);
  let capacity = 0;
  let current = layoutOf(capacity);
  const layout = () => {
    if (words[control.capacity] !== capacity) {
      capacity = words[control.capacity]!;
      current = layoutOf(capacity);
    }
    return current;
  };
  return { run, words, layoutOf, layout, takeParts: () => takeParts(start, run, words, layout) };
}

function takeParts(start: DenseStart, run: DenseKernels, words: Int32Array, layoutNow: () => DenseLayout) {
  const { layers, table, thread, gradients } = start;
  while (true) {
    const part = Atomics.add(words, control.nextPart, 1);
    if (part >= PARTS) return;
    // Read after taking the part: no other job can start before that part is done.
    const job = words[control.job];
    const layout = layoutNow();
    const inputs = words[control.inputBuffer] ? layout.nextInputs : layout.activations[0]!;
    const skipZeros = words[control.skipZeros] === 1;
    const pass = { run, layers, layout, inputs, rows: words[control.rows]!, thread, skipZeros };
    try {
      if (job === GATHER) gatherPart(pass, table, part, words[control.noise]!);
      else if (job === FORWARD) {
        if (gradients === 'none' && !finitePart(pass, part)) Atomics.store(words, control.finite, 0);
        forwardPart(pass, part);
      } else backwardPart(pass, part, gradients);
    } catch (error) {
      Atomics.store(words, control.failed, 1);
      if (thread === 0) throw error;
    } finally {
      if (Atomics.add(words, control.doneParts, 1) === PARTS - 1) Atomics.notify(words, control.doneParts);
    }
  }
}

/** Blocks until the word is no longer `value`. */
export function awaitChange(words: Int32Array, word: number, value: number): void {
  for (let spin = 0; spin < SPIN_LIMIT; spin++) if (Atomics.load(words, word) !== value) return;
  Atomics.wait(words, word, value);
}
