/** The worker threads of a search, as text: `scripts/workers.mjs` puts worker.ts and all it imports here after a build. */
export const workerCode: string = '';
