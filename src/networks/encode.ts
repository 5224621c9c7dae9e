/** Rows through a network, batch by batch. */
import * as tf from '@tensorflow/tfjs';
import type { Matrix, Network } from '../types.js';
import { rowSize } from './network.js';

/** What `encode` needs to know of a network. */
type Applied = Pick<Network, 'inputShape' | 'outputShape' | 'apply'> & Partial<Pick<Network, 'model'>>;

/** Floats that a batch may take, as it goes in or in any one layer: 32 MB. */
const LARGEST_BATCH = 2 ** 23;

function rowsAtOnce({ model, inputShape, outputShape }: Applied): number {
  const shapes = model ? layersOf(model).flatMap(shapesOf) : [];
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

/**
 * Applies a network in inference mode to every row: n x inputs to n x outputs, `batchSize` rows at a time, or, for null,
 * as many as fit 32 MB in every layer.
 */
export async function encode(
  network: Applied,
  { data, shape }: Matrix,
  batchSize: number | null = null,
): Promise<Matrix> {
  const [rows, columns] = shape;
  const width = rowSize(network.outputShape);
  const most = batchSize ?? rowsAtOnce(network);
  const out = new Float32Array(rows * width);
  for (let start = 0; start < rows; start += most) {
    const end = Math.min(start + most, rows);
    const result = tf.tidy(() => {
      const x = tf.tensor(data.subarray(start * columns, end * columns), [
        end - start,
        ...network.inputShape,
      ]);
      return network.apply(x, false);
    });
    try {
      out.set(await result.data<'float32'>(), start * width);
    } finally {
      result.dispose();
    }
  }
  return { data: out, shape: [rows, width] };
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
