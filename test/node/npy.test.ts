/** `.npy` files: every type that NumPy writes, in ranges and whole, folders of them, and what is refused. */
import assert from 'node:assert/strict';
import { mkdir, open, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { DataError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import { collectRows, sampleRows } from '../../src/data/rowSample.js';
import { type RowSource, rowSource } from '../../src/data/rowSource.js';
import { openNpy, writeNpy } from '../../src/node/npy.js';
import { npyFolder } from '../../src/node/npyFolder.js';
import { saying } from '../helpers/assert.js';
import { root, withDirectory } from '../helpers/files.js';

const fixtures = path.join(root, 'test/fixtures/npy');
const npy = (name: string) => openNpy(path.join(fixtures, `${name}.npy`));
const refused = (opened: Promise<unknown>, ...parts: (string | RegExp)[]) =>
  assert.rejects(opened, saying(DataError, ...parts, /expected .*, got .*; /s));

/** All numbers of a source, in the type of its first block, and their shape. */
async function all(source: RowSource) {
  const { input } = await sampleRows(source, 1e6, createRandom(1), 'test');
  return { data: [...input.data], shape: input.shape };
}

// As `make.py` made them.
const table = [0, 1, 2, 3, 4, 5, 100, 7, 1];
test('every type of numbers is read as NumPy wrote it, in either byte order', async () => {
  for (const kind of ['f2', 'f4', 'f8', 'i2', 'i4', 'i8', 'u2', 'u4', 'u8']) {
    const start =
      kind[0] === 'f' ? [-0.5, 1.25, 6.103515625e-5] : kind[0] === 'i' ? [-1, -300, 2] : [0, 1, 2];
    for (const order of ['little', 'big']) {
      const source = await npy(`${kind}_${order}`);
      assert.equal(source.rows, 3);
      assert.deepEqual(source.rowShape, [3]);
      assert.deepEqual(
        await all(source),
        { data: [...start, ...table.slice(3)], shape: [3, 3] },
        `${kind} ${order}`,
      );
    }
  }
  assert.deepEqual((await all(await npy('i1'))).data, [-1, 2, -128]);
  assert.deepEqual((await all(await npy('u1'))).data, [0, 2, 255]);
  assert.deepEqual((await all(await npy('b1'))).data, [1, 0, 1]);
});

test('axes and versions of the format', async () => {
  assert.deepEqual(await all(await npy('vector')), { data: [0, 1, 2, 3, 4], shape: [5, 1] });
  const images = await npy('images');
  assert.deepEqual(images.rowShape, [3, 4]);
  assert.deepEqual((await all(images)).shape, [2, 3, 4]);
  for (const version of [1, 2, 3]) assert.deepEqual((await all(await npy(`version${version}`))).data, [1, 2]);
});

test('what is no table of numbers is named', async () => {
  await refused(npy('fortran'), 'fortran.npy', 'Fortran order', 'np.ascontiguousarray');
  await refused(npy('complex'), 'complex.npy', 'dtype <c8');
  await refused(npy('text'), 'text.npy', 'dtype <U1');
  await refused(npy('fields'), 'fields.npy', 'several fields');
  await refused(npy('scalar'), 'scalar.npy', 'single number');
  await refused(npy('huge').then(all), 'huge.npy', 'row 0, column 1', '9007199254740992');
});

test('truncated, cut and foreign files are named with their sizes', async () => {
  await withDirectory(async (folder) => {
    const file = path.join(folder, 'a.npy');
    await writeNpy(file, { data: new Float32Array(40), shape: [10, 4] });
    const source = await openNpy(file);
    await truncate(file, 300);
    await refused(openNpy(file), 'a.npy', '416 bytes', 'got 300', 'truncated');
    await refused(all(source), 'a.npy', 'got 300', 'cut while it was read');
    await refused(source.take!([9]) as Promise<unknown>, 'cut while it was read');
    for (const [bytes, ...parts] of [
      [new Uint8Array(0), 'an empty file'],
      [Uint8Array.of(1, 2, 3), 'got 01 02 03'],
      [new TextEncoder().encode('a,b\n1,2\n3,4\n5,6\n'), 'begins 93 4e'],
      [Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 4, 0, 1, 0, 0, 0), 'version', 'got 4.0'],
      [Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 9, 0, 0, 0), 'header of 19 bytes', 'got 12'],
      [Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 2, 0, 0x7b, 0x7d), 'descr'],
    ] as const) {
      await writeFile(file, bytes);
      await refused(openNpy(file), 'a.npy', ...parts);
    }
  });
});

test('a written file is read as it was, by ranges, by row and as often as needed', async () => {
  await withDirectory(async (folder) => {
    const file = pathToFileURL(path.join(folder, 'rows with spaces.npy'));
    // Wide rows, so that a block holds few of them.
    const [rows, columns] = [50, 60_000];
    const data = Float32Array.from({ length: rows * columns }, (_, i) => i / 7);
    const blocks = rowSource(function* () {
      for (let row = 0; row < rows; row += 4) {
        const count = Math.min(4, rows - row);
        yield { data: data.subarray(row * columns, (row + count) * columns), shape: [count, columns] };
      }
    });
    assert.deepEqual(await writeNpy(file, blocks), { shape: [rows, columns] });
    const source = await openNpy(file);
    let seen = 0;
    for await (const { shape } of source) {
      assert.ok(shape[0]! < rows);
      seen++;
    }
    assert.ok(seen > 2);
    for (let pass = 0; pass < 2; pass++) assert.deepEqual((await collectRows(source)).data, data);
    const some = await source.take!([0, 7, 49]);
    assert.deepEqual(
      (some as { data: Float32Array }).data,
      Float32Array.from([0, 7, 49].flatMap((row) => [...data.subarray(row * columns, (row + 1) * columns)])),
    );
    for await (const _ of source) break;
    assert.deepEqual(await readdir(folder), ['rows with spaces.npy']);
  });
});

test('the type of the first block is that of the file; an error leaves an older file alone', async () => {
  await withDirectory(async (folder) => {
    const file = path.join(folder, 'a.npy');
    await writeNpy(file, [
      [1.1, 2],
      [3, 4],
    ]);
    assert.deepEqual((await all(await openNpy(file))).data, [1.1, 2, 3, 4]);
    await writeNpy(file, { data: Uint8Array.of(1, 2), shape: [2, 1] });
    const before = await readFile(file);
    const mixed = rowSource([[[1, 2]], { data: Float32Array.of(1, 2), shape: [1, 2] }]);
    await refused(writeNpy(file, mixed), 'writeNpy: block 1', 'type f8', 'got f4');
    await refused(writeNpy(file, rowSource([[[1, 2]], [[1]]])), 'writeNpy: block 1', 'shape [2]');
    await assert.rejects(
      writeNpy(
        file,
        rowSource(async function* () {
          yield [[1, 2]];
          throw new Error('the network is gone');
        }),
      ),
      /the network is gone/,
    );
    assert.deepEqual(await readFile(file), before);
    assert.deepEqual(await readdir(folder), ['a.npy']);
  });
});

test('a folder is read in the order of its paths: nested, rows and vectors, links once', async () => {
  await withDirectory(async (folder) => {
    const at = (name: string) => path.join(folder, name);
    await mkdir(at('b/deep'), { recursive: true });
    await mkdir(at('.hidden'));
    const vector = async (name: string, value: number) => {
      const bytes = await readFile(path.join(fixtures, 'vector.npy'));
      new Float32Array(5).fill(value).forEach((number, i) => {
        bytes.writeFloatLE(number, 128 + 4 * i);
      });
      await writeFile(at(name), bytes);
    };
    await vector('b/deep/z.npy', 3);
    await vector('a.npy', 1);
    await vector('.hidden/a.npy', 9);
    await vector('c.npy', 4);
    await writeNpy(at('b/block.npy'), { data: new Float32Array(10).fill(2), shape: [2, 5] });
    await writeFile(at('readme.txt'), 'no rows');
    // A link up would never end.
    await symlink(folder, at('b/up'));
    await symlink(at('b'), at('d'));
    await symlink(at('c.npy'), at('e.npy'));
    const source = await npyFolder(folder);
    assert.deepEqual(source.rowShape, [5]);
    for (let pass = 0; pass < 2; pass++) {
      const { data, shape } = await collectRows(source);
      assert.deepEqual(shape, [6, 5]);
      assert.deepEqual(
        [...data].filter((_, i) => i % 5 === 0),
        [1, 2, 2, 3, 4, 4],
      );
    }
    assert.match(source.where!(2)!, /block\.npy$/);
    assert.match(source.where!(3)!, /z\.npy$/);

    await vector('b/nan.npy', Number.NaN);
    await assert.rejects(
      sampleRows(await npyFolder(folder), 9, createRandom(1), 'fit'),
      saying(DataError, 'fit: expected finite', 'row 4', 'nan.npy'),
    );
    await writeNpy(at('b/nan.npy'), { data: new Float32Array(6), shape: [1, 6] });
    await refused(npyFolder(folder).then(collectRows), 'nan.npy', 'shape [5]', 'a.npy', 'got [6]');
    await writeNpy(at('b/nan.npy'), { data: new Float64Array(5), shape: [1, 5] });
    await refused(npyFolder(folder).then(collectRows), 'nan.npy', 'dtype f4', 'got f8');
    await truncate(at('c.npy'), 140);
    await writeNpy(at('b/nan.npy'), { data: new Float32Array(5), shape: [1, 5] });
    await refused(npyFolder(folder).then(collectRows), 'c.npy', 'got 140', 'truncated');
    await symlink(at('nowhere.npy'), at('f.npy'));
    await refused(npyFolder(folder), 'f.npy', 'link', 'one to nothing');
    await refused(
      npyFolder(at('.hidden/..hidden')).catch(() => npyFolder(path.join(root, 'src'))),
      'got none',
    );
  });
});

test('a file is open only while it is read', async () => {
  await withDirectory(async (folder) => {
    const file = path.join(folder, 'a.npy');
    await writeNpy(file, { data: new Float32Array(2 ** 22), shape: [2 ** 12, 2 ** 10] });
    const source = await openNpy(file);
    const lowest = async () => {
      const handle = await open(file);
      const { fd } = handle;
      await handle.close();
      return fd;
    };
    const before = await lowest();
    for (let i = 0; i < 5; i++) {
      for await (const _ of source) break;
    }
    assert.equal(await lowest(), before);
  });
});
