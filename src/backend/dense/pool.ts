/**
 * Who takes rows through a stack of dense layers, and gradients back: this thread and, where there are cores, worker
 * threads beside it. TensorFlow.js has one thread on WebAssembly, and on any backend some thirty operations for what is
 * three calls here.
 */

import { cores, startThreads } from '../../core/platform.js';
import { grown, quickerModule } from '../../core/wasmModule.js';
import * as binary from './binary.js';
import { type DenseLayer, type DenseReach, type DenseTable, PARTS } from './passes.js';
import {
  awaitChange,
  BACKWARD,
  CLOSE,
  control,
  type DenseStart,
  FETCH,
  FORWARD,
  openHands,
} from './thread.js';
import { denseWorkerCode } from './workerCode.js';

export interface DenseCrew {
  /** Worker threads that have started so far; those that never do are not missed. */
  workers(): number;
  /**
   * Takes these rows from the table, with noise from place `start` of the ring on. Returns at once: the workers go on
   * with it until the next call.
   */
  fetch(rows: Int32Array, start: number): void;
  /**
   * Puts rows in the place of fetched ones. A crew that goes nowhere back takes them while it is at work on others, if it
   * had as many before.
   */
  put(x: Float32Array): void;
  /** Takes kernels and biases, in order; they must be as large as the layers say. */
  weigh(weights: readonly Float32Array[]): void;
  /** Begins to take the rows through the layers; returns at once. */
  start(): void;
  /** Takes part until it is done. The result is the caller's. */
  result(): Float32Array;
  /** Whether the rows that gave the last `result` are finite. Only a crew that goes nowhere back looks. */
  finite(): boolean;
  /**
   * From the gradient of the last `result`, that of each kernel and bias, after that of the rows if the crew
   * reaches them. The arrays are the caller's. `meanwhile` is called once the workers have begun.
   */
  backward(slope: Float32Array, meanwhile?: () => void): Float32Array[];
  /** Ends the workers. */
  close(): void;
}

/** What a crew may have besides layers. */
export interface DenseCrewOptions {
  /** Threads, this one included. Default: the cores, at most 8. What the crew computes is the same for any number. */
  readonly threads?: number;
  /** How far `backward` goes. Default: to the weights. */
  readonly reach?: DenseReach;
  /** Rows that `fetch` takes, as wide as the inputs. */
  readonly table?: Float32Array;
  /** Numbers that are added to them, at least as many as a row has. */
  readonly noise?: Float32Array;
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** Opens a crew. Undefined where WebAssembly has no vectors, or no memory that can be shared and holds the table. */
export async function openDenseCrew(
  layers: readonly DenseLayer[],
  options: DenseCrewOptions = {},
): Promise<DenseCrew | undefined> {
  const wanted = Math.min(PARTS, options.threads ?? (await cores()));
  try {
    compiled ??= WebAssembly.compile(quickerModule(binary));
    const module = await compiled;
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
    const table = lay(memory, layers[0]!.inputs, options);
    const { reach = 'weights' } = options;
    const start = { layers, table, memory, module, reach, threads: wanted };
    const crew = crewOf({ ...start, thread: 0 });
    await startWorkers(start);
    return crew;
  } catch {
    return undefined;
  }
}

/** Nobody waits for a worker to start, or misses one that does not: parts are taken by whoever is there. */
async function startWorkers(start: Omit<DenseStart, 'thread'>): Promise<void> {
  const starts = Array.from(
    { length: start.threads - 1 },
    (_, i): DenseStart => ({ ...start, thread: i + 1 }),
  );
  for (const worker of (await startThreads(denseWorkerCode, starts)) ?? []) {
    worker.on('error', () => {});
    worker.unref();
  }
}

/** The table and the noise, behind the control block. */
function lay(memory: WebAssembly.Memory, columns: number, { table, noise }: DenseCrewOptions): DenseTable {
  const pieces = [table, noise, noise?.subarray(0, columns)].map((piece) => piece ?? new Float32Array(0));
  let end: number = control.bytes;
  const [at, noiseAt] = pieces.map((piece) => {
    const start = end;
    end += piece.byteLength;
    new Float32Array(grown(memory, end).buffer, start, piece.length).set(piece);
    return start;
  });
  return { table: at!, noise: noiseAt!, ring: pieces[1]!.length, end: Math.ceil(end / 64) * 64 };
}

/** Gives jobs, and takes part in them. */
function openJobs(start: DenseStart) {
  const hands = openHands(start);
  const { words, placesFor, work } = hands;
  // Nothing to take before the first job.
  Atomics.store(words, control.next, PARTS);
  Atomics.store(words, control.done, PARTS);
  const call = () => {
    Atomics.add(words, control.call, 1);
    Atomics.notify(words, control.call);
  };
  /** Takes part in the job at hand until all of it is done. */
  const finish = () => {
    work();
    while (true) {
      const done = Atomics.load(words, control.done);
      if (done === PARTS) break;
      awaitChange(words, control.done, done);
    }
    if (words[control.failed]) throw new Error('dense layers: a worker thread has failed');
  };
  return {
    ...hands,
    finish,
    begin(job: number) {
      // Before the parts are there to be taken: who takes one reads which job it is.
      words[control.job] = job;
      Atomics.store(words, control.done, 0);
      Atomics.store(words, control.next, 0);
      call();
    },
    makeRoom(rows: number) {
      finish();
      if (rows > words[control.capacity]!) {
        grown(start.memory, placesFor(rows).bytes);
        words[control.capacity] = rows;
      }
      words[control.rows] = rows;
    },
    close() {
      try {
        finish();
      } catch {
        // Whoever has failed has said so.
      }
      words[control.job] = CLOSE;
      call();
    },
  };
}

function crewOf(start: DenseStart): DenseCrew {
  const { layers, memory, reach } = start;
  const { run, words, places, begin, finish, makeRoom, close } = openJobs(start);
  const { inputs } = layers[0]!;
  const { outputs } = layers.at(-1)!;
  const floats = (at: number, count: number) => new Float32Array(memory.buffer, at, count);
  makeRoom(1);
  // The rows to come: how many, and whether where they wait.
  let next = { side: 0, count: 1 };
  const placeOf = ({ side }: { side: number }) => (side ? places().waiting : places().values[0]!);
  return {
    workers: () => Atomics.load(words, control.workers),
    close,
    fetch(rows, noiseStart) {
      makeRoom(rows.length);
      next = { side: 0, count: rows.length };
      words[control.side] = 0;
      new Int32Array(memory.buffer, places().indices, rows.length).set(rows);
      words[control.noise] = noiseStart;
      begin(FETCH);
    },
    put(x) {
      const count = x.length / inputs;
      if (reach === 'none' && count <= words[control.capacity]!) {
        next = { side: 1 - words[control.side]!, count };
      } else {
        makeRoom(count);
        next = { side: words[control.side]!, count };
      }
      floats(placeOf(next), x.length).set(x);
    },
    finite: () => words[control.finite] === 1,
    weigh(weights) {
      finish();
      const { weights: to, weightCount } = places();
      let at = to[0]!;
      for (const given of weights) {
        floats(at, given.length).set(given);
        at += given.byteLength;
      }
      words[control.skip] = run.areFinite(to[0]!, weightCount);
    },
    start() {
      finish();
      words[control.rows] = next.count;
      words[control.side] = next.side;
      words[control.finite] = 1;
      begin(FORWARD);
    },
    result() {
      finish();
      return floats(places().values.at(-1)!, words[control.rows]! * outputs).slice();
    },
    backward(slope, meanwhile) {
      const { outcome, origin, weights, transposed, gradients, weightCount, sum } = places();
      floats(outcome, slope.length).set(slope);
      layers.forEach((layer, l) => {
        if (l > 0 || reach === 'rows')
          run.transpose(weights[l]!, layer.inputs, layer.outputs, transposed[l]!);
      });
      begin(BACKWARD);
      meanwhile?.();
      finish();
      run.columnSums(gradients, PARTS, weightCount, sum, 1);
      const found = layers.flatMap((layer, l) => {
        const { inputs, outputs, bias } = layer;
        const at = sum + weights[l]! - weights[0]!;
        // The next pass puts its own kernels there.
        run.transpose(at, outputs, inputs, transposed[l]!);
        const kernel = floats(transposed[l]!, inputs * outputs).slice();
        return bias ? [kernel, floats(at + 4 * inputs * outputs, outputs).slice()] : [kernel];
      });
      return reach === 'rows' ? [floats(origin, words[control.rows]! * inputs).slice(), ...found] : found;
    },
  };
}
