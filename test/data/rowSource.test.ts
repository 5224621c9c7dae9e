/** Sources of rows: what is one, how it is read and sampled, and what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { MatrixInput } from '../../src/data/matrix.js';
import { isPairSource } from '../../src/data/pairs.js';
import { reservoir, reservoirRows } from '../../src/data/reservoir.js';
import { collectRows, sampleRows } from '../../src/data/rowSample.js';
import { asRowSource, isRowSource, type RowSource, rowSource } from '../../src/data/rowSource.js';
import { allClose, saying } from '../helpers/assert.js';

/** Row `i` is [i, i + 0.5, -i], in blocks of `size` rows. */
const rowOf = (i: number) => [i, i + 0.5, -i];
async function* counting(count: number, size: number): AsyncGenerator<MatrixInput> {
  for (let from = 0; from < count; from += size) {
    const rows = Array.from({ length: Math.min(size, count - from) }, (_, i) => rowOf(from + i));
    yield { data: Float32Array.from(rows.flat()), shape: [rows.length, 3] };
  }
}

const blocksOf = (...blocks: readonly MatrixInput[]) => rowSource(() => blocks);

test('async iterables and objects with blocks are sources; rows, tables and pairs are none', () => {
  const source = rowSource(() => counting(4, 2));
  assert.ok(isRowSource(source));
  assert.equal(asRowSource(source), source);
  assert.ok(!isPairSource(source));
  const generator = counting(4, 2);
  assert.ok(asRowSource(generator));
  assert.equal(asRowSource(generator), asRowSource(generator));
  for (const rows of [
    [[1, 2]],
    { data: [1, 2], shape: [1, 2] },
    { data: [1, 2], dims: [1, 2] },
    'ab',
    null,
    undefined,
    3,
  ]) {
    assert.equal(asRowSource(rows), undefined);
  }
});

test('blocks of every form of rows are read, empty ones left out', async () => {
  const source = rowSource([
    [
      [1, 2],
      [3, 4],
    ],
    [],
    [Float64Array.of(5, 6)],
    { data: Uint8Array.of(7, 9, 8, 10), shape: [2, 2], fortranOrder: true },
    { data: BigInt64Array.of(11n, 12n), dims: [1, 2] },
  ] as MatrixInput[]);
  const { data, shape } = await collectRows(source);
  assert.deepEqual(shape, [6, 2]);
  assert.deepEqual([...data], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  const out = new Float32Array(12);
  assert.equal((await collectRows(source, { out })).data, out);
  assert.deepEqual(out, data);
  for (const length of [11, 13]) {
    await assert.rejects(
      collectRows(source, { out: new Float32Array(length) }),
      saying(DataError, 'out', `got ${length}`),
    );
  }
});

test('a generator is read once, a function as often as needed, and a reader that stops closes it', async () => {
  const once = rowSource(counting(5, 2));
  assert.equal((await collectRows(once)).data.length, 15);
  await assert.rejects(collectRows(once), saying(DataError, 'read several times', 'rowSource(() =>'));
  const used = counting(5, 2);
  await assert.rejects(
    async () => {
      const source = rowSource(() => used);
      await collectRows(source);
      await collectRows(source);
    },
    saying(DataError, 'read several times'),
  );
  let closed = 0;
  const source = rowSource(async function* () {
    try {
      yield* counting(5, 2);
    } finally {
      closed++;
    }
  });
  for await (const _ of source) break;
  assert.equal(closed, 1);
  assert.equal((await collectRows(source)).data.length, 15);
});

test('blocks of another shape, other rows in a later pass, and what is no table are named', async () => {
  const refused = (source: RowSource, ...parts: (string | RegExp)[]) =>
    assert.rejects(collectRows(source), saying(DataError, ...parts, /expected .*, got /));
  await refused(
    blocksOf([[1, 2]], [[1, 2]], [[1, 2, 3]]),
    'block 2',
    'shape [2], as in block 0',
    '[3]',
    'from row 2 on',
  );
  await refused(rowSource([[[1, 2]]], { rowShape: [3] }), 'block 0', 'shape [3], as the source says');
  await refused(blocksOf([1, 2] as unknown as MatrixInput), 'block 0', 'wrap one row');
  await refused(
    blocksOf([
      [1, 2],
      [3, 'x'],
    ] as unknown as MatrixInput),
    'block 0',
    '"x"',
    'row 1[1]',
  );
  await refused(blocksOf(new Float32Array(3) as unknown as MatrixInput), 'block 0', 'Float32Array');
  await refused(blocksOf([[]]), 'block 0', 'at least 1 column');
  await refused(blocksOf(), 'at least 1 row', 'none from the source');
  await refused(rowSource([[[1, 2]]], { rows: 2 }), '2 rows, as the source says', 'got 1');
  await refused(
    rowSource(() => 5 as unknown as MatrixInput[]),
    'iterable',
    'got 5',
  );
  let pass = 0;
  const changing = rowSource(() => counting(4 + pass++, 3));
  await collectRows(changing);
  await refused(changing, 'expected 4 rows, as in an earlier pass', 'got 5');
});

test('a reservoir takes each row with the same probability', () => {
  const [rows, size, runs] = [40, 8, 6000];
  const counts = new Float64Array(rows);
  const random = createRandom('reservoir');
  for (let run = 0; run < runs; run++) {
    const numbers = reservoirRows(rows, size, random);
    assert.equal(new Set(numbers).size, size);
    for (const row of numbers) counts[row]!++;
  }
  const expected = (runs * size) / rows;
  // Five standard deviations of a binomial count.
  allClose(counts, new Float64Array(rows).fill(expected), 5 * Math.sqrt(expected * (1 - size / rows)));
  assert.deepEqual([...reservoirRows(3, 8, random)], [0, 1, 2]);
  assert.equal(reservoir(1, createRandom(1)).place(), 0);
});

/** A source that knows its length, with random access or without. */
function known(count: number, size: number, taken?: number[]): RowSource {
  const source = rowSource(() => counting(count, size), { rows: count, rowShape: [3] });
  if (!taken) return source;
  const take = async (numbers: ArrayLike<number>) => {
    taken.push(numbers.length);
    return Array.from(numbers, rowOf);
  };
  return { ...source, take };
}

test('a seed draws the same sample, in the order of the rows, whatever the blocks are and whether their number is known', async () => {
  const random = () => createRandom(7).fork('sample');
  const draw = (source: RowSource, most: number) => sampleRows(source, most, random(), 'fit');
  for (const [count, most] of [
    [5000, 37],
    [100, 99],
    [64, 64],
    [20, 64],
  ] as const) {
    const first = await draw(
      rowSource(() => counting(count, 7)),
      most,
    );
    assert.equal(first.rows, count);
    assert.equal(first.numbers.length, Math.min(most, count));
    assert.deepEqual(
      [...first.numbers],
      [...first.numbers].sort((a, b) => a - b),
    );
    assert.deepEqual([...first.input.data], [...first.numbers].flatMap(rowOf));
    const taken: number[] = [];
    for (const source of [
      rowSource(() => counting(count, 1000)),
      known(count, 11),
      known(count, 13, taken),
    ]) {
      const { input, numbers } = await draw(source, most);
      assert.deepEqual(numbers, first.numbers);
      assert.deepEqual([...input.data], [...first.input.data]);
    }
    assert.deepEqual(taken, count === 5000 ? [37] : []);
  }
});

test('a sample keeps 64 bits where 32 do not hold the values', async () => {
  const source = blocksOf({ data: Uint8Array.of(1, 2), shape: [1, 2] }, [[0.1, 1e9 + 0.5]]);
  const { input } = await sampleRows(source, 9, createRandom(1), 'fit');
  assert.deepEqual(input.data, Float64Array.of(1, 2, 0.1, 1e9 + 0.5));
  const narrow = await sampleRows(
    blocksOf({ data: Int16Array.of(1, -2), shape: [1, 2] }),
    9,
    createRandom(1),
    'fit',
  );
  assert.deepEqual(narrow.input.data, Float32Array.of(1, -2));
});

test('a value that is not finite is named by its row in the source', async () => {
  const source: RowSource = {
    ...blocksOf(
      [[1, 2]],
      [
        [3, 4],
        [5, Number.NaN],
      ],
    ),
    where: (row) => `file ${row}`,
  };
  await assert.rejects(
    sampleRows(source, 9, createRandom(1), 'fit'),
    saying(DataError, 'fit: expected finite', 'got NaN at row 2, column 1 (file 2)'),
  );
});
