/** A folder of `.npy` files as one table. */

import { codeOf } from '../artifact/atomicSwap.js';
import { DataError } from '../core/errors.js';
import { type RowSource, rowSource } from '../data/rowSource.js';
import { checkSize, fileSystem, type NpyBlock, pathOf } from './npy.js';
import { type NpyHeader, type NpyNumbers, parseHeader, readNumbers } from './npyHeader.js';

/** Files that are read at the same time, which is also how many are open. */
const READS = 32;
/** A block has about as many numbers, and no more files than this. */
const BLOCK_NUMBERS = 2 ** 20;
const BLOCK_FILES = 2048;

/** The numbers of one file, with the shape of a row. */
interface Part {
  readonly numbers: NpyNumbers;
  readonly header: NpyHeader;
  readonly rowShape: readonly number[];
}

/**
 * Opens all `.npy` files in a folder and the folders in it, in the order of their paths, as one source of rows. A file with one
 * axis is one row; one with more axes holds rows along the first. Links are followed, and no folder is read twice; names that
 * begin with a dot are left out. The files are listed once, and read some at a time in each pass. Throws `DataError` for a
 * folder without such files, and names the file that is truncated or no such file, or whose rows have another shape or type
 * than those of the first file.
 */
export async function npyFolder(path: string | URL): Promise<RowSource<NpyBlock>> {
  const caller = 'npyFolder';
  const root = await pathOf(path, caller);
  const fs = await fileSystem(caller);
  const files: string[] = [];
  await listFiles(fs, root, files, new Set());
  if (files.length === 0) {
    throw new DataError(
      `${caller}: expected .npy files in ${root}, got none; give the folder that holds them`,
    );
  }
  const first = await readPart(fs, files[0]!);
  const { rowShape } = first;
  const columns = rowShape.reduce((product, size) => product * size, 1);
  const perBlock = Math.max(
    1,
    Math.min(BLOCK_FILES, Math.floor(BLOCK_NUMBERS / Math.max(1, first.numbers.length))),
  );
  /** First row of each file, as far as the files were read. */
  const starts: number[] = [];
  const read = (from: number) => readBlock(fs, files.slice(from, from + perBlock), first, files[0]!);
  const source = rowSource(
    async function* () {
      let next: Promise<Part[]> | undefined = read(0);
      let row = 0;
      try {
        for (let from = 0; next !== undefined; from += perBlock) {
          const parts: Part[] = await next;
          next = from + perBlock < files.length ? read(from + perBlock) : undefined;
          // An error is thrown when the block is due.
          next?.catch(() => {});
          parts.forEach(({ numbers }, i) => {
            starts[from + i] = row;
            row += numbers.length / columns;
          });
          yield joined(parts, rowShape, columns);
        }
      } finally {
        await next?.catch(() => {});
      }
    },
    { rowShape },
  );
  return { ...source, where: (row) => files[fileOf(starts, row)] };
}

/** Adds the files of a folder and of those in it, in the order of their names. `seen` holds folders that were read. */
async function listFiles(
  fs: typeof import('node:fs/promises'),
  folder: string,
  files: string[],
  seen: Set<string>,
): Promise<void> {
  const real = await fs.realpath(folder);
  if (seen.has(real)) return;
  seen.add(real);
  const entries = await fs.readdir(folder, { withFileTypes: true });
  // By code units, so that the order is the same everywhere.
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const { name } = entry;
    if (name.startsWith('.')) continue;
    const path = `${folder.replace(/[\\/]$/, '')}/${name}`;
    let kind: { isDirectory(): boolean; isFile(): boolean } = entry;
    if (entry.isSymbolicLink()) {
      kind = await fs.stat(path).catch((cause: unknown) => {
        const why =
          codeOf(cause) === 'ENOENT'
            ? 'one to nothing'
            : `one that cannot be followed (${String(codeOf(cause))})`;
        throw new DataError(
          `npyFolder: ${path}: expected a link to a file or folder, got ${why}; remove it`,
          { cause },
        );
      });
    }
    if (kind.isDirectory()) await listFiles(fs, path, files, seen);
    else if (kind.isFile() && name.endsWith('.npy')) files.push(path);
  }
}

async function readPart(fs: typeof import('node:fs/promises'), path: string): Promise<Part> {
  const bytes = await fs.readFile(path);
  const file = `npyFolder: ${path}`;
  const header = parseHeader(bytes, file);
  checkSize(bytes.length, header, file);
  const { shape, start } = header;
  const rowShape = shape.length === 1 ? shape : shape.slice(1);
  const columns = rowShape.reduce((product, size) => product * size, 1);
  const size = shape.reduce((product, length) => product * length, header.bytes);
  const where = (i: number) => `${file}: row ${Math.floor(i / columns)}, column ${i % columns}`;
  return { numbers: readNumbers(bytes.subarray(start, start + size), header, where), header, rowShape };
}

/** Reads some files, several at a time. Throws `DataError` for one unlike the first of all. */
async function readBlock(
  fs: typeof import('node:fs/promises'),
  files: readonly string[],
  model: Part,
  modelFile: string,
): Promise<Part[]> {
  const parts: Part[] = new Array(files.length);
  let next = 0;
  const failures: { readonly file: number; readonly error: unknown }[] = [];
  const worker = async () => {
    while (next < files.length && failures.length === 0) {
      const file = next++;
      try {
        parts[file] = await readPart(fs, files[file]!);
        checkPart(parts[file], files[file]!, model, modelFile);
      } catch (error) {
        failures.push({ file, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(READS, files.length) }, worker));
  // The first file in order that is wrong, whichever was read first.
  failures.sort((a, b) => a.file - b.file);
  if (failures[0]) throw failures[0].error;
  return parts;
}

function checkPart({ rowShape, header }: Part, file: string, model: Part, modelFile: string): void {
  const wrong = (expected: string, got: string, advice: string) =>
    new DataError(`npyFolder: ${file}: expected ${expected}, as in ${modelFile}, got ${got}; ${advice}`);
  if (`${rowShape}` !== `${model.rowShape}`) {
    throw wrong(
      `rows of shape [${model.rowShape.join(', ')}]`,
      `[${rowShape.join(', ')}]`,
      'keep files of one width in a folder',
    );
  }
  if (header.type !== model.header.type) {
    throw wrong(`dtype ${model.header.type}`, header.type, 'keep files of one dtype in a folder');
  }
}

/** The rows of some files as one block. */
function joined(parts: readonly Part[], rowShape: readonly number[], columns: number): NpyBlock {
  const [only] = parts;
  const length = parts.reduce((sum, { numbers }) => sum + numbers.length, 0);
  if (parts.length === 1) return { data: only!.numbers, shape: [length / columns, ...rowShape] };
  const data = new (only!.numbers.constructor as new (length: number) => NpyNumbers)(length);
  let at = 0;
  for (const { numbers } of parts) {
    data.set(numbers, at);
    at += numbers.length;
  }
  return { data, shape: [length / columns, ...rowShape] };
}

/** The last file that begins at a row or before it. */
function fileOf(starts: readonly number[], row: number): number {
  let low = 0;
  for (let high = starts.length; high - low > 1; ) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= row) low = middle;
    else high = middle;
  }
  return low;
}
