/** Replaces a directory by another one through renaming, and recovers after interruptions. */

import { ArtifactError } from '../core/errors.js';
import { requireNode } from '../core/platform.js';
import { isError } from '../core/realms.js';
import { messageOf } from './json.js';

/** Attempts while other processes save to the same directory. */
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

/** A module of Node.js, for saving and loading. Elsewhere throws `UnavailableError`. */
export function needNode<Module>(name: string): Promise<Module> {
  const advice = 'do toArtifact and toFiles to save, and fromFiles and fromArtifact to load';
  return requireNode<Module>(name, 'save, load', advice);
}

/**
 * A unique path beside `target`, hidden, which contains the machine and the process. The new directory has this name with
 * the ending `.new`.
 */
export async function temporaryName(target: string): Promise<string> {
  const { randomUUID } = await node();
  return `${await stemOf(target)}-${process.pid}-${randomUUID().slice(0, 8)}`;
}

/** Flushes the entries of a directory to disk. Ignores errors: Windows and some network file systems cannot do that. */
export async function flushDirectory(directory: string): Promise<void> {
  const { fs } = await node();
  const handle = await fs.open(directory, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/**
 * Moves what is at `target` aside, and the directory `name` with the ending `.new` into its place. The last of several
 * savers wins. After an error, the old directory is back at `target`, or the message tells where it is.
 */
export async function swap(name: string, target: string): Promise<void> {
  const { fs, paths } = await node();
  for (let i = 0; i < maxTries; i++) {
    const aside = `${name}-${i}.old`;
    const moved = await fs.rename(target, aside).then(
      () => true,
      (error: unknown) => {
        if (codeOf(error) === 'ENOENT') return false;
        throw error;
      },
    );
    const failure = await fs.rename(`${name}.new`, target).catch((error: unknown) => error ?? 'unknown');
    if (failure === undefined) await flushDirectory(paths.dirname(target));
    else if (!isTaken(failure) && !(await isThere(target))) {
      if (moved) await putBack(aside, target, failure);
      throw failure;
    }
    // Either the new directory is in place, or that of another process, which the next attempt replaces.
    if (moved) await discard(aside);
    if (failure === undefined) return;
  }
  throw new Error(`another process saved to the same directory ${maxTries} times meanwhile`);
}

/** Whether a rename failed because the target existed at that moment. */
function isTaken(error: unknown): boolean {
  return codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST';
}

async function putBack(aside: string, target: string, cause: unknown): Promise<void> {
  const { fs } = await node();
  await fs.rename(aside, target).catch((second: unknown) => {
    const why = `${messageOf(cause)}; then ${messageOf(second)}`;
    throw new ArtifactError(
      `save: ${target} was not written: ${why}; the old model is now at ${aside}, move it back`,
      { cause },
    );
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

/** Removes a directory. Ignores errors: a later save tries again. */
export async function discard(path: string): Promise<void> {
  const { fs } = await node();
  await fs.rm(path, { recursive: true, force: true }).catch(() => undefined);
}

async function stemOf(target: string): Promise<string> {
  const { paths, hostname, createHash } = await node();
  const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
  return paths.join(paths.dirname(target), `.${paths.basename(target)}.${host}`);
}

/** A temporary directory of an interrupted or running save. */
export interface Leftover {
  readonly path: string;
  /** It is the old model, moved aside; else a new one, complete or not. */
  readonly old: boolean;
  /** Its process ran on this machine and has ended. */
  readonly abandoned: boolean;
  /** Time of the last change, in milliseconds. */
  readonly changed: number;
}

/** The directory that was last moved aside from `target`, if any. */
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
    // Renaming updates the change time.
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
 * Whether the process `id` that made a change at time `changed` still runs. An earlier process may have had the id of
 * this one, which is common in containers.
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

/** Removes leftovers of interrupted saves. Call it only when `target` is complete. */
export async function sweep(target: string): Promise<void> {
  for (const { path, abandoned } of await leftovers(target)) if (abandoned) await discard(path);
}
