/** Runs every compiled test file, quick ones first, and closes with the totals. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const folder = path.dirname(fileURLToPath(import.meta.url));
const sources = fileURLToPath(new URL('../../test/', import.meta.url));
/** Folders and files whose tests train or start processes: after everything else. */
const slow = ['integration', 'features', 'examples.test', 'docs.test', 'package.test'];
const wanted = process.argv.slice(2);

const files = (readdirSync(folder, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.test.js'))
  // What an earlier build left of a test that has moved since is not a test any more.
  .filter((file) => existsSync(path.join(sources, file.replace(/js$/, 'ts'))))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
  .map((file) => path.join(folder, file));

function rank(file: string): number {
  return slow.findIndex((part) => file.includes(part)) + 1;
}

// For what is made once for all files, such as the packed package.
const shared = mkdtempSync(path.join(tmpdir(), 'parametric-umap-tests-'));
process.env.PARAMETRIC_UMAP_TEST_FOLDER = shared;

const counts = { passed: 0, failed: 0, skipped: 0 };
const stream = run({ files, concurrency: 2 });
stream.on('test:pass', (event) => {
  if (event.details.type === 'suite') return;
  if (event.skip !== undefined || event.todo !== undefined) counts.skipped++;
  else counts.passed++;
});
stream.on('test:fail', (event) => {
  if (event.details.type === 'suite') return;
  counts.failed++;
  process.exitCode = 1;
});
stream.compose(new spec()).pipe(process.stdout);
stream.on('end', () => {
  if (files.length === 0 || counts.passed === 0) process.exitCode = 1;
  rmSync(shared, { recursive: true, force: true });
  process.on('exit', () => {
    console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  });
});
