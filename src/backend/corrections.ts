/**
 * What TensorFlow.js 4.22 computes wrongly in plain JavaScript: gradients, as finite differences show
 * (ResizeNearestNeighborGrad with several images, which is the gradient of an upsampling layer, and AvgPoolGrad with
 * windows that padding clips), Transform (`tf.image.transform`), which leaves all images but the first one blank, and
 * FusedBatchNorm along another axis than the last.
 * Also the gradient of Tile, which takes thousands of operations on any backend.
 */
import type { DataId, NamedAttrMap, Tensor, TensorInfo } from '../core/tf.js';
import * as tf from '../core/tf.js';
import { correctBatchNorm } from './batchNorm.js';

type Shape4D = [number, number, number, number];

interface CpuBackend {
  readonly data: { get(id: DataId): { readonly values: Float32Array } };
  disposeIntermediateTensorInfo(info: TensorInfo): void;
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): TensorInfo;
}

interface Call {
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  readonly attrs: NamedAttrMap;
  readonly backend: CpuBackend;
}

type Kernel = (call: Call) => TensorInfo;

const cpuKernels: Readonly<Record<string, Kernel>> = {
  AvgPoolGrad: averagePoolGrad,
  ResizeNearestNeighborGrad: resizeNearestGrad,
};

let corrected = false;

/** Registers the corrected kernels in plain JavaScript, for all uses of TensorFlow.js in this process. */
export function correctCpu(): void {
  if (corrected) return;
  corrected = true;
  const transform = tf.getKernel('Transform', 'cpu')!;
  tf.unregisterKernel('Transform', 'cpu');
  tf.registerKernel({
    ...transform,
    kernelFunc: (call) => imageByImage(transform.kernelFunc as unknown as Kernel, call as unknown as Call),
  });
  correctBatchNorm('cpu');
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

/** Transforms each image of a batch by itself, with its own transform or the only one. */
function imageByImage(transform: Kernel, { inputs, attrs, backend }: Call): TensorInfo {
  const image = inputs.image!;
  const transforms = inputs.transforms!;
  const [batch, ...shape] = image.shape;
  const values = ({ dataId }: TensorInfo) => backend.data.get(dataId).values;
  const size = tf.util.sizeFromShape(shape);
  const parts = Array.from({ length: batch! }, (_, i) => {
    const own = values(image).slice(i * size, (i + 1) * size);
    const at = transforms.shape[0] === 1 ? 0 : 8 * i;
    const one = {
      image: backend.makeTensorInfo([1, ...shape], 'float32', own),
      transforms: backend.makeTensorInfo([1, 8], 'float32', values(transforms).slice(at, at + 8)),
    };
    const moved = transform({ inputs: one, attrs, backend });
    const copy = { shape: moved.shape.slice(1), values: values(moved).slice() };
    for (const info of [one.image, one.transforms, moved]) backend.disposeIntermediateTensorInfo(info);
    return copy;
  });
  const width = parts[0]?.values.length ?? 0;
  const all = new Float32Array(batch! * width);
  parts.forEach((part, i) => {
    all.set(part.values, i * width);
  });
  return backend.makeTensorInfo([batch!, ...(parts[0]?.shape ?? shape)], 'float32', all);
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
