/** Networks that are stacks of dense layers, trained by a thread pool instead of by operations of TensorFlow.js. */

import type { DenseLayer } from '../backend/dense/layout.js';
import { type DensePool, openDensePool } from '../backend/dense/pool.js';
import { nativeOnCpu } from '../backend/tensorflow.js';
import * as tf from '../core/tf.js';
import type { Matrix, Network } from '../core/types.js';
import { rowSize } from './network.js';
import type { InputNoise } from './noise.js';

/** A network whose training passes run on a thread pool, until it is closed. */
export interface Threaded {
  readonly network: Network;
  /** Ends the threads. After that the network must not be applied in training mode. */
  close(): void;
}

export interface ThreadOptions {
  /** Whether the gradient of the inputs is computed too, as a decoder needs it. Default false. */
  readonly differentiable?: boolean;
  /** Rows that the network is trained on, and noise for them; the network then has a `reader`. Default: none. */
  readonly table?: Matrix;
  readonly noise?: InputNoise;
  /** Threads, this one included. Default: the number of cores, at most 8. */
  readonly threads?: number;
}

/**
 * The same network with its training passes on a thread pool. Unchanged if it has anything but dense layers with ReLU
 * or no activation, or if the active backend keeps tensors on a GPU.
 */
export async function withThreads(network: Network, options: ThreadOptions): Promise<Threaded> {
  const { threads, noise } = options;
  const layers = layersOnHost(network);
  const table = options.table && fits(options.table, noise) ? options.table : undefined;
  const pool =
    layers &&
    (await openDensePool(layers, {
      ...{ threads, gradients: options.differentiable ? 'inputs' : 'weights' },
      ...{ table: table?.data, noise: noise?.values },
    }));
  if (!pool) return { network, close() {} };
  return { network: onPool(network, pool, { ...options, table }), close: pool.close };
}

/** The dense layers of the network, if the active backend keeps tensors in host memory. */
export function layersOnHost(network: Network): DenseLayer[] | undefined {
  return tf.getBackend() === 'wasm' || nativeOnCpu() ? denseLayers(network) : undefined;
}

/** Most floats of a table that is copied into the memory of the threads. */
const MAX_TABLE = 2 ** 27;

/** Whether the table is small enough, and the noise at least as long as a row. */
function fits({ data, shape }: Matrix, noise: InputNoise | undefined): boolean {
  return data.length <= MAX_TABLE && (noise === undefined || shape[1] <= noise.values.length);
}

/** Most weights of a network that the pool trains; larger matrix products are as fast on the backend. */
const MAX_WEIGHTS = 2 ** 22;

/** The dense layers that a network consists of. Undefined if it has anything else. */
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
    // Rows are contiguous in memory, so that reshaping them at the start or at the end changes nothing.
    if (kind === 'Reshape' && stack.length === 0) continue;
    const first = tensor.sourceLayer.getClassName() === 'InputLayer';
    if (kind === 'Flatten' && first && dataFormat !== 'channelsFirst') continue;
    if (kind !== 'Dense' || (activation !== 'relu' && activation !== 'linear')) return undefined;
    const own = sourceLayer.weights.map((weight) => weight.read());
    const [inputs, outputs] = own[0]!.shape as [number, number];
    stack.unshift({ inputs, outputs, bias: own.length > 1, relu: activation === 'relu' });
    weights.unshift(...own);
  }
  // All weights are trained, in order and each used once; and no layer is applied to one axis of a row alone.
  const trained = variables();
  const whole = weights.length === trained.length && trained.every((variable, i) => variable === weights[i]);
  const flat = stack[0]?.inputs === rowSize(inputShape) && stack.at(-1)?.outputs === rowSize(outputShape);
  const size = trained.reduce((sum, variable) => sum + variable.size, 0);
  return whole && flat && size <= MAX_WEIGHTS ? stack : undefined;
}

/** Input rows of a pass: given, or gathered from the table with noise from position `start` on. */
type Rows = { readonly x: Float32Array } | { readonly rows: Int32Array; readonly start: number };

/** A pass on the pool, as a differentiable operation. */
type Pass = (rows: Rows, count: number, inputs: tf.Tensor[], meanwhile?: () => void) => tf.Tensor;

/** The network with training passes on the pool. */
function onPool(
  network: Network,
  pool: DensePool,
  { differentiable = false, table, noise }: ThreadOptions,
): Network {
  const { load, apply } = passesOf(network, pool);
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

function passesOf(network: Network, pool: DensePool): { load(rows: Rows): void; apply: Pass } {
  // The rows in the memory of the pool, and the rows whose activations are there too.
  let loaded: Rows | undefined;
  let passed: Rows | undefined;
  const load = (rows: Rows) => {
    if (loaded === rows) return;
    if ('x' in rows) pool.setInputs(rows.x);
    else pool.gatherInputs(rows.rows, rows.start);
    loaded = rows;
    passed = undefined;
  };
  const forward = (rows: Rows, weights: readonly tf.Tensor[]): Float32Array => {
    load(rows);
    passed = rows;
    pool.setWeights(weights.map((weight) => weight.dataSync<'float32'>()));
    pool.startForward();
    return pool.result();
  };
  const apply: Pass = (rows, count, inputs, meanwhile) => {
    const compute = tf.customGrad((...given: (tf.Tensor | tf.GradSaveFunc)[]) => {
      const weights = given.slice(inputs.length, -1) as tf.Tensor[];
      return {
        value: tf.tensor(forward(rows, weights), [count, ...network.outputShape]),
        gradFunc(dy) {
          // Another pass since has replaced the activations.
          if (passed !== rows) forward(rows, weights);
          const targets = [...inputs, ...weights];
          const gradients = pool.backward(dy.dataSync<'float32'>(), meanwhile).slice(-targets.length);
          return gradients.map((values, i) => tf.tensor(values, targets[i]!.shape));
        },
      };
    });
    return compute(...inputs, ...network.variables());
  };
  return { load, apply };
}
