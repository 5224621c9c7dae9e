/** Plans a search and fills its buffer with the rows, in the form that the search needs. */
import { blockOf, inBlocks, type Work } from '../../core/pauses.js';
import type { Matrix, NeighborQuery } from '../../core/types.js';
import { type Basis, findBasis } from './basis.js';
import { bindKernels, createMemory } from './kernels.js';
import { clearLists, listBytes, viewLists } from './lists.js';
import { type Arena, assignAddresses, type SearchPlan, scratchBytes, type TableName } from './plan.js';
import { euclideanSpace, type Space } from './space.js';

/** A search that is ready to run, and the conversion of the values in its lists to distances. */
export interface Prepared {
  readonly plan: SearchPlan;
  readonly arena: Arena;
  /** See `Space.rounding`. */
  readonly rounding: number;
  toDistance(value: number): number;
}

/** Columns from which on a search along a few directions is tried. */
const wideColumns = 128;

/**
 * Prepares a search. With `exact` every pair will be compared: without trees, directions or candidates candidates; then
 * `queries` may be the number of leading rows that are searched for, among all rows after them.
 */
export function* prepare(
  data: Matrix,
  query: NeighborQuery,
  threads: number,
  exact: boolean,
  queries = 0,
): Work<Prepared> {
  const space = yield* euclideanSpace(data, query.metric, query.metricParams);
  return (
    (space && (yield* prepareKernels(data, query, space, threads, exact, queries))) ??
    (yield* prepareMetric(data, query, threads, exact, queries))
  );
}

function* prepareKernels(
  data: Matrix,
  query: NeighborQuery,
  space: Space,
  threads: number,
  exact: boolean,
  queries: number,
): Work<Prepared | undefined> {
  const rows = data.shape[0];
  const width = Math.ceil(space.columns / 4) * 4;
  const basis =
    exact || space.columns < wideColumns
      ? undefined
      : yield* findBasis(space, rows, width, query.random.fork('basis'));
  const plan = planFor(query, rows, exact, threads, {
    trees: 6,
    queries,
    leaf: 192,
    group: 16,
    minSnapshot: basis === undefined ? 16 : 12,
    width: basis?.size ?? width,
    fullWidth: basis === undefined ? 0 : width,
  });
  const memory = createMemory(plan.bytes);
  if (memory === undefined || bindKernels(memory) === undefined) return undefined;
  const { at } = plan;
  const buffer: ArrayBufferLike = memory.buffer;
  const table = new Float32Array(buffer, basis === undefined ? at.table : at.full, rows * width);
  yield* inBlocks(rows, blockOf(width), (from, to) => {
    for (let row = from; row < to; row++) space.writeRow(row, table, row * width);
  });
  if (basis !== undefined) {
    yield* subtractShift(table, basis, rows, width);
    new Float32Array(buffer, at.directions, basis.directions.length).set(basis.directions);
  }
  const { rounding, toDistance } = space;
  return { plan, arena: yield* initialize(plan, { buffer, memory }), rounding, toDistance };
}

function* prepareMetric(
  data: Matrix,
  query: NeighborQuery,
  threads: number,
  exact: boolean,
  queries: number,
): Work<Prepared> {
  const [rows, width] = data.shape;
  const { metric, metricParams } = query;
  const shape = { trees: 5, queries, leaf: 64, group: 1, minSnapshot: 20, width, fullWidth: 0 };
  const plan = { ...planFor(query, rows, exact, threads, shape), metric, metricParams };
  const buffer =
    typeof SharedArrayBuffer === 'undefined'
      ? new ArrayBuffer(plan.bytes)
      : new SharedArrayBuffer(plan.bytes);
  const table = new Float32Array(buffer, plan.at.table, rows * width);
  yield* inBlocks(table.length, 2 ** 22, (from, to) => table.set(data.data.subarray(from, to), from));
  return { plan, arena: yield* initialize(plan, { buffer }), rounding: 0, toDistance: (value) => value };
}

interface Shape extends Pick<SearchPlan, 'leaf' | 'group' | 'width' | 'fullWidth' | 'queries'> {
  readonly trees: number;
  readonly minSnapshot: number;
}

function planFor(
  query: NeighborQuery,
  rows: number,
  exact: boolean,
  threads: number,
  shape: Shape,
): SearchPlan {
  const { width, fullWidth, group, queries, trees } = shape;
  const resultSize = query.k - 1;
  // Directions preserve neighbors only roughly, and short lists lead to few better candidates.
  const candidates = exact
    ? resultSize
    : Math.max(20, fullWidth === 0 ? resultSize : Math.ceil(2.5 * query.k));
  const capacity = Math.min(rows - 1, candidates);
  // A leaf may be half of a part that was just too large, and must still have enough rows to fill a list.
  const leaf = Math.max(shape.leaf, 4 * capacity);
  const snapshotSize = Math.min(capacity, Math.max(shape.minSnapshot, Math.ceil(capacity / 3)));
  const random = query.random.fork('trees');
  const seeds = Array.from({ length: exact ? 0 : trees + 1 }, () => random.uint32());
  const scratch = scratchBytes({ width, leaf, capacity });
  const lengths: Record<TableName, number> = {
    control: 8,
    table: (rows + 8) * width * 4,
    full: fullWidth === 0 ? 0 : (rows + 8) * fullWidth * 4,
    directions: fullWidth * width * 4,
    order: rows * 4,
    trees: exact ? 0 : trees * rows * 4,
    lists: listBytes(rows, capacity),
    snapshot: exact ? 0 : rows * snapshotSize * 4,
    reverse: exact ? 0 : rows * snapshotSize * 4,
    reverseCounts: exact ? 0 : rows * 4,
    result: exact ? 0 : listBytes(rows, resultSize),
    scratch: Math.max(1, threads) * scratch,
  };
  const settings = {
    rows,
    queries,
    width,
    fullWidth,
    resultSize,
    capacity,
    group,
    leaf,
    snapshotSize,
    seeds,
    scratchBytes: scratch,
  };
  return { ...settings, ...assignAddresses(lengths) };
}

/** Sets the initial order of the rows and empties the lists. */
function* initialize(plan: SearchPlan, arena: Arena): Work<Arena> {
  const { at, rows, capacity, resultSize } = plan;
  const order = new Int32Array(arena.buffer, at.order, rows);
  for (let row = 0; row < rows; row++) order[row] = row;
  const lists = viewLists(arena.buffer, at.lists, rows, capacity);
  yield* inBlocks(rows, blockOf(capacity), (from, to) => clearLists(lists, from, to));
  if (plan.seeds.length === 0) return arena;
  const result = viewLists(arena.buffer, at.result, rows, resultSize);
  yield* inBlocks(rows, blockOf(resultSize), (from, to) => clearLists(result, from, to));
  return arena;
}

/** Centers the rows. */
function* subtractShift(table: Float32Array, { shift }: Basis, rows: number, width: number): Work<void> {
  if (shift.every((value) => value === 0)) return;
  yield* inBlocks(rows, blockOf(width), (start, end) => {
    for (let row = start; row < end; row++) {
      for (let c = 0; c < width; c++) table[row * width + c]! -= shift[c]!;
    }
  });
}
