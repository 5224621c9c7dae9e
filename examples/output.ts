/** Writes the output files of examples, and tells whether an example was started or imported. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../examples/output/', import.meta.url));

/** Writes a file into examples/output and returns its path relative to the working directory. */
export async function write(name: string, content: string | Uint8Array): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, name), content);
  return outputPath(name);
}

/** The path of a file or directory in examples/output, relative to the working directory. */
export function outputPath(name: string): string {
  return path.relative(process.env.INIT_CWD ?? process.cwd(), path.join(folder, name));
}

/** Whether the module at `url` is the program itself: `node build/examples/basic.js`. */
export function isProgram(url: string): boolean {
  const [, program = ''] = process.argv;
  return fileURLToPath(url).replace(/\.js$/, '') === path.resolve(program).replace(/\.js$/, '');
}
