/**
 * Puts the code of the worker threads into what was built: `node scripts/workers.mjs FOLDER`, after `tsc` has compiled
 * src/ to FOLDER. Each worker becomes one text with all that it imports, in a module of its own, so that a bundler
 * carries it along and no file has to be found beside a bundle.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const [folder] = process.argv.slice(2);
const workers = {
  'neighbors/worker.js': 'neighbors/workerCode.js',
  'backend/denseWorker.js': 'backend/denseWorkerCode.js',
};

for (const [worker, target] of Object.entries(workers)) {
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
  if (warnings.length > 0) throw new Error(`workers: ${worker}: ${warnings[0].text}`);
  const file = path.join(folder, target);
  const source = readFileSync(file, 'utf8');
  const pattern = /^export const (\w+) = .*;$/m;
  if (!pattern.test(source)) throw new Error(`workers: ${file} has no line to put the code in`);
  const code = JSON.stringify(outputFiles[0].text.trim());
  writeFileSync(file, source.replace(pattern, (_, name) => `export const ${name} = ${code};`));
}
