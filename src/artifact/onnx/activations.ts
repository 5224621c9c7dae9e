/** Activation functions as ONNX operations. */

import type { OnnxGraph } from './graph.js';
import { inputOf, type LayerCall, type LayerWriter, unwritable, weightConstant } from './layer.js';

type Attributes = Readonly<Record<string, { readonly float: number }>>;
type Activate = (graph: OnnxGraph, x: string, axis: number) => string;

/** An operation of ONNX that computes the same. */
function plain(op: string, attributes: Attributes = {}): Activate {
  return (graph, x) => graph.eachNumber(x, (each) => graph.add(op, [each], attributes));
}

/** A composition of operations on single numbers. */
function composed(compose: (graph: OnnxGraph, x: string) => string): Activate {
  return (graph, x) => graph.eachNumber(x, (each) => compose(graph, each));
}

const SELU = { alpha: { float: 1.6732632423543772 }, gamma: { float: 1.0507009873554805 } } as const;

/** By TensorFlow.js' names. */
const activations: Readonly<Record<string, Activate>> = {
  linear: (_, x) => x,
  elu: plain('Elu', { alpha: { float: 1 } }),
  selu: plain('Selu', SELU),
  relu: plain('Relu'),
  relu6: (graph, x) => clipped(graph, x, 6),
  sigmoid: plain('Sigmoid'),
  hardSigmoid: plain('HardSigmoid', { alpha: { float: 0.2 }, beta: { float: 0.5 } }),
  softplus: plain('Softplus'),
  softsign: plain('Softsign'),
  tanh: plain('Tanh'),
  softmax: (graph, x, axis) => graph.add('Softmax', [x], { axis }),
  logSoftmax: (graph, x, axis) => graph.add('LogSoftmax', [x], { axis }),
  // x (1 + erf(x / sqrt 2)) / 2
  gelu: composed((graph, x) => {
    const erf = graph.add('Erf', [graph.add('Mul', [x, graph.scalar(Math.SQRT1_2)])]);
    return halved(graph, x, graph.add('Add', [erf, graph.scalar(1)]));
  }),
  // x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
  gelu_new: composed((graph, x) => {
    const cube = graph.add('Mul', [graph.add('Mul', [x, x]), x]);
    const sum = graph.add('Add', [x, graph.add('Mul', [cube, graph.scalar(0.044715)])]);
    const tanh = graph.add('Tanh', [graph.add('Mul', [sum, graph.scalar(Math.sqrt(2 / Math.PI))])]);
    return halved(graph, x, graph.add('Add', [tanh, graph.scalar(1)]));
  }),
  mish: composed((graph, x) => graph.add('Mul', [x, graph.add('Tanh', [graph.add('Softplus', [x])])])),
  swish: composed((graph, x) => graph.add('Mul', [x, graph.add('Sigmoid', [x])])),
};

/** Numbers below 0 become 0, and those above `most` become that. */
function clipped(graph: OnnxGraph, x: string, most: number): string {
  return graph.eachNumber(x, (each) => graph.add('Clip', [each, graph.scalar(0), graph.scalar(most)]));
}

function halved(graph: OnnxGraph, x: string, factor: string): string {
  return graph.add('Mul', [graph.add('Mul', [x, factor]), graph.scalar(0.5)]);
}

/** Adds the activation function of a layer. `softmax` runs along `axis`. Throws `OptionError` for a function without a form in ONNX. */
export function activated(call: LayerCall, x: string, axis = -1): string {
  const { activation } = call.config;
  if (activation === undefined || activation === null) return x;
  const name = String(activation);
  if (!Object.hasOwn(activations, name)) throw unwritable(`the activation ${name}`, call);
  return activations[name]!(call.graph, x, axis);
}

/** A layer that is an operation of ONNX on each number. */
function eachNumber(call: LayerCall, op: string, attributes: Attributes = {}): string {
  return plain(op, attributes)(call.graph, inputOf(call), -1);
}

/** Layers that are activation functions. */
export const activationLayers: Readonly<Record<string, LayerWriter>> = {
  ReLU(call) {
    const { graph, config } = call;
    return typeof config.maxValue === 'number'
      ? clipped(graph, inputOf(call), config.maxValue)
      : eachNumber(call, 'Relu');
  },
  LeakyReLU: (call) => eachNumber(call, 'LeakyRelu', { alpha: { float: call.config.alpha as number } }),
  ELU: (call) => eachNumber(call, 'Elu', { alpha: { float: 1 } }),
  PReLU: (call) => call.graph.add('PRelu', [inputOf(call), weightConstant(call, 'alpha')]),
  ThresholdedReLU: (call) =>
    eachNumber(call, 'ThresholdedRelu', { alpha: { float: call.config.theta as number } }),
  Softmax(call) {
    const { graph, config } = call;
    const axes = [config.axis ?? 1].flat() as number[];
    if (axes.length === 1) return graph.add('Softmax', [inputOf(call)], { axis: axes[0]! });
    const sum = graph.add('ReduceLogSumExp', [inputOf(call)], { axes, keepdims: 1 });
    return graph.add('Exp', [graph.add('Sub', [inputOf(call), sum])]);
  },
};
