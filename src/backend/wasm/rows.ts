/** Rows by index, sums by index, and repetition: GatherV2, its gradient UnsortedSegmentSum, and Tile. */
import type { KernelFunc, TensorInfo } from '../../core/tf.js';
import * as tf from '../../core/tf.js';
import type { Call } from './module.js';
import { free, pointer, runKernel, zeros } from './module.js';

/** Kernel GatherV2 along the first dimension of a float or integer tensor; other cases go to `original`. */
export function gatherV2(original: KernelFunc): (call: Call) => TensorInfo {
  return ({ inputs, attrs, kernels }) => {
    const x = inputs.x!;
    const indices = inputs.indices!;
    const other = () => original({ inputs, attrs, backend: kernels.backend }) as TensorInfo;
    const axis = tf.util.parseAxisParam(attrs.axis as number, x.shape)[0];
    const batchDims = (attrs.batchDims as number | undefined) ?? 0;
    if (axis !== 0 || batchDims !== 0 || !isNumeric(x) || indices.dtype !== 'int32') return other();
    const [rows, ...rest] = x.shape as [number, ...number[]];
    const out = kernels.backend.makeOutput([...indices.shape, ...rest], x.dtype);
    const wrong = kernels.run.gatherRows(
      ...[pointer(kernels, x), rows, tf.util.sizeFromShape(rest) * 4],
      ...[pointer(kernels, indices), tf.util.sizeFromShape(indices.shape), pointer(kernels, out)],
    );
    if (wrong === -1) return out;
    // An index is out of range: the original kernel throws the usual error.
    free(kernels, out);
    return other();
  };
}

/** Kernel UnsortedSegmentSum: sums the rows of `x` by `segmentIds`, one id per row. Ids out of range are dropped. */
export function unsortedSegmentSum({ inputs, attrs, kernels }: Call): TensorInfo {
  const x = inputs.x!;
  const ids = inputs.segmentIds!;
  const [rows, ...rest] = x.shape as [number, ...number[]];
  if (ids.shape.length !== 1 || ids.shape[0] !== rows) {
    throw new Error(
      `UnsortedSegmentSum: expected one segment id per row (${rows}), got shape [${ids.shape}]; pass a 1D tensor of ids`,
    );
  }
  if (!isNumeric(x)) {
    throw new Error(`UnsortedSegmentSum: expected float32 or int32, got ${x.dtype}; cast x first`);
  }
  const segments = attrs.numSegments as number;
  const out = zeros(kernels, [segments, ...rest], x.dtype);
  const sum = x.dtype === 'float32' ? kernels.run.segmentSumFloat : kernels.run.segmentSumInt;
  sum(
    ...[pointer(kernels, x), rows, tf.util.sizeFromShape(rest)],
    ...[pointer(kernels, ids), pointer(kernels, out), segments],
  );
  return out;
}

/** Kernel Tile for floats and integers: one dimension after another, the last one first. Other cases go to `original`. */
export function tile(original: KernelFunc): (call: Call) => TensorInfo {
  return ({ inputs, attrs, kernels }) => {
    const x = inputs.x!;
    const reps = attrs.reps as number[];
    if (!isNumeric(x)) return original({ inputs, attrs, backend: kernels.backend }) as TensorInfo;
    let out: TensorInfo = runKernel(kernels, 'Identity', { x });
    for (let dimension = reps.length - 1; dimension >= 0; dimension--) {
      const times = reps[dimension]!;
      if (times === 1) continue;
      const shape = out.shape.slice();
      const count = tf.util.sizeFromShape(shape.slice(0, dimension));
      const size = tf.util.sizeFromShape(shape.slice(dimension)) * 4;
      shape[dimension]! *= times;
      const longer = kernels.backend.makeOutput(shape, x.dtype);
      kernels.run.repeatBlocks(pointer(kernels, out), count, size, times, pointer(kernels, longer));
      free(kernels, out);
      out = longer;
    }
    return out;
  };
}

function isNumeric(tensor: TensorInfo): boolean {
  return tensor.dtype === 'float32' || tensor.dtype === 'int32';
}
