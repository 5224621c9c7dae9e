/** Plans a search and fills its buffer: settings, addresses, and the rows as the search wants them. */
import { blockOf, inBlocks, type Work } from '../../core/pauses.js';
import type { Matrix, NeighborQuery } from '../../core/types.js';
import { type Basis, findBasis } from './basis.js';
import { bindKernels, createMemory } from './kernels.js';
import { clearLists, listBytes, viewLists } from './lists.js';
import { type Arena, type Place, place, type SearchPlan, scratchBytes } from './plan.js';
import { euclideanSpace, type Space } from './space.js';

/** A search ready to run, and how to make distances of the numbers it leaves. */
export interface Prepared {
  readonly plan: SearchPlan;
  readonly arena: Arena;
  finish(value: number): number;
}

/** Only rows wider than this are worth looking for a few directions. */
const wideColumns = 128;

/**
 * Prepares a search.
 *
 * @param exact whether every pair will be compared: then without trees, directions or spare candidates.
 */
export function* prepare(
  data: Matrix,
  query: NeighborQuery,
  threads: number,
  exact: boolean,
): Work<Prepared> {
  const space = yield* euclideanSpace(data, query.metric, query.metricParams);
  return (
    (space && (yield* prepareKernels(data, query, space, threads, exact))) ??
    (yield* prepareMetric(data, query, threads, exact))
  );
}

function* prepareKernels(
  data: Matrix,
  query: NeighborQuery,
  space: Space,
  threads: number,
  exact: boolean,
): Work<Prepared | undefined> {
  const rows = data.shape[0];
  const width = Math.ceil(space.columns / 4) * 4;
  const basis =
    exact || space.columns < wideColumns
      ? undefined
      : yield* findBasis(space, rows, width, query.random.fork('basis'));
  const plan = planFor(query, rows, exact, threads, {
    trees: 6,
    leaf: 192,
    group: 16,
    minLinks: basis === undefined ? 16 : 12,
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
    yield* takeOff(table, basis, rows, width);
    new Float32Array(buffer, at.directions, basis.directions.length).set(basis.directions);
  }
  return { plan, arena: yield* open(plan, { buffer, memory }), finish: space.finish };
}

function* prepareMetric(data: Matrix, query: NeighborQuery, threads: number, exact: boolean): Work<Prepared> {
  const [rows, width] = data.shape;
  const { metric, metricParams } = query;
  const shape = { trees: 5, leaf: 64, group: 1, minLinks: 20, width, fullWidth: 0 };
  const plan = { ...planFor(query, rows, exact, threads, shape), metric, metricParams };
  const buffer =
    typeof SharedArrayBuffer === 'undefined'
      ? new ArrayBuffer(plan.bytes)
      : new SharedArrayBuffer(plan.bytes);
  const table = new Float32Array(buffer, plan.at.table, rows * width);
  yield* inBlocks(table.length, 2 ** 22, (from, to) => table.set(data.data.subarray(from, to), from));
  return { plan, arena: yield* open(plan, { buffer }), finish: (value) => value };
}

interface Shape extends Pick<SearchPlan, 'leaf' | 'group' | 'width' | 'fullWidth'> {
  readonly trees: number;
  readonly minLinks: number;
}

function planFor(
  query: NeighborQuery,
  rows: number,
  exact: boolean,
  threads: number,
  shape: Shape,
): SearchPlan {
  const { width, fullWidth, group, trees } = shape;
  const wanted = query.k - 1;
  // Directions give only about the right neighbours, and a short list few ways to better ones.
  const spare = exact ? wanted : Math.max(20, fullWidth === 0 ? wanted : Math.ceil(2.5 * query.k));
  const capacity = Math.min(rows - 1, spare);
  // A leaf must hold enough rows to fill a list even when it is a half of a part that was just too large.
  const leaf = Math.max(shape.leaf, 4 * capacity);
  const links = Math.min(capacity, Math.max(shape.minLinks, Math.ceil(capacity / 3)));
  const random = query.random.fork('trees');
  const seeds = Array.from({ length: exact ? 0 : trees + 1 }, () => random.uint32());
  const scratch = scratchBytes({ width, leaf, capacity });
  const lengths: Record<Place, number> = {
    control: 8,
    table: (rows + 8) * width * 4,
    full: fullWidth === 0 ? 0 : (rows + 8) * fullWidth * 4,
    directions: fullWidth * width * 4,
    order: rows * 4,
    trees: exact ? 0 : trees * rows * 4,
    lists: listBytes(rows, capacity),
    snapshot: exact ? 0 : rows * links * 4,
    reverse: exact ? 0 : rows * links * 4,
    reverseCounts: exact ? 0 : rows * 4,
    result: exact ? 0 : listBytes(rows, wanted),
    scratch: Math.max(1, threads) * scratch,
  };
  const settings = {
    rows,
    width,
    fullWidth,
    wanted,
    capacity,
    group,
    leaf,
    links,
    seeds,
    scratchBytes: scratch,
  };
  return { ...settings, ...place(lengths) };
}

/** Puts the rows in their own order and empties the lists. */
function* open(plan: SearchPlan, arena: Arena): Work<Arena> {
  const { at, rows, capacity, wanted } = plan;
  const order = new Int32Array(arena.buffer, at.order, rows);
  for (let row = 0; row < rows; row++) order[row] = row;
  const lists = viewLists(arena.buffer, at.lists, rows, capacity);
  yield* inBlocks(rows, blockOf(capacity), (from, to) => clearLists(lists, from, to));
  if (plan.seeds.length === 0) return arena;
  const result = viewLists(arena.buffer, at.result, rows, wanted);
  yield* inBlocks(rows, blockOf(wanted), (from, to) => clearLists(result, from, to));
  return arena;
}

function* takeOff(table: Float32Array, { shift }: Basis, rows: number, width: number): Work<void> {
  if (shift.every((value) => value === 0)) return;
  yield* inBlocks(rows, blockOf(width), (start, end) => {
    for (let row = start; row < end; row++) {
      for (let c = 0; c < width; c++) table[row * width + c]! -= shift[c]!;
    }
  });
}
