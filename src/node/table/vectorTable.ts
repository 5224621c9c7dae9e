/** `.npy`, `.npz` and IDX files, and folders of `.npy` files, as tables: vectors by row. */

import { messageOf } from '../../artifact/json.js';
import { DataError } from '../../core/errors.js';
import { type RowSource, readBlocks } from '../../data/rowSource.js';
import { type Idx, readIdx } from '../files.js';
import { checkSize, fileSystem, openNpy } from '../npy.js';
import { npyFolder } from '../npyFolder.js';
import { headerLength, parseHeader, readNumbers } from '../npyHeader.js';
import type { Column, Table, TableBlock, Values } from './table.js';

/** The name of the column of a file that has but one. */
export const VECTOR = 'vector';

/** Opens a `.npy` file. One with a single axis is a column of numbers. */
export async function npyTable(path: string, name: string): Promise<Table> {
  return sourceTable(await openNpy(path), name);
}

/** Opens a folder of `.npy` files. */
export async function folderTable(path: string, name: string): Promise<Table> {
  return sourceTable(await npyFolder(path), name);
}

function sourceTable(source: RowSource, name: string): Table {
  const shape = source.rowShape;
  const size = shape?.reduce((product, length) => product * length, 1) ?? 0;
  const isNumber = shape?.length === 1 && size === 1;
  const column: Column = isNumber
    ? { name: 'value', type: 'number' }
    : { name: VECTOR, type: 'vector', ...(shape && { shape }) };
  return {
    name,
    columns: [column],
    ...(source.rows !== undefined && { rows: source.rows }),
    async *blocks(choices) {
      for await (const { source: block, rows, rowShape, first } of readBlocks(source, name)) {
        const columns = rowShape.reduce((product, length) => product * length, 1);
        const numbers = new Float64Array(rows * columns);
        for (let row = 0; row < rows; row++) block.fill(row, numbers, row * columns);
        const values: Values = isNumber
          ? numbers
          : Array.from({ length: rows }, (_, row) => numbers.subarray(row * columns, (row + 1) * columns));
        yield { rows, values: choices.map(() => values), where: (row) => `row ${first + row}` };
      }
    },
  };
}

/** Opens an IDX file, the format of MNIST, gzipped or not. */
export async function idxTable(path: string, name: string): Promise<Table> {
  const fs = await fileSystem('read an IDX file');
  return arraysTable(name, { [VECTOR]: await readIdx(await fs.readFile(path)) });
}

/**
 * Opens a `.npz` file of NumPy: each of its arrays is a column, so all have the same number of rows. Throws `DataError` for
 * another file, and names an array of another length.
 */
export async function npzTable(path: string, name: string): Promise<Table> {
  const fs = await fileSystem('read a .npz file');
  const { unzipSync } = await import('fflate');
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(new Uint8Array(await fs.readFile(path)));
  } catch (cause) {
    throw new DataError(
      `${name}: expected a zip archive, as numpy.savez writes it, got ${messageOf(cause)}; write the file again`,
      { cause },
    );
  }
  const arrays: Record<string, Stored> = {};
  for (const [file, bytes] of Object.entries(files)) {
    if (file.endsWith('.npy')) arrays[file.slice(0, -'.npy'.length)] = npyArray(bytes, `${name}: ${file}`);
  }
  return arraysTable(name, arrays);
}

type Stored = Pick<Idx, 'data' | 'shape'>;

/** The bytes of a `.npy` file as a table with one column. */
export function npyBytesTable(bytes: Uint8Array, name: string): Table {
  return arraysTable(name, { [VECTOR]: npyArray(bytes, name) });
}

function npyArray(bytes: Uint8Array, file: string): Stored {
  const header = parseHeader(bytes.subarray(0, headerLength(bytes, file)), file);
  checkSize(bytes.length, header, file);
  const size = header.shape.reduce((product, length) => product * length, header.bytes);
  const where = (i: number) => `${file}: number ${i}`;
  const data = readNumbers(bytes.slice(header.start, header.start + size), header, where);
  return { data: data as Idx['data'], shape: header.shape };
}

/** Rows of a block of arrays in memory. */
const BLOCK = 4096;

function arraysTable(name: string, arrays: Readonly<Record<string, Stored>>): Table {
  const entries = Object.entries(arrays);
  const rows = entries[0]?.[1].shape[0] ?? 0;
  if (rows === 0) {
    throw new DataError(`${name}: expected an array with at least 1 row, got none; check the file`);
  }
  const columns = entries.map(([array, { shape }]): Column => {
    if (shape[0] !== rows) {
      throw new DataError(
        `${name}: expected arrays of ${rows} rows, as ${entries[0]![0]} has, got ${shape[0] ?? 'no axis'} in ${array}; ` +
          'write arrays of other lengths to a file of their own',
      );
    }
    const rowShape = shape.slice(1);
    return rowShape.length === 0
      ? { name: array, type: 'number' }
      : { name: array, type: 'vector', shape: rowShape };
  });
  return {
    ...{ name, columns, rows },
    async *blocks(choices) {
      for (let first = 0; first < rows; first += BLOCK) {
        const count = Math.min(BLOCK, rows - first);
        const values = choices.map(({ at }) => part(entries[at]![1], rows, first, count));
        yield { rows: count, values, where: (row) => `row ${first + row}` } satisfies TableBlock;
      }
    },
  };
}

function part({ data, shape }: Stored, rows: number, first: number, count: number): Values {
  const size = data.length / rows;
  if (shape.length === 1) return Float64Array.from(data.subarray(first, first + count));
  return Array.from({ length: count }, (_, row) =>
    data.subarray((first + row) * size, (first + row + 1) * size),
  );
}
