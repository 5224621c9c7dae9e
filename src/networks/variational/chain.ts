/** Models whose layers form a chain: parts of them as models of their own, which share the layers. */

import * as tf from '../../core/tf.js';

/** The layer that makes a symbolic tensor, and the tensor that it is made from; undefined for an input. */
export function layerBefore(
  tensor: tf.SymbolicTensor,
): { readonly layer: tf.layers.Layer; readonly input: tf.SymbolicTensor } | undefined {
  const { sourceLayer, nodeIndex } = tensor;
  if (sourceLayer.getClassName() === 'InputLayer') return undefined;
  return { layer: sourceLayer, input: sourceLayer.inboundNodes[nodeIndex]!.inputTensors[0]! };
}

/** The layers that lead to a symbolic tensor, first one first; a model within counts as one layer. */
export function layersBefore(tensor: tf.SymbolicTensor): tf.layers.Layer[] {
  const chain: tf.layers.Layer[] = [];
  for (let step = layerBefore(tensor); step; step = layerBefore(step.input)) chain.unshift(step.layer);
  return chain;
}

/** Applies layers one after another. */
export function applyChain(layers: readonly tf.layers.Layer[], input: tf.SymbolicTensor): tf.SymbolicTensor {
  return layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
}

/** A model of these layers for rows of this shape. It shares their weights. */
export function chainModel(
  layers: readonly tf.layers.Layer[],
  inputShape: readonly number[],
  name: string,
): tf.LayersModel {
  const input = tf.input({ shape: [...inputShape], name: `${name}_input` });
  return tf.model({ inputs: input, outputs: applyChain(layers, input), name });
}

/** Disposes of the weights of a model, except those of the models in `spared`. */
export function disposeWeights(
  { weights }: tf.LayersModel,
  spared: readonly (tf.LayersModel | undefined)[] = [],
): void {
  const kept = new Set(spared.flatMap((model) => model?.weights.map((weight) => weight.read()) ?? []));
  for (const weight of weights) if (!kept.has(weight.read())) weight.dispose();
}
