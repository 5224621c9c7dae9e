/**
 * Inserts files into the build as text, because a bundler leaves behind files that are located at run time: the code of
 * the worker threads, each with all that it imports, and the compiled part of TensorFlow.js' WebAssembly backend. Run it
 * after `tsc` has compiled src/ to FOLDER: `node scripts/embed.mjs FOLDER`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const [folder] = process.argv.slice(2);
const { resolve } = createRequire(import.meta.url);

put('neighbors/search/workerCode.js', { workerCode: await bundle('neighbors/search/worker.js') });
put('backend/dense/workerCode.js', { denseWorkerCode: await bundle('backend/dense/worker.js') });
put('backend/wasm/file.js', wasmFile());

/** A worker as one script. */
async function bundle(worker) {
  const { outputFiles, warnings } = await build({
    entryPoints: [path.join(folder, worker)],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    charset: 'ascii',
    write: false,
    logLevel: 'silent',
  });
  if (warnings.length > 0) throw new Error(`embed: ${worker}: ${warnings[0].text}`);
  return outputFiles[0].text.trim();
}

function wasmFile() {
  const manifest = resolve('@tensorflow/tfjs-backend-wasm/package.json');
  const file = path.join(path.dirname(manifest), 'dist/tfjs-backend-wasm-simd.wasm');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
  return { wasmFile: gzipSync(readFileSync(file), { level: 9 }).toString('base64'), wasmFileVersion: version };
}

/** Gives the constants of a compiled file their values. */
function put(name, values) {
  const file = path.join(folder, name);
  let source = readFileSync(file, 'utf8');
  for (const [constant, text] of Object.entries(values)) {
    const line = new RegExp(`^export const ${constant} = .*;$`, 'm');
    if (!line.test(source)) throw new Error(`embed: ${file} has no line for ${constant}`);
    source = source.replace(line, () => `export const ${constant} = ${JSON.stringify(text)};`);
  }
  writeFileSync(file, source);
}
