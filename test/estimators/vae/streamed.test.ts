/** A variational autoencoder that reads its rows from a source in each epoch. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../../src/backend/choose.js';
import { finish, pausesFor } from '../../../src/core/pauses.js';
import { createRandom } from '../../../src/core/random.js';
import { statisticsOf } from '../../../src/estimators/vae/inputs.js';
import type { GivenCompressionVAEOptions } from '../../../src/estimators/vae/options.js';
import { scanRows } from '../../../src/estimators/vae/streamed.js';
import { CompressionVAE, collectRows, DataError, rowSource } from '../../../src/index.js';
import { allClose, assertFinite, saying } from '../../helpers/assert.js';
import { withDirectory } from '../../helpers/files.js';
import { useThreads } from '../../helpers/threads.js';

await useBackend();
useThreads(1);

/** More rows than are kept in memory for a start. */
const ROWS = 23_000;
const COLUMNS = 5;

/** Rows on a curve in space, with noise; `change` may replace one. */
function table(change: (row: number, values: Float32Array) => void = () => {}) {
  const random = createRandom(7);
  const data = new Float32Array(ROWS * COLUMNS);
  for (let i = 0; i < ROWS; i++) {
    const at = random.next();
    const values = data.subarray(i * COLUMNS, (i + 1) * COLUMNS);
    for (let c = 0; c < COLUMNS; c++) values[c] = 0.5 + 0.4 * Math.sin(6 * at + c) + 0.05 * random.next();
    change(i, values);
  }
  return { data, shape: [ROWS, COLUMNS] as const };
}

const rows = table();

/** The same in blocks, with the number of passes and of rows that were read. */
function counted({ data } = rows) {
  const seen = { passes: 0, rows: 0 };
  const source = rowSource(function* () {
    seen.passes++;
    for (let from = 0; from < ROWS; from += 1000) {
      seen.rows += 1000;
      yield { data: data.subarray(from * COLUMNS, (from + 1000) * COLUMNS), shape: [1000, COLUMNS] };
    }
  });
  return { source, seen };
}

const options: GivenCompressionVAEOptions = {
  ...{ numSteps: 60, testEvery: 15, batchSize: 500, cellsEncoder: [16], iafFlowLength: 1 },
  ...{ likelihood: 'gaussian', learningRate: 0.01, lrScheduling: false },
};

test('every row is trained on, the loss falls as in memory, and the result can be applied to the source', async () => {
  const before = tf.memory().numTensors;
  const { source, seen } = counted();
  const [streamed, inMemory] = [new CompressionVAE(options), new CompressionVAE(options)];
  await streamed.fit(source);
  // One pass each: the sample, the statistics, the rows that the buffer holds from then on.
  assert.equal(seen.passes, 3);
  await inMemory.fit(rows);
  const [one, other] = [streamed, inMemory].map(({ history }) => history.valLoss!.at(-1)!) as [
    number,
    number,
  ];
  assert.ok(Math.abs(one - other) < 0.35, `${one} from the source, ${other} from memory`);
  assert.ok(one < streamed.history.valLoss![0]!);
  const z = await collectRows(await streamed.transform(source));
  assert.deepEqual(z.shape, [ROWS, 2]);
  assertFinite([...z.data]);
  for (const each of [streamed, inMemory]) each.dispose();
  assert.equal(tf.memory().numTensors, before);
});

test('a fit from a source that was left goes on with the same bits', async () => {
  const whole = new CompressionVAE(options);
  await whole.fit(counted().source);
  const few = { data: rows.data.subarray(0, 50 * COLUMNS), shape: [50, COLUMNS] as const };
  const expected = await whole.transform(few);
  whole.dispose();
  await withDirectory(async (path) => {
    const left = new CompressionVAE({ ...options, checkpoint: { path, everySteps: 7 } });
    const stop = new AbortController();
    await assert.rejects(async () => {
      for await (const { epoch } of left.steps(counted().source, null, { signal: stop.signal })) {
        if (epoch === 1) stop.abort(new Error('left'));
      }
    }, /left/);
    left.dispose();
    const resumed = new CompressionVAE({ ...options, checkpoint: { path } });
    await resumed.fit(counted().source, null, { resume: true });
    assert.deepEqual(await resumed.transform(few), expected);
    resumed.dispose();
  });
});

test('statistics are those of all rows but the held-out ones', async () => {
  const held = new Set([3, 22_000]);
  const { source } = counted();
  const { statistics, outside } = await scanRows(
    { source, held, frame: undefined, rows: ROWS - 2 },
    pausesFor(undefined),
    () => {},
  );
  const kept = Array.from({ length: ROWS }, (_, row) => row).filter((row) => !held.has(row));
  const data = Float32Array.from(
    kept.flatMap((row) => [...rows.data.subarray(row * COLUMNS, (row + 1) * COLUMNS)]),
  );
  const expected = finish(statisticsOf({ data, shape: [ROWS - 2, COLUMNS] }));
  allClose(statistics.mean, expected.mean, 1e-6);
  allClose(statistics.deviation, expected.deviation, 1e-6);
  assert.equal(outside, undefined);
});

test('a value that the likelihood does not allow is found wherever it is, and sampleRows still asks for a sample', async () => {
  const { source } = counted(
    table((row, values) => {
      if (row === ROWS - 2) values[3] = 1.5;
    }),
  );
  const strict = new CompressionVAE({ ...options, likelihood: 'bernoulli' });
  await assert.rejects(strict.fit(source), saying(DataError, `got 1.5 in row ${ROWS - 2}, column 3`));
  const sampled = new CompressionVAE({ ...options, numSteps: 2 });
  const { source: again, seen } = counted();
  await sampled.fit(again, null, { sampleRows: 500 });
  assert.equal(seen.passes, 1);
  // What can be read once is sampled.
  await sampled.fit(
    rowSource(
      (async function* () {
        yield rows;
      })(),
    ),
  );
  sampled.dispose();
});
