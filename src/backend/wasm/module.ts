/** The training kernels, bound to the memory of TensorFlow.js' WebAssembly backend or to memory of their own. */

import { UnavailableError } from '../../core/errors.js';
import { isA } from '../../core/realms.js';
import type { DataId, DataType, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '../../core/tf.js';
import * as tf from '../../core/tf.js';
import { quickerModule } from '../../core/wasmModule.js';
import * as binary from './binary.js';

/** The part that is used here of the backend object of `@tensorflow/tfjs-backend-wasm`. */
export interface WasmBackend {
  readonly wasm: {
    readonly asm: Readonly<Record<string, unknown>>;
    /** Replaced when the memory grows. */
    readonly HEAPU8: Uint8Array;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
  };
  readonly dataIdMap: { get(id: DataId): { readonly memoryOffset: number } };
  makeOutput(shape: number[], dtype: DataType, memoryOffset?: number, values?: Float32Array): TensorInfo;
  /** A view of the tensor's values, valid until the memory grows. */
  typedArrayFromHeap(tensor: TensorInfo): Float32Array | Int32Array | Uint8Array;
  incRef(id: DataId): void;
  refCount(id: DataId): number;
  disposeData(id: DataId): boolean;
}

/** The functions of `kernels/training/index.ts`; pointers, sizes and flags are numbers. */
type Exports = Readonly<
  Record<
    | 'gemm'
    | 'segmentSumFloat'
    | 'segmentSumInt'
    | 'repeatBlocks'
    | 'movePatches'
    | 'depthwiseGradient'
    | 'singleChannelGradient'
    | 'maxPoolGradient'
    | 'averagePoolGradient'
    | 'nearestGradient'
    | 'columnSums'
    | 'drawNegatives'
    | 'adam',
    (...numbers: number[]) => void
  > &
    Record<
      'gatherRows' | 'gemmScratch' | 'pairCosts' | 'pairScratch' | 'contrastiveCosts' | 'contrastiveScratch',
      (...numbers: number[]) => number
    >
>;

/** Our kernels instantiated in the WebAssembly memory of the TensorFlow.js backend. */
export interface BoundKernels {
  readonly backend: WasmBackend;
  readonly run: Exports;
  /** Address of scratch memory for `gemm` to pack its operands. */
  readonly gemmScratch: number;
}

/** Arguments of one of our kernels. */
export interface Call {
  readonly inputs: NamedTensorInfoMap;
  readonly attrs: NamedAttrMap;
  readonly kernels: BoundKernels;
}

const bound = new WeakMap<object, BoundKernels>();
let module: WebAssembly.Module | undefined;

/** Compiles the module once. Throws where WebAssembly SIMD is missing. */
export async function compileKernels(): Promise<void> {
  module ??= await WebAssembly.compile(quickerModule(binary));
}

/**
 * The kernels bound to this backend, instantiated at the first call. Throws `UnavailableError` if the backend does not
 * expose its memory, or shares it between threads.
 */
export function bindKernels(backend: WasmBackend): BoundKernels {
  const known = bound.get(backend);
  if (known !== undefined) return known;
  const memory = Object.values(backend.wasm.asm ?? {}).find(isMemory);
  if (module === undefined || memory === undefined) {
    throw new UnavailableError(
      'wasm: expected a backend that exposes its memory, got one that was started with threads, or is not of ' +
        "version 4.22; call tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false) before its first use",
    );
  }
  const run = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
  const made = { backend, run, gemmScratch: allocate(backend, run.gemmScratch()) };
  bound.set(backend, made);
  return made;
}

function isMemory(value: unknown): value is WebAssembly.Memory {
  return isA('WebAssembly.Memory', value);
}

/** The active backend's bindKernels if that is WebAssembly with our kernels, else undefined. */
export function activeKernels(): BoundKernels | undefined {
  return tf.getBackend() === 'wasm' ? bound.get(tf.backend()) : undefined;
}

/** Our kernels instantiated with their own memory; data is copied in and out. Used with native TensorFlow. */
export interface StandaloneKernels {
  readonly memory: WebAssembly.Memory;
  readonly run: Exports;
}

let standalone: StandaloneKernels | undefined;

/** The same instance at every call. Undefined before `compileKernels`. */
export function standaloneKernels(): StandaloneKernels | undefined {
  if (standalone !== undefined || module === undefined) return standalone;
  const memory = new WebAssembly.Memory({ initial: 1 });
  const run = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
  standalone = { memory, run };
  return standalone;
}

/**
 * Allocates bytes on the heap of the backend, to be freed with `backend.wasm._free`. Throws `RangeError` if there are
 * none.
 */
export function allocate(backend: WasmBackend, bytes: number): number {
  const pointer = backend.wasm._malloc(bytes) >>> 0;
  if (pointer === 0) {
    throw new RangeError(`wasm: expected ${bytes} bytes of memory, got none left; use smaller batches`);
  }
  return pointer;
}

/** Address of a tensor's values. */
export function pointer(kernels: BoundKernels, tensor: TensorInfo): number {
  return kernels.backend.dataIdMap.get(tensor.dataId).memoryOffset;
}

/** A new tensor of zeros. */
export function zeros(kernels: BoundKernels, shape: number[], dtype: DataType): TensorInfo {
  return runKernel(kernels, 'Fill', {}, { shape, value: 0, dtype });
}

/** Runs a registered kernel of the backend, of this library or of TensorFlow.js. The caller disposes of the result. */
export function runKernel(
  kernels: BoundKernels,
  kernelName: string,
  inputs: NamedTensorInfoMap,
  attrs: NamedAttrMap = {},
): TensorInfo {
  const { kernelFunc } = tf.getKernel(kernelName, 'wasm');
  return kernelFunc({ inputs, backend: kernels.backend, attrs }) as TensorInfo;
}

/** Frees an intermediate result of a kernel. */
export function free(kernels: BoundKernels, tensor: TensorInfo): void {
  kernels.backend.disposeData(tensor.dataId);
}
