/** The compiled moves of UMAP without a network (kernels/layout.ts), bound to a memory that holds all they need. */
import { grown, moduleBytes } from '../core/wasmModule.js';
import { kernelBytes } from './binary.js';

/** Everything the kernel reads or changes. */
export interface LayoutLists {
  /** Values of s^b, and their first and last place, as `powerTable` gives them. */
  readonly table: Float64Array;
  readonly first: number;
  readonly last: number;
  /** Vertices x columns. */
  readonly places: Float32Array;
  readonly columns: number;
  readonly head: Int32Array;
  readonly tail: Int32Array;
  /** Epoch at which each edge is due next, and how many later it is again. */
  readonly due: Float32Array;
  readonly period: Float32Array;
  /** Vertices to be pushed from, in turn, `negatives` an edge; enough for `atOnce` edges. */
  readonly others: Int32Array;
  readonly negatives: number;
}

/** Numbers of one pass. */
export interface LayoutPass {
  readonly epoch: number;
  readonly a: number;
  readonly b: number;
  /** Of the epoch: from 1 down to 0. */
  readonly rate: number;
  /** Factor on the push. */
  readonly strength: number;
}

export interface LayoutKernel {
  /** Where the lists lie that are read and written between passes. */
  readonly places: Float32Array;
  readonly others: Int32Array;
  /** Goes on from a turn until all are over or `others` is used up; returns the turn it came to. */
  pass(turn: number, numbers: LayoutPass): number;
}

/** Turns that are always taken together, as in kernels/layout.ts. */
export const atOnce = 1024;

/** Edges are taken in turn from eight stretches of this length: see kernels/layout.ts. */
export function stretchOf(edges: number): number {
  return Math.ceil(edges / 8);
}

/** Copies the lists. Undefined where WebAssembly is not allowed or has no room for them. */
export function bindLayoutKernel(lists: LayoutLists): LayoutKernel | undefined {
  const { table, places, head, tail, period, due, others, columns, first, last, negatives } = lists;
  // 64-bit numbers first, so that all are aligned.
  const parts = [table, places, head, tail, period, due, others];
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
    const [tableAt, placesAt, headsAt, tailsAt, periodsAt, dueAt, othersAt, end] = starts as [
      number,
      ...number[],
    ];
    return {
      places: new Float32Array(memory.buffer, placesAt, places.length),
      others: new Int32Array(memory.buffer, othersAt, others.length),
      pass: (turn, { epoch, a, b, rate, strength }) =>
        refine(
          ...[turn, stretchOf(head.length), head.length, headsAt!, tailsAt!, periodsAt!, dueAt!],
          ...[epoch, rate, strength, placesAt!, columns, a, Math.log2(a), b],
          ...[tableAt, first, last, othersAt!, others.length, negatives, end!],
        ),
    };
  } catch {
    return undefined;
  }
}
