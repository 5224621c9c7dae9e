/** Rows from a source: the same fit as from memory, samples, principal components of all rows, results as a source. */
import assert from 'node:assert/strict';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import { reservoirRows } from '../../src/data/reservoir.js';
import { collectRows, type MatrixInput, type RowSource, rowSource } from '../../src/index.js';
import { quickly } from '../checks/subject.js';
import { assertSameRows, saying } from '../helpers/assert.js';
import { logged } from '../helpers/child.js';
import { flat, groups } from '../helpers/data.js';
import { feature } from './feature.js';

const { test, check } = feature();

export { check as checkSources };

const rows = groups();
const matrix = flat(rows);

/** The rows in blocks of 7, flat. */
function* blocks(all: readonly (readonly number[])[] = rows): Generator<MatrixInput> {
  for (let from = 0; from < all.length; from += 7) yield flat(all.slice(from, from + 7));
}

const read = async (source: RowSource) => (await collectRows(source)).data;

test('a source with few rows is fitted as rows in memory are, to the last bit', async (subject) => {
  const fromMemory = quickly(subject);
  const expected = (await fromMemory.fitTransform(matrix)).data;
  const estimator = quickly(subject);
  const source = rowSource(() => blocks());
  const map = await estimator.fitTransform(source);
  assertSameRows(await read(map), expected);
  assert.deepEqual(estimator.history, fromMemory.history);
  // Each reading computes it anew.
  assertSameRows(await read(map), expected);
  const embedded = await estimator.transform(source);
  assert.deepEqual(embedded.rowShape, [2]);
  assertSameRows(await read(embedded), (await fromMemory.transform(matrix)).data);
  for (const one of [estimator, fromMemory]) one.dispose();
});

test('of more rows, a fit learns from those that the seed draws', async (subject) => {
  const numbers = reservoirRows(rows.length, 40, createRandom(42).fork('sampled rows'));
  const drawn = Array.from(numbers, (row) => rows[row]!);
  const fromMemory = await quickly(subject).fit(flat(drawn));
  const estimator = quickly(subject, { verbose: true });
  const log = await logged(() =>
    estimator.fit(
      rowSource(() => blocks()),
      null,
      { sampleRows: 40 },
    ),
  );
  assert.match(log, /rows: 40 of 60, drawn by the seed/);
  assertSameRows(
    await read(await estimator.transform(rowSource(() => blocks()))),
    (await fromMemory.transform(matrix)).data,
  );
  for (const one of [estimator, fromMemory]) one.dispose();
});

test('targets go with the rows of the sample', ['supervised'], async (subject) => {
  const labels = rows.map((_, i) => i % 3);
  const numbers = reservoirRows(rows.length, 40, createRandom(42).fork('sampled rows'));
  const fromMemory = quickly(subject);
  await fromMemory.fit(
    flat(Array.from(numbers, (row) => rows[row]!)),
    Array.from(numbers, (row) => labels[row]!),
  );
  const estimator = quickly(subject);
  await estimator.fit(
    rowSource(() => blocks()),
    labels,
    { sampleRows: 40 },
  );
  assert.deepEqual(estimator.history, fromMemory.history);
  await assert.rejects(
    quickly(subject).fit(
      rowSource(() => blocks()),
      labels.slice(1),
      { sampleRows: 40 },
    ),
    saying(DataError, 'fit: y: expected one entry per row (60)', 'got 59'),
  );
  for (const one of [estimator, fromMemory]) one.dispose();
});

test('an async iterable is a source of rows to transform; a generator can be read once', async (subject) => {
  const estimator = await quickly(subject).fit(matrix);
  const once = (async function* () {
    yield* blocks();
  })();
  const embedded = await estimator.transform(once);
  assertSameRows(await read(embedded), (await estimator.transform(matrix)).data);
  await assert.rejects(read(embedded), saying(DataError, 'read several times'));
  await assert.rejects(
    async () => read(await quickly(subject).fitTransform(rowSource(blocks()))),
    saying(DataError, 'read several times'),
  );
  // The fit alone reads it once.
  const other = await quickly(subject).fit(rowSource(blocks()));
  for (const one of [estimator, other]) one.dispose();
});

test('rows of another width, and values that are not finite, are named by their row', async (subject) => {
  const estimator = await quickly(subject).fit(matrix);
  await assert.rejects(
    estimator.transform(rowSource([[[1, 2]]], { rowShape: [2] })),
    saying(DataError, 'transform: expected 6 values per row, as fitted, got 2'),
  );
  await assert.rejects(
    read(await estimator.transform(rowSource([[[1, 2]]]))),
    saying(DataError, 'transform: block 0: expected 6 values per row, as fitted, got 2'),
  );
  const broken = [rows.slice(0, 7), [rows[7]!.map((value, c) => (c === 3 ? Number.NaN : value))]];
  const where = 'expected finite 32-bit numbers, got NaN at row 7, column 3';
  await assert.rejects(
    read(await estimator.transform(rowSource(broken))),
    saying(DataError, `transform: ${where}`),
  );
  await assert.rejects(quickly(subject).fit(rowSource(broken)), saying(DataError, `fit: ${where}`));
  await assert.rejects(
    quickly(subject).fit(matrix, null, { sampleRows: 9 }),
    saying(OptionError, 'fit: sampleRows: expected a source of rows', 'rows in memory'),
  );
  estimator.dispose();
});

test('positions come back as rows, block by block', ['decoder'], async (subject) => {
  const estimator = await quickly(subject, subject.inverse).fit(matrix);
  const positions = await estimator.transform(matrix);
  const back = await estimator.inverseTransform(await estimator.transform(rowSource(() => blocks())));
  assertSameRows(await read(back), (await estimator.inverseTransform(positions)).data);
  estimator.dispose();
});

test('neighbors of all rows cannot go with a sample of them', ['needsGraph'], async (subject) => {
  const knn = { indices: rows.map((_, i) => [i, (i + 1) % 60]), distances: rows.map(() => [0, 1]) };
  await assert.rejects(
    quickly(subject).fit(
      rowSource(() => blocks()),
      null,
      { sampleRows: 40, knn },
    ),
    saying(OptionError, 'fit: knn', 'a sample of 40 of 60 rows'),
  );
});

test(
  'all rows are learned from as principal components, with labels and held-out rows',
  ['needsGraph', 'parametric'],
  async (subject) => {
    const wide = groups(80, 90, 'wide');
    const source = rowSource(() => blocks(wide));
    const labels = wide.map((_, i) => i % 3);
    for (const validation of [0.2, flat(groups(20, 90, 'held'))]) {
      const estimator = quickly(subject, { verbose: true });
      const log = await logged(() => estimator.fit(source, labels, { sampleRows: null, validation }));
      assert.match(log, /rows: all 80, of which 64 principal components are kept/);
      const map = await read(await estimator.transform(source));
      assertSameRows(map, (await estimator.transform(flat(wide))).data);
      assert.ok(estimator.history['valLoss']!.every(Number.isFinite));
      // Groups of the rows are groups of the map: the nearest point of another row has its label.
      let same = 0;
      for (let i = 0; i < 80; i++) {
        const distance = (j: number) =>
          Math.hypot(map[2 * i]! - map[2 * j]!, map[2 * i + 1]! - map[2 * j + 1]!);
        const nearest = labels
          .map((_, j) => j)
          .filter((j) => j !== i)
          .sort((a, b) => distance(a) - distance(b))[0]!;
        if (labels[nearest] === labels[i]) same++;
      }
      assert.ok(same >= 60, `${same} of 80`);
      // A later fit goes on with the same axes.
      await logged(() => estimator.fit(source, labels, { sampleRows: null }));
      await assert.rejects(
        estimator.fit(
          rowSource(() => blocks()),
          null,
          { sampleRows: null },
        ),
        saying(DataError, 'rows of 90 values, as in the earlier fit, got rows of 6'),
      );
      estimator.dispose();
    }
  },
);

test(
  'what needs the rows themselves is refused beside principal components',
  ['needsGraph'],
  async (subject) => {
    const refused = (options: Record<string, unknown>, ...parts: string[]) =>
      assert.rejects(
        async () =>
          quickly(subject, options).fit(
            rowSource(() => blocks()),
            null,
            { sampleRows: null },
          ),
        saying(OptionError, ...parts),
      );
    const { traits } = subject;
    if (traits.points) await refused({}, 'expected', 'give');
    else {
      await refused({ metric: 'cosine' }, 'metric', "'euclidean'", 'got cosine');
      await refused({ parametricReconstruction: true }, 'parametricReconstruction', 'false');
    }
  },
);
