/** Networks that are stacks of dense layers, computed by threads instead of by operations of TensorFlow.js. */

import type { DenseLayer } from '../backend/dense/passes.js';
import { type DenseCrew, openDenseCrew } from '../backend/dense/pool.js';
import { nativeOnCpu } from '../backend/tensorflow.js';
import { cores } from '../core/platform.js';
import * as tf from '../core/tf.js';
import type { Matrix, Network } from '../core/types.js';
import { rowSize } from './network.js';
import type { InputNoise } from './noise.js';

/** A network that threads train, until it is closed. */
export interface Threaded {
  readonly network: Network;
  /** Ends the threads. The network must not be applied in training any more. */
  close(): void;
}

export interface ThreadOptions {
  /** Whether the gradient of the inputs is wanted too, as a decoder's is. Default false. */
  readonly differentiable?: boolean;
  /** A table that the network is trained on, and noise for its rows; then it has a `reader`. Default: none. */
  readonly table?: Matrix;
  readonly noise?: InputNoise;
  /** Threads, this one included. Default: the cores, at most 8. */
  readonly threads?: number;
}

/**
 * The same network, its training passes computed by threads; as it is when it is more than dense layers with ReLU or no
 * activation, or when the active backend is not in this machine's memory (a GPU).
 */
export async function withThreads(network: Network, options: ThreadOptions): Promise<Threaded> {
  const { threads, noise } = options;
  const layers = layersHere(network);
  const table = options.table && fits(options.table, noise) ? options.table : undefined;
  const crew =
    layers &&
    (await openDenseCrew(layers, {
      ...{ threads, reach: options.differentiable ? 'rows' : 'weights' },
      ...{ table: table?.data, noise: noise?.values },
    }));
  if (!crew) return { network, close() {} };
  return { network: threaded(network, crew, { ...options, table }), close: crew.close };
}

/** The layers, if the active backend is in this machine's memory. */
function layersHere(network: Network): DenseLayer[] | undefined {
  return tf.getBackend() === 'wasm' || nativeOnCpu() ? denseLayers(network) : undefined;
}

/** Floats of the largest table that is copied into the memory of the threads. */
const LARGEST_TABLE = 2 ** 27;

/** Whether threads may read the table, with the noise of a row in one piece. */
function fits({ data, shape }: Matrix, noise: InputNoise | undefined): boolean {
  return data.length <= LARGEST_TABLE && (noise === undefined || shape[1] <= noise.values.length);
}

/** Most weights of a network that threads train: beyond, its products are large enough to be as quick elsewhere. */
const MOST_WEIGHTS = 2 ** 22;

/** The dense layers that a network consists of, or undefined when there is anything else to it. */
export function denseLayers({
  model,
  variables,
  inputShape,
  outputShape,
}: Network): DenseLayer[] | undefined {
  const stack: DenseLayer[] = [];
  const weights: unknown[] = [];
  let tensor = model.outputs[0]!;
  while (true) {
    const { sourceLayer, nodeIndex } = tensor;
    const kind = sourceLayer.getClassName();
    const { activation, dataFormat } = sourceLayer.getConfig();
    if (kind === 'InputLayer') break;
    tensor = sourceLayer.inboundNodes[nodeIndex]!.inputTensors[0]!;
    // Rows lie flat in memory: only the first and the last shape differ.
    if (kind === 'Reshape' && stack.length === 0) continue;
    const first = tensor.sourceLayer.getClassName() === 'InputLayer';
    if (kind === 'Flatten' && first && dataFormat !== 'channelsFirst') continue;
    if (kind !== 'Dense' || (activation !== 'relu' && activation !== 'linear')) return undefined;
    const own = sourceLayer.weights.map((weight) => weight.read());
    const [inputs, outputs] = own[0]!.shape as [number, number];
    stack.unshift({ inputs, outputs, bias: own.length > 1, relu: activation === 'relu' });
    weights.unshift(...own);
  }
  // The weights in order, each once, and all of them trained; and no layer that takes an axis of a row by itself.
  const trained = variables();
  const whole = weights.length === trained.length && trained.every((variable, i) => variable === weights[i]);
  const flat = stack[0]?.inputs === rowSize(inputShape) && stack.at(-1)?.outputs === rowSize(outputShape);
  const size = trained.reduce((sum, variable) => sum + variable.size, 0);
  return whole && flat && size <= MOST_WEIGHTS ? stack : undefined;
}

/** Rows for a pass: given, or to be taken from the table. */
type Rows = { readonly x: Float32Array } | { readonly rows: Int32Array; readonly start: number };

function threaded(
  network: Network,
  crew: DenseCrew,
  { differentiable = false, table, noise }: ThreadOptions,
): Network {
  // What the crew has in its memory: the inputs, and of a whole pass the values between the layers too.
  let loaded: Rows | undefined;
  let passed: Rows | undefined;
  const load = (rows: Rows) => {
    if (loaded === rows) return;
    if ('x' in rows) crew.put(rows.x);
    else crew.fetch(rows.rows, rows.start);
    loaded = rows;
    passed = undefined;
  };
  const pass = (rows: Rows, weights: readonly tf.Tensor[]): Float32Array => {
    load(rows);
    passed = rows;
    crew.weigh(weights.map((weight) => weight.dataSync<'float32'>()));
    crew.start();
    return crew.result();
  };
  const apply = (rows: Rows, count: number, inputs: tf.Tensor[], meanwhile?: () => void) => {
    const compute = tf.customGrad((...given: (tf.Tensor | tf.GradSaveFunc)[]) => {
      const weights = given.slice(inputs.length, -1) as tf.Tensor[];
      return {
        value: tf.tensor(pass(rows, weights), [count, ...network.outputShape]),
        gradFunc(slope) {
          if (passed !== rows) pass(rows, weights);
          const wanted = [...inputs, ...weights];
          const gradients = crew.backward(slope.dataSync<'float32'>(), meanwhile).slice(-wanted.length);
          return gradients.map((values, i) => tf.tensor(values, wanted[i]!.shape));
        },
      };
    });
    return compute(...inputs, ...network.variables());
  };
  let next: Rows & { readonly rows: Int32Array };
  return {
    ...network,
    apply: (x, training) =>
      training
        ? apply({ x: x.dataSync<'float32'>() }, x.shape[0]!, differentiable ? [x] : [])
        : network.apply(x, false),
    ...(table && {
      reader: {
        table,
        fetch(rows, count) {
          next = { rows: rows.slice(0, count), start: noise?.start() ?? 0 };
          load(next);
        },
        apply: (meanwhile) => apply(next, next.rows.length, [], meanwhile),
      },
    }),
  };
}

/** Products of a weight with a value of a row from which on threads are worth their start. */
const WORTH_THREADS = 2 ** 28;
/** Weights that are copied for a crew in no time; and, beyond, so many as the model takes a row through meanwhile. */
const FEW_WEIGHTS = 2 ** 17;
const WEIGHTS_A_ROW = 2 ** 15;
/** Milliseconds that a crew stays for the next call. */
const STAY = 5000;

/** A crew that stays, for the layers that the model had when it was opened. */
interface Standing {
  readonly crew: Promise<DenseCrew | undefined>;
  readonly layers: string;
  readonly threads: number;
  leave?: ReturnType<typeof setTimeout>;
  /** Identities of the tensors whose numbers the crew has; a variable that is assigned another tensor has its identity. */
  weighed: readonly object[];
  /** Settled when the last of those who use it, one after another, is done. */
  turn: Promise<void>;
}
const standing = new WeakMap<tf.LayersModel, Standing>();

/**
 * Lets a crew take rows through the network as it is now, and gives what `use` makes of it; undefined as with
 * `withThreads`, and for few rows through many weights. The crew stays for the next call, but not for long. `rows` is
 * how many there will be.
 */
export async function withCrew<T>(
  network: Network,
  rows: number,
  use: (crew: DenseCrew) => Promise<T>,
): Promise<T | undefined> {
  const layers = layersHere(network);
  const weights = network.variables();
  const size = weights.reduce((sum, weight) => sum + weight.size, 0);
  if (layers === undefined || (size > FEW_WEIGHTS && rows * WEIGHTS_A_ROW < size)) return undefined;
  const threads = rows * size < WORTH_THREADS ? 1 : await cores();
  const found = standingFor(network.model, layers, threads);
  const crew = await found.crew;
  if (crew === undefined) return undefined;
  const before = found.turn;
  let done = () => {};
  found.turn = new Promise((resolve) => {
    done = resolve;
  });
  await before;
  try {
    if (standing.get(network.model) !== found) {
      // Whoever was before has let it go, or wanted more threads.
      dismiss(network.model, found);
      return await withCrew(network, rows, use);
    }
    clearTimeout(found.leave);
    if (weights.some(({ dataId }, i) => dataId !== found.weighed[i])) {
      crew.weigh(weights.map((weight) => weight.dataSync<'float32'>()));
      found.weighed = weights.map(({ dataId }) => dataId);
    }
    const made = await use(crew);
    found.leave = setTimeout(() => dismiss(network.model, found), STAY);
    found.leave.unref?.();
    return made;
  } catch (error) {
    // It may be the crew that has failed.
    dismiss(network.model, found);
    throw error;
  } finally {
    done();
  }
}

/** The crew that stands by, if it is for these layers and has as many threads; else another in its place. */
function standingFor(model: tf.LayersModel, layers: DenseLayer[], threads: number): Standing {
  const known = standing.get(model);
  const kind = JSON.stringify(layers);
  if (known && known.layers === kind && known.threads >= threads) {
    clearTimeout(known.leave);
    return known;
  }
  const crew = openDenseCrew(layers, { threads, reach: 'none' });
  const opened: Standing = { crew, layers: kind, threads, weighed: [], turn: Promise.resolve() };
  // Whoever uses the one before lets it go in the end.
  standing.set(model, opened);
  return opened;
}

function dismiss(model: tf.LayersModel, gone: Standing): void {
  if (standing.get(model) === gone) standing.delete(model);
  void gone.crew.then((crew) => crew?.close());
}
