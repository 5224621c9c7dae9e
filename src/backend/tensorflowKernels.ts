/**
 * What native TensorFlow has in one operation, or a quicker one, and TensorFlow.js does in another way there: the
 * gradient of ReLU (eight operations), products of two matrices, and sums over the rows of a table. Losses are added and
 * weighted in JavaScript: to call TensorFlow for two numbers takes a hundred times as long.
 */
import type { DataId, DataType, NamedAttrMap, Tensor, TensorInfo } from '../core/tf.js';
import * as tf from '../core/tf.js';

interface Call {
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  readonly attrs: NamedAttrMap;
  readonly backend: NodeBackend;
}

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean;
}

/** The parts of tfjs-node's backend that its own kernels use. */
interface NodeBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: {
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_BOOL: number;
    readonly TF_FLOAT: number;
  };
  write(values: Float32Array, shape: number[], dtype: DataType): DataId;
  executeSingleOutput(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly TensorInfo[],
  ): TensorInfo;
}

/** Undefined for a call that stays with the kernel of tfjs-node. */
type Kernel = (call: Call) => TensorInfo | undefined;

const kernels: Readonly<Record<string, Kernel>> = {
  BatchMatMul: matMul,
  Sum: columnSums,
  Add: ofNumbers((a, b) => a + b),
  Multiply: ofNumbers((a, b) => a * b),
};

let registered = false;

/** Registers the operations, and a gradient of ReLU that uses its own where that is. */
export function useShorterOperations(): void {
  if (registered) return;
  registered = true;
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    const stock = tf.getKernel(kernelName, 'tensorflow');
    if (!stock) continue;
    tf.unregisterKernel(kernelName, 'tensorflow');
    tf.registerKernel({
      ...stock,
      kernelFunc: (call) => kernel(call as unknown as Call) ?? stock.kernelFunc(call),
    });
  }
  tf.registerKernel({
    kernelName: 'ReluGrad',
    backendName: 'tensorflow',
    kernelFunc: (call) => reluGradient(call as unknown as Call),
  });
  tf.registerGradient({
    kernelName: 'ReluGrad',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ dy: () => slope(dy as Tensor, x!), x: () => tf.zerosLike(x!) }),
  });
  tf.unregisterGradient('Relu');
  tf.registerGradient({
    kernelName: 'Relu',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => slope(dy as Tensor, x!) }),
  });
}

function slope(dy: Tensor, x: Tensor): Tensor {
  if (tf.getBackend() !== 'tensorflow' || x.dtype !== 'float32') return tf.mul(dy, tf.step(x));
  return tf.engine().runKernel('ReluGrad', { dy, x }) as Tensor;
}

/** dy where x > 0, else 0. */
function reluGradient({ inputs: { dy, x }, backend }: Call): TensorInfo {
  return backend.executeSingleOutput('ReluGrad', [floats(backend)], [dy!, x!]);
}

/** The product of two tables. */
function matMul({ inputs: { a, b }, attrs, backend }: Call): TensorInfo | undefined {
  if (![a!, b!].every(isTable)) return undefined;
  const turned = (name: string, value: unknown) => ({
    name,
    type: backend.binding.TF_ATTR_BOOL,
    value: value === true,
  });
  const attributes = [turned('transpose_a', attrs.transposeA), turned('transpose_b', attrs.transposeB)];
  return backend.executeSingleOutput('MatMul', [...attributes, floats(backend)], [a!, b!]);
}

/** The sum over the rows of a table, as the gradient of a bias has it. On a GPU its order is not always the same. */
function columnSums({ inputs: { x }, attrs, backend }: Call): TensorInfo | undefined {
  if (backend.isUsingGpuDevice) return undefined;
  const [axis, ...more] = tf.util.parseAxisParam(attrs.axis as number | number[], x!.shape);
  if (!isTable(x!) || axis !== 0 || more.length > 0 || attrs.keepDims) return undefined;
  return backend.executeSingleOutput('BiasAddGrad', [floats(backend)], [x!]);
}

/** An operation on two floats, rounded as TensorFlow does. On a GPU they would have to be fetched. */
function ofNumbers(f: (a: number, b: number) => number): Kernel {
  // Through the engine: a number may still lie in another backend, where it was made.
  const numberIn = ({ dataId }: TensorInfo) => tf.engine().readSync(dataId)[0] as number;
  return ({ inputs: { a, b }, backend }) => {
    if (backend.isUsingGpuDevice || ![a!, b!].every(isNumber)) return undefined;
    const result = Float32Array.of(f(numberIn(a!), numberIn(b!)));
    return { dataId: backend.write(result, [], 'float32'), shape: [], dtype: 'float32' };
  };
}

function isNumber({ shape, dtype }: TensorInfo): boolean {
  return dtype === 'float32' && shape.length === 0;
}

/** A table of floats with at least one row and column. */
function isTable({ shape, dtype }: TensorInfo): boolean {
  return dtype === 'float32' && shape.length === 2 && shape[0]! > 0 && shape[1]! > 0;
}

function floats({ binding }: NodeBackend): Attribute {
  return { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
}
