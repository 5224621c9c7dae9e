/** Which layers can be written as ONNX operations, by the names of their classes. */

import { masksOf, OFFSET } from '../../networks/variational/flow.js';
import { activated, activationLayers } from './activations.js';
import type { OnnxGraph } from './graph.js';
import { inputOf, type LayerCall, type LayerWriter, weightConstant } from './layer.js';
import { spatialLayers } from './spatial.js';

const same: LayerWriter = inputOf;

/** An operation on several values of one shape; a value with fewer axes gets some of size 1 behind the rows. */
function merging(combine: (graph: OnnxGraph, values: readonly string[]) => string): LayerWriter {
  return ({ graph, inputs, inputShapes }) => {
    const rank = Math.max(...inputShapes.map((shape) => shape.length));
    const values = inputs.map((input, i) => {
      const shape = inputShapes[i]!;
      if (shape.length === rank) return input;
      return graph.reshaped(input, [-1, ...Array.from({ length: rank - shape.length }, () => 1), ...shape]);
    });
    return combine(graph, values);
  };
}

/** x W + b. */
function linear(call: LayerCall, x: string, kernel: string, bias: string | undefined, rank: number): string {
  const { graph, name } = call;
  // Gemm takes tables alone.
  if (rank === 1) return graph.add('Gemm', bias === undefined ? [x, kernel] : [x, kernel, bias], {}, name);
  const product = graph.add('MatMul', [x, kernel], {}, name);
  return bias === undefined ? product : graph.add('Add', [product, bias], {}, name);
}

const dense: LayerWriter = (call) => {
  const kernel = weightConstant(call, 'kernel');
  const bias = call.weights.bias && weightConstant(call, 'bias');
  return activated(call, linear(call, inputOf(call), kernel, bias, call.inputShapes[0]!.length));
};

const flatten: LayerWriter = (call) => {
  const { graph, config, inputShapes, outputShape } = call;
  const rank = inputShapes[0]!.length;
  const last = [0, ...Array.from({ length: rank - 1 }, (_, i) => i + 2), 1];
  const x =
    config.dataFormat === 'channelsFirst' && rank > 1 ? graph.transposed(inputOf(call), last) : inputOf(call);
  return graph.reshaped(x, [-1, ...outputShape]);
};

const batchNormalization: LayerWriter = (call) => {
  const { graph, config, inputShapes, name, weights } = call;
  const { gamma, beta } = weights;
  const mean = weights.moving_mean!.values;
  const variance = weights.moving_variance!.values;
  const axes = inputShapes[0]!.length + 1;
  const axis = ((config.axis as number) + axes) % axes;
  const shape = Array.from({ length: axes }, (_, i) => (i === axis ? mean.length : 1));
  // (x - mean) gamma / sqrt(variance + epsilon) + beta
  const scale = variance.map(
    (value, i) => (gamma?.values[i] ?? 1) / Math.sqrt(value + (config.epsilon as number)),
  );
  const shift = mean.map((value, i) => (beta?.values[i] ?? 0) - value * scale[i]!);
  const scaled = graph.add('Mul', [inputOf(call), graph.constant(scale, shape, `${name}/scale`)]);
  return graph.add('Add', [scaled, graph.constant(shift, shape, `${name}/shift`)], {}, name);
};

const layerNormalization: LayerWriter = (call) => {
  const { graph, config, inputShapes, name, weights } = call;
  const { gamma, beta } = weights;
  const sizes = [1, ...inputShapes[0]!];
  const axes = [config.axis as number | number[]].flat().map((axis) => (axis + sizes.length) % sizes.length);
  const shape = sizes.map((size, axis) => (axes.includes(axis) ? size : 1));
  const mean = graph.add('ReduceMean', [inputOf(call)], { axes, keepdims: 1 });
  const centered = graph.add('Sub', [inputOf(call), mean]);
  const squares = graph.add('Mul', [centered, centered]);
  const variance = graph.add('ReduceMean', [squares], { axes, keepdims: 1 });
  const spread = graph.add('Sqrt', [graph.add('Add', [variance, graph.scalar(config.epsilon as number)])]);
  let y = graph.add('Div', [centered, spread]);
  if (gamma) y = graph.add('Mul', [y, graph.constant(gamma.values, shape, `${name}/gamma`)]);
  return beta ? graph.add('Add', [y, graph.constant(beta.values, shape, `${name}/beta`)], {}, name) : y;
};

/** Columns from one number to another. */
function columns(graph: OnnxGraph, x: string, from: number, to: number): string {
  return graph.add('Slice', [x, ...[[from], [to], [1]].map((list) => graph.integers(list))]);
}

/** Our own layers of variational autoencoders. */
const variationalLayers: Readonly<Record<string, LayerWriter>> = {
  RowStandardization(call) {
    const { graph, config, weights, name } = call;
    const { values, shape } = weights.deviation!;
    const mean = weightConstant(call, 'mean');
    const numbers = config.inverse ? values : values.map((value) => (value === 0 ? 0 : 1 / value));
    const factor = graph.constant(numbers, shape, `${name}/factor`);
    if (config.inverse) return graph.add('Add', [graph.add('Mul', [inputOf(call), factor]), mean], {}, name);
    return graph.add('Mul', [graph.add('Sub', [inputOf(call), mean]), factor], {}, name);
  },
  GaussianPosterior(call) {
    const half = columns(call.graph, inputOf(call), 0, call.inputShapes[0]![0]! / 2);
    return linear(call, half, weightConstant(call, 'mean_kernel'), weightConstant(call, 'mean_bias'), 1);
  },
  AutoregressiveFlow(call) {
    const { graph, weights, inputs, outputShape, config, name } = call;
    const [h, z] = inputs as [string, string];
    const dimensions = outputShape[0]!;
    const masks = masksOf(dimensions, config.hiddenUnits as number);
    const masked = (weight: string, mask: Float32Array) => {
      const { values, shape } = weights[weight]!;
      return graph.constant(
        values.map((value, k) => value * mask[k]!),
        shape,
        `${name}/${weight}`,
      );
    };
    const context = weightConstant(call, 'context_kernel');
    const ofContext = linear(call, h, context, weightConstant(call, 'hidden_bias'), 1);
    const ofPoint = linear(call, z, masked('hidden_kernel', masks.hidden), undefined, 1);
    const units = graph.add('Relu', [graph.add('Add', [ofContext, ofPoint])]);
    const kernel = masked('output_kernel', masks.output);
    const both = linear(call, units, kernel, weightConstant(call, 'output_bias'), 1);
    const shift = columns(graph, both, 0, dimensions);
    const argument = graph.add('Add', [
      columns(graph, both, dimensions, 2 * dimensions),
      graph.scalar(OFFSET),
    ]);
    // m + sigmoid(t + offset) (z - m), in reversed order.
    const step = graph.add('Mul', [graph.add('Sigmoid', [argument]), graph.add('Sub', [z, shift])]);
    const reversed = graph.integers(Array.from({ length: dimensions }, (_, i) => dimensions - 1 - i));
    return graph.add('Gather', [graph.add('Add', [shift, step]), reversed], { axis: 1 }, name);
  },
};

/** All layers that can be written. */
export const layerWriters: Readonly<Record<string, LayerWriter>> = {
  ...activationLayers,
  ...spatialLayers,
  ...variationalLayers,
  InputLayer: same,
  Dense: dense,
  Activation: (call) => activated(call, inputOf(call)),
  Flatten: flatten,
  Reshape: (call) => call.graph.reshaped(inputOf(call), [-1, ...call.outputShape]),
  Permute: (call) => call.graph.transposed(inputOf(call), [0, ...(call.config.dims as number[])]),
  RepeatVector(call) {
    const { graph, inputShapes, outputShape } = call;
    const single = graph.reshaped(inputOf(call), [-1, 1, ...inputShapes[0]!]);
    return graph.add('Tile', [single, graph.integers([1, outputShape[0]!, 1])]);
  },
  Embedding(call) {
    const { graph, name } = call;
    const numbers = graph.add('Cast', [inputOf(call)], { to: 7 });
    return graph.add('Gather', [weightConstant(call, 'embeddings'), numbers], { axis: 0 }, name);
  },
  Rescaling(call) {
    const { graph, config, name } = call;
    const scaled = graph.add('Mul', [inputOf(call), graph.scalar(config.scale as number)]);
    return graph.add('Add', [scaled, graph.scalar(config.offset as number)], {}, name);
  },
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  Add: merging((graph, values) => graph.add('Sum', values)),
  Average: merging((graph, values) => graph.add('Mean', values)),
  Maximum: merging((graph, values) => graph.add('Max', values)),
  Minimum: merging((graph, values) => graph.add('Min', values)),
  Multiply: merging((graph, values) => values.reduce((product, value) => graph.add('Mul', [product, value]))),
  Concatenate: ({ graph, inputs, config, name }) =>
    graph.add('Concat', inputs, { axis: config.axis as number }, name),
  // They act in training alone.
  Dropout: same,
  SpatialDropout1D: same,
  AlphaDropout: same,
  GaussianDropout: same,
  GaussianNoise: same,
};
