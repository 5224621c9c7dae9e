/** The compiled kernel for products of packed blocks (kernels/products.ts), instantiated with its own memory. */
import { moduleBytes } from '../core/wasmModule.js';
import { kernelBytes } from './productsBinary.js';

/** Two packed blocks and their products; `multiply` does what `blockProducts` does. */
export interface ProductsKernel {
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly products: Float64Array;
  multiply(rows: number, others: number, columns: number): void;
}

let compiled: WebAssembly.Module | undefined;

/** A kernel for blocks of `numbers` numbers; undefined where WebAssembly or its SIMD instructions are not available. */
export function bindProductsKernel(numbers: number, products: number): ProductsKernel | undefined {
  try {
    compiled ??= new WebAssembly.Module(moduleBytes(kernelBytes));
    const [rightAt, productsAt] = [8 * numbers, 16 * numbers];
    const memory = new WebAssembly.Memory({ initial: Math.ceil((productsAt + 8 * products) / 65536) });
    const { blockProducts } = new WebAssembly.Instance(compiled, { env: { memory } }).exports as {
      blockProducts: (...numbers: number[]) => void;
    };
    return {
      left: new Float64Array(memory.buffer, 0, numbers),
      right: new Float64Array(memory.buffer, rightAt, numbers),
      products: new Float64Array(memory.buffer, productsAt, products),
      multiply: (rows, others, columns) => blockProducts!(0, rows, rightAt, others, columns, productsAt),
    };
  } catch {
    return undefined;
  }
}
