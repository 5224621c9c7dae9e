/** The stages that a fit tells of: which, in what order, and how far they are. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { useBackend } from '../../../src/backend/choose.js';
import { createRandom } from '../../../src/core/random.js';
import { type Stage, stages } from '../../../src/core/stages.js';
import type { Matrix } from '../../../src/core/types.js';
import { type RowsInput, rowSource } from '../../../src/data/rowSource.js';
import type { GivenUMAPOptions } from '../../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../../src/estimators/umap/parametricUmap.js';
import type { FitInputs } from '../../../src/fit/inputs.js';
import { exact } from '../../../src/neighbors/exact.js';
import { nndescent } from '../../../src/neighbors/nndescent.js';

await useBackend();

const columns = 8;

function points(rows: number): Matrix {
  const random = createRandom('stages');
  return {
    data: Float32Array.from({ length: rows * columns }, () => random.normal()),
    shape: [rows, columns],
  };
}

const X = points(200);
/** The same rows in four blocks. */
const source = rowSource(
  () =>
    [0, 50, 100, 150].map((row) => ({
      data: X.data.subarray(row * columns, (row + 50) * columns),
      shape: [50, columns],
    })),
  { rows: 200 },
);
const quick = { nNeighbors: 6, nEpochs: 1, batchSize: 64, seed: 1 } as const;
const words = Array.from({ length: 200 }, (_, i) => (i % 5 === 0 ? null : 'abcd'[i % 4]!));

/** Fits with a clock by which every look is a second after the last, so that every part is told. */
async function told(
  options: GivenUMAPOptions = {},
  inputs: FitInputs = {},
  y: typeof words | null = null,
  rows: RowsInput = X,
): Promise<Map<string, (number | undefined)[]>> {
  const parts = new Map<string, (number | undefined)[]>();
  const moment = (name: string) => async () => void parts.set(name, []);
  const onStage = (stage: Stage, done: number | undefined) => {
    if (!parts.has(stage)) parts.set(stage, []);
    // A stage that comes twice would be out of order.
    assert.equal([...parts.keys()].at(-1), stage);
    parts.get(stage)!.push(done);
  };
  const callbacks = [{ onStage, onTrainBegin: moment('begin'), onTrainEnd: moment('end') }];
  const umap = new ParametricUMAP({ ...quick, ...options, callbacks });
  let now = 1e6;
  const clock = mock.method(performance, 'now', () => {
    now += 1000;
    return now;
  });
  try {
    await umap.fit(rows, y, inputs);
  } finally {
    clock.mock.restore();
    umap.dispose();
  }
  return parts;
}

function assertParts(parts: ReadonlyMap<string, readonly (number | undefined)[]>): void {
  for (const [stage, found] of parts) {
    if (stage === 'begin' || stage === 'end') continue;
    assert.ok(
      found.every((done, i) => done === undefined || (done >= (found[i - 1] ?? 0) && done <= 1)),
      `${stage}: ${found}`,
    );
    assert.equal(found.indexOf(1), found.length - 1, `${stage}: ${found}`);
    assert.equal(found[0], stage === 'first layout' ? undefined : 0, stage);
  }
}

test('a fit with everything tells of each stage in the list, in order, and the rest comes in training', async () => {
  const options = { neighbors: 'nndescent', classifier: true } as const;
  const parts = await told(options, { validation: 0.2 }, words, source);
  assertParts(parts);
  const [before, warm] = [stages.slice(0, -1), stages.slice(-1)];
  assert.deepEqual([...parts.keys()], [...before, 'begin', ...warm, 'end']);
  for (const stage of stages) {
    const between = parts.get(stage)!.filter((done) => done !== undefined && done > 0 && done < 1);
    if (stage === 'first layout') assert.deepEqual(parts.get(stage), [undefined, 1]);
    else assert.ok(new Set(between).size >= 2, `${stage}: ${parts.get(stage)}`);
  }
  assert.equal(parts.get('warm start')!.length, 1 + 500, 'its steps, and its start');
});

test('stages that a fit does without are not told of', async () => {
  const plain = await told();
  assertParts(plain);
  const expected = [
    ...['principal components', 'neighbors', 'graph', 'first layout', 'layout refinement', 'begin'],
    ...['warm start', 'end'],
  ];
  assert.deepEqual([...plain.keys()], expected);
  const random = await told({ init: 'random' });
  assert.deepEqual([...random.keys()], ['principal components', 'neighbors', 'graph', 'begin', 'end']);
});

test('neighbors by an exact search, as given, or from distances tell how far they are', async () => {
  const lists = await exact().search(X, { k: 6, metric: 'euclidean', random: createRandom(1) });
  const shape = [200, 6] as const;
  const knn = {
    indices: { data: lists.indices, shape },
    distances: { data: lists.distances, shape },
  };
  const distances = {
    data: Float32Array.from({ length: 200 ** 2 }, (_, at) => Math.abs(Math.floor(at / 200) - (at % 200))),
    shape: [200, 200] as const,
  };
  const cases: [GivenUMAPOptions, FitInputs][] = [
    [{ neighbors: 'exact' }, {}],
    [{ init: 'pca' }, { knn }],
    [{ metric: 'precomputed' }, { distances }],
  ];
  for (const [options, inputs] of cases) {
    const parts = await told(options, inputs);
    assertParts(parts);
    assert.ok(parts.get('neighbors')!.length >= 2);
  }
});

test('searches take the parts done in rising order, and find the same with and without', async () => {
  const query = { k: 5, metric: 'euclidean' };
  const many = points(3000);
  for (const provider of [exact, nndescent]) {
    const alone = await provider({ threads: 1 }).search(many, { ...query, random: createRandom(1) });
    for (const threads of [1, 2]) {
      const parts: number[] = [];
      const progress = (done: number) => void parts.push(done);
      const found = await provider({ threads }).search(many, {
        ...query,
        progress,
        random: createRandom(1),
      });
      assert.deepEqual(found, alone);
      assert.ok(parts.every((done, i) => done >= (parts[i - 1] ?? 0) && done <= 1));
      if (threads === 1) assert.equal(parts.at(-1), 1);
    }
  }
});

test('a map does not depend on who is told', async () => {
  const plain = new ParametricUMAP(quick);
  const followed = new ParametricUMAP({ ...quick, callbacks: [{ onStage() {} }] });
  assert.deepEqual(await followed.fitTransform(X), await plain.fitTransform(X));
  plain.dispose();
  followed.dispose();
});
