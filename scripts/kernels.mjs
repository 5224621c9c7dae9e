/**
 * Compiles kernels/ (AssemblyScript) into TypeScript files that contain the bytes, so that an installation needs
 * no compiler and no extra files. Run it after changing a kernel: `npm run kernels`; with `--check` it writes
 * nothing, and fails if a file is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
const head = (source) =>
  `/** The compiled ${source}. Written by scripts/kernels.mjs: change the sources, not this file. */\n`;

const files = {
  'src/backend/wasm/binary.ts': `${head('kernels/training/')}
/** For every engine with SIMD. */
export const simd = ${literal(await compileApart('kernels/training/index.ts', 'simd'))};

/** With fused multiply-add, for engines with relaxed SIMD (Node.js 22 on). */
export const relaxedSimd = ${literal(await compileApart('kernels/training/index.ts', 'simd,relaxed-simd'))};
`,
  'src/backend/dense/binary.ts': `${head('kernels/dense/')}
/** For every engine with SIMD. */
export const simd = ${literal(await compileShared('kernels/dense/index.ts', 'simd'))};

/** With fused multiply-add, for engines with relaxed SIMD (Node.js 22 on). */
export const relaxedSimd = ${literal(await compileShared('kernels/dense/index.ts', 'simd,relaxed-simd'))};
`,
  'src/layout/binary.ts': `${head('kernels/layout.ts')}export const kernelBytes = ${literal(
    await compileApart('kernels/layout.ts', 'simd'),
  )};\n`,
  'src/math/productsBinary.ts': `${head('kernels/products.ts')}export const kernelBytes = ${literal(
    await compileApart('kernels/products.ts', 'simd'),
  )};\n`,
  'src/neighbors/search/binary.ts': `${head('kernels/neighbors.ts')}export const kernelBytes = ${literal(
    await compileShared('kernels/neighbors.ts', 'simd'),
  )};\n`,
};

let outOfDate = 0;
for (const [name, text] of Object.entries(files)) {
  if (readFileSync(root + name, 'utf8') === text) continue;
  outOfDate++;
  if (!process.argv.includes('--check')) writeFileSync(root + name, text);
  console.log(`kernels: ${process.argv.includes('--check') ? `${name} is out of date` : `wrote ${name}`}`);
}
if (outOfDate === 0) console.log('kernels: up to date');
else if (process.argv.includes('--check')) process.exitCode = 1;

/** A module that leaves its memory to those who put things there. */
async function compileApart(source, features) {
  const binary = await compile(source, ['--noExportMemory', '--enable', features]);
  refuseOwnMemory(binary);
  return binary;
}

/** A module for memory that threads share. */
async function compileShared(source, features) {
  const memory = ['--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'];
  const binary = await compile(source, [...memory, '--enable', `threads,${features}`]);
  refuseOwnMemory(binary);
  return binary;
}

/** The module of one source file; it works in memory that it is given. */
async function compile(source, options) {
  let binary;
  const { error, stderr } = await asc.main(
    [source, '-O3', '--runtime', 'stub', '--noAssert', '--importMemory', '--outFile', 'out.wasm', ...options],
    {
      readFile: (name) => {
        try {
          return readFileSync(root + name, 'utf8');
        } catch {
          return null;
        }
      },
      writeFile: (_, contents) => {
        binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`kernels: ${source} does not compile: ${stderr}`, { cause: error });
  return binary;
}

function literal(binary) {
  const lines = Buffer.from(binary).toString('base64').match(/.{1,100}/g);
  return `[\n${lines.map((line) => `  '${line}',`).join('\n')}\n].join('')`;
}

/**
 * All kernels work in memory that is full of others' things, TensorFlow.js' or lists from its beginning on: a data
 * segment, a memory or a global of their own would overwrite them, with threads whenever one starts.
 */
function refuseOwnMemory(bytes) {
  const sections = { 5: 'memory', 6: 'global', 8: 'start', 11: 'data' };
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    if (id in sections) throw new Error(`kernels: the module must not have a ${sections[id]} section`);
    at += size;
  }
}
