/** The packed package in a real browser, with and without cross-origin isolation: a headless Chromium where there is one. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { noBrowser, startBrowser } from '../helpers/browser.js';
import { root } from '../helpers/files.js';
import { folderWith, program } from '../helpers/packed.js';

const skip = noBrowser;

/** The page gives its functions to the test, which calls them. */
const page = `
import * as library from 'parametric-umap';
import { main } from './program.js';
Object.assign(globalThis, { library, main });
`;

let server: Server;
let browser: Browser;
/** Maps of the pages. */
const hashes = new Set<number>();

before(async () => {
  if (skip) return;
  const folder = await folderWith({ 'program.js': program, 'page.js': page });
  const options = { absWorkingDir: folder, bundle: true, minify: true, logLevel: 'silent' } as const;
  await build({ ...options, entryPoints: ['page.js'], outfile: path.join(folder, 'bundle.js') });
  server = createServer(({ url }, response) => {
    const isolated = url!.startsWith('/isolated');
    if (isolated) response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    if (isolated) response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    if (url!.startsWith('/strict')) response.setHeader('Content-Security-Policy', "script-src 'self'");
    const script = /\.m?js$/.test(url!);
    response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html');
    const shim = '<script>globalThis.process = { env: undefined, versions: {} };</script>';
    const html = `<!doctype html>${url!.endsWith('shim') ? shim : ''}<script src="bundle.js"></script>`;
    if (url!.startsWith('/ort/')) {
      if (!script) response.setHeader('Content-Type', 'application/wasm');
      return response.end(readFileSync(path.join(root, 'node_modules/onnxruntime-web/dist', url!.slice(5))));
    }
    return response.end(script ? readFileSync(path.join(folder, 'bundle.js')) : html);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  server?.close();
});

/** Opens a page, calls a function in it with its global things, and gives what it returned and what the console showed. */
async function inPage<T>(where: string, body: string): Promise<{ value: T; lines: string[] }> {
  const tab = await browser.newPage();
  tab.setDefaultTimeout(120_000);
  const lines: string[] = [];
  tab.on('console', (message) => lines.push(`${message.type()}: ${message.text()}`));
  tab.on('pageerror', (error) => lines.push(`error: ${error.message}`));
  const { port } = server.address() as AddressInfo;
  await tab.goto(`http://127.0.0.1:${port}/${where}`);
  const value = (await tab.evaluate(`(async () => { ${body} })()`)) as T;
  await tab.close();
  return { value, lines: lines.filter((line) => !line.includes('favicon')) };
}

interface Outcome {
  rows: number;
  hash: number;
  backend: string;
  saved: string;
  chained: number;
}

for (const where of ['plain/', 'isolated/']) {
  test(`a page (${where.slice(0, -1)}) fits on WebAssembly, without a path to set`, { skip }, async () => {
    const { value, lines } = await inPage<Outcome & { isolated: boolean }>(
      where,
      'return { ...(await main()), isolated: globalThis.crossOriginIsolated };',
    );
    const { saved, hash, ...rest } = value;
    const isolated = where === 'isolated/';
    assert.deepEqual(rest, { rows: 96, backend: 'wasm', chained: 25, isolated });
    assert.match(saved, /^UnavailableError: save, load: expected .* do toArtifact and toFiles to save/);
    assert.deepEqual(lines, []);
    assert.equal(hashes.add(hash).size, 1);
  });
}

test('where a page has a stand-in for `process`, verbose prints to the console', { skip }, async () => {
  const { value, lines } = await inPage<Outcome>('plain/shim', 'return main({ verbose: true, nEpochs: 1 });');
  assert.equal(value.backend, 'wasm');
  assert.match(lines[0]!, /^info: parametric-umap: backend: wasm/);
});

test('a model goes from a page and back as files in memory; load names the way', { skip }, async () => {
  const { value } = await inPage<[string, boolean]>(
    'plain/',
    `const { ParametricUMAP, fromFiles, toFiles } = library;
    const rows = Array.from({ length: 60 }, (_, i) => [Math.sin(i), Math.cos(i), i % 3]);
    const umap = new ParametricUMAP({ nEpochs: 2, nNeighbors: 5 });
    const map = await umap.fitTransform(rows);
    const files = await toFiles(await umap.toArtifact());
    const read = async (name) => files.get(name);
    const again = await ParametricUMAP.fromArtifact(await fromFiles(read, { kind: 'ParametricUMAP' }));
    const failure = await ParametricUMAP.load('somewhere').catch((error) => error.name);
    return [failure, JSON.stringify(await again.transform(rows)) === JSON.stringify(map)];`,
  );
  assert.deepEqual(value, ['UnavailableError', true]);
});

test('ONNX Runtime in a page places rows where we do', { skip }, async () => {
  const { value, lines } = await inPage<number>(
    'plain/',
    `const { ParametricUMAP } = library;
    const rows = Array.from({ length: 60 }, (_, i) => [Math.sin(i), Math.cos(i), i % 3]);
    const umap = new ParametricUMAP({ nEpochs: 2, nNeighbors: 5 });
    const map = await umap.fitTransform(rows);
    const ort = await import('/ort/ort.wasm.min.mjs');
    Object.assign(ort.env.wasm, { wasmPaths: '/ort/', numThreads: 1 });
    const session = await ort.InferenceSession.create(await umap.toONNX());
    const { embedding } = await session.run({ rows: new ort.Tensor('float32', rows.flat(), [60, 3]) });
    return Math.max(...map.flat().map((value, i) => Math.abs(value - embedding.data[i])));`,
  );
  assert.ok(value <= 1e-4, `differs by ${value}`);
  assert.deepEqual(lines, []);
});

test('a policy that forbids WebAssembly is a warning, and the fit goes on', { skip }, async () => {
  const { value, lines } = await inPage<Outcome>('strict/', "return main({ nEpochs: 1, init: 'random' });");
  assert.equal(value.backend, 'cpu');
  assert.match(lines.join('\n'), /warning: parametric-umap: expected WebAssembly, got plain JavaScript/);
});
