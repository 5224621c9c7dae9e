import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { DataError } from '../../src/core/errors.js';
import { readIdx } from '../../src/node/files.js';

/** An IDX file: type, shape, and the bytes of its numbers. */
function idx(type: number, shape: number[], data: number[]): Uint8Array {
  const sizes = shape.flatMap((size) => [size >>> 24, (size >>> 16) & 255, (size >>> 8) & 255, size & 255]);
  return Uint8Array.from([0, 0, type, shape.length, ...sizes, ...data]);
}

test('every IDX type is read, plain and gzipped, at any offset in a buffer', async () => {
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
  await fails(good.subarray(0, 17), /expected 6 bytes of data for shape \[2, 3\], got 5/);
  await fails(Uint8Array.from([...good, 0]), /expected 6 bytes of data .* got 7/);
  await fails(good.subarray(0, 9), /expected a header of 12 bytes for 2 axes, got a file of 9/);
  await fails(Uint8Array.of(1, 2, 3, 4, 5), /expected a file that begins 00 00, got 5 bytes: 01 02 03 04/);
  await fails(new Uint8Array(), /got 0 bytes: none/);
  await fails(idx(0x07, [1], [1]), /expected one of 0x08, .*got 0x07/);
  await fails(idx(0x08, [0xffffffff, 0xffffffff], []), /expected 1844\d+ bytes of data/);
  await fails(gzipSync(good).subarray(0, 20), /expected sound gzip data, got damaged ones/);
});
