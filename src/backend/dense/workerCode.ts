/** The worker threads of dense layers, as text: `scripts/embed.mjs` puts denseWorker.ts and all it imports here after a build. */
export const denseWorkerCode: string = '';
