/** Where the files of this repository lie, and folders for a test. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds `package.json`, with a separator at its end. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The text of a file, by its path from the root. */
export const read = (name: string) => readFileSync(path.join(root, name), 'utf8');

/** Runs `use` with the path of a fresh directory that is removed afterwards. */
export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'parametric-umap-test-'));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
