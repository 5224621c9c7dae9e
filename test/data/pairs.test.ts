/** Sources of positive pairs: which values are one, how they are read, restarted and closed, and what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { DataError } from '../../src/core/errors.js';
import type { Matrix } from '../../src/core/types.js';
import {
  isPairSource,
  openPairs,
  type PairBatch,
  type PairSource,
  pairBatchCount,
} from '../../src/data/pairs.js';
import { saying } from '../helpers/assert.js';

await tf.setBackend('cpu');

/** Batch number `i`: two views of `rows` rows of 3 numbers, all of them `i`, and `i` + 0.5 in the second view. */
function batchOf(i: number, rows = 2): PairBatch {
  const view = (value: number) => ({ data: new Float32Array(3 * rows).fill(value), shape: [rows, 3] });
  return [view(i), view(i + 0.5)];
}

/** A generator of batches `from` to `to - 1`, which notes in `closed` that it was closed before its end. */
function* some(from: number, to: number, closed: string[] = []): Generator<PairBatch> {
  let ended = false;
  try {
    for (let i = from; i < to; i++) yield batchOf(i);
    ended = true;
  } finally {
    if (!ended) closed.push(`${from} to ${to}`);
  }
}

async function readAll(source: PairSource, steps: number): Promise<Matrix[]> {
  const reader = await openPairs(source, { steps });
  const all: Matrix[] = [];
  for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
    all.push({ ...batch, data: batch.data.slice() });
  }
  return all;
}

/** The first value of every batch, which is its number. */
const numbersOf = (batches: readonly Matrix[]) => batches.map(({ data }) => data[0]);

const refused = (source: unknown, steps: number, ...parts: string[]) =>
  assert.rejects(
    readAll(source as PairSource, steps),
    saying(DataError, ...parts, /^pairs: .*expected .*, got .*; /),
  );

test('functions, iterables and arrays of views are sources of pairs; every form of rows is none', () => {
  const tensor = tf.zeros([2, 3]);
  const table = { data: new Float32Array(6), shape: [2, 3] };
  const foreign = { data: new Float32Array(6), dims: [2, 3] };
  const typed = [new Float32Array(3), new Float32Array(3)];
  for (const source of [
    () => [],
    some,
    async function* () {},
    some(0, 1),
    (async function* () {})(),
    new Set([batchOf(0)]),
    { [Symbol.iterator]: () => some(0, 1) },
    { [Symbol.asyncIterator]: async function* () {} },
    [batchOf(0)],
    [[tensor, tensor]],
    [[foreign, foreign]],
    [[typed, typed]],
    [[tensor, typed]],
  ]) {
    assert.ok(isPairSource(source), String(source));
  }
  for (const rows of [
    [],
    [1, 2],
    [[1, 2]],
    [
      [1, 2],
      [3, 4],
    ],
    // Rows of shape [2, 1, 3]: nothing tells them from batches of nested numbers.
    [[[[1, 2, 3]], [[1, 2, 3]]]],
    typed,
    [typed[0]],
    [[1n, 2n]],
    table,
    foreign,
    tensor,
    new Map([[tensor, tensor]]),
    new Set(),
    new Set([1, 2]),
    new Set([
      [1, 2],
      [3, 4],
    ]),
    // Tables that can be iterated are tables.
    { ...table, [Symbol.iterator]: () => some(0, 1) },
    { ...foreign, [Symbol.asyncIterator]: async function* () {} },
    new Float32Array(4),
    new BigInt64Array(4),
    new DataView(new ArrayBuffer(8)),
    'ab',
    4,
    null,
    undefined,
    {},
  ]) {
    assert.ok(!isPairSource(rows), String(rows));
  }
  tensor.dispose();
});

test('views come stacked, in every form of a table', async () => {
  const first = [
    [1, 2],
    [3, 4],
  ];
  const forms = (rows: number[][]) => [
    rows,
    rows.map((row) => Float64Array.from(row)),
    { data: rows.flat(), shape: [2, 2] },
    { data: Float32Array.from(rows.flat()), dims: [2, 2] },
    tf.tensor2d(rows),
  ];
  const expected = { data: Float32Array.of(1, 2, 3, 4, 1, 2, 3, 4), shape: [4, 2] };
  for (const view of forms(first)) {
    for (const other of forms(first)) {
      assert.deepEqual(await readAll([[view, other]], 1), [expected]);
    }
    if (view instanceof tf.Tensor) view.dispose();
  }
});

test('rows keep their shape', async () => {
  const image = { data: new Float32Array(2 * 16), shape: [2, 4, 4, 1] };
  const reader = await openPairs([[image, image]], { steps: 1 });
  assert.deepEqual(reader.rowShape, [4, 4, 1]);
  assert.deepEqual((await reader.next())!.shape, [4, 16]);
});

test('a source is iterated again at its end, until there are enough batches', async () => {
  const array = [batchOf(0), batchOf(1), batchOf(2)];
  const expected = [0, 1, 2, 0, 1, 2, 0];
  for (const source of [
    array,
    new Set(array),
    () => array,
    () => some(0, 3),
    async function* () {
      yield* array;
    },
    { [Symbol.iterator]: () => some(0, 3) },
    {
      [Symbol.asyncIterator]: () =>
        (async function* () {
          yield* array;
        })(),
    },
  ]) {
    assert.deepEqual(numbersOf(await readAll(source, 7)), expected);
  }
  let epoch = 0;
  assert.deepEqual(numbersOf(await readAll(() => some(10 * epoch++, 10 * epoch - 8), 5)), [0, 1, 10, 11, 20]);
  assert.equal(pairBatchCount(array), 3);
  assert.equal(
    pairBatchCount(() => array),
    undefined,
  );
});

test('batches may differ in size', async () => {
  const batches = await readAll([batchOf(0, 4), batchOf(1, 3), batchOf(2, 2)], 6);
  assert.deepEqual(
    batches.map(({ shape: [rows] }) => rows),
    [8, 6, 4, 8, 6, 4],
  );
  assert.deepEqual(numbersOf(batches), [0, 1, 2, 0, 1, 2]);
});

test('no batch is drawn beyond the last one', async () => {
  let drawn = 0;
  const source = function* () {
    for (;;) yield batchOf(drawn++);
  };
  assert.equal((await readAll(source, 3)).length, 3);
  assert.equal(drawn, 3);
  // A generator with exactly as many batches as steps is enough.
  assert.deepEqual(numbersOf(await readAll(some(0, 4), 4)), [0, 1, 2, 3]);
});

test('a source without enough batches is refused with both numbers', async () => {
  await refused(
    some(0, 37),
    500,
    'pairs: expected 500 batches, got 37; pass a function that returns a new iterator',
  );
  await refused(() => [], 5, 'pairs: expected at least 1 batch, got 0');
  await refused(new Set(), 5, 'pairs: expected at least 1 batch, got 0');
  await refused(() => 7, 5, 'pairs: expected an iterable or async iterable of batches, got 7');
});

test('anything but two views of the same rows is refused, with the number of the batch', async () => {
  const [view] = batchOf(0);
  const after = (batch: unknown) => () => [batchOf(0), batch];
  for (const [batch, got] of [
    [5, '5'],
    [null, 'null'],
    [undefined, 'undefined'],
    [view, 'a Object object'],
    [[view], 'an array of 1'],
    [[view, view, view], 'an array of 3'],
  ] as const) {
    await refused(after(batch), 2, `pairs: expected [first view, second view] as batch 1, got ${got}`);
  }
  await refused(after([view, 5]), 2, 'pairs: batch 1, second view: expected number[][]', 'got 5');
  await refused(after([[1, 2], view]), 2, 'pairs: batch 1, first view: expected rows');
  await refused(
    after([batchOf(0, 4)[0], batchOf(0, 3)[1]]),
    2,
    'pairs: expected as many rows in both views of batch 1, got 4 and 3',
  );
  await refused(after(batchOf(0, 1)), 2, 'pairs: expected at least 2 rows in batch 1, got 1');
  await refused(
    after([view, { data: [1, 2, 3, 4], shape: [2, 2] }]),
    2,
    'pairs: expected rows of shape [3] as in batch 0, got [2] in the second view of batch 1',
  );
  await refused(
    () => [[view, { data: [1, 2, 3, 4], shape: [2, 2] }]],
    2,
    'pairs: expected rows of shape [3] as in its first view, got [2] in the second view of batch 0',
  );
  // As many values in another shape are other rows.
  await refused(
    after([view, { data: new Float32Array(6), shape: [2, 3, 1] }]),
    2,
    'expected rows of shape [3] as in batch 0, got [3, 1]',
  );
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1e39]) {
    const bad = { data: [1, 2, 3, 4, value, 6], shape: [2, 3] };
    await refused(after([view, bad]), 2, 'batch 1, second view: expected finite', 'at row 1, column 1');
  }
});

test('all batches of an array are checked before the first is used', async () => {
  const batches = [batchOf(0), batchOf(1), [batchOf(2)[0], batchOf(2, 3)[1]]] as PairBatch[];
  await assert.rejects(
    openPairs(batches, { steps: 1 }),
    saying(DataError, 'both views of batch 2, got 2 and 3'),
  );
});

test('tensors of an iterator are disposed of, those of an array stay', async () => {
  const before = tf.memory().numTensors;
  const pair = () => [tf.ones([2, 3]), tf.zeros([2, 3])] as const;
  await readAll(async function* () {
    for (let i = 0; i < 3; i++) yield pair();
  }, 7);
  assert.equal(tf.memory().numTensors, before);
  // A batch that is refused, one that does not come to be used, and a view paired with itself.
  const wrong = () => [tf.ones([2, 3]), tf.zeros([3, 3])] as const;
  await refused(function* () {
    yield wrong();
  }, 1);
  await refused(function* () {
    yield [tf.ones([2, 3]), 5];
  }, 1);
  await refused(function* () {
    yield [tf.fill([2, 3], Number.NaN), tf.ones([2, 3])];
  }, 1);
  await readAll(function* () {
    const view = tf.ones([2, 3]);
    yield [view, view];
  }, 1);
  assert.equal(tf.memory().numTensors, before);

  const kept = [pair(), pair()];
  assert.equal((await readAll(kept, 5)).length, 5);
  assert.equal((await readAll(() => kept, 5)).length, 5);
  assert.ok(kept.flat().every((view) => !view.isDisposed));
  await refused(
    () => kept.values(),
    5,
    'pairs: batch 2, first view: expected a live tensor, got a disposed one; yield a new tensor or a clone',
  );
  tf.dispose(kept.map((views) => [...views]));
  assert.equal(tf.memory().numTensors, before);
});

test('a source may use its memory again for every batch', async () => {
  const view = { data: new Float32Array(6), shape: [2, 3] };
  let i = 0;
  const batches = await readAll(function* () {
    for (;;) {
      view.data.fill(i++);
      yield [view, view];
    }
  }, 3);
  assert.deepEqual(numbersOf(batches), [0, 1, 2]);
});

test('the iterator is closed after the last batch, by close, and on an error', async () => {
  const closed: string[] = [];
  await readAll(() => some(0, 5, closed), 7);
  assert.deepEqual(closed.splice(0), ['0 to 5']);

  const early = await openPairs(some(0, 5, closed), { steps: 4 });
  await early.next();
  assert.equal(closed.length, 0);
  await early.close();
  await early.close();
  assert.deepEqual(closed.splice(0), ['0 to 5']);
  assert.equal(await early.next(), undefined);

  const unread = await openPairs(some(0, 5, closed), { steps: 4 });
  await unread.close();
  assert.equal(await unread.next(), undefined);
  assert.deepEqual(closed.splice(0), ['0 to 5']);

  const source = function* () {
    try {
      yield batchOf(0);
      yield 5;
    } finally {
      closed.push('wrong');
    }
  };
  await refused(source, 4, 'got 5');
  assert.deepEqual(closed.splice(0), ['wrong']);
});

test('an error of the source is thrown as it is, and its iterator is not closed after it', async () => {
  const broken = new Error('disk gone');
  let closed = 0;
  const source = (next: () => unknown) => ({
    [Symbol.asyncIterator]: () => ({
      next,
      return: async () => {
        closed++;
        return { done: true, value: undefined };
      },
    }),
  });
  const fail = () => {
    throw broken;
  };
  for (const next of [fail, () => Promise.reject(broken)]) {
    await assert.rejects(readAll(source(next) as PairSource, 2), (error) => error === broken);
  }
  assert.equal(closed, 0);
  await assert.rejects(readAll(fail, 2), (error) => error === broken);
});

test('an abort ends a wait for the next batch, closes the source, and frees a batch that comes late', async () => {
  const before = tf.memory().numTensors;
  const reason = new Error('enough');
  const controller = new AbortController();
  let closed = false;
  let deliver = () => {};
  const source = async function* (): AsyncGenerator<PairBatch> {
    try {
      yield batchOf(0);
      await new Promise<void>((resolve) => {
        deliver = resolve;
      });
      yield [tf.ones([2, 3]), tf.ones([2, 3])];
    } finally {
      closed = true;
    }
  };
  const reader = await openPairs(source, { steps: 9, signal: controller.signal });
  await reader.next();
  const waiting = reader.next();
  setImmediate(() => controller.abort(reason));
  await assert.rejects(waiting, (error) => error === reason);
  deliver();
  await new Promise(setImmediate);
  assert.ok(closed);
  assert.equal(tf.memory().numTensors, before);
  assert.equal(await reader.next(), undefined);

  await assert.rejects(
    openPairs(source, { steps: 9, signal: controller.signal }),
    (error) => error === reason,
  );
  await assert.rejects(
    openPairs([batchOf(0)], { steps: 9, signal: controller.signal }),
    (error) => error === reason,
  );
});
