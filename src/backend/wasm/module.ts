/** Our own WebAssembly module, at work in the memory of TensorFlow.js' WebAssembly backend, or in its own. */

import { UnavailableError } from '../../core/errors.js';
import { isA } from '../../core/realms.js';
import type { DataId, DataType, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '../../core/tf.js';
import * as tf from '../../core/tf.js';
import { quickerModule } from '../../core/wasmModule.js';
import * as binary from './binary.js';

/** What we use of the backend object of `@tensorflow/tfjs-backend-wasm`. */
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
  /** A view of the tensor's numbers, good until the memory grows. */
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
    Record<'gatherRows' | 'gemmScratch' | 'pairCosts' | 'pairScratch', (...numbers: number[]) => number>
>;

/** A backend and our module inside its memory. */
export interface Workshop {
  readonly backend: WasmBackend;
  readonly run: Exports;
  /** Room for `gemm` to pack its operands. */
  readonly gemmScratch: number;
}

/** What a kernel of ours is given. */
export interface Call {
  readonly inputs: NamedTensorInfoMap;
  readonly attrs: NamedAttrMap;
  readonly shop: Workshop;
}

const workshops = new WeakMap<object, Workshop>();
let module: WebAssembly.Module | undefined;

/** Compiles the module once. Throws where WebAssembly SIMD is missing. */
export async function compileKernels(): Promise<void> {
  module ??= await WebAssembly.compile(quickerModule(binary));
}

/**
 * The module bound to this backend; made at the first call. Throws `UnavailableError` when the backend does
 * not show its memory or the memory is of another kind (the multi-threaded build shares it).
 */
export function workshop(backend: WasmBackend): Workshop {
  const known = workshops.get(backend);
  if (known !== undefined) return known;
  const memory = Object.values(backend.wasm.asm ?? {}).find(isMemory);
  if (module === undefined || memory === undefined) {
    throw new UnavailableError(
      'wasm: expected a backend that shows its memory, got one that was started before with threads, or is of another ' +
        "version than 4.22; do tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false) before its first use",
    );
  }
  const run = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
  const made = { backend, run, gemmScratch: allocate(backend, run.gemmScratch()) };
  workshops.set(backend, made);
  return made;
}

function isMemory(value: unknown): value is WebAssembly.Memory {
  return isA('WebAssembly.Memory', value);
}

/** The active backend's workshop if that is WebAssembly with our kernels, else undefined. */
export function activeWorkshop(): Workshop | undefined {
  return tf.getBackend() === 'wasm' ? workshops.get(tf.backend()) : undefined;
}

/** Our module in a memory of its own, for numbers that a backend hands over. */
export interface Desk {
  readonly memory: WebAssembly.Memory;
  readonly run: Exports;
}

let desk: Desk | undefined;

/** Made at the first call; undefined before `compileKernels`. */
export function ownDesk(): Desk | undefined {
  if (desk !== undefined || module === undefined) return desk;
  const memory = new WebAssembly.Memory({ initial: 1 });
  const run = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
  desk = { memory, run };
  return desk;
}

/** Bytes on the heap of the backend; give them back with `backend.wasm._free`. */
export function allocate(backend: WasmBackend, bytes: number): number {
  const pointer = backend.wasm._malloc(bytes) >>> 0;
  if (pointer === 0) throw new RangeError(`wasm: out of memory (wanted ${bytes} bytes); use smaller batches`);
  return pointer;
}

/** Where a tensor's numbers are. */
export function pointer(shop: Workshop, tensor: TensorInfo): number {
  return shop.backend.dataIdMap.get(tensor.dataId).memoryOffset;
}

/** A new tensor full of zeros. */
export function zeros(shop: Workshop, shape: number[], dtype: DataType): TensorInfo {
  return stock(shop, 'Fill', {}, { shape, value: 0, dtype });
}

/** Runs a kernel of the backend, replaced or not. The result is the caller's to dispose. */
export function stock(
  shop: Workshop,
  kernelName: string,
  inputs: NamedTensorInfoMap,
  attrs: NamedAttrMap = {},
): TensorInfo {
  const { kernelFunc } = tf.getKernel(kernelName, 'wasm');
  return kernelFunc({ inputs, backend: shop.backend, attrs }) as TensorInfo;
}

/** Frees a tensor that a kernel made on its way. */
export function free(shop: Workshop, tensor: TensorInfo): void {
  shop.backend.disposeData(tensor.dataId);
}
