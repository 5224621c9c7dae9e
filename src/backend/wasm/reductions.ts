/** Kernels that share the data of their input, and reductions over rows: Identity, Cast, Sum, Mean. */
import type { KernelFunc, TensorInfo } from '../../core/tf.js';
import * as tf from '../../core/tf.js';
import type { BoundKernels, Call } from './module.js';
import { free, pointer, runKernel, zeros } from './module.js';

/** Kernel Identity: a second reference to the same data, as on other backends. (The original kernel copies it.) */
export function identity({ inputs, kernels }: Call): TensorInfo {
  return share(kernels, inputs.x!);
}

/**
 * Kernel Cast: shares the data if the type is the same; to bool it is `x !== 0` (the kernel of TensorFlow.js 4.22
 * truncates values to their last byte). Other cases go to `original`.
 */
export function cast(original: KernelFunc): (call: Call) => TensorInfo {
  return ({ inputs, attrs, kernels }) => {
    const x = inputs.x!;
    if (x.dtype === attrs.dtype) return share(kernels, x);
    if (attrs.dtype === 'bool') {
      const zero = zeros(kernels, [], x.dtype);
      const result = runKernel(kernels, 'NotEqual', { a: x, b: zero });
      free(kernels, zero);
      return result;
    }
    return forward(original, { inputs, attrs, kernels });
  };
}

function share(kernels: BoundKernels, { dataId, shape, dtype }: TensorInfo): TensorInfo {
  kernels.backend.incRef(dataId);
  return { dataId, shape, dtype };
}

/** Kernel Sum over the leading dimensions of floats, as in the gradient of a bias; other cases go to `original`. */
export function sum(original: KernelFunc): (call: Call) => TensorInfo {
  return (call) => overRows(call, () => 1) ?? forward(original, call);
}

/** Kernel Mean, likewise, as for the mean of a batch. */
export function mean(original: KernelFunc): (call: Call) => TensorInfo {
  return (call) => overRows(call, (rows) => 1 / rows) ?? forward(original, call);
}

function forward(original: KernelFunc, { inputs, attrs, kernels }: Call): TensorInfo {
  return original({ inputs, attrs, backend: kernels.backend }) as TensorInfo;
}

function overRows({ inputs, attrs, kernels }: Call, scale: (rows: number) => number): TensorInfo | undefined {
  const x = inputs.x!;
  const axes = tf.util.parseAxisParam(attrs.axis as number | number[], x.shape).sort((a, b) => a - b);
  const leading = axes.length < x.shape.length && axes.every((axis, i) => axis === i);
  const rows = tf.util.sizeFromShape(x.shape.slice(0, axes.length));
  if (!leading || axes.length === 0 || rows === 0 || x.dtype !== 'float32') return undefined;
  const rest = x.shape.slice(axes.length);
  const out = kernels.backend.makeOutput(attrs.keepDims ? [...axes.map(() => 1), ...rest] : rest, 'float32');
  const columns = tf.util.sizeFromShape(rest);
  kernels.run.columnSums(pointer(kernels, x), rows, columns, pointer(kernels, out), scale(rows));
  return out;
}
