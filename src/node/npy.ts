/** `.npy` files of any size, read and written block by block. */

import type { FileHandle } from 'node:fs/promises';
import { temporaryName } from '../artifact/atomicSwap.js';
import { DataError } from '../core/errors.js';
import { requireNode } from '../core/platform.js';
import { isA } from '../core/realms.js';
import type { MatrixInput } from '../data/matrix.js';
import { asRowSource, type RowSource, type RowsInput, readBlocks, rowSource } from '../data/rowSource.js';
import type { Source } from '../data/rows.js';
import {
  headerLength,
  type NpyHeader,
  type NpyNumbers,
  PREFIX,
  parseHeader,
  readNumbers,
  writeHeader,
} from './npyHeader.js';

/** Rows as they lie in a file: the numbers in the file's type, row after row. */
export interface NpyBlock {
  /** The numbers: 16-bit floats in 32 bits, 64-bit integers in 64-bit floats, booleans as 0 and 1. */
  readonly data: NpyNumbers;
  /** Rows, then the shape of one row. */
  readonly shape: readonly number[];
}

/** About as many bytes are read at once. */
const BLOCK_BYTES = 4 * 2 ** 20;
/** Reads of single rows that wait at the same time. */
const READS = 16;

/** The file functions of Node.js. */
export function fileSystem(caller: string) {
  return requireNode<typeof import('node:fs/promises')>('fs/promises', caller, 'pass rows in memory');
}

/** The path of a file, also of a `file:` URL. */
export async function pathOf(path: string | URL, caller: string): Promise<string> {
  if (typeof path === 'string') return path;
  const url = await requireNode<typeof import('node:url')>('url', caller, 'pass rows in memory');
  return url.fileURLToPath(path);
}

/**
 * Opens a `.npy` file as a source of rows, of which a few megabytes are in memory at a time. The first axis counts rows; one
 * of a single axis has rows of one number. Numbers of all sizes and both byte orders. The file is open only while it is read,
 * and has random access. Throws `DataError` for other files, truncated ones (with both sizes), Fortran order and types that
 * are no numbers, and where the file has changed when it is read.
 */
export async function openNpy(path: string | URL): Promise<RowSource<NpyBlock>> {
  const name = await pathOf(path, 'openNpy');
  const file = `openNpy: ${name}`;
  const fs = await fileSystem('openNpy');
  const header = await withFile(fs, name, (handle) => readHeader(handle, file));
  const [rows, ...axes] = header.shape as [number, ...number[]];
  const rowShape = axes.length === 0 ? [1] : axes;
  const columns = rowShape.reduce((product, size) => product * size, 1);
  const rowBytes = columns * header.bytes;
  const read = async (handle: FileHandle, first: number, count: number): Promise<NpyBlock> => {
    const bytes = new Uint8Array(count * rowBytes);
    await readFully(handle, bytes, header.start + first * rowBytes, file);
    const where = (i: number) => `${file}: row ${first + Math.floor(i / columns)}, column ${i % columns}`;
    return { data: readNumbers(bytes, header, where), shape: [count, ...rowShape] };
  };
  const source = rowSource(
    async function* () {
      const handle = await fs.open(name);
      const size = Math.max(1, Math.floor(BLOCK_BYTES / Math.max(1, rowBytes)));
      const at = (first: number) =>
        first < rows ? read(handle, first, Math.min(size, rows - first)) : undefined;
      let next: Promise<NpyBlock> | undefined;
      try {
        next = at(0);
        for (let first = 0; next !== undefined; first += size) {
          const block: NpyBlock = await next;
          next = at(first + size);
          // An error is thrown when the block is due.
          next?.catch(() => {});
          yield block;
        }
      } finally {
        await next?.catch(() => {});
        await handle.close();
      }
    },
    { rows, rowShape },
  );
  const take = (numbers: ArrayLike<number>) =>
    withFile(fs, name, async (handle) => {
      const bytes = new Uint8Array(numbers.length * rowBytes);
      let next = 0;
      const worker = async () => {
        while (next < numbers.length) {
          const i = next++;
          const row = bytes.subarray(i * rowBytes, (i + 1) * rowBytes);
          await readFully(handle, row, header.start + numbers[i]! * rowBytes, file);
        }
      };
      await Promise.all(Array.from({ length: Math.min(READS, numbers.length) }, worker));
      const where = (i: number) => `${file}: row ${numbers[Math.floor(i / columns)]}, column ${i % columns}`;
      return { data: readNumbers(bytes, header, where), shape: [numbers.length, ...rowShape] };
    });
  return { ...source, take, where: () => name };
}

async function withFile<T>(
  fs: typeof import('node:fs/promises'),
  name: string,
  use: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await fs.open(name);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

/** Reads and checks the header of an open file. */
async function readHeader(handle: FileHandle, file: string): Promise<NpyHeader> {
  const { size } = await handle.stat();
  const prefix = new Uint8Array(Math.min(PREFIX, size));
  await readFully(handle, prefix, 0, file);
  const bytes = new Uint8Array(Math.min(size, headerLength(prefix, file)));
  await readFully(handle, bytes, 0, file);
  const header = parseHeader(bytes, file);
  checkSize(size, header, file);
  return header;
}

/** Throws `DataError` for a file that is shorter than its header says. */
export function checkSize(size: number, { shape, bytes, start, type }: NpyHeader, file: string): void {
  const expected = start + shape.reduce((product, length) => product * length, bytes);
  if (size >= expected) return;
  throw new DataError(
    `${file}: expected ${expected} bytes for shape [${shape.join(', ')}] of ${type}, got ${size}: the file is truncated; ` +
      'write or copy it again',
  );
}

async function readFully(
  handle: FileHandle,
  bytes: Uint8Array,
  position: number,
  file: string,
): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, position + at);
    if (bytesRead === 0) {
      throw new DataError(
        `${file}: expected ${position + bytes.length} bytes or more, got ${position + at}: the file was cut while it was read; ` +
          'read it again when it is complete',
      );
    }
    at += bytesRead;
  }
}

/** Length of a header that has room for any number of rows. */
const HEADER = 256;

/** Types of numbers by the arrays that hold them. */
const types = [
  ['Float32Array', 'f4', Float32Array],
  ['Float64Array', 'f8', Float64Array],
  ['Int8Array', 'i1', Int8Array],
  ['Uint8Array', 'u1', Uint8Array],
  ['Uint8ClampedArray', 'u1', Uint8Array],
  ['Int16Array', 'i2', Int16Array],
  ['Uint16Array', 'u2', Uint16Array],
  ['Int32Array', 'i4', Int32Array],
  ['Uint32Array', 'u4', Uint32Array],
] as const;

/** The type of the numbers of a block: that of its typed array, else 64-bit floats. */
function typeOf({ whole }: Source): readonly [type: string, length: (count: number) => NpyNumbers] {
  for (const [name, type, Numbers] of types) {
    if (whole !== undefined && isA(name, whole)) return [type, (count) => new Numbers(count)];
  }
  return ['f8', (count) => new Float64Array(count)];
}

/**
 * Writes rows as a `.npy` file, which NumPy and `openNpy` read: rows in any form, or a source of them, such as the result of
 * `transform`, block by block. The numbers have the type of the first block's typed array, else 64-bit floats. The file is
 * written beside its place and moved there when it is complete, so that an error leaves an older file as it was. Returns the
 * shape. Throws `DataError` for what is no source of rows of one shape, and for blocks whose numbers have another type.
 */
export async function writeNpy(
  path: string | URL,
  rows: RowsInput,
): Promise<{ readonly shape: readonly number[] }> {
  const name = await pathOf(path, 'writeNpy');
  const fs = await fileSystem('writeNpy');
  const source = asRowSource(rows) ?? rowSource(() => [rows as MatrixInput]);
  const temporary = `${await temporaryName(name)}.npy`;
  try {
    const handle = await fs.open(temporary, 'w');
    let shape: readonly number[];
    try {
      shape = await writeBlocks(handle, source);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(temporary, name);
    return { shape };
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

async function writeBlocks(handle: FileHandle, source: RowSource): Promise<readonly number[]> {
  let type = '';
  let end = 0;
  let shape: readonly number[] = [];
  let position = HEADER;
  for await (const { source: block, rows, rowShape, caller, first } of readBlocks(source, 'writeNpy')) {
    const [found, make] = typeOf(block);
    if (type !== '' && found !== type) {
      throw new DataError(
        `${caller}: expected numbers of type ${type}, as in the blocks before, got ${found}; give all blocks one type`,
      );
    }
    type = found;
    const columns = rowShape.reduce((product, size) => product * size, 1);
    const numbers = (block.whole ?? make(rows * columns)) as NpyNumbers;
    if (!block.whole)
      for (let row = 0; row < rows; row++) block.fill(row, numbers as Float64Array, row * columns);
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, position + at);
      at += bytesWritten;
    }
    position += bytes.length;
    end = first + rows;
    shape = [end, ...rowShape];
  }
  await handle.write(writeHeader(type, shape, HEADER), 0, HEADER, 0);
  return shape;
}
