/** Tables: columns of files as rows of numbers, and back. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fromFiles, toFiles } from '../../src/artifact/artifact.js';
import { collectRows } from '../../src/data/rowSample.js';
import { writeNpy } from '../../src/node/npy.js';
import { type ColumnOptions, chooseColumns } from '../../src/node/table/columnPlan.js';
import { decodedNames, decodeRows, plannedBlocks } from '../../src/node/table/encodeRows.js';
import { learnColumns } from '../../src/node/table/learnColumns.js';
import { openTable } from '../../src/node/table/openTable.js';
import { planIn, withPlan } from '../../src/node/table/savedPlan.js';
import { writeTable } from '../../src/node/table/writeTable.js';

const folder = mkdtempSync(path.join(tmpdir(), 'parametric-umap-table-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

async function learned(file: string, options: ColumnOptions = {}) {
  const table = await openTable(file);
  const found = await learnColumns(table, chooseColumns(table, options));
  const { data, shape } = await collectRows(found.rows);
  await found.close();
  return { ...found, table, data: Array.from(data, (value) => Math.round(value * 1e4) / 1e4), shape };
}

test('standard scaling, one-hot text and labels, by hand', async () => {
  const file = written('a.csv', 'v,color,kind\n1,red,a\n3,blue,b\n5,red,a\n');
  const { data, shape, labels, plan } = await learned(file, { label: 'kind', encode: 'onehot' });
  assert.deepEqual(shape, [3, 3]);
  // The deviation of 1, 3, 5 is sqrt(8 / 3).
  assert.deepEqual(data, [-1.2247, 1, 0, 0, 0, 1, 1.2247, 1, 0]);
  assert.deepEqual(labels, ['a', 'b', 'a']);
  assert.deepEqual(decodedNames(plan), ['v', 'color']);
  const back = decodeRows([1.2247448, 0.2, 0.8], 1, plan);
  assert.ok(Math.abs((back[0]![0] as number) - 5) < 1e-6);
  assert.equal(back[1]![0], 'blue');
});

test('scaling to 0 to 1, none, and a constant column', async () => {
  const file = written('b.csv', 'v,w\n2,7\n4,7\n10,7\n');
  assert.deepEqual((await learned(file, { scale: 'minmax' })).data, [0, 0, 0.25, 0, 1, 0]);
  assert.deepEqual((await learned(file, { scale: 'none' })).data, [2, 7, 4, 7, 10, 7]);
});

test('missing values: an error with the line, left out, or the mean', async () => {
  const file = written('c.csv', 'v,w,l\n1,2,x\nNA,3,y\n3,,z\n5,6,w\n');
  await assert.rejects(
    learned(file, { label: 'l' }),
    /expected a value in line 3, column v, got a missing value/,
  );
  const dropped = await learned(file, { label: 'l', missing: 'drop', scale: 'none' });
  assert.deepEqual([dropped.data, dropped.labels, dropped.dropped], [[1, 2, 5, 6], ['x', 'w'], 2]);
  const filled = await learned(file, { label: 'l', missing: 'mean', scale: 'none' });
  assert.deepEqual(filled.data, [1, 2, 3, 3, 3, 3.6667, 5, 6]);
});

test('a plan is saved with a model, and reads another file by the names of its columns', async () => {
  const file = written('d.csv', 'a,b,t\n1,2,x\n3,6,y\n');
  const { plan } = await learned(file, { encode: 'onehot', scale: 'minmax' });
  const files = await toFiles(
    withPlan({ kind: 'K', options: {}, state: {}, networks: {}, tables: {} }, plan),
  );
  const restored = planIn(await fromFiles(async (name) => files.get(name)!));
  assert.deepEqual(restored, plan);
  const other = await openTable(written('e.csv', 't,extra,b,a\ny,9,2,3\n'));
  for await (const { rows } of plannedBlocks(other, restored!, [])) {
    assert.deepEqual([...rows.data], [1, 0, 0, 1]);
  }
});

test('a text in a column that had numbers is named by its line', async () => {
  const many = Array.from({ length: 12_000 }, (_, i) => `${i},${i}`);
  many[11_500] = '1,oops';
  const file = written('f.csv', `a,b\n${many.join('\n')}\n`);
  await assert.rejects(
    learned(file),
    /expected a number in line 11502, column b, as in the rows before, got "oops"/,
  );
});

test('JSON lines, Parquet with vectors, and queries', async () => {
  const file = written('g.jsonl', '{"a": 1, "v": [1, 2]}\n{"a": 2, "v": [3, 4]}\n');
  const { data, shape } = await learned(file, { scale: 'none' });
  assert.deepEqual(
    [data, shape],
    [
      [1, 1, 2, 2, 3, 4],
      [2, 3],
    ],
  );
  const query = `SELECT a AS b FROM '${file}' WHERE a > 1 UNION ALL SELECT 7`;
  const table = await openTable(query);
  assert.deepEqual(
    table.columns.map(({ name, type }) => [name, type]),
    [['b', 'number']],
  );
  await table.close!();
  const dates = await openTable(`SELECT DATE '2020-01-01' AS day, 1 AS a`);
  assert.throws(() => chooseColumns(dates, {}), /got DATE in day; leave it out \(--exclude day\)/);
  await dates.close!();
});

test('a .npy file of images keeps the shape of a row, and is not scaled', async () => {
  const file = path.join(folder, 'h.npy');
  await writeNpy(file, { data: Float32Array.from({ length: 12 }, (_, i) => i), shape: [3, 2, 2] });
  const { rows, data } = await learned(file);
  assert.deepEqual(rows.rowShape, [2, 2]);
  assert.deepEqual(
    data,
    Array.from({ length: 12 }, (_, i) => i),
  );
});

test('a table that fails while it is written leaves the older file', async () => {
  const out = written('i.csv', 'old\n');
  const blocks = (async function* () {
    yield { rows: 1, values: [[1]] };
    throw new RangeError('the source broke');
  })();
  const broken = { columns: [{ name: 'a', type: 'number' as const }], blocks };
  await assert.rejects(writeTable(out, broken), /the source broke/);
  assert.equal(readFileSync(out, 'utf8'), 'old\n');
});
