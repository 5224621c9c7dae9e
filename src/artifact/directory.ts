/** A saved model as a directory: written atomically, and read without following links out of it. */
import type { Stats } from 'node:fs';
import { ArtifactError, describe } from '../core/errors.js';
import { isA } from '../core/realms.js';
import {
  codeOf,
  discard,
  findAside,
  flushDirectory,
  needNode,
  swap,
  sweep,
  temporaryName,
} from './atomicSwap.js';
import { messageOf, show } from './json.js';
import { isArtifactFile, manifestName } from './manifest.js';

/** Files of file managers, which are ignored, and removed with the directory. */
const ignored: ReadonlySet<string> = new Set(['.DS_Store', 'Thumbs.db', 'desktop.ini']);
/** Attempts to find a model that another process may be replacing, and milliseconds between them. */
const minTries = 3;
const maxTries = 100;
const retryDelay = 10;
/** Bytes per read: some systems read less than 2 GiB at a time. */
const readSize = 2 ** 30;
const advice = 'save the model to a directory of its own';
const copyAgain = 'copy or save the model again';

/**
 * Writes `files` (from `toFiles`) as the directory `path`, replacing a saved model that is there. The files are written to
 * a directory beside it, flushed to disk, and moved into place by renaming: a crash at any moment leaves either the old
 * model or the new one complete. Creates missing parent directories. Throws `ArtifactError`, with nothing changed, if
 * `path` is a file or a directory with anything but a saved model in it, or if a step fails.
 */
export async function saveDirectory(
  path: string | URL,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  for (const name of [manifestName, ...files.keys()]) {
    if (isArtifactFile(name) && files.has(name)) continue;
    throw new ArtifactError(
      `save: expected ${manifestName} and files of a model, got ${show(name)}, missing or unknown; pass all of toFiles`,
    );
  }
  const { fs, paths } = await node();
  const target = await realTarget(path, 'save');
  const temporary = await temporaryName(target);
  try {
    const old = await checkReplaceable(target);
    await fs.mkdir(paths.dirname(target), { recursive: true });
    await writeDirectory(`${temporary}.new`, files);
    if (old !== undefined) await fs.chmod(`${temporary}.new`, old.mode & 0o777);
    await swap(temporary, target);
  } catch (cause) {
    await discard(`${temporary}.new`);
    if (cause instanceof ArtifactError) throw cause;
    throw new ArtifactError(
      `save: ${target} was not written, nothing changed: ${messageOf(cause)}; save again or elsewhere`,
      { cause },
    );
  }
  // The model is saved: failing to delete leftovers does not make the save fail.
  await sweep(target).catch(() => undefined);
}

/**
 * A reader, for `fromFiles`, of the model saved at `path`. It reads only regular files inside that directory, up to the
 * given size. If a save was interrupted between its two renames, the old model is restored, or read where it is. Throws
 * `ArtifactError` if there is no saved model.
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
    // Checked before any other error, because files of two models do not fit together.
    if ((await identityOf(root).catch(() => 'none')) !== identity) {
      throw new ArtifactError(`load: ${root} was saved again while it was read; load it again`);
    }
    if (bytes !== undefined) return bytes;
    if (failure instanceof ArtifactError) throw failure;
    throw new ArtifactError(
      `load: ${root}: ${name} cannot be read: ${messageOf(failure)}; check the disk and its permissions`,
      { cause: failure },
    );
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

/** The path of a location: a path, or a `file:` URL as an object or as text. */
async function pathOf(location: unknown, verb: string): Promise<string> {
  const isUrl = isA('URL', location);
  const text = isUrl ? (location as URL).href : location;
  // A single letter before the colon is a drive.
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

/** The absolute path with symbolic links resolved (even dangling ones), so that a link to a model stays a link. */
async function realTarget(location: string | URL, verb: string): Promise<string> {
  const { fs, paths } = await node();
  const path = await pathOf(location, verb);
  const absolute = paths.resolve(path);
  if (path === '' || paths.basename(absolute) === '') {
    throw new ArtifactError(
      `${verb}: expected the path of a directory with a name, got ${show(path)}; ${advice}`,
    );
  }
  const linked = async () => paths.resolve(paths.dirname(absolute), await fs.readlink(absolute));
  return fs.realpath(absolute).catch(() => linked().catch(() => absolute));
}

/**
 * The state of what is at `target`, if anything. Saving replaces a whole directory, so it may contain nothing but a saved
 * model. Retries if another process replaces it meanwhile.
 */
async function checkReplaceable(target: string): Promise<Stats | undefined> {
  const { fs } = await node();
  for (let tries = 0; ; tries++) {
    const stats = await fs.lstat(target).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
    if (stats === undefined) return undefined;
    if (!stats.isDirectory()) {
      throw new ArtifactError(`save: ${target}: expected a directory or nothing, got a file; ${advice}`);
    }
    try {
      await checkContents(target);
      return stats;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || tries === maxTries) throw error;
    }
  }
}

async function checkContents(target: string): Promise<void> {
  const { fs, paths } = await node();
  const entries = (await fs.readdir(target, { withFileTypes: true })).filter(
    ({ name }) => !ignored.has(name),
  );
  const foreign: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory()) {
      if (!entry.isFile() || !isArtifactFile(entry.name)) foreign.push(entry.name);
      continue;
    }
    for (const inner of await fs.readdir(paths.join(target, entry.name), { withFileTypes: true })) {
      const name = `${entry.name}/${inner.name}`;
      if (!ignored.has(inner.name) && (!inner.isFile() || !isArtifactFile(name))) foreign.push(name);
    }
  }
  if (foreign.length > 0) {
    const found = `${foreign.length} other files or folders (${foreign.slice(0, 3).join(', ')})`;
    throw new ArtifactError(`save: ${target}: expected only a saved model, got ${found}; ${advice}`);
  }
  if (entries.length > 0 && !entries.some(({ name }) => name === manifestName)) {
    throw new ArtifactError(
      `save: ${target}: expected ${manifestName} or an empty directory, got other files; ${advice}`,
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

/** The directory of the model saved at `path`; after an interrupted save this may be one that was moved aside. */
async function findModel(path: string | URL): Promise<{ root: string; identity: string }> {
  const { fs, wait } = await node();
  const target = await realTarget(path, 'load');
  const at = async (directory: string) => ({
    root: await fs.realpath(directory),
    identity: await identityOf(directory),
  });
  for (let tries = 1; ; tries++) {
    try {
      return await at(target);
    } catch (cause) {
      if (cause instanceof ArtifactError) throw cause;
      if (codeOf(cause) !== 'ENOENT') {
        const message = `load: ${target} cannot be read: ${messageOf(cause)}; check the path`;
        throw new ArtifactError(message, { cause });
      }
    }
    // Missing, or being replaced: then it has been moved aside, or is there again at the next try.
    const aside = await findAside(target);
    if (aside?.abandoned) await fs.rename(aside.path, target).catch(() => undefined);
    if (aside === undefined && tries >= minTries) {
      throw new ArtifactError(`load: expected a saved model, got nothing at ${target}; check the path`);
    }
    // If it cannot be moved back (read-only disk, saved by another machine), read the old model where it is.
    if (aside !== undefined && tries >= (aside.abandoned ? minTries : maxTries)) return await at(aside.path);
    await wait(retryDelay);
  }
}

async function readInside(root: string, name: string, maxBytes: number): Promise<Uint8Array> {
  const { fs, constants, paths } = await node();
  if (!isArtifactFile(name)) {
    throw new ArtifactError(`load: expected the name of a file of a model, got ${show(name)}; ${copyAgain}`);
  }
  const path = paths.join(root, name);
  const refuse = (expected: string, got: string, cause?: unknown) =>
    new ArtifactError(`load: ${path}: expected ${expected}, got ${got}; ${copyAgain}`, { cause });
  const file = await fs.realpath(path).catch((cause: unknown) => {
    throw refuse('a file', messageOf(cause), cause);
  });
  if (!file.startsWith(root + paths.sep)) {
    throw refuse('a file inside the saved model', `a link to ${file}`);
  }
  // Do not follow a link that was created meanwhile, and do not wait for the other end of a pipe.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const handle = await fs.open(file, flags);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw refuse('a regular file', 'something else');
    if (stats.size > maxBytes) throw refuse(`at most ${maxBytes} bytes`, `${stats.size}`);
    const bytes = new Uint8Array(stats.size);
    let end = 0;
    while (end < bytes.length) {
      const { bytesRead } = await handle.read(bytes, end, Math.min(readSize, bytes.length - end), end);
      if (bytesRead === 0) throw refuse(`${bytes.length} bytes`, `${end}`);
      end += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

/** Identifies a directory, to notice that another one has replaced it, even with the same inode number. */
async function identityOf(directory: string): Promise<string> {
  const { fs } = await node();
  const stats = await fs.stat(directory, { bigint: true });
  if (stats.isDirectory()) return `${stats.dev}:${stats.ino}:${stats.mtimeNs}`;
  throw new ArtifactError(
    `load: ${directory}: expected a directory, got a file; give the one that the model was saved to`,
  );
}
