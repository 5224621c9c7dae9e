/** Applies a network to rows, batch by batch. */

import type { DensePool } from '../backend/dense/pool.js';
import { type Pauses, pausesFor } from '../core/pauses.js';
import type { PartDone } from '../core/stages.js';
import * as tf from '../core/tf.js';
import type { Matrix, Network } from '../core/types.js';
import { checkFinite } from '../data/matrix.js';
import { withPool } from './inferencePool.js';
import { checkAlive, rowSize } from './network.js';

/** The part of a network that `encode` uses. */
type Applied = Network | Pick<Network, 'inputShape' | 'outputShape' | 'apply'>;

/** Most floats of a batch, in the input or in any one layer: 32 MB. */
const MAX_BATCH = 2 ** 23;

/** Most rows per batch on the thread pool: the activations of one part of them fit the cache of a core. */
const POOL_ROWS = 1024;

/** Rows per batch, so that it fits in every layer. */
function batchRows(network: Applied): number {
  const { inputShape, outputShape } = network;
  const shapes = 'model' in network ? layersOf(network.model).flatMap(shapesOf) : [];
  return Math.max(1, Math.floor(MAX_BATCH / Math.max(...[inputShape, outputShape, ...shapes].map(rowSize))));
}

/** All layers, including those of nested models. */
function layersOf({ layers }: Pick<tf.LayersModel, 'layers'>): tf.layers.Layer[] {
  return layers.flatMap((layer) => ('layers' in layer ? layersOf(layer as tf.LayersModel) : [layer]));
}

/** Shapes of one row of a layer's outputs, for every place where the layer is used. */
function shapesOf({ inboundNodes }: tf.layers.Layer): number[][] {
  const outputs = inboundNodes.flatMap(({ outputTensors }) => outputTensors);
  return outputs.map(({ shape }) => shape.slice(1).map((size) => size ?? 1));
}

export interface EncodeOptions {
  /** Most rows per batch. Default null: as many as take up to 32 MB in every layer. */
  readonly batchSize?: number | null;
  /** Name used in error messages; if omitted, values are assumed to have been checked. */
  readonly caller?: string;
  /** When to yield to the event loop. Default: between batches, at most every 40 ms. */
  readonly pauses?: Pauses | undefined;
  /** Takes the share of the rows that is done, from 0 to 1. Default: nobody is told. */
  readonly progress?: PartDone | undefined;
}

/**
 * Applies a network in inference mode to every row: n x inputs to n x outputs. With `caller`, throws `DataError` for
 * values that are not finite.
 */
export async function encode(
  network: Applied,
  matrix: Matrix,
  { batchSize = null, caller, pauses = pausesFor(), progress }: EncodeOptions = {},
): Promise<Matrix> {
  const { data, shape } = matrix;
  const [rows, columns] = shape;
  const width = rowSize(network.outputShape);
  const out = new Float32Array(rows * width);
  if ('model' in network) checkAlive(network.model, caller ?? network.model.name);
  const pooled = 'model' in network && (await withPool(network, rows, onPool));
  if (!pooled) {
    if (caller !== undefined) checkFinite(matrix, caller);
    const size = batchSize ?? batchRows(network);
    for (let start = 0; start < rows; start += size) {
      await pauses.take();
      out.set(await applied(network, batchAt(start, size)), start * width);
      progress?.(Math.min(1, (start + size) / rows));
    }
  }
  return { data: out, shape: [rows, width] };

  function batchAt(start: number, size: number): Float32Array {
    return data.subarray(start * columns, Math.min(start + size, rows) * columns);
  }

  async function onPool(pool: DensePool): Promise<true> {
    const size = Math.min(POOL_ROWS, batchSize ?? batchRows(network));
    pool.setInputs(batchAt(0, size));
    for (let start = 0; start < rows; start += size) {
      if (start > 0) await pauses.take();
      pool.startForward();
      if (start + size < rows) pool.setInputs(batchAt(start + size, size));
      out.set(pool.result(), start * width);
      progress?.(Math.min(1, (start + size) / rows));
      // The slow search for the position is for data that are known to be wrong.
      if (caller !== undefined && !pool.inputsFinite()) checkFinite(matrix, caller);
    }
    return true;
  }
}

async function applied(network: Applied, x: Float32Array): Promise<Float32Array> {
  const { inputShape } = network;
  const result = tf.tidy(() =>
    network.apply(tf.tensor(x, [x.length / rowSize(inputShape), ...inputShape]), false),
  );
  try {
    return await result.data<'float32'>();
  } finally {
    result.dispose();
  }
}

/** The softmax of each row: logits to probabilities. */
export async function softmax({ data, shape }: Matrix): Promise<Matrix> {
  const probabilities = tf.tidy(() => tf.softmax(tf.tensor2d(data, [...shape])));
  try {
    return { data: await probabilities.data<'float32'>(), shape };
  } finally {
    probabilities.dispose();
  }
}
