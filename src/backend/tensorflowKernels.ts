/**
 * Faster kernels for native TensorFlow, from operations that TensorFlow.js does not use: the gradient of ReLU
 * (otherwise eight operations), products of two matrices, and sums over rows. Scalars, as in weighted sums of losses,
 * are computed in JavaScript, since a call of TensorFlow takes a hundred times as long. And `tf.image.transform`, which tfjs-node
 * lacks, by its kernel in JavaScript.
 */
import type { DataId, DataType, NamedAttrMap, Tensor, TensorInfo } from '../core/tf.js';
import * as tf from '../core/tf.js';
import { correctCpu } from './corrections.js';

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

/** Returns undefined to fall back to the kernel of tfjs-node. */
type Kernel = (call: Call) => TensorInfo | undefined;

const kernels: Readonly<Record<string, Kernel>> = {
  BatchMatMul: matMul,
  Sum: columnSums,
  Add: ofScalars((a, b) => a + b),
  Multiply: ofScalars((a, b) => a * b),
};

/** Kernels that tfjs-node lacks and plain JavaScript has. */
const borrowed = ['Transform'];

/** The parts of the backend in plain JavaScript that its kernels use. */
interface CpuBackend extends tf.KernelBackend {
  makeTensorInfo(shape: number[], dtype: DataType, values: Float32Array): TensorInfo;
  readSync(dataId: DataId): Float32Array;
  disposeIntermediateTensorInfo(info: TensorInfo): void;
}

let registered = false;

/** Registers the kernels, and a gradient of ReLU that uses one of them where it exists. */
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
  correctCpu();
  for (const kernelName of borrowed) {
    if (tf.getKernel(kernelName, 'tensorflow')) continue;
    const kernelFunc = (call: unknown) => inJavaScript(kernelName, call as Call);
    tf.registerKernel({ kernelName, backendName: 'tensorflow', kernelFunc });
  }
  tf.registerKernel({
    kernelName: 'ReluGrad',
    backendName: 'tensorflow',
    kernelFunc: (call) => reluGradient(call as unknown as Call),
  });
  tf.registerGradient({
    kernelName: 'ReluGrad',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ dy: () => reluGradientOf(dy as Tensor, x!), x: () => tf.zerosLike(x!) }),
  });
  tf.unregisterGradient('Relu');
  tf.registerGradient({
    kernelName: 'Relu',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => reluGradientOf(dy as Tensor, x!) }),
  });
}

/** Runs the kernel in plain JavaScript on copies of float inputs. */
function inJavaScript(kernelName: string, { inputs, attrs, backend }: Call): TensorInfo {
  const cpu = tf.findBackend('cpu') as CpuBackend;
  const copies = Object.fromEntries(
    Object.entries(inputs).map(([name, { dataId, shape, dtype }]) => {
      const values = tf.engine().readSync(dataId) as Float32Array;
      return [name, cpu.makeTensorInfo(shape, dtype, values)];
    }),
  );
  const { kernelFunc } = tf.getKernel(kernelName, 'cpu')!;
  const result = kernelFunc({ inputs: copies, attrs, backend: cpu }) as TensorInfo;
  const { shape, dtype } = result;
  const dataId = backend.write(cpu.readSync(result.dataId), shape, dtype);
  for (const info of [...Object.values(copies), result]) cpu.disposeIntermediateTensorInfo(info);
  return { dataId, shape, dtype };
}

/** The gradient of ReLU, on any backend. */
function reluGradientOf(dy: Tensor, x: Tensor): Tensor {
  if (tf.getBackend() !== 'tensorflow' || x.dtype !== 'float32') return tf.mul(dy, tf.step(x));
  return tf.engine().runKernel('ReluGrad', { dy, x }) as Tensor;
}

/** dy where x > 0, else 0. */
function reluGradient({ inputs: { dy, x }, backend }: Call): TensorInfo {
  return backend.executeSingleOutput('ReluGrad', [floats(backend)], [dy!, x!]);
}

/** The product of two matrices. */
function matMul({ inputs: { a, b }, attrs, backend }: Call): TensorInfo | undefined {
  if (![a!, b!].every(isMatrix)) return undefined;
  const flag = (name: string, value: unknown) => ({
    name,
    type: backend.binding.TF_ATTR_BOOL,
    value: value === true,
  });
  const attributes = [flag('transpose_a', attrs.transposeA), flag('transpose_b', attrs.transposeB)];
  return backend.executeSingleOutput('MatMul', [...attributes, floats(backend)], [a!, b!]);
}

/** Sums over the rows of a matrix, as in the gradient of a bias. Not on a GPU, where the order of summation varies. */
function columnSums({ inputs: { x }, attrs, backend }: Call): TensorInfo | undefined {
  if (backend.isUsingGpuDevice) return undefined;
  const [axis, ...more] = tf.util.parseAxisParam(attrs.axis as number | number[], x!.shape);
  if (!isMatrix(x!) || axis !== 0 || more.length > 0 || attrs.keepDims) return undefined;
  return backend.executeSingleOutput('BiasAddGrad', [floats(backend)], [x!]);
}

/** An operation on two scalars, rounded as in TensorFlow. Not on a GPU, from which they would have to be copied. */
function ofScalars(f: (a: number, b: number) => number): Kernel {
  // Through the engine, because a scalar may still be on the backend on which it was created.
  const scalarOf = ({ dataId }: TensorInfo) => tf.engine().readSync(dataId)[0] as number;
  return ({ inputs: { a, b }, backend }) => {
    if (backend.isUsingGpuDevice || ![a!, b!].every(isScalar)) return undefined;
    const result = Float32Array.of(f(scalarOf(a!), scalarOf(b!)));
    return { dataId: backend.write(result, [], 'float32'), shape: [], dtype: 'float32' };
  };
}

function isScalar({ shape, dtype }: TensorInfo): boolean {
  return dtype === 'float32' && shape.length === 0;
}

/** A matrix of floats with at least one row and one column. */
function isMatrix({ shape, dtype }: TensorInfo): boolean {
  return dtype === 'float32' && shape.length === 2 && shape[0]! > 0 && shape[1]! > 0;
}

function floats({ binding }: NodeBackend): Attribute {
  return { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
}
