/** Kernels that share their input's numbers, and those that reduce over rows: Identity, Cast, Sum, Mean. */
import type { KernelFunc, TensorInfo } from '../../core/tf.js';
import * as tf from '../../core/tf.js';
import type { Call, Workshop } from './module.js';
import { free, pointer, stock, zeros } from './module.js';

/** Kernel Identity: a second handle on the same numbers, as on the other backends. (The original copies.) */
export function identity({ inputs, shop }: Call): TensorInfo {
  return share(shop, inputs.x!);
}

/**
 * Kernel Cast: nothing to do for a tensor that has the type already. To bool, it is `x !== 0` (the original,
 * as of TensorFlow.js 4.22, cuts numbers to their last byte). The rest goes to `original`.
 */
export function cast(original: KernelFunc): (call: Call) => TensorInfo {
  return ({ inputs, attrs, shop }) => {
    const x = inputs.x!;
    if (x.dtype === attrs.dtype) return share(shop, x);
    if (attrs.dtype === 'bool') {
      const zero = zeros(shop, [], x.dtype);
      const result = stock(shop, 'NotEqual', { a: x, b: zero });
      free(shop, zero);
      return result;
    }
    return forward(original, { inputs, attrs, shop });
  };
}

function share(shop: Workshop, { dataId, shape, dtype }: TensorInfo): TensorInfo {
  shop.backend.incRef(dataId);
  return { dataId, shape, dtype };
}

/**
 * Kernel Sum over the leading dimensions of floats, as in the gradient of a bias; the rest goes to
 * `original`.
 */
export function sum(original: KernelFunc): (call: Call) => TensorInfo {
  return (call) => overRows(call, () => 1) ?? forward(original, call);
}

/** Kernel Mean, likewise: the mean of a batch. */
export function mean(original: KernelFunc): (call: Call) => TensorInfo {
  return (call) => overRows(call, (rows) => 1 / rows) ?? forward(original, call);
}

function forward(original: KernelFunc, { inputs, attrs, shop }: Call): TensorInfo {
  return original({ inputs, attrs, backend: shop.backend }) as TensorInfo;
}

function overRows({ inputs, attrs, shop }: Call, scale: (rows: number) => number): TensorInfo | undefined {
  const x = inputs.x!;
  const axes = tf.util.parseAxisParam(attrs.axis as number | number[], x.shape).sort((a, b) => a - b);
  const leading = axes.length < x.shape.length && axes.every((axis, i) => axis === i);
  const rows = tf.util.sizeFromShape(x.shape.slice(0, axes.length));
  if (!leading || axes.length === 0 || rows === 0 || x.dtype !== 'float32') return undefined;
  const rest = x.shape.slice(axes.length);
  const out = shop.backend.makeOutput(attrs.keepDims ? [...axes.map(() => 1), ...rest] : rest, 'float32');
  const columns = tf.util.sizeFromShape(rest);
  shop.run.columnSums(pointer(shop, x), rows, columns, pointer(shop, out), scale(rows));
  return out;
}
