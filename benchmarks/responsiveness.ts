/**
 * How long a fit keeps the event loop to itself, and how soon it hears an abort:
 *
 *     node build/benchmarks/responsiveness.js [clusters wide mnist]
 *
 * Every turn of the event loop is timed: the longest stands in the table, before the first report (all stages that prepare
 * the training, and its start) and after it; `BLOCKS=1` lists the longest with their moments. Then fits are aborted at
 * several moments, and the time to the rejection is taken. MNIST is left out where its folder is missing. Each data set
 * has a process of its own. Other work on the machine lengthens all of these.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createRandom } from '../src/core/random.js';
import type { Matrix } from '../src/core/types.js';
import { ParametricUMAP } from '../src/estimators/umap/parametricUmap.js';
import { mnist } from './data.js';
import { table } from './report.js';

/** Seeded rows around twelve centers. */
function clusters(rows: number, columns: number): Matrix {
  const random = createRandom('responsiveness');
  const centers = Float32Array.from({ length: 12 * columns }, () => 3 * random.normal());
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const center = random.integer(12) * columns;
    for (let c = 0; c < columns; c++) data[i * columns + c] = centers[center + c]! + random.normal();
  }
  return { data, shape: [rows, columns] };
}

const sets: Readonly<Record<string, () => Promise<Matrix>>> = {
  clusters: async () => clusters(20_000, 20),
  wide: async () => clusters(6000, 1536),
  mnist: async () => (await mnist('train', 60_000)).rows,
};

interface Block {
  /** Milliseconds after the start of the fit, and how long. */
  readonly at: number;
  readonly length: number;
}

/** Watches the event loop: every turn is compared with the one before. */
function watchBlocks(): { stop(): Block[] } {
  const started = performance.now();
  const blocks: Block[] = [];
  let last = started;
  let running = true;
  const look = () => {
    const now = performance.now();
    if (now - last > 5) blocks.push({ at: last - started, length: now - last });
    last = now;
    if (running) setImmediate(look);
  };
  setImmediate(look);
  return {
    stop() {
      running = false;
      look();
      return blocks;
    },
  };
}

/** Milliseconds from an abort `after` so many to the rejection; undefined where the fit was over before. */
async function abortAfter(X: Matrix, after: number): Promise<number | undefined> {
  const control = new AbortController();
  const asked = performance.now() + after;
  const timer = setTimeout(() => control.abort(new Error('aborted')), after);
  try {
    await new ParametricUMAP({ seed: 1 }).fit(X, null, { signal: control.signal });
    return undefined;
  } catch (error) {
    if (error !== control.signal.reason) throw error;
    return performance.now() - asked;
  } finally {
    clearTimeout(timer);
  }
}

interface Measured {
  readonly seconds: number;
  /** Until the first report of training, in seconds; all stages before it are over by then. */
  readonly before: number;
  readonly longestBefore: Block;
  readonly longestAfter: Block;
  readonly delays: readonly { readonly after: number; readonly ms: number | undefined }[];
}

const longest = (blocks: readonly Block[]): Block =>
  blocks.reduce((most, block) => (block.length > most.length ? block : most), { at: 0, length: 0 });

async function measure(name: string): Promise<Measured> {
  const X = await sets[name]!();
  // What is compiled and loaded at the first fit of a process is no part of the next ones.
  await new ParametricUMAP({ nEpochs: 1 }).fit(clusters(200, 10));
  const started = performance.now();
  const watch = watchBlocks();
  let first = 0;
  for await (const _ of new ParametricUMAP({ seed: 1 }).steps(X)) first ||= performance.now() - started;
  const total = performance.now() - started;
  const blocks = watch.stop();
  if (process.env.BLOCKS) {
    const worst = blocks.toSorted((a, b) => b.length - a.length).slice(0, 12);
    for (const { at, length } of worst) console.error(`${name}: ${length.toFixed(0)} ms at ${at.toFixed(0)}`);
  }
  const delays = [];
  for (const share of [0.02, 0.1, 0.25, 0.5, 0.75, 0.95]) {
    const after = Math.round(share * first);
    delays.push({ after, ms: await abortAfter(X, after) });
  }
  return {
    seconds: total / 1000,
    before: first / 1000,
    longestBefore: longest(blocks.filter(({ at }) => at < first)),
    longestAfter: longest(blocks.filter(({ at }) => at >= first)),
    delays,
  };
}

const [first, one] = process.argv.slice(2);
if (first === '--one') {
  console.log(JSON.stringify(await measure(one!)));
  process.exit(0);
}
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(sets);
const rows: Record<string, string | number>[] = [];
for (const name of names) {
  const self = fileURLToPath(import.meta.url);
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [self, '--one', name]);
    process.stderr.write(stderr);
    const { seconds, before, longestBefore, longestAfter, delays } = JSON.parse(stdout) as Measured;
    rows.push({
      data: name,
      'fit s': seconds.toFixed(1),
      'to the first report s': before.toFixed(1),
      'longest block before it, ms': longestBefore.length.toFixed(0),
      'after it, ms': longestAfter.length.toFixed(0),
      'abort ends a fit after at most, ms': Math.max(...delays.map(({ ms }) => ms ?? 0)).toFixed(0),
    });
    console.error(delays.map(({ after, ms }) => `${after} ms: ${ms?.toFixed(0) ?? 'over'}`).join(', '));
  } catch (error) {
    if (!(error as Error).message.includes('ENOENT')) throw error;
    console.error(`${name}: left out, its files are not there`);
  }
}
table(rows);
