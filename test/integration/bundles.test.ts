/** Bundles of the packed package: each bundler takes it without a warning, and the result runs without the package. */
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { before, test } from 'node:test';
import commonjs from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { build as esbuild } from 'esbuild';
import { type LogHandler, type Plugin, type RollupLog, rollup } from 'rollup';
import { build as vite } from 'vite';
import webpack from 'webpack';
import { folderAlone, folderWith, node, program } from '../helpers/packed.js';

/** Counts the worker threads that come to life. */
const server = `
import threading from 'node:worker_threads';
import { main } from './program.js';
let threads = 0;
threading.Worker = class extends threading.Worker {
  constructor(...args) {
    super(...args);
    this.on('online', () => threads++);
  }
};
main().then(async (result) => {
  await new Promise((resolve) => setTimeout(resolve, 500));
  console.log(JSON.stringify({ ...result, threads }));
});
`;
const page = `import { main } from './program.js';\nmain().then((result) => console.log(result));\n`;
/** What works with files and pictures, in a page: a picture of rows that are read from text. */
const pictures = `
import { readCsv, scatterSvg } from 'parametric-umap/node';
export async function main() {
  const { data, labels } = await readCsv('kind,x,y\\n"a\\nb",1,2\\nc,3,4\\n', { label: 'kind' });
  return { labels, svg: scatterSvg(data, { labels }).slice(0, 4) };
}
main().then((result) => console.log(JSON.stringify(result)));
`;

let folder: string;
let wanted: { hash: number };
before(async () => {
  folder = await folderWith({
    'program.js': program,
    'server.js': server,
    'page.js': page,
    'pictures.js': pictures,
  });
  wanted = JSON.parse((await node(folder, 'server.js')).stdout);
});

/** Runs a bundled server from a folder without `node_modules`. */
async function serves(out: string, file: string): Promise<void> {
  const { stdout, stderr } = await node(out, file);
  assert.equal(stderr, '');
  const { threads, ...result } = JSON.parse(stdout);
  assert.deepEqual(result, { rows: 96, hash: wanted.hash, backend: 'wasm', saved: 'saved', chained: 25 });
  if (availableParallelism() > 1) assert.ok(threads > 0, 'no worker thread has started');
}

test('esbuild, for a server in either format and for a page', async () => {
  const out = await folderAlone();
  // What TensorFlow.js needs of CommonJS, as esbuild's own documentation gives it.
  const banner = {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  };
  const node20 = { platform: 'node', target: 'node20' } as const;
  const kinds = [
    { entryPoints: ['server.js'], outfile: path.join(out, 'server.cjs'), format: 'cjs', ...node20 },
    { entryPoints: ['server.js'], outfile: path.join(out, 'server.mjs'), format: 'esm', banner, ...node20 },
    { entryPoints: ['page.js'], outfile: path.join(out, 'page.js'), minify: true },
    { entryPoints: ['pictures.js'], outfile: path.join(out, 'pictures.js'), minify: true },
    {
      entryPoints: ['page.js'],
      outdir: path.join(out, 'page'),
      format: 'esm',
      splitting: true,
      minify: true,
    },
  ] as const;
  for (const kind of kinds) {
    const options = { absWorkingDir: folder, bundle: true, logLevel: 'silent', ...kind } as const;
    const { warnings } = await esbuild({ ...options, entryPoints: [...kind.entryPoints] });
    assert.deepEqual(warnings, []);
  }
  await serves(out, 'server.cjs');
  await serves(out, 'server.mjs');
});

test('webpack in production, for a page and for a server', async () => {
  const out = await folderAlone();
  // Not minified, which takes a minute; esbuild's pages are.
  const optimization = { minimize: false };
  const common = { mode: 'production', context: folder, performance: false, optimization } as const;
  const compiler = webpack([
    { ...common, entry: './page.js', target: 'web', output: { path: path.join(out, 'page') } },
    { ...common, entry: './server.js', target: 'node20', output: { path: out, filename: 'server.cjs' } },
  ]);
  const stats = await new Promise<webpack.MultiStats>((resolve, reject) => {
    compiler.run((error, stats) => (error ? reject(error) : resolve(stats!)));
  });
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  const texts = [...errors!, ...warnings!].map(({ message }) => message);
  assert.deepEqual(texts, []);
  await serves(out, 'server.cjs');
});

test('Vite, which is Rollup, for a page', async () => {
  const warnings: string[] = [];
  await vite({
    root: folder,
    configFile: false,
    logLevel: 'silent',
    build: {
      outDir: await folderAlone(),
      chunkSizeWarningLimit: 5000,
      rollupOptions: {
        input: path.join(folder, 'page.js'),
        // TensorFlow.js has its own.
        onwarn: ({ id, message }) => void (id?.includes('@tensorflow') || warnings.push(message)),
      },
    },
  });
  assert.deepEqual(warnings, []);
});

test('Rollup, for a server, and for a page with what works with files', async () => {
  const out = await folderAlone();
  const kinds = [
    { input: 'pictures.js', file: 'pictures.mjs', format: 'es', browser: true },
    { input: 'server.js', file: 'server.cjs', format: 'cjs', browser: false },
  ] as const;
  for (const { input, file, format, browser } of kinds) {
    const warnings: string[] = [];
    const onLog: LogHandler = (level, log) =>
      void (level === 'warn' && !known(log) && warnings.push(textOf(log)));
    // Its types take it for a CommonJS module.
    const fromCommonjs = commonjs as unknown as () => Plugin;
    const plugins = [nodeResolve({ browser, preferBuiltins: !browser }), fromCommonjs()];
    const bundle = await rollup({ input: path.join(folder, input), plugins, onLog });
    await bundle.write({ file: path.join(out, file), format, inlineDynamicImports: true });
    await bundle.close();
    assert.deepEqual(warnings, [], input);
  }
  await serves(out, 'server.cjs');
  const { stdout } = await node(out, 'pictures.mjs');
  assert.deepEqual(JSON.parse(stdout), { labels: ['a\nb', 'c'], svg: '<svg' });
});

/** TensorFlow.js has this one in whatever it is bundled with: what its compiler leaves of a decorator. */
function known({ code, id }: RollupLog): boolean {
  return code === 'THIS_IS_UNDEFINED' && /@tensorflow.tfjs-layers/.test(id ?? '');
}

function textOf({ code, id, ids, message }: RollupLog): string {
  return `${code} ${id ?? ids} ${message}`;
}
