/**
 * Gradients of pooling and nearest-neighbor resizing. The WebAssembly kernels of TensorFlow.js 4.22 are wrong, as finite
 * differences show: MaxPoolGrad with several channels, AvgPoolGrad with windows that padding clips,
 * ResizeNearestNeighborGrad with half-pixel centers.
 */
import type { NamedAttrMap, TensorInfo } from '../../core/tf.js';
import * as tf from '../../core/tf.js';
import { nearestSources } from '../corrections.js';
import type { Call } from './module.js';
import { allocate, pointer, zeros } from './module.js';

type Shape4D = [number, number, number, number];

/** Kernel MaxPoolGrad. */
export function maxPoolGrad({ inputs, attrs, kernels }: Call): TensorInfo {
  const x = inputs.input!;
  const out = zeros(kernels, x.shape, 'float32');
  const pointers = [out, inputs.dy!, x].map((tensor) => pointer(kernels, tensor));
  kernels.run.maxPoolGradient(...pointers, ...geometry(x, attrs));
  return out;
}

/** Kernel AvgPoolGrad. */
export function averagePoolGrad({ inputs, attrs, kernels }: Call): TensorInfo {
  const x = inputs.input!;
  const out = zeros(kernels, x.shape, 'float32');
  kernels.run.averagePoolGradient(pointer(kernels, out), pointer(kernels, inputs.dy!), ...geometry(x, attrs));
  return out;
}

function geometry(x: TensorInfo, attrs: NamedAttrMap): number[] {
  const info = tf.backend_util.computePool2DInfo(
    x.shape as Shape4D,
    attrs.filterSize as number | [number, number],
    attrs.strides as number | [number, number],
    1,
    attrs.pad as 'valid' | 'same' | number,
    attrs.dimRoundingMode as 'floor' | 'round' | 'ceil' | undefined,
  );
  return [
    ...[info.batchSize, info.inHeight, info.inWidth, info.inChannels, info.outHeight, info.outWidth],
    ...[info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth],
    ...[info.padInfo.top, info.padInfo.left],
  ];
}

/** Kernel ResizeNearestNeighborGrad. */
export function resizeNearestGrad({ inputs, attrs, kernels }: Call): TensorInfo {
  const dy = inputs.dy!;
  const shape = inputs.images!.shape as Shape4D;
  const [, outHeight, outWidth] = dy.shape as Shape4D;
  const out = zeros(kernels, shape, 'float32');
  const { backend } = kernels;
  const table = allocate(backend, (outHeight + outWidth) * 4);
  try {
    const sources = new Int32Array(backend.wasm.HEAPU8.buffer, table, outHeight + outWidth);
    sources.set(nearestSources(shape[1], outHeight, attrs));
    sources.set(nearestSources(shape[2], outWidth, attrs), outHeight);
    kernels.run.nearestGradient(
      ...[pointer(kernels, out), pointer(kernels, dy), ...shape],
      ...[outHeight, outWidth, table, table + outHeight * 4],
    );
  } finally {
    backend.wasm._free(table);
  }
  return out;
}
