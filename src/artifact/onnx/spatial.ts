/**
 * Convolutions, pooling and the like in one to three dimensions. TensorFlow.js has the channels last, ONNX has them first, so the
 * axes change their order around these layers.
 */

import { activated } from './activations.js';
import { inputOf, type LayerCall, type LayerWriter, permuted, weightConstant } from './layer.js';

interface SpatialConfig {
  readonly kernelSize: readonly number[];
  readonly poolSize: readonly number[];
  readonly strides: readonly number[] | null;
  readonly dilationRate?: readonly number[] | number;
  readonly padding: string;
  readonly dataFormat?: string;
}

function configOf({ config }: LayerCall): SpatialConfig {
  return config as unknown as SpatialConfig;
}

/** Sizes of a row of the call's input along its spatial axes. */
function extent(call: LayerCall): readonly number[] {
  const [shape] = call.inputShapes;
  return configOf(call).dataFormat === 'channelsFirst' ? shape!.slice(1) : shape!.slice(0, -1);
}

function channels(call: LayerCall): number {
  const [shape] = call.inputShapes;
  return configOf(call).dataFormat === 'channelsFirst' ? shape![0]! : shape!.at(-1)!;
}

/** Runs operations on the input with its channels first. The layer's activation function follows them. */
function channelsFirst(call: LayerCall, run: (x: string) => string): string {
  const { graph } = call;
  const rank = extent(call).length;
  const inPlace = configOf(call).dataFormat === 'channelsFirst';
  const spatial = Array.from({ length: rank }, (_, i) => i + 1);
  const x = inPlace ? inputOf(call) : graph.transposed(inputOf(call), [0, rank + 1, ...spatial]);
  const value = run(x);
  // A softmax runs along the last axis of TensorFlow.js.
  const out = activated(call, value, inPlace ? rank + 1 : 1);
  return inPlace ? out : graph.transposed(out, [0, ...spatial.map((axis) => axis + 1), 1]);
}

/** One number for each spatial axis. */
function perAxis(value: readonly number[] | number | null | undefined, rank: number): readonly number[] {
  if (Array.isArray(value)) return value;
  return Array.from({ length: rank }, () => (value as number | null | undefined) ?? 1);
}

/** Zeros at the start and at the end of each axis, in ONNX' order; with `same`, one more at the end where they are odd. */
function padsOf(
  padding: string,
  sizes: readonly number[],
  window: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): number[] {
  const totals = sizes.map((size, i) => {
    if (padding !== 'same') return 0;
    const outputs = Math.ceil(size / strides[i]!);
    return Math.max(0, (outputs - 1) * strides[i]! + (window[i]! - 1) * dilations[i]! + 1 - size);
  });
  return [...totals.map((total) => Math.floor(total / 2)), ...totals.map((total) => Math.ceil(total / 2))];
}

/** Attributes that convolutions share. */
function windowOf(call: LayerCall, kernel: readonly number[]) {
  const { strides, dilationRate, padding } = configOf(call);
  const rank = kernel.length;
  const steps = perAxis(strides, rank);
  const dilations = perAxis(dilationRate, rank);
  const pads = padsOf(padding, extent(call), kernel, steps, dilations);
  return { kernel_shape: kernel, strides: steps, dilations, pads };
}

function biasOf(call: LayerCall): string[] {
  return call.weights.bias ? [weightConstant(call, 'bias')] : [];
}

const convolution: LayerWriter = (call) => {
  const { graph, name, weights } = call;
  const rank = configOf(call).kernelSize.length;
  // [spatial…, in, out] to [out, in, spatial…].
  const axes = [rank + 1, rank, ...Array.from({ length: rank }, (_, i) => i)];
  const { values, shape } = permuted(weights.kernel!, axes);
  const kernel = graph.constant(values, shape, `${name}/kernel`);
  const attributes = windowOf(call, configOf(call).kernelSize);
  return channelsFirst(call, (x) => graph.add('Conv', [x, kernel, ...biasOf(call)], attributes, name));
};

/** The kernel of a depthwise convolution, [height, width, in, multiples], as one group for each channel. */
function depthwise(call: LayerCall, x: string, bias: readonly string[]): string {
  const { graph, name, weights } = call;
  const [height, width] = weights.depthwise_kernel!.shape as [number, number, number, number];
  const { values, shape } = permuted(weights.depthwise_kernel!, [2, 3, 0, 1]);
  const kernel = graph.constant(values, [shape[0]! * shape[1]!, 1, height, width], `${name}/kernel`);
  const attributes = { ...windowOf(call, [height, width]), group: channels(call) };
  return graph.add('Conv', [x, kernel, ...bias], attributes, name);
}

const transposedConvolution: LayerWriter = (call) => {
  const { graph, name, weights, outputShape } = call;
  const { kernelSize, strides: given, padding, dataFormat } = configOf(call);
  const rank = kernelSize.length;
  const strides = perAxis(given, rank);
  // [spatial…, out, in] to [in, out, spatial…].
  const axes = [rank + 1, rank, ...Array.from({ length: rank }, (_, i) => i)];
  const { values, shape } = permuted(weights.kernel!, axes);
  const kernel = graph.constant(values, shape, `${name}/kernel`);
  const outputs = dataFormat === 'channelsFirst' ? outputShape.slice(1) : outputShape.slice(0, -1);
  // It is the gradient of a convolution from its outputs to its inputs, whose padding it takes off.
  const ones = perAxis(1, rank);
  const pads = padsOf(padding, outputs, kernelSize, strides, ones);
  const output_padding = extent(call).map((size, i) => {
    const whole = (size - 1) * strides[i]! + kernelSize[i]!;
    return outputs[i]! - whole + pads[i]! + pads[i + rank]!;
  });
  const attributes = { kernel_shape: kernelSize, strides, pads, output_padding };
  return channelsFirst(call, (x) =>
    graph.add('ConvTranspose', [x, kernel, ...biasOf(call)], attributes, name),
  );
};

function pooling(op: 'MaxPool' | 'AveragePool'): LayerWriter {
  return (call) => {
    const { poolSize } = configOf(call);
    const window = perAxis(poolSize, extent(call).length);
    const { dilations: _, ...attributes } = windowOf(call, window);
    return channelsFirst(call, (x) => call.graph.add(op, [x], attributes, call.name));
  };
}

function globalPooling(op: 'ReduceMean' | 'ReduceMax'): LayerWriter {
  return (call) => {
    const first = configOf(call).dataFormat === 'channelsFirst' ? 2 : 1;
    const axes = extent(call).map((_, i) => first + i);
    return call.graph.add(op, [inputOf(call)], { axes, keepdims: 0 }, call.name);
  };
}

/** Pairs of numbers at the start and at the end of height and width, for all axes of a batch. */
function aroundImage(call: LayerCall, [top, left]: [number, number], [bottom, right]: [number, number]) {
  return configOf(call).dataFormat === 'channelsFirst'
    ? { starts: [0, 0, top, left], ends: [0, 0, bottom, right] }
    : { starts: [0, top, left, 0], ends: [0, bottom, right, 0] };
}

type Margins = readonly [readonly [number, number], readonly [number, number]];

/** Layers whose rows have spatial axes. */
export const spatialLayers: Readonly<Record<string, LayerWriter>> = {
  Conv1D: convolution,
  Conv2D: convolution,
  Conv3D: convolution,
  Conv2DTranspose: transposedConvolution,
  Conv3DTranspose: transposedConvolution,
  DepthwiseConv2D: (call) => channelsFirst(call, (x) => depthwise(call, x, biasOf(call))),
  SeparableConv2D(call) {
    const { graph, name, weights } = call;
    const { values, shape } = permuted(weights.pointwise_kernel!, [3, 2, 0, 1]);
    const pointwise = graph.constant(values, shape, `${name}/pointwise`);
    return channelsFirst(call, (x) =>
      graph.add('Conv', [depthwise(call, x, []), pointwise, ...biasOf(call)], {}, name),
    );
  },
  MaxPooling1D: pooling('MaxPool'),
  MaxPooling2D: pooling('MaxPool'),
  MaxPooling3D: pooling('MaxPool'),
  AveragePooling1D: pooling('AveragePool'),
  AveragePooling2D: pooling('AveragePool'),
  AveragePooling3D: pooling('AveragePool'),
  GlobalAveragePooling1D: globalPooling('ReduceMean'),
  GlobalAveragePooling2D: globalPooling('ReduceMean'),
  GlobalMaxPooling1D: globalPooling('ReduceMax'),
  GlobalMaxPooling2D: globalPooling('ReduceMax'),
  UpSampling2D(call) {
    const { graph, config, name } = call;
    const scales = graph.constant(Float32Array.of(1, 1, ...(config.size as number[])), [4]);
    const mode = config.interpolation === 'bilinear' ? 'linear' : 'nearest';
    // `nearest_mode` does nothing for the linear one.
    const attributes = { mode, nearest_mode: 'floor', coordinate_transformation_mode: 'asymmetric' };
    return channelsFirst(call, (x) => graph.add('Resize', [x, '', scales], attributes, name));
  },
  ZeroPadding2D(call) {
    const [[top, bottom], [left, right]] = call.config.padding as Margins;
    const { starts, ends } = aroundImage(call, [top, left], [bottom, right]);
    return call.graph.add('Pad', [inputOf(call), call.graph.integers([...starts, ...ends])], {}, call.name);
  },
  Cropping2D(call) {
    const { graph, config, name } = call;
    const [[top, bottom], [left, right]] = config.cropping as Margins;
    const { starts, ends } = aroundImage(call, [top, left], [bottom, right]);
    const sizes = [0, ...call.inputShapes[0]!];
    const axes = [1, 2, 3];
    const lists = [
      axes.map((axis) => starts[axis]!),
      axes.map((axis) => sizes[axis]! - ends[axis]!),
      axes,
    ].map((list) => graph.integers(list));
    return graph.add('Slice', [inputOf(call), ...lists], {}, name);
  },
};
