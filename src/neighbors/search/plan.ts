/** Plan of a search: sizes, settings and addresses of tables in one buffer. Plain data that is sent to workers. */
import type { DistanceFunction } from '../../core/types.js';

/** The buffer of a search, and the WebAssembly memory that it belongs to, if any. */
export interface Arena {
  readonly buffer: ArrayBufferLike;
  readonly memory?: WebAssembly.Memory;
}

export interface SearchPlan {
  readonly rows: number;
  /** If above 0: only the first `queries` rows are searched for, and only among the rows after them. */
  readonly queries: number;
  /** Columns of the working table: padded rows, or their coordinates along a few directions. */
  readonly width: number;
  /** Columns of the table of full rows; 0 if the working table has full rows. */
  readonly fullWidth: number;
  /** The metric, computed pair by pair. Undefined: squared Euclidean distances with the kernels. */
  readonly metric?: string | DistanceFunction;
  readonly metricParams?: Readonly<Record<string, unknown>>;
  /** Neighbors in the result per row, not counting the row itself. */
  readonly resultSize: number;
  /** Neighbors in a list during the search; more than in the result if these are ranked again by full rows. */
  readonly capacity: number;
  /** Rows per group that is compared with common candidates, and rows per leaf of a tree. */
  readonly group: number;
  readonly leaf: number;
  /** Neighbors, and reverse neighbors, per row in the snapshot from which candidates are taken. */
  readonly snapshotSize: number;
  /** One seed per tree; the first tree orders the rows. */
  readonly seeds: readonly number[];
  /** Bytes of scratch memory per worker. */
  readonly scratchBytes: number;
  readonly at: Readonly<Record<TableName, number>>;
  readonly bytes: number;
}

/** Tables in the buffer. `control` holds the next part to take and the number of updates of lists. */
export type TableName =
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

/** Indices of the control words: the next part to take, the number of updates of lists. */
export const nextPartAt = 0;
export const updatesAt = 1;

/** Candidates per block of a comparison. */
export const block = 512;
/** Rows that are compared with a block of candidates at once. */
export const rowBlock = 32;

/** Scratch memory of one worker, as offsets in bytes: ids, copied candidates, distances. */
export function scratchLayout({ width, leaf, capacity }: Pick<SearchPlan, 'width' | 'leaf' | 'capacity'>) {
  const candidates = Math.max(block, leaf, capacity) + 8;
  const ids = 0;
  const copies = align(candidates * 4);
  const distances = copies + align(candidates * width * 4);
  return { ids, copies, distances, bytes: distances + align((rowBlock + 2) * candidates * 4) };
}

/** Bytes of scratch memory of one worker. */
export function scratchBytes(plan: Pick<SearchPlan, 'width' | 'leaf' | 'capacity'>): number {
  return scratchLayout(plan).bytes;
}

/** Assigns addresses to tables of these lengths in bytes, one after another. */
export function assignAddresses(
  lengths: Readonly<Record<TableName, number>>,
): Pick<SearchPlan, 'at' | 'bytes'> {
  // Not from address 0, which would look like a null pointer.
  let top = 1024;
  const at = { ...lengths };
  for (const name of Object.keys(lengths) as TableName[]) {
    at[name] = top;
    top += align(lengths[name]);
  }
  // Vector loads may read past the last entry.
  return { at, bytes: top + 1024 };
}

function align(bytes: number): number {
  return (bytes + 63) & ~63;
}
