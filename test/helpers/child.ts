/** Work in another process, and what a process prints. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a program to its end; rejects where it fails. */
export const run = promisify(execFile);

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
