/** Runs every compiled test file, those that take longest first, and closes with the slowest and the totals. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const folder = path.dirname(fileURLToPath(import.meta.url));
const sources = fileURLToPath(new URL('../../test/', import.meta.url));
/** What takes longest, in this order, so that at the end no processor waits for a long file; then everything else. */
const slow = [
  ...['integration/estimators', 'integration/bundles', 'features/reconstruction', 'examples.test'],
  ...['features', 'integration', 'package.test', 'docs.test'],
];
/** Files whose time is printed. */
const SLOWEST = 10;
const wanted = process.argv.slice(2);

const files = (readdirSync(folder, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.test.js'))
  // What an earlier build left of a test that has moved since is not a test any more.
  .filter((file) => existsSync(path.join(sources, file.replace(/js$/, 'ts'))))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
  .map((file) => path.join(folder, file));

function rank(file: string): number {
  const place = slow.findIndex((part) => file.includes(part));
  return place < 0 ? slow.length : place;
}

// For what is made once for all files, such as the packed package.
const shared = mkdtempSync(path.join(tmpdir(), 'parametric-umap-tests-'));
process.env.PARAMETRIC_UMAP_TEST_FOLDER = shared;

/** Milliseconds that each file took; empty where Node.js does not tell, as version 20 does not. */
const times = new Map<string, number>();
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
stream.on('test:summary', ({ file, duration_ms: ms }: { file?: string; duration_ms: number }) => {
  if (file !== undefined) times.set(file, ms);
});
stream.compose(new spec()).pipe(process.stdout);
stream.on('end', () => {
  if (files.length === 0 || counts.passed === 0) process.exitCode = 1;
  rmSync(shared, { recursive: true, force: true });
  process.on('exit', () => {
    const slowest = [...times].sort(([, a], [, b]) => b - a).slice(0, SLOWEST);
    for (const [file, ms] of slowest)
      console.log(`${(ms / 1000).toFixed(1)} s  ${path.relative(folder, file)}`);
    console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  });
});
