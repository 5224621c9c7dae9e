/** Builds the example with what was built of this repository; a project of its own has the package in `node_modules` instead. */

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const built = (name: string) => fileURLToPath(new URL(`../../build/src/${name}`, import.meta.url));

export default defineConfig({
  base: './',
  root: fileURLToPath(new URL('.', import.meta.url)),
  worker: { format: 'es' },
  resolve: {
    alias: [
      { find: 'parametric-umap/node', replacement: built('node.js') },
      { find: 'parametric-umap', replacement: built('index.js') },
    ],
  },
});
