/** The worker threads of a search, as text: `scripts/embed.mjs` puts worker.ts and all it imports here after a build. */
export const workerCode: string = '';
