/** Node.js: its modules, cores and worker threads, where they are available. */
import type { Worker } from 'node:worker_threads';
import { UnavailableError } from './errors.js';

/**
 * A module of Node.js; undefined elsewhere. The specifier is built at run time so that bundlers do not resolve it. A
 * page may have a polyfill of `process` with any part of it.
 */
export async function importNode<Module>(name: string): Promise<Module | undefined> {
  if (!runsInNode()) return undefined;
  // Unlike `import`, this also works in test runners that load modules themselves.
  const builtin = globalThis.process.getBuiltinModule?.(`node:${name}`);
  if (builtin !== undefined) return builtin as Module;
  const module: Promise<Module> = import(/* @vite-ignore */ /* webpackIgnore: true */ `node:${name}`);
  return module.catch(() => undefined);
}

/** A module of Node.js. Elsewhere throws `UnavailableError`, which names `caller` and gives the `advice`. */
export async function requireNode<Module>(name: string, caller: string, advice: string): Promise<Module> {
  const module = await importNode<Module>(name);
  if (module !== undefined) return module;
  throw new UnavailableError(`${caller}: expected ${name} of Node.js, got none, as in a browser; ${advice}`);
}

/**
 * Imports the package `name`, which may be missing, for `caller`. `advice` is the line to type, and what to use instead.
 * Throws `UnavailableError` with the reason and the advice; the error of the import is its `cause`.
 */
export async function importPackage<Module>(name: string, caller: string, advice: string): Promise<Module> {
  try {
    // A name in a variable, because bundlers would fail to resolve a package that is not installed.
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as Module;
  } catch (cause) {
    const message = `${caller}: expected the package ${name}, got an error: ${importFault(name, cause)}; ${advice}`;
    throw new UnavailableError(message, { cause });
  }
}

/** Why a package could not be imported: it is not installed, its native part is missing, or something in it fails. */
export function importFault(name: string, error: unknown): string {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  const text = String(message ?? error);
  // Where a dependency of the package is missing, the message has that one in quotes.
  if (/MODULE_NOT_FOUND$/.test(code ?? '') && text.includes(`'${name}'`)) return `${name} is not installed`;
  const first = text.split('\n')[0]!.slice(0, 200);
  if (/addon|binding|\.node\b|napi/.test(text)) {
    return `${name} is installed but its native part is missing, as when install scripts were blocked (${first})`;
  }
  return `${name} does not load (${first})`;
}

/** Whether this is Node.js or an environment that presents itself as Node.js. */
export function runsInNode(): boolean {
  return typeof globalThis.process?.versions?.node === 'string';
}

/** Threads that can run at once; 1 where that is unknown or there are no worker threads. */
export async function cores(): Promise<number> {
  const os = await importNode<typeof import('node:os')>('os');
  return os?.availableParallelism() ?? 1;
}

/**
 * Starts worker threads that run `code`, one per entry of `data`. Starts none and returns undefined where there are no
 * threads: in a browser, under Node.js' permission model without `--allow-worker`, or when the library runs unbuilt
 * (the build inserts the code). The code is text, because a bundler would leave a separate file behind.
 */
export async function startThreads(code: string, data: readonly unknown[]): Promise<Worker[] | undefined> {
  const threading = await importNode<typeof import('node:worker_threads')>('worker_threads');
  if (threading === undefined || code === '') return undefined;
  const workers: Worker[] = [];
  try {
    for (const workerData of data) {
      // Flags of this process, such as --input-type, may not be valid for a worker.
      workers.push(new threading.Worker(code, { eval: true, workerData, execArgv: [] }));
    }
    return workers;
  } catch {
    for (const worker of workers) void worker.terminate();
    return undefined;
  }
}
