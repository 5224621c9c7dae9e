/** Shuffled batches of a source: every row once an epoch, the same order from a seed, and going on from a state. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import { rowSource } from '../../src/data/rowSource.js';
import { type ShuffledRowsOptions, shuffledRows } from '../../src/data/shuffledRows.js';
import { saying } from '../helpers/assert.js';

/** A source of rows [i, 1000 - i], and how often it was begun. */
function counting(count: number) {
  const passes = { begun: 0, open: 0 };
  const source = rowSource(async function* () {
    passes.begun++;
    passes.open++;
    try {
      for (let from = 0; from < count; from += 7) {
        yield Array.from({ length: Math.min(7, count - from) }, (_, i) => [from + i, 1000 - from - i]);
      }
    } finally {
      passes.open--;
    }
  });
  return { source, passes };
}

const stream = (count: number, options: Partial<ShuffledRowsOptions> = {}) => {
  const { source, passes } = counting(count);
  const random = createRandom(3).fork('shuffle');
  return { rows: shuffledRows(source, { batchSize: 8, bufferRows: 24, random, ...options }), passes };
};

async function draw(rows: ReturnType<typeof stream>['rows'], batches: number): Promise<number[]> {
  const numbers: number[] = [];
  for (let i = 0; i < batches; i++) {
    const batch = await rows.next();
    assert.deepEqual(batch.shape, [8, 2]);
    assert.deepEqual(
      [...batch.data],
      [...batch.numbers].flatMap((row) => [row, 1000 - row]),
    );
    numbers.push(...batch.numbers);
  }
  return numbers;
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

test('every epoch has each row once, in another order; a source that fits the buffer is read once', async () => {
  for (const [count, bufferRows, begun] of [
    [100, 24, 3],
    [100, 100, 1],
    [100, 1000, 1],
    [20, 24, 1],
  ] as const) {
    const { rows, passes } = stream(count, { bufferRows });
    const numbers = await draw(rows, Math.ceil((2.5 * count) / 8));
    const epochs = [0, 1].map((epoch) => numbers.slice(epoch * count, (epoch + 1) * count));
    for (const epoch of epochs) assert.deepEqual(sorted(epoch), upTo(count));
    assert.notDeepEqual(epochs[0], epochs[1]);
    assert.notDeepEqual(epochs[0], upTo(count));
    assert.equal(passes.begun, begun);
    await rows.close();
    assert.equal(passes.open, 0);
  }
});

test('a row comes early or late by about the buffer; the same seed gives the same order whatever is kept', async () => {
  const whole = await draw(stream(96, { bufferRows: 96 }).rows, 24);
  const again = await draw(stream(96, { bufferRows: 96 }).rows, 24);
  assert.deepEqual(whole, again);
  assert.notDeepEqual(whole, await draw(stream(96, { bufferRows: 96, random: createRandom(4) }).rows, 24));
  const narrow = await draw(stream(96).rows, 12);
  for (const [i, row] of narrow.entries()) assert.ok(row < i + 24, `row ${row} at ${i}`);
});

test('a stream goes on from every state as if it had never stopped', async () => {
  for (const bufferRows of [24, 50]) {
    const expected = await draw(stream(50, { bufferRows }).rows, 20);
    for (let stop = 0; stop < 14; stop++) {
      const { rows } = stream(50, { bufferRows });
      await draw(rows, stop);
      const state = JSON.parse(JSON.stringify(rows.state()));
      const other = stream(50, { bufferRows });
      await draw(other.rows, 3);
      await other.rows.restore(state);
      assert.deepEqual(other.rows.state(), state);
      assert.deepEqual(await draw(other.rows, 6), expected.slice(8 * stop, 8 * (stop + 6)));
      // After `close` too.
      await rows.close();
      assert.deepEqual(rows.state(), state);
      assert.deepEqual(await draw(rows, 6), expected.slice(8 * stop, 8 * (stop + 6)));
    }
  }
});

test('rows can be left out, but not all; values that are not finite are named', async () => {
  const { rows } = stream(40, { skip: (row) => row % 5 === 0 });
  assert.deepEqual(
    sorted(await draw(rows, 4)),
    upTo(40).filter((row) => row % 5 !== 0),
  );
  await assert.rejects(stream(40, { skip: () => true }).rows.next(), saying(DataError, 'rows to train on'));
  const random = createRandom(1);
  const broken = shuffledRows(rowSource([[[1, 2]], [[3, Number.NaN]]]), {
    batchSize: 1,
    bufferRows: 9,
    random,
  });
  await assert.rejects(broken.next(), saying(DataError, 'NaN at row 1, column 1'));
});

test('a frame is applied in 64 bits', async () => {
  const frame = { shift: Float64Array.of(1e9), scale: 2 };
  const source = rowSource([[[1e9 + 0.25]]]);
  const rows = shuffledRows(source, { batchSize: 1, bufferRows: 2, random: createRandom(1), frame });
  assert.deepEqual((await rows.next()).data, Float32Array.of(0.5));
});
