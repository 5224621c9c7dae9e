/**
 * The stages of a search. Each is divided into parts that may run in any order, on any worker: a part writes only to
 * memory of its own and reads only what earlier stages have written, so that the result does not depend on the
 * workers.
 */
import { blockOf, inBlocks, type Work } from '../../core/pauses.js';
import { createRandom } from '../../core/random.js';
import { type Comparer, kernelComparer, metricComparer } from './compare.js';
import { createExplore } from './explore.js';
import { bindKernels, type Kernels } from './kernels.js';
import { createPush, viewLists } from './lists.js';
import { leafEnds, partition } from './partition.js';
import { type Arena, block, rowBlock, type SearchPlan, scratchLayout } from './plan.js';

export type Stage =
  | 'project'
  | 'order'
  | 'permute'
  | 'tree'
  | 'leaves'
  | 'snapshot'
  | 'explore'
  | 'rank'
  | 'all'
  | 'pairs';

/** Rows per part of the stages that process row by row, and leaves per part. */
const partRows = 256;
const partLeaves = 4;

/** Number of parts of a stage. */
export function partsOf(stage: Stage, plan: SearchPlan): number {
  if (stage === 'tree') return plan.seeds.length - 1;
  if (stage === 'leaves') return Math.ceil(leafEnds(plan.rows, plan.leaf).length / partLeaves);
  if (stage === 'all' || stage === 'pairs') return Math.ceil((plan.queries || plan.rows) / rowBlock);
  return stage === 'project' || stage === 'explore' || stage === 'rank' ? Math.ceil(plan.rows / partRows) : 1;
}

/** Runs one part of a stage; for the stage `leaves`, `argument` is the tree. */
export type RunPart = (stage: Stage, part: number, argument: number) => Work<void>;

/** Prepares a worker, whose number is `slot`, to run parts. */
export function openStages(plan: SearchPlan, arena: Arena, slot: number): RunPart {
  const kernels = arena.memory && bindKernels(arena.memory);
  const scratch = plan.at.scratch + slot * plan.scratchBytes;
  const compare =
    plan.metric === undefined
      ? kernelComparer(plan, arena.buffer, kernels!, scratch)
      : metricComparer(plan, arena.buffer, viewLists(arena.buffer, plan.at.lists, plan.rows, plan.capacity));
  const stages: Record<Stage, (part: number, argument: number) => Work<void>> = {
    ...treeStages(plan, arena, compare),
    ...pairStages(plan, compare),
    ...descentStages(plan, arena, compare, kernels, scratch),
  };
  return (stage, part, argument) => stages[stage](part, argument);
}

/** Stages that order the rows, grow random trees, and compare the rows within their leaves. */
function treeStages(plan: SearchPlan, { buffer }: Arena, compare: Comparer) {
  const { at, rows } = plan;
  const order = new Int32Array(buffer, at.order, rows);
  const random = (tree: number) => createRandom(plan.seeds[tree]!);
  const sorted = (ids: Int32Array, leaf: number, tree: number) => {
    for (let i = 0; i < rows; i++) ids[i] = i;
    return partition(ids, leaf, random(tree), compare.margins);
  };
  const treeOf = (tree: number) => new Int32Array(buffer, at.trees + tree * rows * 4, rows);
  const ends = leafEnds(rows, plan.leaf);
  return {
    order: () => sorted(order, rowBlock, 0),
    permute: () => permute(new Float32Array(buffer, at.table, rows * plan.width), plan.width, order),
    tree: (part: number) => sorted(treeOf(part), plan.leaf, part + 1),
    *leaves(part: number, tree: number) {
      const ids = treeOf(tree);
      for (let leaf = part * partLeaves; leaf < Math.min(ends.length, (part + 1) * partLeaves); leaf++) {
        compare.leaf(ids, ends[leaf - 1] ?? 0, ends[leaf]!);
        yield;
      }
    },
  };
}

/** Stages that compare all pairs of rows. */
function pairStages(plan: SearchPlan, compare: Comparer) {
  const { rows, queries } = plan;
  const searched = queries || rows;
  const everyRow = Int32Array.from({ length: rows }, (_, i) => i);
  // Rows that a block of rows is compared with between two pauses; at least one block for the kernels.
  const others = Math.max(plan.metric === undefined ? block : 1, blockOf((rowBlock * plan.width) / 4));
  const rowsOf = (part: number) => [part * rowBlock, Math.min(searched, (part + 1) * rowBlock)] as const;
  return {
    pairs: (part: number) => compare.pairs!(...rowsOf(part)),
    all: (part: number) =>
      inBlocks(rows - queries, others, (from, to) =>
        compare.rows(...rowsOf(part), everyRow.subarray(queries + from, queries + to), to - from),
      ),
  };
}

/** Stages of NN-descent: projected rows before it, its passes, and the ranking by full rows after it. */
function descentStages(
  plan: SearchPlan,
  { buffer }: Arena,
  compare: Comparer,
  kernels: Kernels | undefined,
  scratch: number,
) {
  // Created on first use: an exact search has no memory for them.
  let explore: ReturnType<typeof createExplore> | undefined;
  let rank: ReturnType<typeof createRank> | undefined;
  const rowsOf = (part: number) => [part * partRows, Math.min(plan.rows, (part + 1) * partRows)] as const;
  return {
    *project(part: number) {
      project(plan, kernels!, ...rowsOf(part));
      yield;
    },
    snapshot: () => takeSnapshot(plan, buffer),
    explore(part: number) {
      explore ??= createExplore(plan, buffer, compare);
      return explore(...rowsOf(part));
    },
    *rank(part: number) {
      rank ??= createRank(plan, buffer, kernels, scratch);
      rank(...rowsOf(part));
      yield;
    },
  };
}

/** Computes the coordinates of the rows [from, to) along the directions. */
function project(plan: SearchPlan, kernels: Kernels, from: number, to: number): void {
  const { at, width, fullWidth } = plan;
  const height = (to - from + 1) & ~1;
  kernels.dots(
    at.full + from * fullWidth * 4,
    height,
    at.directions,
    width,
    fullWidth * 4,
    at.table + from * width * 4,
  );
}

/** Moves row order[i] to index i, cycle by cycle, so that rows that are close in space are close in memory. */
function* permute(table: Float32Array, width: number, order: Int32Array): Work<void> {
  const done = new Uint8Array(order.length);
  const spare = new Float32Array(width);
  const atATime = blockOf(width);
  let moved = 0;
  for (let start = 0; start < order.length; start++) {
    if (done[start] === 1) continue;
    spare.set(table.subarray(start * width, (start + 1) * width));
    let to = start;
    for (let from = order[to]!; from !== start; from = order[to]!) {
      table.copyWithin(to * width, from * width, (from + 1) * width);
      done[to] = 1;
      to = from;
      if (++moved % atATime === 0) yield;
    }
    table.set(spare, to * width);
    done[to] = 1;
  }
}

/** Copies the lists, collects the reverse neighbors of each row, and marks all entries of the lists as old. */
function* takeSnapshot(plan: SearchPlan, buffer: ArrayBufferLike): Work<void> {
  const { at, rows, capacity, snapshotSize } = plan;
  const { words } = viewLists(buffer, at.lists, rows, capacity);
  const snapshot = new Uint32Array(buffer, at.snapshot, rows * snapshotSize);
  const reverse = new Uint32Array(buffer, at.reverse, rows * snapshotSize);
  const counts = new Int32Array(buffer, at.reverseCounts, rows);
  counts.fill(0);
  // Rank by rank, so that the nearest ones are kept if there are too many.
  for (let c = 0; c < snapshotSize; c++) {
    yield* inBlocks(rows, 2 ** 16, (from, to) => {
      for (let row = from; row < to; row++) {
        const word = words[2 * (row * capacity + c)]!;
        snapshot[row * snapshotSize + c] = word;
        const id = word >>> 1;
        const count = counts[id]!;
        if (count === snapshotSize) continue;
        reverse[id * snapshotSize + count] = row * 2 + (word & 1);
        counts[id] = count + 1;
      }
    });
  }
  for (let i = 0; i < words.length; i += 2) words[i]! |= 1;
}

/** Writes the nearest of each list, ranked by full rows, under the original ids of the rows. */
function createRank(
  plan: SearchPlan,
  buffer: ArrayBufferLike,
  kernels: Kernels | undefined,
  scratch: number,
) {
  const { at, rows, capacity, resultSize, fullWidth } = plan;
  const { words, floats } = viewLists(buffer, at.lists, rows, capacity);
  const result = viewLists(buffer, at.result, rows, resultSize);
  const push = createPush(result);
  const order = new Int32Array(buffer, at.order, rows);
  const stride = fullWidth * 4;
  const layout = scratchLayout(plan);
  const idsAt = scratch + layout.ids;
  const valuesAt = scratch + layout.distances;
  const ids = new Int32Array(buffer, idsAt, capacity);
  const values = new Float32Array(buffer, valuesAt, capacity);
  return (from: number, to: number) => {
    for (let row = from; row < to; row++) {
      const own = order[row]!;
      for (let c = 0; c < capacity; c++) {
        const entry = 2 * (row * capacity + c);
        ids[c] = order[words[entry]! >>> 1]!;
        values[c] = floats[entry + 1]!;
      }
      if (fullWidth > 0)
        kernels!.squaresTo(at.full + own * stride, at.full, stride, idsAt, capacity, valuesAt);
      for (let c = 0; c < capacity; c++) push(own, ids[c]!, values[c]!);
    }
  };
}
