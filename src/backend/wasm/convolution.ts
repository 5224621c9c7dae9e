/** Gradients of convolutions: as products with a matrix of patches, or directly for depthwise convolutions. */
import type { KernelFunc, TensorInfo } from '../../core/tf.js';
import * as tf from '../../core/tf.js';
import type { BoundKernels, Call } from './module.js';
import { allocate, pointer, zeros } from './module.js';

type ConvInfo = ReturnType<typeof tf.backend_util.computeConv2DInfo>;
type Shape4D = [number, number, number, number];
type Shape5D = [number, number, number, number, number];

/** Bytes of patches per chunk: about the size of the second-level cache. */
const patchBytes = 1 << 20;

/** Kernel Conv2DBackpropFilter (NHWC): dW = patches(x)^T dy. */
export function conv2DBackpropFilter({ inputs, attrs, kernels }: Call): TensorInfo {
  const x = inputs.x!;
  const dy = inputs.dy!;
  if (attrs.dataFormat !== 'NHWC') {
    throw new Error(
      `Conv2DBackpropFilter: expected dataFormat NHWC on the wasm backend, got ${attrs.dataFormat}; use channelsLast`,
    );
  }
  const info = convInfo(x.shape as Shape4D, attrs.filterShape as Shape4D, attrs, false);
  if (info.outChannels === 1) return direct(kernels, info, info.filterShape, x, dy, true);
  const out = kernels.backend.makeOutput(info.filterShape, 'float32');
  const size = info.filterHeight * info.filterWidth * info.inChannels;
  const columns = info.outChannels;
  const from = pointer(kernels, dy);
  eachChunk(kernels, info, size, (start, count, patches) => {
    kernels.run.movePatches(1, pointer(kernels, x), ...geometry(info), start, count, patches);
    kernels.run.gemm(
      ...[size, columns, count, patches, 4, size * 4, from + start * columns * 4, columns * 4, 4],
      ...[pointer(kernels, out), 0, 0, Number(start > 0), kernels.gemmScratch],
    );
  });
  return out;
}

/**
 * Kernel Conv2DBackpropInput (NHWC; also the forward pass of a transposed convolution): patches = dy W^T, added to the
 * input that they were taken from.
 */
export function conv2DBackpropInput(original: KernelFunc): (call: Call) => TensorInfo {
  return ({ inputs, attrs, kernels }) => {
    const dy = inputs.dy!;
    const filter = inputs.filter!;
    if (attrs.dataFormat !== 'NHWC')
      return original({ inputs, attrs, backend: kernels.backend }) as TensorInfo;
    const info = convInfo(attrs.inputShape as Shape4D, filter.shape as Shape4D, attrs, false);
    if (info.outChannels === 1) return direct(kernels, info, info.inShape, filter, dy, false);
    const out = zeros(kernels, info.inShape, 'float32');
    const size = info.filterHeight * info.filterWidth * info.inChannels;
    const inner = info.outChannels;
    const from = pointer(kernels, dy);
    eachChunk(kernels, info, size, (start, count, patches) => {
      kernels.run.gemm(
        ...[
          count,
          size,
          inner,
          from + start * inner * 4,
          inner * 4,
          4,
          pointer(kernels, filter),
          4,
          inner * 4,
        ],
        ...[patches, 0, 0, 0, kernels.gemmScratch],
      );
      kernels.run.movePatches(0, pointer(kernels, out), ...geometry(info), start, count, patches);
    });
    return out;
  };
}

/** Kernel DepthwiseConv2dNativeBackpropFilter. */
export function depthwiseBackpropFilter({ inputs, attrs, kernels }: Call): TensorInfo {
  const x = inputs.x!;
  const info = convInfo(x.shape as Shape4D, attrs.filterShape as Shape4D, attrs, true);
  return direct(kernels, info, info.filterShape, x, inputs.dy!, true);
}

/** Kernel DepthwiseConv2dNativeBackpropInput. */
export function depthwiseBackpropInput({ inputs, attrs, kernels }: Call): TensorInfo {
  const filter = inputs.filter!;
  const info = convInfo(attrs.inputShape as Shape4D, filter.shape as Shape4D, attrs, true);
  return direct(kernels, info, info.inShape, filter, inputs.dy!, false);
}

/**
 * Kernel Conv3DBackpropInputV2, which TensorFlow.js 4.22 gets wrong: dx[position + offset] += W[offset]
 * dy[position] for every offset of the filter that falls within the volume. Written for clarity, not for speed.
 */
export function conv3DBackpropInput({ inputs, attrs, kernels }: Call): TensorInfo {
  const filter = inputs.filter!;
  const info = tf.backend_util.computeConv3DInfo(
    attrs.inputShape as Shape5D,
    filter.shape as Shape5D,
    attrs.strides as number | [number, number, number],
    1,
    attrs.pad as 'valid' | 'same',
  );
  const out = zeros(kernels, info.inShape, 'float32');
  const [dx, dy, weights] = [out, inputs.dy!, filter].map((tensor) =>
    kernels.backend.typedArrayFromHeap(tensor),
  );
  const { inChannels, outChannels } = info;
  const positions = info.batchSize * info.outDepth * info.outHeight * info.outWidth;
  const offsets = info.filterDepth * info.filterHeight * info.filterWidth;
  for (let position = 0; position < positions; position++) {
    const [image, z, y, x] = unravel(position, [info.outDepth, info.outHeight, info.outWidth]);
    for (let offset = 0; offset < offsets; offset++) {
      const [, fz, fy, fx] = unravel(offset, [info.filterDepth, info.filterHeight, info.filterWidth]);
      const depth = z * info.strideDepth + fz - info.padInfo.front;
      const row = y * info.strideHeight + fy - info.padInfo.top;
      const column = x * info.strideWidth + fx - info.padInfo.left;
      if (depth < 0 || depth >= info.inDepth || row < 0 || row >= info.inHeight) continue;
      if (column < 0 || column >= info.inWidth) continue;
      const to =
        (((image * info.inDepth + depth) * info.inHeight + row) * info.inWidth + column) * inChannels;
      for (let i = 0; i < inChannels; i++) {
        const weight = (offset * inChannels + i) * outChannels;
        for (let o = 0; o < outChannels; o++)
          dx![to + i]! += weights![weight + o]! * dy![position * outChannels + o]!;
      }
    }
  }
  return out;
}

function unravel(index: number, [depth, height, width]: [number, number, number]): Shape4D {
  const row = Math.floor(index / width);
  const plane = Math.floor(row / height);
  return [Math.floor(plane / depth), plane % depth, row % height, index % width];
}

function convInfo(
  inShape: Shape4D,
  filterShape: Shape4D,
  attrs: Call['attrs'],
  depthwise: boolean,
): ConvInfo {
  return tf.backend_util.computeConv2DInfo(
    inShape,
    filterShape,
    attrs.strides as number | [number, number],
    // Kernels of full convolutions have no dilations: TensorFlow.js rejects gradients with dilations before.
    (attrs.dilations as number | [number, number] | undefined) ?? 1,
    attrs.pad as 'valid' | 'same' | number,
    attrs.dimRoundingMode as 'floor' | 'round' | 'ceil' | undefined,
    depthwise,
  );
}

function geometry(info: ConvInfo): number[] {
  return [
    ...[info.inHeight, info.inWidth, info.inChannels, info.outHeight, info.outWidth],
    ...[info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth],
    ...[info.dilationHeight, info.dilationWidth, info.padInfo.top, info.padInfo.left],
  ];
}

/** Calls `visit` for chunks of output positions, with memory for their patches. */
function eachChunk(
  kernels: BoundKernels,
  info: ConvInfo,
  patchSize: number,
  visit: (start: number, count: number, patches: number) => void,
): void {
  const positions = info.batchSize * info.outHeight * info.outWidth;
  const chunk = Math.min(positions, Math.max(64, Math.floor(patchBytes / 4 / patchSize)));
  const patches = allocate(kernels.backend, chunk * patchSize * 4);
  try {
    for (let start = 0; start < positions; start += chunk) {
      visit(start, Math.min(chunk, positions - start), patches);
    }
  } finally {
    kernels.backend.wasm._free(patches);
  }
}

/** The gradient of the filter or of the input without patches: of depthwise convolutions, or with one output channel. */
function direct(
  kernels: BoundKernels,
  info: ConvInfo,
  shape: number[],
  other: TensorInfo,
  dy: TensorInfo,
  toFilter: boolean,
): TensorInfo {
  const out = zeros(kernels, shape, 'float32');
  const pointers = [out, other, dy].map((tensor) => pointer(kernels, tensor));
  const [height, width, channels, ...rest] = geometry(info) as [number, number, number, ...number[]];
  const common = [...pointers, Number(toFilter), info.batchSize, height, width, channels] as const;
  if (info.outChannels === 1) kernels.run.singleChannelGradient(...common, ...rest);
  else kernels.run.depthwiseGradient(...common, info.outChannels / info.inChannels, ...rest);
  return out;
}
