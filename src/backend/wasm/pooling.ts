/**
 * Gradients of pooling and nearest resizing. TensorFlow.js 4.22 has kernels for them on WebAssembly, but
 * wrong ones: MaxPoolGrad with several channels, AvgPoolGrad where padding cuts a window short,
 * ResizeNearestNeighborGrad with half-pixel centres. (Found by finite differences.)
 */
import type { NamedAttrMap, TensorInfo } from '../../core/tf.js';
import * as tf from '../../core/tf.js';
import { nearestSources } from '../corrections.js';
import type { Call } from './module.js';
import { allocate, pointer, zeros } from './module.js';

type Shape4D = [number, number, number, number];

/** Kernel MaxPoolGrad. */
export function maxPoolGrad({ inputs, attrs, shop }: Call): TensorInfo {
  const x = inputs.input!;
  const out = zeros(shop, x.shape, 'float32');
  const pointers = [out, inputs.dy!, x].map((tensor) => pointer(shop, tensor));
  shop.run.maxPoolGradient(...pointers, ...geometry(x, attrs));
  return out;
}

/** Kernel AvgPoolGrad. */
export function averagePoolGrad({ inputs, attrs, shop }: Call): TensorInfo {
  const x = inputs.input!;
  const out = zeros(shop, x.shape, 'float32');
  shop.run.averagePoolGradient(pointer(shop, out), pointer(shop, inputs.dy!), ...geometry(x, attrs));
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
export function resizeNearestGrad({ inputs, attrs, shop }: Call): TensorInfo {
  const dy = inputs.dy!;
  const shape = inputs.images!.shape as Shape4D;
  const [, outHeight, outWidth] = dy.shape as Shape4D;
  const out = zeros(shop, shape, 'float32');
  const { backend } = shop;
  const table = allocate(backend, (outHeight + outWidth) * 4);
  try {
    const sources = new Int32Array(backend.wasm.HEAPU8.buffer, table, outHeight + outWidth);
    sources.set(nearestSources(shape[1], outHeight, attrs));
    sources.set(nearestSources(shape[2], outWidth, attrs), outHeight);
    shop.run.nearestGradient(
      ...[pointer(shop, out), pointer(shop, dy), ...shape],
      ...[outHeight, outWidth, table, table + outHeight * 4],
    );
  } finally {
    backend.wasm._free(table);
  }
  return out;
}
