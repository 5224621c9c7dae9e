/** Rows by index, sums by index, repetition: GatherV2 and its gradient UnsortedSegmentSum, Tile. */
import type { KernelFunc, TensorInfo } from '../../core/tf.js';
import * as tf from '../../core/tf.js';
import type { Call } from './module.js';
import { free, pointer, stock, zeros } from './module.js';

/** Kernel GatherV2 along the first dimension of a float or integer tensor; other cases go to `original`. */
export function gatherV2(original: KernelFunc): (call: Call) => TensorInfo {
  return ({ inputs, attrs, shop }) => {
    const x = inputs.x!;
    const indices = inputs.indices!;
    const other = () => original({ inputs, attrs, backend: shop.backend }) as TensorInfo;
    const axis = tf.util.parseAxisParam(attrs.axis as number, x.shape)[0];
    const batchDims = (attrs.batchDims as number | undefined) ?? 0;
    if (axis !== 0 || batchDims !== 0 || !isNumeric(x) || indices.dtype !== 'int32') return other();
    const [rows, ...rest] = x.shape as [number, ...number[]];
    const out = shop.backend.makeOutput([...indices.shape, ...rest], x.dtype);
    const wrong = shop.run.gatherRows(
      ...[pointer(shop, x), rows, tf.util.sizeFromShape(rest) * 4],
      ...[pointer(shop, indices), tf.util.sizeFromShape(indices.shape), pointer(shop, out)],
    );
    if (wrong === -1) return out;
    // An index out of range: the original says so in its own words.
    free(shop, out);
    return other();
  };
}

/**
 * Kernel UnsortedSegmentSum: rows of `x` added up by `segmentIds`, one id a row. Ids out of range are
 * dropped.
 */
export function unsortedSegmentSum({ inputs, attrs, shop }: Call): TensorInfo {
  const x = inputs.x!;
  const ids = inputs.segmentIds!;
  const [rows, ...rest] = x.shape as [number, ...number[]];
  if (ids.shape.length !== 1 || ids.shape[0] !== rows) {
    throw new Error(`UnsortedSegmentSum: one segment id a row (rows=${rows}, ids=[${ids.shape}])`);
  }
  if (!isNumeric(x)) throw new Error(`UnsortedSegmentSum: x must be float32 or int32, not ${x.dtype}`);
  const segments = attrs.numSegments as number;
  const out = zeros(shop, [segments, ...rest], x.dtype);
  const sum = x.dtype === 'float32' ? shop.run.segmentSumFloat : shop.run.segmentSumInt;
  sum(
    ...[pointer(shop, x), rows, tf.util.sizeFromShape(rest)],
    ...[pointer(shop, ids), pointer(shop, out), segments],
  );
  return out;
}

/**
 * Kernel Tile for floats and integers: one dimension after the other, the last first. The rest goes to
 * `original`.
 */
export function tile(original: KernelFunc): (call: Call) => TensorInfo {
  return ({ inputs, attrs, shop }) => {
    const x = inputs.x!;
    const reps = attrs.reps as number[];
    if (!isNumeric(x)) return original({ inputs, attrs, backend: shop.backend }) as TensorInfo;
    let out: TensorInfo = stock(shop, 'Identity', { x });
    for (let dimension = reps.length - 1; dimension >= 0; dimension--) {
      const times = reps[dimension]!;
      if (times === 1) continue;
      const shape = out.shape.slice();
      const count = tf.util.sizeFromShape(shape.slice(0, dimension));
      const size = tf.util.sizeFromShape(shape.slice(dimension)) * 4;
      shape[dimension]! *= times;
      const longer = shop.backend.makeOutput(shape, x.dtype);
      shop.run.repeatBlocks(pointer(shop, out), count, size, times, pointer(shop, longer));
      free(shop, out);
      out = longer;
    }
    return out;
  };
}

function isNumeric(tensor: TensorInfo): boolean {
  return tensor.dtype === 'float32' || tensor.dtype === 'int32';
}
