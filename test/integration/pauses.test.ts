/** Every stage of a fit lets the event loop in and hears an abort: counted in turns of the loop, not in time. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import type { Work } from '../../src/core/pauses.js';
import { createRandom } from '../../src/core/random.js';
import type { Matrix } from '../../src/core/types.js';
import type { Targets } from '../../src/data/targets.js';
import type { ParametricUMAPOptions } from '../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../src/estimators/umap/parametricUmap.js';
import type { FitInputs } from '../../src/fit/inputs.js';
import { fuzzyGraphInParts } from '../../src/graph/fuzzy.js';
import { spreadLabelsInParts } from '../../src/graph/labelSpreading.js';
import { superviseCategoricalInParts, superviseContinuousInParts } from '../../src/graph/supervised.js';
import { groupTargets, nearNumbers } from '../../src/graph/targetGroups.js';
import { targetMemberships, targetMembershipsInParts } from '../../src/graph/targetNeighbors.js';
import { placeRowsInParts } from '../../src/layout/place.js';
import { principalLayoutInParts } from '../../src/layout/principal.js';
import { refineLayoutInParts } from '../../src/layout/sgd.js';
import { spectralLayoutInParts } from '../../src/layout/spectral.js';
import { pcaInParts, projectInParts } from '../../src/math/pca.js';
import { nndescent } from '../../src/neighbors/nndescent.js';
import { neighborsFromDistancesInParts } from '../../src/neighbors/precomputed.js';
import { prepare } from '../../src/neighbors/search/prepare.js';
import { openStages } from '../../src/neighbors/search/stages.js';

await useBackend();

function clusters(rows: number, columns: number): Matrix {
  const random = createRandom('pauses');
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < data.length; i++)
    data[i] = random.normal() + (i % columns === Math.floor(i / columns) % 4 ? 8 : 0);
  return { data, shape: [rows, columns] };
}

const rows = 20_000;
const wide = clusters(600, 300);
const query = { k: 5, metric: 'euclidean', random: createRandom(3) } as const;
const knn = ring(rows);
const edges = finished(fuzzyGraphInParts(knn));
const labels = Int32Array.from({ length: rows }, (_, i) => i % 3);
const layout = {
  data: Float32Array.from({ length: 2 * rows }, (_, i) => Math.sin(i)),
  shape: [rows, 2] as const,
};

/** Rows on a ring, each with two neighbors on either side. */
function ring(count: number) {
  const ids = Int32Array.from({ length: count * 5 }, (_, i) => {
    const by = [0, 1, -1, 2, -2][i % 5]!;
    return (Math.floor(i / 5) + by + count) % count;
  });
  const distances = Float32Array.from({ length: count * 5 }, (_, i) => [0, 1, 1, 2, 2][i % 5]!);
  return { indices: ids, distances, rows: count, k: 5 };
}

/** Runs a computation to its end. The parts that it tells of must rise from 0 to 1. */
function finished<T>(work: Work<T>, seen: { pauses: number } = { pauses: 0 }): T {
  let last = 0;
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    if (value !== undefined) assert.ok(value >= last && value <= 1, `${value} after ${last}`);
    last = value ?? last;
    seen.pauses++;
  }
}

const groups = groupTargets({ data: Float64Array.from(labels), shape: [labels.length, 1] });
const memberships = targetMemberships(edges, groups, nearNumbers(groups, 5), 5, createRandom(1));

/** Each with the pauses that blocks of some milliseconds at most come to. */
const stages: Readonly<Record<string, readonly [Work<unknown>, number]>> = {
  // 5 x 5 blocks of 64 columns on or above the diagonal, and rounds of the search for 8 components.
  'principal components': [pcaInParts(wide, { components: 8, random: createRandom(1) }), 15 + 40],
  projection: [
    projectInParts(clusters(4096, 100), {
      mean: new Float32Array(100),
      components: clusters(8, 100),
    }),
    64,
  ],
  // Its own few directions among them.
  'preparing a search': [prepare(wide, query, 1, false), 20],
  'a tree': [runStage('tree'), 100],
  'one tree to order the rows': [runStage('order'), 100],
  // Six blocks of 4,096 rows for each of: checks, scales, memberships, two transposes, union.
  'fuzzy graph': [fuzzyGraphInParts(knn), 30],
  'labels in the graph': [superviseCategoricalInParts(edges, labels), 15],
  // Six blocks for each of: checks, scales, memberships, two transposes; then for those of the graph.
  'numbers among targets': [
    targetMembershipsInParts(edges, groups, nearNumbers(groups, 5), 5, createRandom(1)),
    24,
  ],
  'numbers in the graph': [superviseContinuousInParts(edges, memberships), 15],
  'spectral layout': [
    spectralLayoutInParts(finished(fuzzyGraphInParts(ring(1000))), {
      components: 2,
      random: createRandom(1),
    }),
    100,
  ],
  // 60 epochs of 80,000 edges, at most 16,384 at a time.
  refinement: [
    refineLayoutInParts(edges, layout, {
      ...{ curve: { a: 1.6, b: 0.9 }, epochs: 60, negativeSampleRate: 5, repulsionStrength: 1 },
      random: createRandom(1),
    }),
    60 * 4,
  ],
  // Some hundred rows of 5 neighbors at a time.
  'placing new rows': [
    placeRowsInParts({ ...knn, distances: knn.distances.map((distance) => distance + 1) }, layout, {
      ...{ curve: { a: 1.6, b: 0.9 }, epochs: 100, negativeSampleRate: 5, repulsionStrength: 1 },
      ...{ localConnectivity: 1, random: createRandom(1) },
    }),
    50,
  ],
  'principal components as a first layout': [
    principalLayoutInParts(
      clusters(4096, 100),
      {
        mean: new Float32Array(100),
        components: clusters(2, 100),
        variance: Float64Array.of(2, 1),
        totalVariance: 3,
      },
      { components: 2, scale: 'deviation' },
    ),
    64,
  ],
  // 60 rounds.
  'label spreading': [spreadLabelsInParts(edges, labels, 3), 60],
  'a table of distances': [neighborsFromDistancesInParts(squares(), 5), 2],
};

function squares(): Matrix {
  return { data: new Float32Array(1500 * 1500).fill(1), shape: [1500, 1500] };
}

function runStage(stage: 'tree' | 'order'): Work<void> {
  const { plan, arena } = finished(prepare(clusters(rows, 8), query, 1, false));
  return openStages(plan, arena, 0)(stage, 0, 0);
}

for (const [name, [work, least]] of Object.entries(stages)) {
  test(`${name} may pause often`, () => {
    const seen = { pauses: 0 };
    finished(work, seen);
    assert.ok(seen.pauses >= least, `${seen.pauses} pauses, wanted ${least}`);
  });
}

interface Case {
  readonly X: Matrix;
  readonly y?: Targets;
  readonly options?: Partial<ParametricUMAPOptions>;
  readonly inputs?: FitInputs;
}

const few = clusters(200, 150);
const words = Array.from({ length: 200 }, (_, i) => (i % 5 === 0 ? null : 'abcd'[i % 4]!));
const quick = { nNeighbors: 6, nEpochs: 1, batchSize: 64, seed: 1 } as const;

const cases: Readonly<Record<string, Case>> = {
  'the default': { X: few },
  'labels and a classifier': { X: few, y: words, options: { classifier: true } },
  'numbers to predict, another search, principal components first': {
    X: few,
    y: Array.from({ length: 200 }, (_, i) => i % 4),
    options: { targetMetric: 'euclidean', neighbors: 'nndescent', metric: 'cosine', init: 'pca' },
  },
  'a metric without kernels, and a decoder': {
    X: few,
    options: { metric: 'manhattan', neighbors: 'nndescent', parametricReconstruction: true },
  },
};

/**
 * Fits with a clock by which every block of work is long, and aborts after so many turns of the event loop. Says how
 * many there were before training began and before the end, and what came of it.
 */
async function fitFor({ X, y, options, inputs }: Case, turns: number) {
  let now = 1e6;
  const clock = mock.method(performance, 'now', () => {
    now += 1000;
    return now;
  });
  const control = new AbortController();
  let count = 0;
  let training = 0;
  let running = true;
  const next = () => {
    if (!running) return;
    if (++count === turns) control.abort(new Error(`enough after ${turns}`));
    setImmediate(next);
  };
  const noted = async () => {
    training = count;
  };
  const callbacks = [new tf.CustomCallback({ onTrainBegin: noted })];
  const umap = new ParametricUMAP({ ...quick, ...options, callbacks });
  setImmediate(next);
  try {
    await umap.fit(X, y, { ...inputs, signal: control.signal });
    return { training, count, error: undefined };
  } catch (error) {
    assert.equal(error, control.signal.reason, String(error));
    return { training, count, error };
  } finally {
    running = false;
    clock.mock.restore();
    umap.dispose();
  }
}

for (const [name, given] of Object.entries(cases)) {
  test(`an abort ends the fit whenever it comes: ${name}`, async () => {
    // The first fit waits for what is loaded and compiled once.
    await fitFor(given, Number.POSITIVE_INFINITY);
    const { training } = await fitFor(given, Number.POSITIVE_INFINITY);
    assert.ok(training > 100, `the stages before training let the event loop in ${training} times`);
    const held = tf.memory().numTensors;
    const late: string[] = [];
    for (let turn = 1; turn < training; turn += Math.ceil(training / 15)) {
      const { count: turns, error } = await fitFor(given, turn);
      // Where others are waited for, such as files, a fit may take fewer turns.
      if (turns < turn) continue;
      assert.ok(error, `turn ${turn} of ${training}`);
      // The abort falls into one turn, and the fit looks in the next; but where it waits for a file or a compiler.
      if (turns - turn > 2) late.push(`aborted in turn ${turn}, ended in turn ${turns}`);
      assert.equal(tf.memory().numTensors, held, `turn ${turn}: tensors are left`);
    }
    assert.ok(late.length <= 2, late.join('; '));
  });
}

test('a search in this thread ends on an abort in each of its stages', async () => {
  const control = new AbortController();
  const reason = new Error('enough');
  let now = 1e6;
  const clock = mock.method(performance, 'now', () => {
    now += 1000;
    return now;
  });
  try {
    setImmediate(() => setImmediate(() => control.abort(reason)));
    const search = nndescent({ threads: 1 }).search(wide, { ...query, signal: control.signal });
    await assert.rejects(search, reason);
  } finally {
    clock.mock.restore();
  }
});

test('many rows are placed with pauses, and two at a time come out as one after the other', async () => {
  const umap = await new ParametricUMAP(quick).fit(few);
  const X = [
    clusters(5000, 150),
    { ...clusters(4000, 150), data: clusters(4000, 150).data.map((v) => 1 - v) },
  ];
  const alone: Matrix[] = [];
  for (const matrix of X) alone.push(await umap.transform(matrix));
  let now = 1e6;
  const clock = mock.method(performance, 'now', () => {
    now += 1000;
    return now;
  });
  let turns = 0;
  let running = true;
  const next = () => {
    turns++;
    if (running) setImmediate(next);
  };
  setImmediate(next);
  try {
    assert.deepEqual(await Promise.all(X.map((matrix) => umap.transform(matrix))), alone);
    assert.ok(turns >= 4 + 3, `${turns} turns for blocks of 1,024 rows`);
  } finally {
    running = false;
    clock.mock.restore();
    umap.dispose();
  }
});
