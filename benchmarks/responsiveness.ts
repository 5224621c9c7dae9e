/**
 * How long a fit blocks the event loop, and how soon it reacts to an abort:
 *
 *     node build/benchmarks/responsiveness.js [clusters wide mnist] [--cost]
 *
 * Every turn of the event loop is timed: the longest stands in the table, before the first report (all stages that prepare
 * the training, and its start) with its stage, and after it; `BLOCKS=1` lists the longest with their moments. Then fits are
 * aborted at several moments, and the time to the rejection is taken. MNIST is left out where its folder is missing. Each
 * data set has a process of its own. Other work on the machine lengthens all of these.
 *
 * `--cost` measures what pauses add to a fit instead: fits that pause as always and fits that never do take turns in one
 * process, in changing order, `PAIRS` times each (default 5). The table has the median of the ratios and their range, for
 * one pass of training, so that the stages before it count; `FULL=1` fits as long as by default. On a machine with other
 * work, the time that the processor worked says more.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { pausing } from '../src/core/pauses.js';
import { createRandom } from '../src/core/random.js';
import type { Stage } from '../src/core/stages.js';
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
  readonly stage?: string;
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
async function heardAfter(X: Matrix, after: number): Promise<number | undefined> {
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
  readonly heard: readonly { readonly after: number; readonly ms: number | undefined }[];
}

/** The stage at a moment, from when each began and ended. */
function stageAt(told: readonly { stage: Stage; at: number; end: boolean }[], { at, length }: Block): string {
  // A block is in the stage that began last before its end.
  const last = told.findLast((entry) => entry.at < at + length);
  if (!last) return 'opening';
  return last.end && last.at <= at ? `after ${last.stage}` : last.stage;
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
  const told: { stage: Stage; at: number; end: boolean }[] = [];
  const onStage = (stage: Stage, done: number | undefined) =>
    void told.push({ stage, at: performance.now() - started, end: done === 1 });
  const umap = new ParametricUMAP({ seed: 1, callbacks: [{ onStage }] });
  for await (const _ of umap.steps(X)) first ||= performance.now() - started;
  const total = performance.now() - started;
  const blocks = watch.stop().map((block) => ({ ...block, stage: stageAt(told, block) }));
  if (process.env.BLOCKS) {
    const worst = blocks.toSorted((a, b) => b.length - a.length).slice(0, 12);
    for (const { at, length, stage } of worst)
      console.error(`${name}: ${length.toFixed(0)} ms at ${at.toFixed(0)}, ${stage}`);
  }
  const heard = [];
  for (const share of [0.02, 0.1, 0.25, 0.5, 0.75, 0.95]) {
    const after = Math.round(share * first);
    heard.push({ after, ms: await heardAfter(X, after) });
  }
  return {
    seconds: total / 1000,
    before: first / 1000,
    longestBefore: longest(blocks.filter(({ at }) => at < first)),
    longestAfter: longest(blocks.filter(({ at }) => at >= first)),
    heard,
  };
}

interface Cost {
  /** Median seconds of a fit with pauses, and without. */
  readonly pausing: number;
  readonly whole: number;
  /** Ratios of pairs, ascending: of their times, and of the times that the processor worked for them. */
  readonly ratios: readonly number[];
  readonly processor: readonly number[];
}

interface Timed {
  readonly seconds: number;
  readonly processor: number;
}

/** The middle one of ascending values. */
const median = (values: readonly number[]) => values[values.length >> 1]!;

/** Fits with pauses and without in turn. */
async function measureCost(name: string): Promise<Cost> {
  const X = await sets[name]!();
  const usual = pausing.interval;
  const short = process.env.FULL ? {} : { nEpochs: 1, lossReportFrequency: 1 };
  const timed = async (interval: number) => {
    pausing.interval = interval;
    const started = performance.now();
    const worked = process.cpuUsage();
    const umap = new ParametricUMAP({ seed: 1, ...short });
    await umap.fit(X);
    umap.dispose();
    const { user, system } = process.cpuUsage(worked);
    return { seconds: (performance.now() - started) / 1000, processor: (user + system) / 1e6 };
  };
  // Compiles the code of either.
  for (const interval of [usual, Number.POSITIVE_INFINITY]) await timed(interval);
  const pairs: { paused: Timed; whole: Timed }[] = [];
  for (let pair = 0; pair < Number(process.env.PAIRS ?? 5); pair++) {
    if (pair % 2 === 0) {
      const paused = await timed(usual);
      pairs.push({ paused, whole: await timed(Number.POSITIVE_INFINITY) });
    } else {
      const whole = await timed(Number.POSITIVE_INFINITY);
      pairs.push({ paused: await timed(usual), whole });
    }
    console.error(`${name}: ${JSON.stringify(pairs.at(-1))}`);
  }
  const ascending = (value: (pair: (typeof pairs)[number]) => number) =>
    pairs.map(value).sort((a, b) => a - b);
  return {
    pausing: median(ascending(({ paused }) => paused.seconds)),
    whole: median(ascending(({ whole }) => whole.seconds)),
    ratios: ascending(({ paused, whole }) => paused.seconds / whole.seconds),
    processor: ascending(({ paused, whole }) => paused.processor / whole.processor),
  };
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { cost: { type: 'boolean', default: false }, one: { type: 'string' } },
});
if (values.one !== undefined) {
  console.log(JSON.stringify(await (values.cost ? measureCost : measure)(values.one)));
  process.exit(0);
}
const names = positionals.length > 0 ? positionals : Object.keys(sets);
const rows: Record<string, string | number>[] = [];
for (const name of names) {
  const self = fileURLToPath(import.meta.url);
  try {
    const args = [self, '--one', name, ...(values.cost ? ['--cost'] : [])];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    process.stderr.write(stderr);
    if (values.cost) {
      const { ratios, processor, ...seconds } = JSON.parse(stdout) as Cost;
      const percent = (value: number) => `${(100 * (value - 1)).toFixed(1)} %`;
      const spread = (values: readonly number[]) =>
        `${percent(median(values))} (${percent(values[0]!)} to ${percent(values.at(-1)!)})`;
      rows.push({
        data: name,
        'with pauses s': seconds.pausing.toFixed(2),
        'without s': seconds.whole.toFixed(2),
        'pauses add': spread(ratios),
        'to processor time': spread(processor),
      });
      continue;
    }
    const { seconds, before, longestBefore, longestAfter, heard } = JSON.parse(stdout) as Measured;
    rows.push({
      data: name,
      'fit s': seconds.toFixed(1),
      'to the first report s': before.toFixed(1),
      'longest block before it, ms': longestBefore.length.toFixed(0),
      'its stage': longestBefore.stage ?? '',
      'after it, ms': longestAfter.length.toFixed(0),
      'abort heard after at most, ms': Math.max(...heard.map(({ ms }) => ms ?? 0)).toFixed(0),
    });
    console.error(heard.map(({ after, ms }) => `${after} ms: ${ms?.toFixed(0) ?? 'over'}`).join(', '));
  } catch (error) {
    if (!(error as Error).message.includes('ENOENT')) throw error;
    console.error(`${name}: left out, its files are not there`);
  }
}
table(rows);
