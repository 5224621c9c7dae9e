/** Replaces one directory by another in one step, and finds what is left when that was interrupted. */

import { ArtifactError } from '../core/errors.js';
import { requireNode } from '../core/platform.js';
import { isError } from '../core/realms.js';
import { messageOf } from './json.js';

/** Tries while other savers of the same directory get in between. */
const maxTries = 100;

async function node() {
  const [fs, paths, { hostname }, { createHash, randomUUID }] = await Promise.all([
    needNode<typeof import('node:fs/promises')>('fs/promises'),
    needNode<typeof import('node:path')>('path'),
    needNode<typeof import('node:os')>('os'),
    needNode<typeof import('node:crypto')>('crypto'),
  ]);
  return { fs, paths, hostname, createHash, randomUUID };
}

/** A module of Node.js, for a saved model. Throws `UnavailableError` elsewhere. */
export function needNode<Module>(name: string): Promise<Module> {
  const advice = 'use toArtifact and toFiles to save, and fromFiles and fromArtifact to load';
  return requireNode<Module>(name, 'save, load', advice);
}

/**
 * A new name for what is to become `target`: beside it, hidden, and with the machine and the process that made it.
 * The new directory is this name with `.new`.
 */
export async function freshName(target: string): Promise<string> {
  const { randomUUID } = await node();
  return `${await stemOf(target)}-${process.pid}-${randomUUID().slice(0, 8)}`;
}

/** Makes new names last. Windows and some network file systems cannot flush a directory; that is no error. */
export async function flushDirectory(directory: string): Promise<void> {
  const { fs } = await node();
  const handle = await fs.open(directory, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/**
 * Moves what is at `target` aside and `fresh` with `.new` in. The last of several savers wins. After an error, what was
 * at `target` is there again, or the message names its new path.
 */
export async function swap(fresh: string, target: string): Promise<void> {
  const { fs, paths } = await node();
  for (let i = 0; i < maxTries; i++) {
    const aside = `${fresh}-${i}.old`;
    const moved = await fs.rename(target, aside).then(
      () => true,
      (error: unknown) => {
        if (codeOf(error) === 'ENOENT') return false;
        throw error;
      },
    );
    const failure = await fs.rename(`${fresh}.new`, target).catch((error: unknown) => error ?? 'unknown');
    if (failure === undefined) await flushDirectory(paths.dirname(target));
    else if (!isTaken(failure) && !(await isThere(target))) {
      if (moved) await putBack(aside, target, failure);
      throw failure;
    }
    // Either this model is in place, or that of a quicker saver, which is newer than the one aside and is next to go.
    if (moved) await discard(aside);
    if (failure === undefined) return;
  }
  throw new Error(`other savers of the same model got in between ${maxTries} times`);
}

/** Whether a rename failed because there was something, which by now may have been moved away again. */
function isTaken(error: unknown): boolean {
  return codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST';
}

async function putBack(aside: string, target: string, cause: unknown): Promise<void> {
  const { fs } = await node();
  await fs.rename(aside, target).catch((second: unknown) => {
    const why = `${messageOf(cause)}; then ${messageOf(second)}`;
    throw new ArtifactError(`save: ${target} was not written, the old model is now at ${aside}: ${why}`, {
      cause,
    });
  });
}

/** Whether there is anything at `path`. */
async function isThere(path: string): Promise<boolean> {
  const { fs } = await node();
  return fs.lstat(path).then(
    () => true,
    () => false,
  );
}

/** Removes a directory that is no longer used. Where that fails, a later save tries again. */
export async function discard(path: string): Promise<void> {
  const { fs } = await node();
  await fs.rm(path, { recursive: true, force: true }).catch(() => undefined);
}

async function stemOf(target: string): Promise<string> {
  const { paths, hostname, createHash } = await node();
  const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
  return paths.join(paths.dirname(target), `.${paths.basename(target)}.${host}`);
}

/** A directory that an interrupted save left, or one that is running. */
export interface Leftover {
  readonly path: string;
  /** Set aside to make room, so that it is the old model; else a new one, whole or not. */
  readonly old: boolean;
  /** Its saver ran on this machine and runs no more. */
  readonly abandoned: boolean;
  readonly changed: number;
}

/** The directory last set aside for `target`, if any. */
export async function findAside(target: string): Promise<Leftover | undefined> {
  const aside = (await leftovers(target).catch(() => [])).filter(({ old }) => old);
  return aside.sort((a, b) => b.changed - a.changed)[0];
}

async function leftovers(target: string): Promise<Leftover[]> {
  const { fs, paths } = await node();
  const parent = paths.dirname(target);
  const start = `.${paths.basename(target)}.`;
  const here = paths.basename(await stemOf(target));
  const found: Leftover[] = [];
  for (const name of await fs.readdir(parent)) {
    if (!name.startsWith(start)) continue;
    const parts = /^([0-9a-f]{8})-(\d+)-[0-9a-f]{8}(?:\.new|-\d+(\.old))$/.exec(name.slice(start.length));
    if (parts === null) continue;
    const path = paths.join(parent, name);
    // Renaming sets the change time.
    const changed = await fs.stat(path).then(
      ({ ctimeMs }) => ctimeMs,
      () => undefined,
    );
    if (changed === undefined) continue;
    const abandoned = `${start}${parts[1]}` === here && !isRunning(Number(parts[2]), changed);
    found.push({ path, old: parts[3] !== undefined, abandoned, changed });
  }
  return found;
}

/**
 * Whether the process `id` that changed something at time `changed` still runs. An earlier process may have had the
 * number of this one, as is usual in containers.
 */
function isRunning(id: number, changed: number): boolean {
  if (id === process.pid) return changed >= Date.now() - 1000 * process.uptime();
  try {
    return process.kill(id, 0);
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

/** The `code` of a system error, such as `ENOENT`. */
export function codeOf(error: unknown): unknown {
  return isError(error) && 'code' in error ? error.code : undefined;
}

/** Removes what interrupted saves of `target` left. Only for when `target` is there and whole. */
export async function sweep(target: string): Promise<void> {
  for (const { path, abandoned } of await leftovers(target)) if (abandoned) await discard(path);
}
