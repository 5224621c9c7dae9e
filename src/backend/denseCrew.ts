/**
 * Who trains a stack of dense layers: this thread and, where there are cores, worker threads beside it. TensorFlow.js
 * has one thread on WebAssembly, and on any backend some thirty operations for what is two calls here.
 */
import { cores, importNode } from '../threads.js';
import { relaxedSimd, simd } from './denseBinary.js';
import {
  awaitChange,
  BACKWARD,
  CLOSE,
  control,
  type DenseStart,
  FETCH,
  FORWARD,
  openHands,
  TO_ORIGIN,
} from './denseHands.js';
import { type DenseLayer, type DenseTable, PARTS } from './denseStack.js';

export interface DenseCrew {
  /** Worker threads that have started so far; those that never do are not missed. */
  workers(): number;
  /**
   * Takes the first `count` of `rows` from the table, with noise from place `start` of the ring on. Returns at once: the
   * workers go on with it until the next call.
   */
  fetch(rows: Int32Array, count: number, start: number): void;
  /** Puts rows in the place of fetched ones. */
  put(x: Float32Array, count: number): void;
  /** Takes these rows through the layers, given kernels and biases in order. The result is the caller's. */
  forward(weights: readonly Float32Array[]): Float32Array;
  /**
   * From the gradient of what the last `forward` gave, that of each kernel and bias, and with `toOrigin` that of the
   * rows before them. The arrays are the caller's.
   */
  backward(slope: Float32Array, toOrigin: boolean): Float32Array[];
  /** Ends the workers. */
  close(): void;
}

/** What a crew may have besides layers. */
export interface DenseCrewOptions {
  /** Threads, this one included. Default: the cores, at most 8. What the crew computes is the same for any number. */
  readonly threads?: number;
  /** Rows that `fetch` takes, as wide as the inputs. */
  readonly table?: Float32Array;
  /** Numbers that are added to them. */
  readonly noise?: Float32Array;
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** Opens a crew. Undefined where WebAssembly has no vectors, or no memory that can be shared and holds the table. */
export async function openDenseCrew(
  layers: readonly DenseLayer[],
  options: DenseCrewOptions = {},
): Promise<DenseCrew | undefined> {
  const wanted = Math.min(PARTS, options.threads ?? (await cores()));
  const threading =
    wanted > 1 ? await importNode<typeof import('node:worker_threads')>('worker_threads') : undefined;
  try {
    compiled ??= compile();
    const module = await compiled;
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
    const table = lay(memory, layers[0]!.inputs, options);
    const start = { layers, table, memory, module, threads: threading ? wanted : 1 };
    const crew = crewOf({ ...start, thread: 0 });
    for (let thread = 1; thread < start.threads; thread++) startWorker(threading!, { ...start, thread });
    return crew;
  } catch {
    return undefined;
  }
}

/** Nobody waits for a worker to start, or misses one that does not: parts are taken by whoever is there. */
function startWorker({ Worker }: typeof import('node:worker_threads'), workerData: DenseStart): void {
  // The flags of this process, such as --input-type, need not fit a worker.
  const worker = new Worker(new URL('./denseWorker.js', import.meta.url), { workerData, execArgv: [] });
  worker.on('error', () => {});
  worker.unref();
}

function compile(): Promise<WebAssembly.Module> {
  const decode = (base64: string) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const relaxed = decode(relaxedSimd);
  return WebAssembly.compile(WebAssembly.validate(relaxed) ? relaxed : decode(simd));
}

function grow(memory: WebAssembly.Memory, bytes: number): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65536));
}

/** The table and the noise, behind the control block. */
function lay(memory: WebAssembly.Memory, columns: number, { table, noise }: DenseCrewOptions): DenseTable {
  const pieces = [table, noise, noise?.subarray(0, columns)].map((piece) => piece ?? new Float32Array(0));
  let end: number = control.bytes;
  const [at, noiseAt] = pieces.map((piece) => {
    const start = end;
    end += piece.byteLength;
    grow(memory, end);
    new Float32Array(memory.buffer, start, piece.length).set(piece);
    return start;
  });
  return { table: at!, noise: noiseAt!, ring: pieces[1]!.length, end: Math.ceil(end / 64) * 64 };
}

function crewOf(start: DenseStart): DenseCrew {
  const { layers, memory } = start;
  const { run, words, places, work } = openHands(start);
  // Nothing to take before the first job.
  Atomics.store(words, control.next, PARTS);
  Atomics.store(words, control.done, PARTS);
  const lengths = layers.flatMap(({ inputs, outputs, bias }) =>
    bias ? [inputs * outputs, outputs] : [inputs * outputs],
  );
  const floats = (at: number, count: number) => new Float32Array(memory.buffer, at, count);
  const begin = (job: number) => {
    words[control.job] = job;
    Atomics.store(words, control.done, 0);
    Atomics.store(words, control.next, 0);
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
    if (words[control.failed]) throw new Error('training: a worker thread has failed');
  };
  const makeRoom = (rows: number) => {
    finish();
    words[control.rows] = rows;
    if (rows <= words[control.capacity]!) return;
    words[control.capacity] = rows;
    grow(memory, places().bytes);
  };
  return {
    workers: () => Atomics.load(words, control.workers),
    fetch(rows, count, noiseStart) {
      makeRoom(count);
      new Int32Array(memory.buffer, places().indices, count).set(rows.subarray(0, count));
      words[control.noise] = noiseStart;
      begin(FETCH);
    },
    put(x, count) {
      makeRoom(count);
      floats(places().values[0]!, x.length).set(x);
    },
    forward(weights) {
      finish();
      const { weights: to, values } = places();
      let at = to[0]!;
      weights.forEach((given, i) => {
        floats(at, lengths[i]!).set(given);
        at += 4 * lengths[i]!;
      });
      begin(FORWARD);
      finish();
      return floats(values.at(-1)!, words[control.rows]! * layers.at(-1)!.outputs).slice();
    },
    backward(slope, toOrigin) {
      const { outcome, origin, gradients, weightCount, sum } = places();
      floats(outcome, slope.length).set(slope);
      begin(toOrigin ? TO_ORIGIN : BACKWARD);
      finish();
      run.columnSums(gradients, PARTS, weightCount, sum, 1);
      let from = sum;
      const found = lengths.map((length) => {
        const gradient = floats(from, length).slice();
        from += 4 * length;
        return gradient;
      });
      if (toOrigin) found.unshift(floats(origin, words[control.rows]! * layers[0]!.inputs).slice());
      return found;
    },
    close() {
      finish();
      words[control.job] = CLOSE;
      Atomics.add(words, control.call, 1);
      Atomics.notify(words, control.call);
    },
  };
}
