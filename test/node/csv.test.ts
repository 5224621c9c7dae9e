import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { DataError, OptionError } from '../../src/core/errors.js';
import { type CsvOptions, readCsv } from '../../src/node/csv.js';
import { run } from '../helpers/child.js';

const folder = mkdtempSync(path.join(tmpdir(), 'parametric-umap-csv-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('the digits of the examples are read whole, by path and by text', async () => {
  const file = new URL('../../../examples/data/digits.csv', import.meta.url);
  const digits = await readCsv(file, { label: 'label' });
  assert.deepEqual(digits.data.shape, [1797, 64]);
  assert.deepEqual(digits.data.data.subarray(0, 8), Float32Array.of(0, 0, 5, 13, 9, 1, 0, 0));
  assert.deepEqual(digits.columns?.slice(0, 2), ['p00', 'p01']);
  assert.deepEqual(digits.labels?.slice(0, 12), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
  const counts = new Array<number>(10).fill(0);
  for (const label of digits.labels as number[]) counts[label]!++;
  assert.deepEqual(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
  const text = await readFile(file, 'utf8');
  const hash = createHash('sha256').update(text).digest('hex');
  assert.equal(hash.slice(0, 16), '067c897c3866e1f1');
  assert.deepEqual(await readCsv(text, { label: 'label' }), digits);
});

test('header, labels, quotes, line ends and separators', async () => {
  assert.deepEqual(await readCsv('1,2\r\n3,-4.5e1\r\n\r\n'), {
    data: { data: Float32Array.of(1, 2, 3, -45), shape: [2, 2] },
  });
  assert.deepEqual(
    await readCsv('\ufeff"name, ""full""";x\n"a;b";1\nc; .5 \n', { label: 'name, "full"', separator: ';' }),
    {
      data: { data: Float32Array.of(1, 0.5), shape: [2, 1] },
      columns: ['x'],
      labels: ['a;b', 'c'],
    },
  );
  assert.deepEqual((await readCsv('1\t2\n3\t4', { header: true, separator: '\t' })).columns, ['1', '2']);
  assert.deepEqual((await readCsv('1,2\n3,4', { label: '2' })).labels, [4]);
  const { data } = await readCsv('a,b\r1, "2" \n\n \t\n"3",4\r\n');
  assert.deepEqual(data, { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] });
});

test('a quoted field may hold line breaks of either kind', async () => {
  const text = 'name,"two\nlines"\n"first\nsecond, ""third""",1\r\n"a\r\nb",2\n';
  const { data, columns, labels } = await readCsv(text, { label: 'name' });
  assert.deepEqual(columns, ['two\nlines']);
  assert.deepEqual(labels, ['first\nsecond, "third"', 'a\r\nb']);
  assert.deepEqual(data.data, Float32Array.of(1, 2));
});

test('a file and its text give the same, wherever the pieces of either end', async () => {
  // Longer than several pieces, with characters of two to four bytes, and quotes and line breaks at every place.
  const rows = Array.from({ length: 12_000 }, (_, i) => [
    `é${'é😀'.repeat(i % 7)}\r\n"${i}" ,${'\n'.repeat(i % 3)}x`,
    `${i}`,
  ]);
  const lines = rows.map(([name, x]) => `"${name!.replaceAll('"', '""')}",${x}`);
  const text = `name,x\r\n${lines.join('\r\n')}\r\n`;
  const file = path.join(folder, 'pieces.csv');
  await writeFile(file, text);
  const fromFile = await readCsv(file, { label: 'name' });
  assert.deepEqual(
    fromFile.labels,
    rows.map(([name]) => name),
  );
  assert.deepEqual(
    fromFile.data.data,
    Float32Array.from(rows, (_, i) => i),
  );
  assert.deepEqual(await readCsv(text, { label: 'name' }), fromFile);
  // The line of a row is that on which it begins, whatever was within the quotes before.
  const line = text.split(/\r\n|\n/).length;
  await assert.rejects(readCsv(`${text}"last\r\none",x\r\n`, { label: 'name' }), {
    message: new RegExp(`at line ${line}, column 2 \\(x\\), got "x"`),
  });
});

const fails = (text: string, message: RegExp, options: CsvOptions = {}) =>
  assert.rejects(
    readCsv(text, options),
    (error: Error) => error instanceof DataError && message.test(error.message),
    `${JSON.stringify(text)} ${message}`,
  );

test('a field that is no number is named by line, column and column name, with what to do', async () => {
  await fails(
    'a,b\n1,2\n3,x\n',
    /expected a 32-bit number at line 3, column 2 \(b\), got "x"; leave out the column/,
  );
  for (const field of ['Infinity', '0x10', '1e39', '1 2', '1,5'])
    await fails(`1;2\n3;${field}\n`, /at line 2, column 2, got "/, { separator: ';' });
  await fails('1\n1e39\n', /too large/);
  await fails('a;b\n1;2\n', /at line 2, column 1 \(a;b\), got "1;2"; give separator: ";"/);
});

test('a missing value is named as such, in the first row too', async () => {
  await fails('1,2\n\n3,\n', /at line 3, column 2, got "", a missing value; fill it in or leave out the row/);
  for (const field of ['', ' ', 'NA', 'n/a', '#N/A', '<NA>', 'NaN', 'nan', 'NULL', 'None', '?']) {
    await fails(`a,b,c\n1,2,3\n4,${field},6\n`, /at line 3, column 2 \(b\), got ".*", a missing value/);
    // Such a row does not name the columns.
    await fails(`1,${field},3\n4,5,6\n`, /at line 1, column 2, got ".*", a missing value/);
  }
  await fails('a,b\n,\n', /at line 2, column 1 \(a\), got "", a missing value/);
  assert.deepEqual((await readCsv(',a\n0,1\n')).columns, ['', 'a']);
});

test('rows of another length, no rows, no columns and quotes out of place', async () => {
  await fails('a,b\n1,2,3\n', /expected 2 fields in line 2, as in line 1, got 3/);
  await fails('a,b\n1\n', /expected 2 fields in line 2, as in line 1, got 1/);
  await fails('\n\n', /expected at least 1 row, got an empty table/);
  await fails('a,b\n', /got only a header/);
  await fails('y\n1\n', /at least 1 column/, { label: 'y' });
  await fails('a,b\n\n"1,2\n3,4\n', /got one that is never closed in the row that begins in line 3/);
  await fails('a,b\n1,2\n"3" 4,5\n', /got one out of place in the row that begins in line 3/);
  await fails('a,b\n1,2"x"\n', /got one out of place in the row that begins in line 2/);
});

test('the error of a wrong label column, option or path lists what there is', async () => {
  await assert.rejects(readCsv('a,b\n1,2', { label: 'c' }), (error: Error) => {
    return error instanceof OptionError && /name a column, got 'c'; columns are a, b/.test(error.message);
  });
  await assert.rejects(readCsv('1,2\n3,4', { label: 'c', header: false }), /got header: false/);
  await assert.rejects(readCsv('1,2\n', { separator: '|' as ',' }), OptionError);
  await assert.rejects(readCsv('no-such-file.csv'), /ENOENT/);
});

test('a file that is larger than memory is read if its numbers are few', async () => {
  // 96 MB of spaces around 6,000 numbers, and a heap of 48 MB.
  const rows = 3000;
  const file = path.join(folder, 'wide.csv');
  const handle = await open(file, 'w');
  await handle.write('a,b\n');
  const spaces = ' '.repeat(16_000);
  for (let row = 0; row < rows; row++) await handle.write(`${row}${spaces},${spaces}-${row}\n`);
  await handle.close();
  const address = new URL('../../src/node/csv.js', import.meta.url).href;
  const code = `
    const { readCsv } = await import(${JSON.stringify(address)});
    const { data } = await readCsv(${JSON.stringify(file)});
    console.log(data.shape.join(), data.data.at(-1));
  `;
  const flags = ['--max-old-space-size=48', '--input-type=module', '--eval', code];
  const { stdout } = await run(process.execPath, flags);
  assert.equal(stdout, `${rows},2 -${rows - 1}\n`);
});
