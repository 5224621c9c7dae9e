/** What a search works on: sizes, settings and the addresses of its tables in one buffer. Plain data, for workers. */
import type { DistanceFunction } from '../../core/types.js';

/** The buffer of a search, with the WebAssembly memory behind it where there is one. */
export interface Arena {
  readonly buffer: ArrayBufferLike;
  readonly memory?: WebAssembly.Memory;
}

export interface SearchPlan {
  readonly rows: number;
  /** Columns of the working table: points (padded), or their coordinates along a few directions. */
  readonly width: number;
  /** Columns of the table of all coordinates; 0 when the working table has them all. */
  readonly fullWidth: number;
  /** Undefined: squared Euclidean distances with the kernels. Else the metric, pair by pair. */
  readonly metric?: string | DistanceFunction;
  readonly metricParams?: Readonly<Record<string, unknown>>;
  /** Neighbours to find for each row, itself not counted. */
  readonly wanted: number;
  /** Neighbours in a list while searching; more than wanted when these are ranked anew in all coordinates. */
  readonly capacity: number;
  /** Rows that look for neighbours together, and rows in a leaf of a tree. */
  readonly group: number;
  readonly leaf: number;
  /** Neighbours of a row, and rows it is a neighbour of, that lead to candidates. */
  readonly links: number;
  /** One seed a tree; the first tree orders the rows. */
  readonly seeds: readonly number[];
  /** Bytes of each worker's scratch. */
  readonly scratchBytes: number;
  readonly at: Readonly<Record<Place, number>>;
  readonly bytes: number;
}

/** Places in the buffer. `control` holds the next part to do and the number of list entries that were taken. */
export type Place =
  | 'control'
  | 'table'
  | 'full'
  | 'directions'
  | 'order'
  | 'trees'
  | 'lists'
  | 'snapshot'
  | 'reverse'
  | 'reverseCounts'
  | 'result'
  | 'scratch';

/** Places in the control words: the next part to do, the running count of list entries that were taken. */
export const nextPartAt = 0;
export const takenAt = 1;

/** Candidates that a row or a group is compared with at a time. */
export const block = 512;
/** Rows of a leaf or of the data that are compared with a block of candidates at a time. */
export const rowBlock = 32;

/** Scratch of one worker, in bytes from its start: ids, copied candidates, distances. */
export function scratchLayout({ width, leaf, capacity }: Pick<SearchPlan, 'width' | 'leaf' | 'capacity'>) {
  const candidates = Math.max(block, leaf, capacity) + 8;
  const ids = 0;
  const copies = align(candidates * 4);
  const distances = copies + align(candidates * width * 4);
  return { ids, copies, distances, bytes: distances + align((rowBlock + 2) * candidates * 4) };
}

/** Bytes of the scratch of one worker. */
export function scratchBytes(plan: Pick<SearchPlan, 'width' | 'leaf' | 'capacity'>): number {
  return scratchLayout(plan).bytes;
}

/** Places tables of these lengths in bytes one after another. */
export function place(lengths: Readonly<Record<Place, number>>): Pick<SearchPlan, 'at' | 'bytes'> {
  // Address 0 is left free: no table of ours may look like a null pointer.
  let top = 1024;
  const at = { ...lengths };
  for (const name of Object.keys(lengths) as Place[]) {
    at[name] = top;
    top += align(lengths[name]);
  }
  // Vector loads may reach past the last entry.
  return { at, bytes: top + 1024 };
}

function align(bytes: number): number {
  return (bytes + 63) & ~63;
}
