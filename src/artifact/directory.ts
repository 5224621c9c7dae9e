/** A saved model as a directory on disk: written whole or not at all, and read without ever leaving it. */
import type { Stats } from 'node:fs';
import { ArtifactError, describe } from '../core/errors.js';
import { isA } from '../core/realms.js';
import {
  codeOf,
  discard,
  findAside,
  flushDirectory,
  freshName,
  needNode,
  swap,
  sweep,
} from './atomicSwap.js';
import { messageOf, show } from './json.js';
import { isArtifactFile, manifestName } from './manifest.js';

/** Files that file managers leave behind; they are removed with the directory. */
const litter: ReadonlySet<string> = new Set(['.DS_Store', 'Thumbs.db', 'desktop.ini']);
/** How often, and how many milliseconds apart, to look for a model that another process is just swapping. */
const minLooks = 3;
const maxLooks = 100;
const lookEvery = 10;
/** Some systems read less than 2 GiB at a time. */
const readStep = 2 ** 30;
const advice = 'save the model to a directory of its own';

/**
 * Writes `files` (from `toFiles`) as the directory `path`, replacing an older model. They go to a directory
 * beside it, are flushed to the disk, and replace it by renaming: a crash at any moment leaves the old model or the new
 * one, whole. Missing parent directories are made. Throws `ArtifactError`, and changes nothing, where `path` is a file or
 * a directory that holds anything but a saved model, and where a step fails.
 */
export async function saveDirectory(
  path: string | URL,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  for (const name of [manifestName, ...files.keys()]) {
    if (isArtifactFile(name) && files.has(name)) continue;
    throw new ArtifactError(
      `save: expected files as toFiles gives them, ${manifestName} among them, got ${isArtifactFile(name) ? 'none of that name' : show(name)}`,
    );
  }
  const { fs, paths } = await node();
  const target = await realTarget(path, 'save');
  const fresh = await freshName(target);
  try {
    const old = await checkReplaceable(target);
    await fs.mkdir(paths.dirname(target), { recursive: true });
    await writeDirectory(`${fresh}.new`, files);
    if (old !== undefined) await fs.chmod(`${fresh}.new`, old.mode & 0o777);
    await swap(fresh, target);
  } catch (cause) {
    await discard(`${fresh}.new`);
    if (cause instanceof ArtifactError) throw cause;
    throw new ArtifactError(`save: ${target} was not written, nothing changed: ${messageOf(cause)}`, {
      cause,
    });
  }
  // The model is saved; failing to delete leftovers does not make the save fail.
  await sweep(target).catch(() => undefined);
}

/**
 * A reader, for `fromFiles`, of the model saved at `path`. It reads regular files inside that directory only, and
 * none longer than was asked for. Where a save was cut off between its two renames, the old model is moved back, or
 * read where it is. Throws `ArtifactError` where there is no model.
 */
export async function loadDirectory(
  path: string | URL,
): Promise<(name: string, maxBytes: number) => Promise<Uint8Array>> {
  const { root, identity } = await findModel(path);
  return async (name, maxBytes) => {
    let failure: unknown;
    const bytes = await readInside(root, name, maxBytes).catch((error: unknown) => {
      failure = error;
    });
    // Files of two models make no model, so this goes before any other complaint.
    if ((await identityOf(root).catch(() => 'none')) !== identity) {
      throw new ArtifactError(`load: ${root} was saved anew while it was read; load it again`);
    }
    if (bytes !== undefined) return bytes;
    if (failure instanceof ArtifactError) throw failure;
    throw new ArtifactError(`load: ${root}: ${name} cannot be read: ${messageOf(failure)}`, {
      cause: failure,
    });
  };
}

async function node() {
  const [fs, { constants }, paths, { setTimeout: wait }] = await Promise.all([
    needNode<typeof import('node:fs/promises')>('fs/promises'),
    needNode<typeof import('node:fs')>('fs'),
    needNode<typeof import('node:path')>('path'),
    needNode<typeof import('node:timers/promises')>('timers/promises'),
  ]);
  return { fs, constants, paths, wait };
}

/** The path in the argument of a caller: a path, or a `file:` URL as an object or as text. */
async function pathOf(given: unknown, verb: string): Promise<string> {
  const isUrl = isA('URL', given);
  const text = isUrl ? (given as URL).href : given;
  // One letter before the colon is a drive.
  const url = typeof text === 'string' && /^[a-z][a-z0-9+.-]+:\/\//i.test(text);
  if (typeof text === 'string' && !url && !isUrl) return text;
  const { fileURLToPath } = await needNode<typeof import('node:url')>('url');
  try {
    return fileURLToPath(text as string);
  } catch (cause) {
    throw new ArtifactError(
      `${verb}: expected the path or the file: URL of a directory, got ${describe(text)}; keep models on a disk`,
      { cause },
    );
  }
}

/** The absolute path, through symbolic links (even one to nothing), so that a link to a model stays a link. */
async function realTarget(given: string | URL, verb: string): Promise<string> {
  const { fs, paths } = await node();
  const path = await pathOf(given, verb);
  const absolute = paths.resolve(path);
  if (path === '' || paths.basename(absolute) === '') {
    throw new ArtifactError(
      `${verb}: expected the path of a directory of a model, got ${show(path)}; ${advice}`,
    );
  }
  const linked = async () => paths.resolve(paths.dirname(absolute), await fs.readlink(absolute));
  return fs.realpath(absolute).catch(() => linked().catch(() => absolute));
}

/**
 * What is at `target`, if anything. Saving over a directory removes it, so that nothing may be in it but a saved
 * model. Another saver may take it away while we look.
 */
async function checkReplaceable(target: string): Promise<Stats | undefined> {
  const { fs } = await node();
  for (let look = 0; ; look++) {
    const stats = await fs.lstat(target).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
    if (stats === undefined) return undefined;
    if (!stats.isDirectory())
      throw new ArtifactError(`save: ${target}: expected a directory, or nothing yet, got a file; ${advice}`);
    try {
      await checkContents(target);
      return stats;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || look === maxLooks) throw error;
    }
  }
}

async function checkContents(target: string): Promise<void> {
  const { fs, paths } = await node();
  const entries = (await fs.readdir(target, { withFileTypes: true })).filter(({ name }) => !litter.has(name));
  const foreign: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory()) {
      if (!entry.isFile() || !isArtifactFile(entry.name)) foreign.push(entry.name);
      continue;
    }
    for (const inner of await fs.readdir(paths.join(target, entry.name), { withFileTypes: true })) {
      const name = `${entry.name}/${inner.name}`;
      if (!litter.has(inner.name) && (!inner.isFile() || !isArtifactFile(name))) foreign.push(name);
    }
  }
  if (foreign.length > 0) {
    const some = `${foreign.length} other files or folders (${foreign.slice(0, 3).join(', ')})`;
    throw new ArtifactError(`save: ${target}: expected files of a saved model only, got ${some}; ${advice}`);
  }
  if (entries.length > 0 && !entries.some(({ name }) => name === manifestName)) {
    throw new ArtifactError(
      `save: ${target}: expected a saved model or an empty directory, got one without ${manifestName}; ${advice}`,
    );
  }
}

async function writeDirectory(directory: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const { fs, paths } = await node();
  const folders = new Set([directory]);
  await fs.mkdir(directory);
  for (const [name, bytes] of files) {
    const file = paths.join(directory, name);
    const folder = paths.dirname(file);
    if (!folders.has(folder)) await fs.mkdir(folder);
    folders.add(folder);
    const handle = await fs.open(file, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
  for (const folder of folders) await flushDirectory(folder);
}

/** The directory of the model saved at `path`, which after an interrupted save may be one set aside. */
async function findModel(path: string | URL): Promise<{ root: string; identity: string }> {
  const { fs, wait } = await node();
  const target = await realTarget(path, 'load');
  const at = async (directory: string) => ({
    root: await fs.realpath(directory),
    identity: await identityOf(directory),
  });
  for (let look = 1; ; look++) {
    try {
      return await at(target);
    } catch (cause) {
      if (cause instanceof ArtifactError) throw cause;
      if (codeOf(cause) !== 'ENOENT') throw new ArtifactError(`load: ${messageOf(cause)}`, { cause });
    }
    // Gone for good, or just being swapped: then it is set aside, or back at the next look.
    const aside = await findAside(target);
    if (aside?.abandoned) await fs.rename(aside.path, target).catch(() => undefined);
    if (aside === undefined && look >= minLooks) {
      throw new ArtifactError(`load: expected a saved model at ${target}, got nothing; check the path`);
    }
    // On a disk that cannot be written, or of a saver on another machine, the old model is read where it is.
    if (aside !== undefined && look >= (aside.abandoned ? minLooks : maxLooks)) return await at(aside.path);
    await wait(lookEvery);
  }
}

async function readInside(root: string, name: string, maxBytes: number): Promise<Uint8Array> {
  const { fs, constants, paths } = await node();
  if (!isArtifactFile(name)) {
    throw new ArtifactError(`load: expected the name of a file of a model, got ${show(name)}`);
  }
  const asked = paths.join(root, name);
  const file = await fs.realpath(asked).catch((cause: unknown) => {
    throw new ArtifactError(
      `load: ${asked}: expected a file, got none (${messageOf(cause)}); copy or save the model again`,
      { cause },
    );
  });
  if (!file.startsWith(root + paths.sep)) {
    throw new ArtifactError(
      `load: ${asked}: expected a file of the saved model, got a link to ${file}; copy the file itself`,
    );
  }
  // Without following a link that has just been put there, and without waiting for a pipe's other end.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const handle = await fs.open(file, flags);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new ArtifactError(`load: ${asked}: expected a regular file, got another kind`);
    if (stats.size > maxBytes) {
      throw new ArtifactError(`load: ${asked}: expected at most ${maxBytes} bytes, got ${stats.size}`);
    }
    const bytes = new Uint8Array(stats.size);
    let end = 0;
    while (end < bytes.length) {
      const { bytesRead } = await handle.read(bytes, end, Math.min(readStep, bytes.length - end), end);
      if (bytesRead === 0) {
        throw new ArtifactError(`load: ${asked}: expected ${bytes.length} bytes, got ${end}; load it again`);
      }
      end += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

/** Tells a directory from another one that later stands at the same path, and may have got its number. */
async function identityOf(directory: string): Promise<string> {
  const { fs } = await node();
  const stats = await fs.stat(directory, { bigint: true });
  if (stats.isDirectory()) return `${stats.dev}:${stats.ino}:${stats.mtimeNs}`;
  throw new ArtifactError(
    `load: ${directory}: expected a directory, got a file; give the one that the model was saved to`,
  );
}
