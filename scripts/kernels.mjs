/**
 * Compiles kernels/ (AssemblyScript) into src/backend/wasmBinary.ts, so that an install needs neither
 * compiler nor file. Run it after changing a kernel: `node scripts/kernels.mjs`; with `--check` it only says
 * whether the file is current.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = `${root}src/backend/wasmBinary.ts`;

/** The compiler of this package, or of the folder named by ASSEMBLYSCRIPT_HOME. */
async function compiler() {
  const home = process.env.ASSEMBLYSCRIPT_HOME ?? root;
  const main = createRequire(pathToFileURL(`${home}/`)).resolve('assemblyscript/package.json');
  return import(pathToFileURL(main.replace('package.json', 'dist/asc.js')).href);
}

const asc = await compiler();
const text = `/** The compiled kernels/ folder. Written by scripts/kernels.mjs: change the sources, not this file. */

/** For every engine with SIMD. */
export const simd = ${literal(await compile('simd'))};

/** With fused multiply-add, for engines with relaxed SIMD (Node.js 22 on). */
export const relaxedSimd = ${literal(await compile('simd,relaxed-simd'))};
`;

async function compile(features) {
  let binary;
  const { error, stderr } = await asc.main(
    ['kernels/index.ts', '--outFile', 'kernels.wasm', '-O3', '--runtime', 'stub', '--noAssert'].concat([
      ...['--importMemory', '--noExportMemory', '--enable', features],
    ]),
    {
      readFile: (name) => {
        try {
          return readFileSync(`${root}${name}`, 'utf8');
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
  if (error !== null) {
    console.error(`kernels: ${error.message}\n${stderr.toString()}`);
    process.exit(1);
  }
  refuseOwnMemory(binary);
  return binary;
}

function literal(binary) {
  const lines = Buffer.from(binary).toString('base64').match(/.{1,100}/g);
  return `[\n${lines.map((line) => `  '${line}',`).join('\n')}\n].join('')`;
}

if (process.argv.includes('--check')) {
  const current = readFileSync(target, 'utf8') === text;
  console.log(current ? 'kernels: up to date' : 'kernels: src/backend/wasmBinary.ts is out of date');
  process.exit(current ? 0 : 1);
}
writeFileSync(target, text);
console.log('kernels: wrote src/backend/wasmBinary.ts');

/**
 * The module works in TensorFlow.js' memory: a data segment, a memory or a global of its own would overwrite
 * tensors.
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
