/** What a machine with Node.js has beside this thread. */
import type { Worker } from 'node:worker_threads';
import { UnavailableError } from './errors.js';

/**
 * A module of Node.js, or undefined elsewhere. The name is put together so that bundlers do not look it up. A page may
 * have a stand-in for `process`, with any part of it.
 */
export async function importNode<Module>(name: string): Promise<Module | undefined> {
  if (!runsInNode()) return undefined;
  // Where there is this, it also works in a test runner that loads modules in its own way.
  const builtin = globalThis.process.getBuiltinModule?.(`node:${name}`);
  if (builtin !== undefined) return builtin as Module;
  const module: Promise<Module> = import(/* @vite-ignore */ /* webpackIgnore: true */ `node:${name}`);
  return module.catch(() => undefined);
}

/** A module of Node.js, for `who`. Elsewhere it is an `UnavailableError` with what to do instead. */
export async function requireNode<Module>(name: string, who: string, advice: string): Promise<Module> {
  const module = await importNode<Module>(name);
  if (module !== undefined) return module;
  throw new UnavailableError(`${who}: expected ${name} of Node.js, got none, as in a browser; ${advice}`);
}

/**
 * A package that may be missing, for `caller`. Its name is in a variable, which bundlers leave alone.
 *
 * @param advice the line to type, and what to use instead.
 * @throws UnavailableError with the reason and the advice; the error of the import is its `cause`.
 */
export async function importPackage<Module>(name: string, caller: string, advice: string): Promise<Module> {
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as Module;
  } catch (cause) {
    const message = `${caller}: expected the package ${name}, got an error: ${importFault(name, cause)}; ${advice}`;
    throw new UnavailableError(message, { cause });
  }
}

/** Why a package could not be imported: it is not there, its native part is not, or something in it fails. */
export function importFault(name: string, error: unknown): string {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  const text = String(message ?? error);
  // Where a package of its own is missing, that one is in quotes.
  if (/MODULE_NOT_FOUND$/.test(code ?? '') && text.includes(`'${name}'`)) return `${name} is not installed`;
  const first = text.split('\n')[0]!.slice(0, 200);
  if (/addon|binding|\.node\b|napi/.test(text)) {
    return `${name} is installed but its native part is missing, as when install scripts were blocked (${first})`;
  }
  return `${name} does not load (${first})`;
}

/** Whether this is Node.js, or what calls itself so. */
export function runsInNode(): boolean {
  return typeof globalThis.process?.versions?.node === 'string';
}

/** Threads that run at once; 1 where that is not known or only this one can be had. */
export async function cores(): Promise<number> {
  const os = await importNode<typeof import('node:os')>('os');
  return os?.availableParallelism() ?? 1;
}

/**
 * Starts worker threads that run `code`, one for each of `data`. Undefined, and none, where they are not to be had: in a
 * browser, without `--allow-worker` under Node.js' permission model, or where the library is run without its build, which
 * puts the code in. It comes as text, for a bundler carries no file along whose address it cannot read.
 */
export async function startThreads(code: string, data: readonly unknown[]): Promise<Worker[] | undefined> {
  const threading = await importNode<typeof import('node:worker_threads')>('worker_threads');
  if (threading === undefined || code === '') return undefined;
  const workers: Worker[] = [];
  try {
    for (const workerData of data) {
      // The flags of this process, such as --input-type, need not fit a worker.
      workers.push(new threading.Worker(code, { eval: true, workerData, execArgv: [] }));
    }
    return workers;
  } catch {
    for (const worker of workers) void worker.terminate();
    return undefined;
  }
}
