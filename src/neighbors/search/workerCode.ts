/**
 * Code of the worker threads of a search, as text: `scripts/embed.mjs` inserts worker.ts with its imports after a
 * build.
 */
export const workerCode: string = '';
