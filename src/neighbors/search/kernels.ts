/** The compiled distance kernels (kernels/neighbors.ts), bound to a memory. */
import { moduleBytes } from '../../core/wasmModule.js';
import { kernelBytes } from './binary.js';

/** Pointers and strides are in bytes; rows are 32-bit floats, padded to a multiple of 4 columns. */
export interface Kernels {
  /** out[m] = |query - rows[ids[m]]|², m < count. */
  squaresTo(query: number, rows: number, stride: number, ids: number, count: number, out: number): void;
  /** out[i * bRows + j] = |a[i] - b[j]|²; aRows is a multiple of 2, bRows of 4. */
  squares(a: number, aRows: number, b: number, bRows: number, stride: number, out: number): void;
  /** out[i * bRows + j] = a[i] · b[j]; aRows is a multiple of 2, bRows of 4. */
  dots(a: number, aRows: number, b: number, bRows: number, stride: number, out: number): void;
  /** Copies rows[ids[m]], m < count, to out. */
  gather(rows: number, stride: number, ids: number, count: number, out: number): void;
  /** Pushes candidates with their values to a list of keys (lists.ts), except `own`. Returns the number of insertions. */
  merge(list: number, capacity: number, values: number, ids: number, count: number, own: number): number;
}

const pageBytes = 65536;

/** Shared memory of at least so many bytes. Undefined if WebAssembly cannot allocate it; the limit is 4 GiB. */
export function createMemory(bytes: number): WebAssembly.Memory | undefined {
  const pages = Math.ceil(bytes / pageBytes);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch {
    return undefined;
  }
}

/** The kernels on that memory. Undefined without WebAssembly SIMD, or where compiling is not allowed. */
export function bindKernels(memory: WebAssembly.Memory): Kernels | undefined {
  try {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes(kernelBytes)), {
      env: { memory },
    });
    return instance.exports as unknown as Kernels;
  } catch {
    return undefined;
  }
}
