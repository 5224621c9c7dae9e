/** Work in another process, and what a process prints. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withDirectory } from './files.js';

/** Runs a program to its end; rejects where it fails. */
export const run = promisify(execFile);

/** What another process is to do; see `childProgram.ts`. */
export interface ChildTask {
  /** The title of a subject. */
  readonly title: string;
  /** Options of an estimator to fit, */
  readonly options?: Readonly<Record<string, unknown>>;
  /** or the directory of one to load; `fit` then goes on with the fit. */
  readonly load?: string;
  readonly fit?: boolean;
}

/** The map of `groups()` that another process makes, and all that it printed. */
export async function inAnotherProcess(task: ChildTask): Promise<{ map: Float32Array; printed: string }> {
  return withDirectory(async (directory) => {
    const out = path.join(directory, 'map.bin');
    const child = fileURLToPath(new URL('./childProgram.js', import.meta.url));
    const { stdout, stderr } = await run(process.execPath, [child, JSON.stringify({ ...task, out })]);
    const bytes = await readFile(out);
    return { map: new Float32Array(Uint8Array.from(bytes).buffer), printed: stdout + stderr };
  });
}

/** What a task writes with `console.warn`, a line each. */
export async function warned(task: () => Promise<unknown>): Promise<string[]> {
  const { warn } = console;
  const lines: string[] = [];
  console.warn = (line: string) => void lines.push(line);
  try {
    await task();
  } finally {
    console.warn = warn;
  }
  return lines;
}

/** What a task writes on stderr, where `verbose` logs. */
export async function logged(task: () => Promise<unknown>): Promise<string> {
  const { write } = process.stderr;
  let text = '';
  process.stderr.write = (chunk: string | Uint8Array) => {
    text += String(chunk);
    return true;
  };
  try {
    await task();
  } finally {
    process.stderr.write = write;
  }
  return text;
}
