// Lets compiled examples import 'parametric-umap' by name, as a user's program does, from what was built beside them.
import { readFileSync, writeFileSync } from 'node:fs';

const { imports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const exports = { '.': './src/index.js', './node': './src/node.js' };
writeFileSync(
  new URL('../build/package.json', import.meta.url),
  JSON.stringify({ name: 'parametric-umap', private: true, type: 'module', exports, imports }),
);
