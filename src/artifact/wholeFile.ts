/** One file of a directory that may hold others: read as a whole, and replaced as a whole. */

import { ArtifactError } from '../core/errors.js';
import { codeOf, discard, flushDirectory, needNode, sweep, temporaryName } from './atomicSwap.js';

async function node() {
  const [fs, paths] = await Promise.all([
    needNode<typeof import('node:fs/promises')>('fs/promises'),
    needNode<typeof import('node:path')>('path'),
  ]);
  return { fs, paths };
}

/** The absolute path of a file in a directory, which is given as a path or a `file:` URL. Throws `UnavailableError` in a browser. */
export async function fileIn(directory: string | URL, name: string): Promise<string> {
  const { paths } = await node();
  const text = String(directory);
  if (!/^file:\/\//i.test(text)) return paths.resolve(text, name);
  const { fileURLToPath } = await needNode<typeof import('node:url')>('url');
  return paths.join(fileURLToPath(text), name);
}

/** Throws `ArtifactError` for a directory that cannot be one, since a file is there. */
function notDirectory(error: unknown, file: string): unknown {
  if (codeOf(error) !== 'ENOTDIR') return error;
  return new ArtifactError(`${file}: expected a directory to hold it, got a file; give another path`, {
    cause: error,
  });
}

/** The bytes of a file; undefined where there is none. Throws `ArtifactError` where a file is in place of its directory. */
export async function readWhole(file: string): Promise<Uint8Array | undefined> {
  const { fs } = await node();
  try {
    return new Uint8Array(await fs.readFile(file));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw notDirectory(error, file);
  }
}

/** The first bytes of a file; undefined where there is none. */
export async function readStart(file: string, count: number): Promise<Uint8Array | undefined> {
  const { fs } = await node();
  const handle = await fs.open(file, 'r').catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
  if (!handle) return undefined;
  try {
    const bytes = new Uint8Array(count);
    const { bytesRead } = await handle.read(bytes, 0, count, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/**
 * Replaces a file, and creates its directory where it is missing. The bytes are written to a new file beside it, flushed to
 * disk, and renamed, so that a crash at any moment leaves the old file or the new one. After an error the old one is there.
 */
export async function replaceWhole(file: string, bytes: Uint8Array): Promise<void> {
  const { fs, paths } = await node();
  const directory = paths.dirname(file);
  await fs.mkdir(directory, { recursive: true });
  const temporary = `${await temporaryName(file)}.new`;
  try {
    const handle = await fs.open(temporary, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(temporary, file);
  } catch (error) {
    await discard(temporary);
    throw error;
  }
  await flushDirectory(directory);
}

/** Removes the unfinished files that processes which have ended left beside `file`. */
export async function sweepWhole(file: string): Promise<void> {
  await sweep(file).catch(() => undefined);
}
