/** Rows through a network, batch by batch. */

import type { DenseCrew } from '../backend/dense/pool.js';
import { type Pauses, pausesFor } from '../core/pauses.js';
import * as tf from '../core/tf.js';
import type { Matrix, Network } from '../core/types.js';
import { checkFinite } from '../data/matrix.js';
import { checkAlive, rowSize } from './network.js';
import { withCrew } from './threaded.js';

/** What `encode` needs to know of a network. */
type Applied = Network | Pick<Network, 'inputShape' | 'outputShape' | 'apply'>;

/** Floats that a batch may take, as it goes in or in any one layer: 32 MB. */
const LARGEST_BATCH = 2 ** 23;

/** Rows that a crew takes at once, at most: what the layers make of an eighth of them stays in a core's own cache. */
const CREW_ROWS = 1024;

function rowsAtOnce(network: Applied): number {
  const { inputShape, outputShape } = network;
  const shapes = 'model' in network ? layersOf(network.model).flatMap(shapesOf) : [];
  return Math.max(
    1,
    Math.floor(LARGEST_BATCH / Math.max(...[inputShape, outputShape, ...shapes].map(rowSize))),
  );
}

/** All layers, those of models within the model too. */
function layersOf({ layers }: Pick<tf.LayersModel, 'layers'>): tf.layers.Layer[] {
  return layers.flatMap((layer) => ('layers' in layer ? layersOf(layer as tf.LayersModel) : [layer]));
}

/** Shapes of a row of what a layer puts out, wherever it stands. */
function shapesOf({ inboundNodes }: tf.layers.Layer): number[][] {
  const outputs = inboundNodes.flatMap(({ outputTensors }) => outputTensors);
  return outputs.map(({ shape }) => shape.slice(1).map((size) => size ?? 1));
}

export interface EncodeOptions {
  /** Rows at a time, at most. Default null: as many as fit 32 MB in every layer. */
  readonly batchSize?: number | null;
  /** Whom an error is to name if there are values that are not finite. Default: they were looked for before. */
  readonly who?: string;
  /** When to let the event loop in. Default: between batches, where it is time for it. */
  readonly pauses?: Pauses;
}

/**
 * Applies a network in inference mode to every row: n x inputs to n x outputs. Throws `DataError` for values that are not
 * finite, if it is to look for them.
 */
export async function encode(
  network: Applied,
  matrix: Matrix,
  { batchSize = null, who, pauses = pausesFor() }: EncodeOptions = {},
): Promise<Matrix> {
  const { data, shape } = matrix;
  const [rows, columns] = shape;
  const width = rowSize(network.outputShape);
  const out = new Float32Array(rows * width);
  if ('model' in network) checkAlive(network.model, who ?? network.model.name);
  const quick = 'model' in network && (await withCrew(network, rows, byCrew));
  if (!quick) {
    if (who !== undefined) checkFinite(matrix, who);
    const atOnce = batchSize ?? rowsAtOnce(network);
    for (let start = 0; start < rows; start += atOnce) {
      await pauses.take();
      out.set(await applied(network, rowsFrom(start, atOnce)), start * width);
    }
  }
  return { data: out, shape: [rows, width] };

  function rowsFrom(start: number, atOnce: number): Float32Array {
    return data.subarray(start * columns, Math.min(start + atOnce, rows) * columns);
  }

  async function byCrew(crew: DenseCrew): Promise<true> {
    const atOnce = Math.min(CREW_ROWS, batchSize ?? rowsAtOnce(network));
    crew.put(rowsFrom(0, atOnce));
    for (let start = 0; start < rows; start += atOnce) {
      if (start > 0) await pauses.take();
      crew.start();
      if (start + atOnce < rows) crew.put(rowsFrom(start + atOnce, atOnce));
      out.set(crew.result(), start * width);
      // The search for the place is for those that have one.
      if (who !== undefined && !crew.finite()) checkFinite(matrix, who);
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
