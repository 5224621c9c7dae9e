import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { DataError, OptionError } from '../../src/core/errors.js';
import { readCsv, readIdx } from '../../src/node/files.js';

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
});

test('a bad field is named by line, column and column name', async () => {
  const fails = (text: string, message: RegExp, options = {}) =>
    assert.rejects(
      readCsv(text, options),
      (error: Error) => error instanceof DataError && message.test(error.message),
    );
  await fails('a,b\n1,2\n3,x\n', /line 3, column 2 \(b\): a 32-bit number wanted, got "x"/);
  await fails('1,2\n\n3,\n', /line 3, column 2: .* got ""/);
  for (const field of ['NaN', 'Infinity', '0x10', '1e39', '1 2'])
    await fails(`1,2\n3,${field}\n`, /line 2, column 2/);
  await fails('a,b\n1,2,3\n', /line 2 has 3 fields, line 1 has 2/);
  await fails('\n\n', /at least 1 row wanted, got an empty table/);
  await fails('a,b\n', /got only a header/);
  await fails('a,b\n"1,2\n', /line 2: a quote is opened/);
  await fails('y\n1\n', /at least 1 column/, { label: 'y' });
});

test('a wrong label column, option or path says what there is', async () => {
  await assert.rejects(readCsv('a,b\n1,2', { label: 'c' }), (error: Error) => {
    return error instanceof OptionError && /no column 'c' for label; columns are a, b/.test(error.message);
  });
  await assert.rejects(readCsv('1,2\n3,4', { label: 'c', header: false }), /there is no header/);
  await assert.rejects(readCsv('1,2\n', { separator: '|' as ',' }), OptionError);
  await assert.rejects(readCsv('no-such-file.csv'), /ENOENT/);
});

/** An IDX file: type, shape, and the bytes of its numbers. */
function idx(type: number, shape: number[], data: number[]): Uint8Array {
  const sizes = shape.flatMap((size) => [size >>> 24, (size >>> 16) & 255, (size >>> 8) & 255, size & 255]);
  return Uint8Array.from([0, 0, type, shape.length, ...sizes, ...data]);
}

test('every IDX type is read, plain and gzipped, at any place in a buffer', async () => {
  const cases: [number, number[], ArrayLike<number>][] = [
    [0x08, [7, 255], Uint8Array.of(7, 255)],
    [0x09, [7, 255], Int8Array.of(7, -1)],
    [0x0b, [1, 2, 255, 254], Int16Array.of(258, -2)],
    [0x0c, [0, 1, 0, 0, 255, 255, 255, 255], Int32Array.of(65536, -1)],
    [0x0d, [63, 128, 0, 0, 192, 32, 0, 0], Float32Array.of(1, -2.5)],
    [0x0e, [63, 240, 0, 0, 0, 0, 0, 0, 192, 4, 0, 0, 0, 0, 0, 0], Float64Array.of(1, -2.5)],
  ];
  for (const [type, bytes, data] of cases) {
    const file = idx(type, [2, 1], bytes);
    assert.deepEqual(await readIdx(file), { data, shape: [2, 1] });
    assert.deepEqual(await readIdx(gzipSync(file)), { data, shape: [2, 1] });
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    assert.deepEqual(await readIdx(shifted.subarray(3)), { data, shape: [2, 1] });
  }
});

test('an IDX file that is damaged or something else is refused with both numbers', async () => {
  const fails = (bytes: Uint8Array, message: RegExp) =>
    assert.rejects(
      readIdx(bytes),
      (error: Error) => error instanceof DataError && message.test(error.message),
    );
  const good = idx(0x08, [2, 3], [1, 2, 3, 4, 5, 6]);
  await fails(good.subarray(0, 17), /\[2, 3\] wants 6 bytes of data, file has 5/);
  await fails(Uint8Array.from([...good, 0]), /wants 6 bytes of data, file has 7/);
  await fails(good.subarray(0, 9), /header of 12 bytes for 2 axes wanted, file has 9/);
  await fails(Uint8Array.of(1, 2, 3, 4, 5), /begins 00 00 wanted, got 5 bytes: 01 02 03 04/);
  await fails(new Uint8Array(), /got 0 bytes: none/);
  await fails(idx(0x07, [1], [1]), /must be one of 0x08, .*got 0x07/);
  await fails(
    idx(0x08, [0xffffffff, 0xffffffff], []),
    /wants 18446744065119617000 bytes|wants 1844\d+ bytes/,
  );
  await fails(gzipSync(good).subarray(0, 20), /gzip data is damaged/);
});
