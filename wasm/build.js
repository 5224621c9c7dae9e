/** Compiles kernels.ts and writes the bytes into src/neighbors/kernelBytes.ts. Run it after every change there. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

/** Bytes of the compiled kernels, in base64. */
export async function compile() {
  const source = fileURLToPath(new URL('kernels.ts', import.meta.url));
  const output = new Map();
  const { error, stderr } = await asc.main(
    [
      source,
      ...['--runtime', 'stub', '--importMemory', '--sharedMemory', '--initialMemory', '1'],
      ...['--maximumMemory', '65536', '--enable', 'simd,threads', '-O3', '--noAssert', '--outFile', 'kernels.wasm'],
    ],
    { writeFile: (name, contents) => void output.set(name, contents) },
  );
  if (error) throw new Error(`kernels.ts does not compile: ${stderr.toString()}`, { cause: error });
  return Buffer.from(output.get('kernels.wasm')).toString('base64');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = new URL('../src/neighbors/kernelBytes.ts', import.meta.url);
  const lines = (await compile()).match(/.{1,100}/g).map((line) => `  '${line}',`);
  writeFileSync(
    target,
    `/** Made by wasm/build.js from wasm/kernels.ts: do not edit. */\nexport const kernelBytes = [\n${lines.join('\n')}\n].join('');\n`,
  );
}
