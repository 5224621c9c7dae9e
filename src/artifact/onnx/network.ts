/** Adds a network of layers to a graph of ONNX operations. */

import type * as tf from '../../core/tf.js';
import type { OnnxGraph } from './graph.js';
import { type LayerWeight, unwritable } from './layer.js';
import { layerWriters } from './layers.js';

/** Weights of networks, read from the device. */
export type ReadWeights = ReadonlyMap<tf.LayerVariable, LayerWeight>;

/** Reads the weights of a network. */
export async function readWeights({ weights }: tf.LayersModel): Promise<ReadWeights> {
  const read = weights.map(async (weight) => {
    const tensor = weight.read();
    return [weight, { values: Float32Array.from(await tensor.data()), shape: tensor.shape }] as const;
  });
  return new Map(await Promise.all(read));
}

/**
 * Adds the operations of a network that is applied to the values `inputs`, and returns the names of its outputs. `network` is its
 * name in messages. Throws `OptionError` for a layer or an activation function without a form in ONNX.
 */
export function addNetwork(
  graph: OnnxGraph,
  model: tf.LayersModel,
  inputs: readonly string[],
  weights: ReadWeights,
  network: string,
): string[] {
  const values = new Map<tf.SymbolicTensor, string>();
  for (const [i, input] of model.inputs.entries()) values.set(input, inputs[i]!);

  const resolved = (tensor: tf.SymbolicTensor): string => {
    const known = values.get(tensor);
    if (known !== undefined) return known;
    const { sourceLayer: layer, nodeIndex } = tensor;
    const { inputTensors, outputTensors } = layer.inboundNodes[nodeIndex]!;
    const given = inputTensors.map(resolved);
    const outputs = isModel(layer)
      ? addNetwork(graph, layer, given, weights, network)
      : [written(layer, inputTensors, given, tensor)];
    for (const [i, output] of outputTensors.entries()) values.set(output, outputs[i]!);
    return values.get(tensor)!;
  };

  const written = (
    layer: tf.layers.Layer,
    inputTensors: readonly tf.SymbolicTensor[],
    given: readonly string[],
    output: tf.SymbolicTensor,
  ): string => {
    const { name } = layer;
    const className = layer.getClassName();
    if (!Object.hasOwn(layerWriters, className)) throw unwritable(`a layer ${className}`, { name, network });
    return layerWriters[className]!({
      ...{ graph, network, name, inputs: given },
      config: layer.getConfig() as Readonly<Record<string, unknown>>,
      weights: Object.fromEntries(
        layer.weights.map((weight) => [weight.originalName.split('/').at(-1)!, weights.get(weight)!]),
      ),
      ...{ inputShapes: inputTensors.map(rowShapeOf), outputShape: rowShapeOf(output) },
    });
  };

  return model.outputs.map(resolved);
}

function isModel(layer: tf.layers.Layer): layer is tf.LayersModel {
  return 'layers' in layer;
}

/** Shape of one row of a value. */
export function rowShapeOf({ shape }: tf.SymbolicTensor): number[] {
  return shape.slice(1) as number[];
}
