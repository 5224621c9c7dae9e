/**
 * The stages of a search. Each is cut into parts that may run in any order, on any worker: a part writes only
 * places of its own and reads only what earlier stages wrote, so the outcome does not depend on the workers.
 */
import { blockOf, inBlocks, type Work } from '../../core/pauses.js';
import { createRandom } from '../../core/random.js';
import { kernelComparer, metricComparer } from './compare.js';
import { createExplore } from './explore.js';
import { bindKernels, type Kernels } from './kernels.js';
import { createOffer, viewLists } from './lists.js';
import { leafEnds, partition } from './partition.js';
import { type Arena, block, rowBlock, type SearchPlan, scratchLayout } from './plan.js';

export type Stage =
  | 'project'
  | 'order'
  | 'permute'
  | 'tree'
  | 'leaves'
  | 'links'
  | 'explore'
  | 'rank'
  | 'all'
  | 'pairs';

/** Rows in a part of the stages that go row by row. */
const partRows = 256;
const partLeaves = 4;

/** How many parts a stage has. */
export function partsOf(stage: Stage, plan: SearchPlan): number {
  if (stage === 'tree') return plan.seeds.length - 1;
  if (stage === 'leaves') return Math.ceil(leafEnds(plan.rows, plan.leaf).length / partLeaves);
  if (stage === 'all' || stage === 'pairs') return Math.ceil(plan.rows / rowBlock);
  return stage === 'project' || stage === 'explore' || stage === 'rank' ? Math.ceil(plan.rows / partRows) : 1;
}

/** Runs one part of a stage; `argument` is the tree of the stage `leaves`. */
export type RunPart = (stage: Stage, part: number, argument: number) => Work<void>;

/** Opens an arena for one worker, `slot` being its number. */
export function openStages(plan: SearchPlan, { buffer, memory }: Arena, slot: number): RunPart {
  const { at, rows, capacity } = plan;
  const kernels = memory && bindKernels(memory);
  const lists = viewLists(buffer, at.lists, rows, capacity);
  const scratch = at.scratch + slot * plan.scratchBytes;
  const compare =
    plan.metric === undefined
      ? kernelComparer(plan, buffer, kernels!, scratch)
      : metricComparer(plan, buffer, lists);
  const order = new Int32Array(buffer, at.order, rows);
  const random = (tree: number) => createRandom(plan.seeds[tree]!);
  const sorted = (ids: Int32Array, leaf: number, tree: number) => {
    for (let i = 0; i < rows; i++) ids[i] = i;
    return partition(ids, leaf, random(tree), compare.margins);
  };
  const treeOf = (tree: number) => new Int32Array(buffer, at.trees + tree * rows * 4, rows);
  const ends = leafEnds(rows, plan.leaf);
  // Opened when first needed: an exact search has no places for them.
  let explore: ((from: number, to: number) => Work<void>) | undefined;
  let rank: ((from: number, to: number) => void) | undefined;
  const everyRow = Int32Array.from({ length: rows }, (_, i) => i);

  // Of all rows, so many meet a block of rows between two pauses; the kernels take whole blocks of them.
  const others = Math.max(plan.metric === undefined ? block : 1, blockOf((rowBlock * plan.width) / 4));

  const stages: Record<Stage, (part: number, argument: number) => Work<void>> = {
    *project(part) {
      project(plan, kernels!, part * partRows, Math.min(rows, (part + 1) * partRows));
      yield;
    },
    order: () => sorted(order, rowBlock, 0),
    permute: () => permute(new Float32Array(buffer, at.table, rows * plan.width), plan.width, order),
    tree: (part) => sorted(treeOf(part), plan.leaf, part + 1),
    *leaves(part, tree) {
      const ids = treeOf(tree);
      for (let leaf = part * partLeaves; leaf < Math.min(ends.length, (part + 1) * partLeaves); leaf++) {
        compare.leaf(ids, ends[leaf - 1] ?? 0, ends[leaf]!);
        yield;
      }
    },
    links: () => link(plan, buffer),
    explore(part) {
      explore ??= createExplore(plan, buffer, compare);
      return explore(part * partRows, Math.min(rows, (part + 1) * partRows));
    },
    *rank(part) {
      rank ??= createRank(plan, buffer, kernels, scratch);
      rank(part * partRows, Math.min(rows, (part + 1) * partRows));
      yield;
    },
    pairs: (part) => compare.pairs!(part * rowBlock, Math.min(rows, (part + 1) * rowBlock)),
    all: (part) =>
      inBlocks(rows, others, (from, to) =>
        compare.rows(
          part * rowBlock,
          Math.min(rows, (part + 1) * rowBlock),
          everyRow.subarray(from, to),
          to - from,
        ),
      ),
  };
  return (stage, part, argument) => stages[stage](part, argument);
}

/** Coordinates of the rows [from, to) along the directions. */
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

/** Puts row order[i] at place i, along the cycles of the order, so that rows near in space are near in memory. */
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

/** Takes a snapshot of the lists, marks their entries as known, and lists for each row who has it as a neighbour. */
function* link(plan: SearchPlan, buffer: ArrayBufferLike): Work<void> {
  const { at, rows, capacity, links } = plan;
  const { words } = viewLists(buffer, at.lists, rows, capacity);
  const snapshot = new Uint32Array(buffer, at.snapshot, rows * links);
  const reverse = new Uint32Array(buffer, at.reverse, rows * links);
  const counts = new Int32Array(buffer, at.reverseCounts, rows);
  counts.fill(0);
  // Rank by rank, so that the nearest come first into the limited room.
  for (let c = 0; c < links; c++) {
    yield* inBlocks(rows, 2 ** 16, (from, to) => {
      for (let row = from; row < to; row++) {
        const word = words[2 * (row * capacity + c)]!;
        snapshot[row * links + c] = word;
        const id = word >>> 1;
        const count = counts[id]!;
        if (count === links) continue;
        reverse[id * links + count] = row * 2 + (word & 1);
        counts[id] = count + 1;
      }
    });
  }
  for (let i = 0; i < words.length; i += 2) words[i]! |= 1;
}

/** Writes the nearest of each list under the rows' own ids, ranked in all coordinates. */
function createRank(
  plan: SearchPlan,
  buffer: ArrayBufferLike,
  kernels: Kernels | undefined,
  scratch: number,
) {
  const { at, rows, capacity, wanted, fullWidth } = plan;
  const { words, floats } = viewLists(buffer, at.lists, rows, capacity);
  const result = viewLists(buffer, at.result, rows, wanted);
  const offer = createOffer(result);
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
      for (let c = 0; c < capacity; c++) offer(own, ids[c]!, values[c]!);
    }
  };
}
