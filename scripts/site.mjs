// Builds the site: the API pages and the guides by typedoc, and the example for browsers with a model that is trained here.
//
//   npm run site            into site/
//   node scripts/site.mjs --demo-only --out folder
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'vite';
import { loadDigits } from '../build/examples/digits.js';
import { ParametricUMAP } from '../build/src/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: path.join(root, 'site') },
    'demo-only': { type: 'boolean', default: false },
    epochs: { type: 'string' },
  },
});
const out = path.resolve(values.out);
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

if (!values['demo-only']) {
  execFileSync(process.execPath, [path.join(root, 'node_modules/typedoc/bin/typedoc'), '--out', out], {
    cwd: root,
    stdio: 'inherit',
  });
}

const demo = path.join(out, 'demo');
await build({
  configFile: path.join(root, 'examples/browser/vite.config.ts'),
  logLevel: 'warn',
  build: { outDir: demo, emptyOutDir: true, chunkSizeWarningLimit: 4000 },
});

const { train, trainLabels } = await loadDigits();
const umap = new ParametricUMAP({
  ...{ parametricReconstruction: true, classifier: true },
  ...(values.epochs && { nEpochs: Number(values.epochs) }),
});
const { data } = await umap.fitTransform(train, trainLabels);
await umap.save(path.join(demo, 'model'), { includeGraph: false });
umap.dispose();
const positions = Array.from(data, (value) => Number(value.toPrecision(5)));
await writeFile(path.join(demo, 'map.json'), JSON.stringify({ positions, labels: [...trainLabels] }));

// From the first page of the site to the example.
const index = path.join(out, 'index.html');
const page = values['demo-only'] ? undefined : await readFile(index, 'utf8');
if (page) {
  const link = '<p><a href="demo/index.html">A model in a page: draw a digit, see its place on the map</a></p>';
  await writeFile(index, page.replace('<h1', `${link}<h1`));
}
console.log(`site: ${out}`);
