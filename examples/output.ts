/** Where examples leave their pictures, and how they tell that they were started and not imported. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../examples/output/', import.meta.url));

/** Writes a file into examples/output and gives its path, as seen from where the program was started. */
export async function write(name: string, text: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, name), text);
  return path.relative(process.env.INIT_CWD ?? process.cwd(), path.join(folder, name));
}

/** Whether the module at `url` is the program itself: `node build/examples/basic.js`. */
export function isProgram(url: string): boolean {
  const [, program = ''] = process.argv;
  return fileURLToPath(url).replace(/\.js$/, '') === path.resolve(program).replace(/\.js$/, '');
}
