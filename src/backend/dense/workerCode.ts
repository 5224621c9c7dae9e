/**
 * Code of the worker threads for dense layers, as text: `scripts/embed.mjs` inserts worker.ts with its imports after
 * a build.
 */
export const denseWorkerCode: string = '';
