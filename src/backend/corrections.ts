/**
 * Gradients that TensorFlow.js 4.22 computes wrongly in plain JavaScript, as finite differences show:
 * ResizeNearestNeighborGrad with several images, which is the gradient of an upsampling layer, and AvgPoolGrad with
 * windows that padding clips. Also the gradient of Tile, which takes thousands of operations on any backend.
 */
import type { DataId, NamedAttrMap, Tensor, TensorInfo } from '../core/tf.js';
import * as tf from '../core/tf.js';

type Shape4D = [number, number, number, number];

interface CpuBackend {
  readonly data: { get(id: DataId): { readonly values: Float32Array } };
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): TensorInfo;
}

interface Call {
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  readonly attrs: NamedAttrMap;
  readonly backend: CpuBackend;
}

const cpuKernels: Readonly<Record<string, (call: Call) => TensorInfo>> = {
  AvgPoolGrad: averagePoolGrad,
  ResizeNearestNeighborGrad: resizeNearestGrad,
};

let corrected = false;

/** Registers the corrected gradients in plain JavaScript, for all uses of TensorFlow.js in this process. */
export function correctCpu(): void {
  if (corrected) return;
  corrected = true;
  for (const [kernelName, kernel] of Object.entries(cpuKernels)) {
    tf.unregisterKernel(kernelName, 'cpu');
    const kernelFunc = (call: unknown) => kernel(call as Call);
    tf.registerKernel({ kernelName, backendName: 'cpu', kernelFunc });
  }
}

let shortened = false;

/**
 * Registers a gradient of Tile that sums over all repetitions in one operation per dimension. That of TensorFlow.js takes
 * two operations per repetition, so that a layer normalization of 2,000 rows takes seconds.
 */
export function shortenTileGradient(): void {
  if (shortened) return;
  shortened = true;
  tf.unregisterGradient('Tile');
  tf.registerGradient({
    kernelName: 'Tile',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], { reps }) => ({ x: () => sumRepetitions(dy as Tensor, x!.shape, reps as number[]) }),
  });
}

function sumRepetitions(dy: Tensor, shape: readonly number[], reps: readonly number[]): Tensor {
  let sum = dy;
  for (let dimension = 0; dimension < shape.length; dimension++) {
    const after = sum.shape.slice(dimension + 1);
    const split = [...shape.slice(0, dimension), reps[dimension]!, shape[dimension]!, ...after];
    sum = tf.sum(tf.reshape(sum, split), dimension);
  }
  return sum;
}

/** Distributes the gradient of a window equally over its elements, padding excluded. */
function averagePoolGrad({ inputs: { input, dy }, attrs, backend }: Call): TensorInfo {
  const info = tf.backend_util.computePool2DInfo(
    input!.shape as Shape4D,
    attrs.filterSize as number | [number, number],
    attrs.strides as number | [number, number],
    1,
    attrs.pad as 'valid' | 'same' | number,
  );
  const { inHeight, inWidth, inChannels: channels, outHeight, outWidth } = info;
  const gradient = backend.data.get(dy!.dataId).values;
  const dx = new Float32Array(tf.util.sizeFromShape(input!.shape));
  let from = 0;
  for (let row = 0; row < info.batchSize * outHeight; row++) {
    const image = Math.floor(row / outHeight);
    const corner = (row % outHeight) * info.strideHeight - info.padInfo.top;
    const top = Math.max(0, corner);
    const bottom = Math.min(inHeight, corner + info.filterHeight);
    for (let column = 0; column < outWidth; column++, from += channels) {
      const side = column * info.strideWidth - info.padInfo.left;
      const left = Math.max(0, side);
      const right = Math.min(inWidth, side + info.filterWidth);
      const share = 1 / ((bottom - top) * (right - left));
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) {
          const to = ((image * inHeight + y) * inWidth + x) * channels;
          for (let c = 0; c < channels; c++) dx[to + c]! += gradient[from + c]! * share;
        }
      }
    }
  }
  return backend.makeTensorInfo(input!.shape, 'float32', dx);
}

/** Adds the gradient of each pixel of the larger image to the pixel that it was copied from. */
function resizeNearestGrad({ inputs: { images, dy }, attrs, backend }: Call): TensorInfo {
  const [batch, height, width, channels] = images!.shape as Shape4D;
  const [, newHeight, newWidth] = dy!.shape as Shape4D;
  const rows = nearestSources(height, newHeight, attrs);
  const columns = nearestSources(width, newWidth, attrs);
  const gradient = backend.data.get(dy!.dataId).values;
  const dx = new Float32Array(batch * height * width * channels);
  let from = 0;
  for (let image = 0; image < batch; image++) {
    for (let y = 0; y < newHeight; y++) {
      const row = (image * height + rows[y]!) * width;
      for (let x = 0; x < newWidth; x++) {
        const to = (row + columns[x]!) * channels;
        for (let c = 0; c < channels; c++) dx[to + c]! += gradient[from++]!;
      }
    }
  }
  return backend.makeTensorInfo(images!.shape, 'float32', dx);
}

/** The source of each row (or column) of a nearest-neighbor resize from `size` to `newSize`, as in the forward kernel. */
export function nearestSources(size: number, newSize: number, attrs: NamedAttrMap): Int32Array {
  const aligned = attrs.alignCorners === true;
  const scale = aligned && newSize > 1 ? (size - 1) / (newSize - 1) : size / newSize;
  const shift = attrs.halfPixelCenters === true ? 0.5 : 0;
  return Int32Array.from({ length: newSize }, (_, i) => {
    const exact = (i + shift) * scale;
    return Math.min(size - 1, aligned ? Math.round(exact) : Math.floor(exact));
  });
}
