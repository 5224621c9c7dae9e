import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useBackend } from '../../src/backend/choose.js';
import { OptionError } from '../../src/core/errors.js';
import { whole } from '../../src/core/pauses.js';
import { createRandom } from '../../src/core/random.js';
import type { Matrix } from '../../src/core/types.js';
import { takeRows } from '../../src/data/matrix.js';
import { ParametricUMAP } from '../../src/index.js';
import { divergenceInParts, partitionInParts } from '../../src/metrics/similarity.js';
import type { LearnedNumbers, Training } from '../../src/training/callbacks.js';
import {
  type EmbeddingLog,
  type EmbeddingLogOptions,
  embeddingLog,
} from '../../src/training/embeddingLog.js';
import { saying } from '../helpers/assert.js';
import { groups } from '../helpers/data.js';
import { quick } from '../subjects/parametricUmap.js';

await useBackend();

const partition = whole(partitionInParts);
const divergence = whole(divergenceInParts);

/** Points on a plane that never move, as a training shows them. */
function still(rows: number, more: Partial<Training> = {}): Training {
  const random = createRandom('still');
  const matrix: Matrix = {
    data: Float32Array.from({ length: 2 * rows }, () => random.normal()),
    shape: [rows, 2],
  };
  return {
    ...{ rows, step: 0, stop() {}, restore() {}, snapshot: async () => [] },
    ...{ numbers: async () => ({}), weights: async () => [] },
    embed: async (some) => (some ? takeRows(matrix, some) : matrix),
    similarity: (d2) => 1 / (1 + d2),
    ...more,
  };
}

/** The record that a log makes before training. */
async function recorded(training: Training, options: EmbeddingLogOptions = {}) {
  const log: EmbeddingLog = embeddingLog(options);
  const callback = log as { setParams(params: object): void; onTrainBegin(): Promise<void> };
  callback.setParams({ epochs: 3, training });
  await callback.onTrainBegin();
  return log.records[0]!;
}

test('a sample is drawn once, and stands for all rows in the partition function', async () => {
  const training = still(3000);
  const record = await recorded(training);
  assert.equal(record.rows.length, 1000);
  assert.deepEqual(record.rows, record.rows.toSorted());
  assert.deepEqual((await recorded(training)).rows, record.rows);
  assert.deepEqual(record.positions, await training.embed(record.rows));
  const exact = partition(await training.embed(), (d2) => 1 / (1 + d2));
  // Over twelve other samples it was off by up to 1.5 %.
  assert.ok(Math.abs(record.partition! / exact - 1) < 0.03, `${record.partition} for ${exact}`);
  assert.equal(record.divergence, undefined, 'there is no graph');
  assert.deepEqual(
    (await recorded(still(30))).rows,
    Int32Array.from({ length: 30 }, (_, i) => i),
  );
});

test('learned numbers are recorded, and the similarity gets them; positions may be scaled to length 1', async () => {
  const numbers = async () => ({ temperature: 0.5 });
  const similarity = (d2: number, { temperature }: LearnedNumbers) => Math.exp((1 - d2 / 2) / temperature!);
  const training = still(20, { numbers, similarity, unitLength: true });
  const record = await recorded(training);
  assert.deepEqual(record.numbers, { temperature: 0.5 });
  const { data } = await training.embed();
  let sum = 0;
  for (let i = 0; i < 20; i++) {
    for (let j = 0; j < 20; j++) {
      const [a, b, c, d] = [data[2 * i]!, data[2 * i + 1]!, data[2 * j]!, data[2 * j + 1]!];
      if (i !== j) sum += Math.exp((a * c + b * d) / (Math.hypot(a, b) * Math.hypot(c, d)) / 0.5);
    }
  }
  assert.ok(Math.abs(record.partition! / sum - 1) < 1e-5);
  assert.deepEqual(record.positions.data, data, 'positions are recorded as they are');
});

test('what is not asked for, or not there, is undefined', async () => {
  const none = await recorded(still(20), { partition: false });
  assert.equal(none.partition, undefined);
  const strange = await recorded(still(20, { similarity: undefined }));
  assert.deepEqual([strange.partition, strange.divergence], [undefined, undefined]);
  await assert.rejects(
    recorded(still(20), { divergence: true }),
    saying(OptionError, 'embeddingLog: divergence', 'graph'),
  );
});

test('ParametricUMAP: partition and divergence are those of its curve and graph, and training lowers the divergence', async () => {
  const log = embeddingLog({ rows: 10 });
  const rows = groups();
  const umap = new ParametricUMAP({ ...quick, nEpochs: 40, init: 'pca', callbacks: [log] });
  await umap.fit(rows);
  const [start, warm, ...reports] = log.records;
  assert.deepEqual([start!.moment, warm!.moment, warm!.epoch], ['start', 'warm start', 0]);
  const map = await umap.transform(rows);
  const positions: Matrix = { data: Float32Array.from(map.flat()), shape: [60, 2] };
  const { a, b } = umap.curve;
  const similarity = (d2: number) => 1 / (1 + a * d2 ** b);
  const sum = partition(positions, similarity);
  const last = reports.at(-1)!;
  assert.ok(Math.abs(last.partition! / sum - 1) < 1e-3, `${last.partition} for ${sum}`);
  const expected = divergence(umap.graph, positions, similarity, sum);
  assert.ok(Math.abs(last.divergence! / expected - 1) < 1e-3, `${last.divergence} for ${expected}`);
  assert.ok(last.divergence! < start!.divergence!, `${last.divergence} after ${start!.divergence}`);
  umap.dispose();
  const cheap = embeddingLog({ rows: 59, divergence: false });
  const again = new ParametricUMAP({ ...quick, nEpochs: 40, init: 'pca', callbacks: [cheap] });
  await again.fit(rows);
  const estimate = cheap.records.at(-1)!;
  assert.equal(estimate.divergence, undefined);
  // 59 of 60 rows.
  assert.ok(Math.abs(estimate.partition! / sum - 1) < 0.05, `${estimate.partition} for ${sum}`);
  again.dispose();
});

test('wrong options are refused', () => {
  for (const rows of [1, 2.5, [3], [1, 1], [0, -1], 'all', null]) {
    assert.throws(
      () => embeddingLog({ rows } as EmbeddingLogOptions),
      saying(OptionError, 'embeddingLog: rows'),
    );
  }
  assert.throws(() => embeddingLog({ every: 0 }), saying(OptionError, 'embeddingLog: every', 'got 0'));
  assert.throws(
    () => embeddingLog({ divergence: 'yes' } as object),
    saying(OptionError, 'divergence', "'auto'"),
  );
});
