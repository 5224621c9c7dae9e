/** Networks, with what comes before and behind them, as one ONNX model. */

import type * as tf from '../../core/tf.js';
import { libraryVersion } from '../manifest.js';
import { OnnxGraph } from './graph.js';
import { addNetwork, readWeights, rowShapeOf } from './network.js';
import { dataType, onnxBytes } from './proto.js';

/** x becomes (x - shift) factor, computed in 64 bits; a value that is not a number becomes `missing` first. */
export interface AffineMap {
  /** One number for each number of a row. */
  readonly shift: Float64Array;
  /** One number for each number of a row. */
  readonly factor: Float64Array;
  /** One number for each number of a row. Default: values are taken as they are. */
  readonly missing?: Float64Array | undefined;
}

/** What a model is made of, in the order of computation. */
export interface OnnxParts {
  /** Name of the graph. */
  readonly name: string;
  readonly inputName: string;
  readonly outputName: string;
  /** Maps in front of the networks. With any, the model takes 64-bit floats. */
  readonly before?: readonly AffineMap[];
  /** Networks with one input and one output, applied one after another; their names in messages. */
  readonly networks: readonly (readonly [name: string, model: tf.LayersModel])[];
  /** Applied to the last output. Default: nothing. */
  readonly activation?: 'Sigmoid' | 'Softmax' | undefined;
  /** Maps that are undone behind the networks: x / factor + shift, the last one first. With any, the model gives 64-bit floats. */
  readonly undone?: readonly AffineMap[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The model as the bytes of an `.onnx` file. The number of rows is free. Throws `OptionError` for layers without a form in ONNX. */
export async function onnxModel(parts: OnnxParts): Promise<Uint8Array> {
  const { name, inputName, outputName, before = [], networks, activation, undone = [] } = parts;
  const graph = new OnnxGraph();
  const input = graph.name(inputName);
  const end = graph.name(outputName);
  const inputShape = rowShapeOf(networks[0]![1].inputs[0]!);
  const outputShape = rowShapeOf(networks.at(-1)![1].outputs[0]!);
  let x = before.reduce((value, map) => mapped(graph, value, map, inputShape), input);
  if (before.length > 0) x = graph.add('Cast', [x], { to: dataType.float });
  for (const [network, model] of networks) {
    [x] = addNetwork(graph, model, [x], await readWeights(model), network) as [string];
  }
  if (activation) x = graph.add(activation, [x], activation === 'Softmax' ? { axis: -1 } : {});
  if (undone.length > 0) x = graph.add('Cast', [x], { to: dataType.double });
  for (const map of undone.toReversed()) x = unmapped(graph, x, map, outputShape);
  // So that the output has the name that was asked for.
  const { nodes, tensors } = graph.needed([x]);
  nodes.push({ op: 'Identity', inputs: [x], output: end, attributes: {} });
  const rows = (shape: readonly number[]) => ['rows', ...shape];
  return onnxBytes({
    ...{ name, nodes, tensors, metadata: parts.metadata ?? {} },
    producer: { name: 'parametric-umap', version: libraryVersion },
    inputs: [{ name: input, type: before.length > 0 ? 'double' : 'float', shape: rows(inputShape) }],
    outputs: [{ name: end, type: undone.length > 0 ? 'double' : 'float', shape: rows(outputShape) }],
  });
}

function mapped(graph: OnnxGraph, x: string, { shift, factor, missing }: AffineMap, shape: number[]): string {
  let value = x;
  if (missing) {
    const isMissing = graph.add('IsNaN', [value]);
    value = graph.add('Where', [isMissing, graph.constant(missing, shape, 'missing'), value]);
  }
  const centered = graph.add('Sub', [value, graph.constant(shift, shape, 'shift')]);
  return graph.add('Mul', [centered, graph.constant(factor, shape, 'factor')]);
}

function unmapped(graph: OnnxGraph, x: string, { shift, factor }: AffineMap, shape: number[]): string {
  const scaled = graph.add('Div', [x, graph.constant(factor, shape, 'factor')]);
  return graph.add('Add', [scaled, graph.constant(shift, shape, 'shift')]);
}
