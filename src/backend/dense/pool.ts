/**
 * A thread pool that runs a stack of dense layers forward and backward: this thread and, on several cores, worker
 * threads. TensorFlow.js has one thread on WebAssembly, and on any backend needs some thirty operations for what are
 * three calls here.
 */

import { cores, startThreads } from '../../core/platform.js';
import { grown, quickerModule } from '../../core/wasmModule.js';
import * as binary from './binary.js';
import { type Jobs, openJobs } from './jobs.js';
import { type DenseGradients, type DenseLayer, type DenseTable, PARTS } from './layout.js';
import { BACKWARD, control, type DenseStart, FORWARD, GATHER } from './thread.js';
import { denseWorkerCode } from './workerCode.js';

export interface DensePool {
  /** Worker threads that have started so far; the pool works without those that never do. */
  workers(): number;
  /**
   * Gathers input rows from the table, adding noise from position `noiseStart` of the ring on. Returns at once: the
   * workers go on until the next call.
   */
  gatherInputs(rows: Int32Array, noiseStart: number): void;
  /**
   * Copies input rows into shared memory, replacing the current batch. An inference-only pool double-buffers: it accepts
   * the next batch while the current one is still being computed, provided an earlier batch was at least as large.
   */
  setInputs(x: Float32Array): void;
  /** Copies the kernels and biases, layer by layer; sizes must be those of the layers. */
  setWeights(weights: readonly Float32Array[]): void;
  /** Starts the forward pass and returns at once. */
  startForward(): void;
  /** Takes part in the forward pass until it is done. Returns the outputs of the last layer, in a new array. */
  result(): Float32Array;
  /** Whether the input rows behind the last `result` are finite. Checked by inference-only pools alone. */
  inputsFinite(): boolean;
  /**
   * Takes the gradient with respect to the last `result`. Returns those of each kernel and bias, in new arrays, preceded
   * by that of the input rows if the pool computes it. `meanwhile` is called once the workers have started.
   */
  backward(outputGradient: Float32Array, meanwhile?: () => void): Float32Array[];
  /** Ends the workers. */
  close(): void;
}

export interface DensePoolOptions {
  /** Threads, this one included. Default: the number of cores, at most 8. Results are the same for any number. */
  readonly threads?: number;
  /** Gradients that `backward` computes. Default: those of the weights. */
  readonly gradients?: DenseGradients;
  /** Rows for `gatherInputs`, each as wide as the inputs. */
  readonly table?: Float32Array;
  /** Noise that is added to them, as a ring; at least as many values as a row has. */
  readonly noise?: Float32Array;
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** Opens a pool. Undefined without WebAssembly SIMD, or without shared memory that is large enough for the table. */
export async function openDensePool(
  layers: readonly DenseLayer[],
  options: DensePoolOptions = {},
): Promise<DensePool | undefined> {
  const threads = Math.min(PARTS, options.threads ?? (await cores()));
  try {
    compiled ??= WebAssembly.compile(quickerModule(binary));
    const module = await compiled;
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
    const table = copyTable(memory, layers[0]!.inputs, options);
    const { gradients = 'weights' } = options;
    const start = { layers, table, memory, module, gradients, threads };
    const pool = poolOf({ ...start, thread: 0 });
    await startWorkers(start);
    return pool;
  } catch {
    return undefined;
  }
}

/** Does not wait for the workers: parts are taken by those threads that have started. */
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

/** Copies the table and the noise behind the control block. */
function copyTable(
  memory: WebAssembly.Memory,
  columns: number,
  { table, noise }: DensePoolOptions,
): DenseTable {
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

function poolOf(start: DenseStart): DensePool {
  const { layers, memory } = start;
  const jobs = openJobs(start);
  const { run, words, layout, begin, finish, reserve } = jobs;
  const { outputs } = layers.at(-1)!;
  const floats = (at: number, count: number) => new Float32Array(memory.buffer, at, count);
  reserve(1);
  const { next, ...inputs } = inputsOf(start, jobs);
  return {
    ...inputs,
    workers: () => Atomics.load(words, control.workers),
    close: jobs.close,
    inputsFinite: () => words[control.finite] === 1,
    setWeights(weights) {
      finish();
      const { weights: to, weightCount } = layout();
      let at = to[0]!;
      for (const values of weights) {
        floats(at, values.length).set(values);
        at += values.byteLength;
      }
      words[control.skipZeros] = run.areFinite(to[0]!, weightCount);
    },
    startForward() {
      finish();
      const { buffer, count } = next();
      words[control.rows] = count;
      words[control.inputBuffer] = buffer;
      words[control.finite] = 1;
      begin(FORWARD);
    },
    result() {
      finish();
      return floats(layout().activations.at(-1)!, words[control.rows]! * outputs).slice();
    },
    backward: (outputGradient, meanwhile) => backward(start, jobs, outputGradient, meanwhile),
  };
}

/** Writes the input rows of the next batch; `next` tells in which buffer they are, and how many. */
function inputsOf(
  { layers, memory, gradients }: DenseStart,
  { words, layout, begin, reserve }: Jobs,
): Pick<DensePool, 'gatherInputs' | 'setInputs'> & { next(): { buffer: number; count: number } } {
  let next = { buffer: 0, count: 1 };
  return {
    next: () => next,
    gatherInputs(rows, noiseStart) {
      reserve(rows.length);
      next = { buffer: 0, count: rows.length };
      words[control.inputBuffer] = 0;
      new Int32Array(memory.buffer, layout().indices, rows.length).set(rows);
      words[control.noise] = noiseStart;
      begin(GATHER);
    },
    setInputs(x) {
      const count = x.length / layers[0]!.inputs;
      if (gradients === 'none' && count <= words[control.capacity]!) {
        next = { buffer: 1 - words[control.inputBuffer]!, count };
      } else {
        reserve(count);
        next = { buffer: words[control.inputBuffer]!, count };
      }
      const { nextInputs, activations } = layout();
      new Float32Array(memory.buffer, next.buffer ? nextInputs : activations[0]!, x.length).set(x);
    },
  };
}

function backward(
  { layers, memory, gradients: needed }: DenseStart,
  { run, words, layout, begin, finish }: Jobs,
  given: Float32Array,
  meanwhile?: () => void,
): Float32Array[] {
  const { outputGradient, inputGradient, weights, transposed, gradients, weightCount, gradientSum } =
    layout();
  const floats = (at: number, count: number) => new Float32Array(memory.buffer, at, count);
  floats(outputGradient, given.length).set(given);
  layers.forEach((layer, l) => {
    if (l > 0 || needed === 'inputs') run.transpose(weights[l]!, layer.inputs, layer.outputs, transposed[l]!);
  });
  begin(BACKWARD);
  meanwhile?.();
  finish();
  run.columnSums(gradients, PARTS, weightCount, gradientSum, 1);
  const ofWeights = layers.flatMap(({ inputs, outputs, bias }, l) => {
    const at = gradientSum + weights[l]! - weights[0]!;
    // The transposed kernels are written anew for each pass, so that their memory is free here.
    run.transpose(at, outputs, inputs, transposed[l]!);
    const kernel = floats(transposed[l]!, inputs * outputs).slice();
    return bias ? [kernel, floats(at + 4 * inputs * outputs, outputs).slice()] : [kernel];
  });
  if (needed !== 'inputs') return ofWeights;
  return [floats(inputGradient, words[control.rows]! * layers[0]!.inputs).slice(), ...ofWeights];
}
