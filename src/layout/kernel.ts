/** The compiled SGD of non-parametric UMAP (kernels/layout.ts), bound to memory that holds all its data. */
import { grown, moduleBytes } from '../core/wasmModule.js';
import { kernelBytes } from './binary.js';

/** Everything that the kernel reads or changes. */
export interface LayoutLists {
  /** Table of s^b with its first and last entry, from `powerTable`. */
  readonly table: Float64Array;
  readonly first: number;
  readonly last: number;
  /** Positions of the vertices: vertices x columns. */
  readonly positions: Float32Array;
  readonly columns: number;
  readonly head: Int32Array;
  readonly tail: Int32Array;
  /** Epoch at which each edge is due next, and epochs between two times. */
  readonly due: Float32Array;
  readonly period: Float32Array;
  /** Negative samples: vertices, `negatives` per edge, at least for `BLOCK_EDGES` edges. */
  readonly samples: Int32Array;
  readonly negatives: number;
}

/** Parameters of one pass. */
export interface LayoutPass {
  readonly epoch: number;
  readonly a: number;
  readonly b: number;
  /** Learning rate of the epoch, which falls from 1 to 0. */
  readonly rate: number;
  /** Factor on the repulsion. */
  readonly strength: number;
}

export interface LayoutKernel {
  /** Views of the lists that change between passes. */
  readonly positions: Float32Array;
  readonly samples: Int32Array;
  readonly due: Float32Array;
  /** Processes edges from index `turn` on until all are done or the samples are used up. Returns the next index. */
  pass(turn: number, parameters: LayoutPass): number;
}

/** Edges per block, as in kernels/layout.ts. */
export const BLOCK_EDGES = 1024;

/** Edges are taken alternately from eight segments of this length: see kernels/layout.ts. */
export function segmentLength(edges: number): number {
  return Math.ceil(edges / 8);
}

/** Copies the lists into new memory. Undefined if WebAssembly is not allowed or has not enough memory. */
export function bindLayoutKernel(lists: LayoutLists): LayoutKernel | undefined {
  const { table, positions, head, tail, period, due, samples, columns, first, last, negatives } = lists;
  // 64-bit numbers first, so that all are aligned.
  const parts = [table, positions, head, tail, period, due, samples];
  const starts = [0];
  for (const { byteLength } of parts) starts.push(starts.at(-1)! + byteLength);
  try {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes(kernelBytes)), {
      env: { memory },
    });
    const { refine, scratch } = instance.exports as Record<
      'refine' | 'scratch',
      (...numbers: number[]) => number
    >;
    grown(memory, starts.at(-1)! + scratch!(columns));
    parts.forEach(({ buffer, byteOffset, byteLength }, i) => {
      new Uint8Array(memory.buffer, starts[i], byteLength).set(
        new Uint8Array(buffer, byteOffset, byteLength),
      );
    });
    const [tableAt, positionsAt, headsAt, tailsAt, periodsAt, dueAt, samplesAt, end] = starts as [
      number,
      ...number[],
    ];
    return {
      positions: new Float32Array(memory.buffer, positionsAt, positions.length),
      samples: new Int32Array(memory.buffer, samplesAt, samples.length),
      due: new Float32Array(memory.buffer, dueAt, due.length),
      pass: (turn, { epoch, a, b, rate, strength }) =>
        refine(
          ...[turn, segmentLength(head.length), head.length, headsAt!, tailsAt!, periodsAt!, dueAt!],
          ...[epoch, rate, strength, positionsAt!, columns, a, Math.log2(a), b],
          ...[tableAt, first, last, samplesAt!, samples.length, negatives, end!],
        ),
    };
  } catch {
    return undefined;
  }
}
