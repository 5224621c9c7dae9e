/**
 * Gradient kernels that TensorFlow.js 4.22 gets wrong, found by finite differences; each would train a
 * network wrongly without a word. On WebAssembly: MaxPoolGrad with several channels, Conv3DBackpropInputV2,
 * ResizeNearestNeighborGrad with half-pixel centres. In plain JavaScript: ResizeNearestNeighborGrad with
 * several images (the gradient of an up-sampling layer). On both: AvgPoolGrad divides by the whole window
 * where padding cuts it short. Written for clarity; they are far from the hot path of dense networks.
 */
import type { DataId, KernelFunc, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { WasmBackend } from './wasmModule.js';

type Shape4D = [number, number, number, number];
type Shape5D = [number, number, number, number, number];
type Numbers = (tensor: TensorInfo) => Float32Array;
type Gradient = (inputs: Record<string, TensorInfo>, attrs: NamedAttrMap, read: Numbers) => Float32Array;
type PoolInfo = ReturnType<typeof tf.backend_util.computePool2DInfo>;

const gradients: Readonly<Record<string, { of: string; gradient: Gradient; backends: readonly string[] }>> = {
  MaxPoolGrad: { of: 'input', gradient: maxPool, backends: ['wasm'] },
  AvgPoolGrad: { of: 'input', gradient: averagePool, backends: ['wasm', 'cpu'] },
  ResizeNearestNeighborGrad: { of: 'images', gradient: resizeNearest, backends: ['wasm', 'cpu'] },
  Conv3DBackpropInputV2: { of: 'dy', gradient: conv3DInput, backends: ['wasm'] },
};

const corrected = new Set<string>();

/**
 * Registers the right gradients on a backend, `cpu` or `wasm`, for whoever uses TensorFlow.js in this
 * process.
 */
export function correctGradients(backendName: 'cpu' | 'wasm'): void {
  if (corrected.has(backendName)) return;
  corrected.add(backendName);
  for (const [kernelName, { of, gradient, backends }] of Object.entries(gradients)) {
    if (!backends.includes(backendName)) continue;
    const kernelFunc: KernelFunc = (call) => {
      const inputs = call.inputs as Record<string, TensorInfo>;
      const attrs = call.attrs ?? {};
      const shape = (attrs.inputShape as number[] | undefined) ?? inputs[of]!.shape;
      return backendName === 'cpu'
        ? onCpu(call.backend as CpuBackend, shape, (read) => gradient(inputs, attrs, read))
        : onWasm(call.backend as WasmBackend, shape, (read) => gradient(inputs, attrs, read));
    };
    tf.unregisterKernel(kernelName, backendName);
    tf.registerKernel({ kernelName, backendName, kernelFunc });
  }
}

interface CpuBackend {
  readonly data: { get(id: DataId): { readonly values: Float32Array } };
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): TensorInfo;
}

function onCpu(backend: CpuBackend, shape: number[], compute: (read: Numbers) => Float32Array): TensorInfo {
  return backend.makeTensorInfo(
    shape,
    'float32',
    compute((tensor) => backend.data.get(tensor.dataId).values),
  );
}

function onWasm(backend: WasmBackend, shape: number[], compute: (read: Numbers) => Float32Array): TensorInfo {
  const values = compute((tensor) => backend.typedArrayFromHeap(tensor) as Float32Array);
  return backend.makeOutput(shape, 'float32', undefined, values);
}

/**
 * Visits each window of a pooling: its first element in dy, and the rows and columns of the input that it
 * covers.
 */
function eachWindow(
  info: PoolInfo,
  visit: (image: number, at: number, top: number, bottom: number, left: number, right: number) => void,
): void {
  const { batchSize, outHeight, outWidth, outChannels, strideHeight, strideWidth, padInfo } = info;
  for (let image = 0; image < batchSize; image++) {
    for (let y = 0; y < outHeight; y++) {
      const corner = y * strideHeight - padInfo.top;
      const top = Math.max(0, corner);
      const bottom = Math.min(info.inHeight, corner + info.filterHeight);
      for (let x = 0; x < outWidth; x++) {
        const side = x * strideWidth - padInfo.left;
        const right = Math.min(info.inWidth, side + info.filterWidth);
        const at = ((image * outHeight + y) * outWidth + x) * outChannels;
        visit(image, at, top, bottom, Math.max(0, side), right);
      }
    }
  }
}

function poolInfo(input: TensorInfo, attrs: NamedAttrMap): PoolInfo {
  return tf.backend_util.computePool2DInfo(
    input.shape as Shape4D,
    attrs.filterSize as number | [number, number],
    attrs.strides as number | [number, number],
    1,
    attrs.pad as 'valid' | 'same' | number,
    attrs.dimRoundingMode as 'floor' | 'round' | 'ceil' | undefined,
  );
}

/** The first largest element of each window takes the window's gradient. */
function maxPool(
  { input, dy }: Record<string, TensorInfo>,
  attrs: NamedAttrMap,
  read: Numbers,
): Float32Array {
  const info = poolInfo(input!, attrs);
  const channels = info.inChannels;
  const x = read(input!);
  const gradient = read(dy!);
  const dx = new Float32Array(x.length);
  eachWindow(info, (image, at, top, bottom, left, right) => {
    for (let channel = 0; channel < channels; channel++) {
      let best = -1;
      for (let row = top; row < bottom; row++) {
        const offset = (image * info.inHeight + row) * info.inWidth;
        for (let column = left; column < right; column++) {
          const here = (offset + column) * channels + channel;
          if (best < 0 || x[here]! > x[best]!) best = here;
        }
      }
      if (best >= 0) dx[best]! += gradient[at + channel]!;
    }
  });
  return dx;
}

/** Every element of a window takes an equal share of the window's gradient; padding takes none. */
function averagePool(
  { input, dy }: Record<string, TensorInfo>,
  attrs: NamedAttrMap,
  read: Numbers,
): Float32Array {
  const info = poolInfo(input!, attrs);
  const channels = info.inChannels;
  const gradient = read(dy!);
  const dx = new Float32Array(tf.util.sizeFromShape(input!.shape));
  eachWindow(info, (image, at, top, bottom, left, right) => {
    const share = 1 / ((bottom - top) * (right - left));
    for (let row = top; row < bottom; row++) {
      const offset = (image * info.inHeight + row) * info.inWidth;
      for (let column = left; column < right; column++) {
        const here = (offset + column) * channels;
        for (let channel = 0; channel < channels; channel++) {
          dx[here + channel]! += gradient[at + channel]! * share;
        }
      }
    }
  });
  return dx;
}

/** Each pixel of the larger image gives its gradient to the pixel it was copied from. */
function resizeNearest(
  { images, dy }: Record<string, TensorInfo>,
  attrs: NamedAttrMap,
  read: Numbers,
): Float32Array {
  const [batch, height, width, channels] = images!.shape as Shape4D;
  const [, newHeight, newWidth] = dy!.shape as Shape4D;
  const rows = nearestSources(height, newHeight, attrs);
  const columns = nearestSources(width, newWidth, attrs);
  const gradient = read(dy!);
  const dx = new Float32Array(batch * height * width * channels);
  let from = 0;
  for (let image = 0; image < batch; image++) {
    for (let y = 0; y < newHeight; y++) {
      const row = (image * height + rows[y]!) * width;
      for (let x = 0; x < newWidth; x++) {
        const to = (row + columns[x]!) * channels;
        for (let channel = 0; channel < channels; channel++) dx[to + channel]! += gradient[from++]!;
      }
    }
  }
  return dx;
}

/** The source of each row (or column), by the rule of the forward kernel. */
function nearestSources(size: number, newSize: number, attrs: NamedAttrMap): Int32Array {
  const aligned = attrs.alignCorners === true;
  const scale = aligned && newSize > 1 ? (size - 1) / (newSize - 1) : size / newSize;
  const shift = attrs.halfPixelCenters === true ? 0.5 : 0;
  return Int32Array.from({ length: newSize }, (_, i) => {
    const exact = (i + shift) * scale;
    return Math.min(size - 1, aligned ? Math.round(exact) : Math.floor(exact));
  });
}

/**
 * dx[b, position + offset] += filter[offset] dy[b, position], for every offset of the filter that hits the
 * volume.
 */
function conv3DInput(
  { dy, filter }: Record<string, TensorInfo>,
  attrs: NamedAttrMap,
  read: Numbers,
): Float32Array {
  const info = tf.backend_util.computeConv3DInfo(
    attrs.inputShape as Shape5D,
    filter!.shape as Shape5D,
    attrs.strides as number | [number, number, number],
    1,
    attrs.pad as 'valid' | 'same',
  );
  const gradient = read(dy!);
  const weights = read(filter!);
  const dx = new Float32Array(tf.util.sizeFromShape(info.inShape));
  const { inChannels, outChannels } = info;
  const positions = info.batchSize * info.outDepth * info.outHeight * info.outWidth;
  const offsets = info.filterDepth * info.filterHeight * info.filterWidth;
  for (let position = 0; position < positions; position++) {
    const [image, z, y, x] = unravel(position, [info.outDepth, info.outHeight, info.outWidth]);
    for (let offset = 0; offset < offsets; offset++) {
      const [, dz, dyRow, dxColumn] = unravel(offset, [
        info.filterDepth,
        info.filterHeight,
        info.filterWidth,
      ]);
      const depth = z * info.strideDepth + dz - info.padInfo.front;
      const row = y * info.strideHeight + dyRow - info.padInfo.top;
      const column = x * info.strideWidth + dxColumn - info.padInfo.left;
      if (depth < 0 || depth >= info.inDepth || row < 0 || row >= info.inHeight) continue;
      if (column < 0 || column >= info.inWidth) continue;
      const to =
        (((image * info.inDepth + depth) * info.inHeight + row) * info.inWidth + column) * inChannels;
      for (let i = 0; i < inChannels; i++) {
        let sum = 0;
        const weight = (offset * inChannels + i) * outChannels;
        for (let o = 0; o < outChannels; o++)
          sum += weights[weight + o]! * gradient[position * outChannels + o]!;
        dx[to + i]! += sum;
      }
    }
  }
  return dx;
}

function unravel(index: number, [depth, height, width]: [number, number, number]): Shape4D {
  const row = Math.floor(index / width);
  const plane = Math.floor(row / height);
  return [Math.floor(plane / depth), plane % depth, row % height, index % width];
}
