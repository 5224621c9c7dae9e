/** Activation functions as ONNX operations. */

import type { OnnxGraph } from './graph.js';
import { inputOf, type LayerCall, type LayerWriter, unwritable, weightConstant } from './layer.js';

type Activate = (graph: OnnxGraph, x: string, axis: number) => string;

/** An operation of ONNX that computes the same. */
function plain(op: string, attributes: Readonly<Record<string, { readonly float: number }>> = {}): Activate {
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
  relu6: composed((graph, x) => graph.add('Clip', [x, graph.scalar(0), graph.scalar(6)])),
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

const number = (value: unknown, otherwise: number) => (typeof value === 'number' ? value : otherwise);

/** Layers that are activation functions. */
export const activationLayers: Readonly<Record<string, LayerWriter>> = {
  ReLU(call) {
    const { graph, config } = call;
    const most = config.maxValue;
    if (typeof most !== 'number') return activations.relu!(graph, inputOf(call), -1);
    return composed((_, x) => graph.add('Clip', [x, graph.scalar(0), graph.scalar(most)]))(
      graph,
      inputOf(call),
      -1,
    );
  },
  LeakyReLU: (call) =>
    plain('LeakyRelu', { alpha: { float: number(call.config.alpha, 0.3) } })(call.graph, inputOf(call), -1),
  ELU: (call) => activations.elu!(call.graph, inputOf(call), -1),
  PReLU: (call) => call.graph.add('PRelu', [inputOf(call), weightConstant(call, 'alpha')]),
  ThresholdedReLU: (call) =>
    plain('ThresholdedRelu', { alpha: { float: number(call.config.theta, 1) } })(
      call.graph,
      inputOf(call),
      -1,
    ),
  Softmax(call) {
    const { graph, config } = call;
    const axes = [config.axis ?? 1].flat() as number[];
    if (axes.length === 1) return graph.add('Softmax', [inputOf(call)], { axis: axes[0]! });
    const sum = graph.add('ReduceLogSumExp', [inputOf(call)], { axes, keepdims: 1 });
    return graph.add('Exp', [graph.add('Sub', [inputOf(call), sum])]);
  },
};
