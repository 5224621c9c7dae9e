/** What a machine with Node.js has beside this thread. */

/** A module of Node.js, or undefined elsewhere. The name is put together so that bundlers do not look it up. */
export async function importNode<Module>(name: string): Promise<Module | undefined> {
  if (typeof process === 'undefined' || process.versions?.node === undefined) return undefined;
  const module: Promise<Module> = import(/* @vite-ignore */ /* webpackIgnore: true */ `node:${name}`);
  return module.catch(() => undefined);
}

/** Threads that run at once; 1 where that is not known or only this one can be had. */
export async function cores(): Promise<number> {
  const os = await importNode<typeof import('node:os')>('os');
  return os?.availableParallelism() ?? 1;
}
