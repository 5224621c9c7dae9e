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
