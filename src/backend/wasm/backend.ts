/**
 * The WebAssembly backend with kernels for training: those that `@tensorflow/tfjs-backend-wasm` 4.22 lacks, and faster
 * ones where its own are slow (transposed or batched matrix products miss its fast path, and every gradient of a dense
 * layer is one).
 */

import { UnavailableError } from '../../core/errors.js';
import type { KernelFunc, TensorInfo } from '../../core/tf.js';
import * as tf from '../../core/tf.js';
import { correctBatchNorm } from '../batchNorm.js';
import {
  conv2DBackpropFilter,
  conv2DBackpropInput,
  conv3DBackpropInput,
  depthwiseBackpropFilter,
  depthwiseBackpropInput,
} from './convolution.js';
import { einsum } from './einsum.js';
import { batchMatMul, fusedMatMul } from './matMul.js';
import type { Call, WasmBackend } from './module.js';
import { bindKernels, compileKernels } from './module.js';
import { averagePoolGrad, maxPoolGrad, resizeNearestGrad } from './pooling.js';
import { cast, identity, mean, sum } from './reductions.js';
import { gatherV2, tile, unsortedSegmentSum } from './rows.js';
import { startWasm } from './start.js';

type Make = (original: KernelFunc) => (call: Call) => TensorInfo;

const trainingKernels: Readonly<Record<string, Make>> = {
  BatchMatMul: () => batchMatMul,
  _FusedMatMul: () => fusedMatMul,
  Identity: () => identity,
  Cast: cast,
  Sum: sum,
  Mean: mean,
  Tile: tile,
  MaxPoolGrad: () => maxPoolGrad,
  AvgPoolGrad: () => averagePoolGrad,
  ResizeNearestNeighborGrad: () => resizeNearestGrad,
  GatherV2: gatherV2,
  UnsortedSegmentSum: () => unsortedSegmentSum,
  Conv2DBackpropFilter: () => conv2DBackpropFilter,
  Conv2DBackpropInput: conv2DBackpropInput,
  Conv3DBackpropInputV2: () => conv3DBackpropInput,
  DepthwiseConv2dNativeBackpropFilter: () => depthwiseBackpropFilter,
  DepthwiseConv2dNativeBackpropInput: () => depthwiseBackpropInput,
  Einsum: () => einsum,
};

/** Requirements, and what to do without them. */
const advice =
  "use an engine with WebAssembly SIMD, and in a page a Content-Security-Policy with 'wasm-unsafe-eval', or backend: 'cpu'";

let registered = false;

/**
 * Makes WebAssembly the active backend, with the training kernels. Throws `UnavailableError` when it cannot
 * start.
 */
export async function useWasm(): Promise<void> {
  // First, because where this fails the backend would wait for its compiled part forever.
  await compileKernels().catch((cause: unknown) => {
    throw new UnavailableError(
      `wasm: expected compiled kernels, got ${(cause as Error).message}; ${advice}`,
      { cause },
    );
  });
  const backend = await import('@tensorflow/tfjs-backend-wasm').catch((cause: unknown) => {
    throw new UnavailableError(
      `wasm: expected @tensorflow/tfjs-backend-wasm, got an error while loading it (${(cause as Error).message}); ` +
        'reinstall it: npm install @tensorflow/tfjs-backend-wasm',
      { cause },
    );
  });
  const { value: started, messages } = await startWasm(backend);
  if (!started) {
    throw new UnavailableError(
      `wasm: expected TensorFlow.js' WebAssembly backend to start, got ${messages.at(-1) ?? 'no reason'}; ${advice}`,
    );
  }
  await enableTraining();
}

/**
 * Registers the training kernels on the active WebAssembly backend, for all uses of TensorFlow.js in this process; they
 * compute what the original ones do. Calling it again changes nothing.
 */
export async function enableTraining(): Promise<void> {
  await compileKernels();
  bindKernels(tf.backend() as unknown as WasmBackend);
  if (registered) return;
  registered = true;
  for (const [name, make] of Object.entries(trainingKernels)) register(name, make);
  correctBatchNorm('wasm');
}

function register(kernelName: string, make: Make): void {
  const original = tf.getKernel(kernelName, 'wasm');
  const kernel = make(original?.kernelFunc);
  // Registering over a kernel would print a warning.
  if (original !== undefined) tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({
    ...original,
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) =>
      kernel({ inputs, attrs: attrs ?? {}, kernels: bindKernels(backend as WasmBackend) }),
  });
}
