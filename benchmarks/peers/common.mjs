// What the JavaScript drivers share: arguments, data, the clock and the result file, as in common.py.

import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, loadavg, platform, release } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';

export function readArguments() {
  const option = { type: 'string' };
  const { values } = parseArgs({
    options: { data: option, rows: option, 'held-out': option, seed: option, out: option, epochs: option,
      backend: option,
    },
  });
  for (const needed of ['data', 'out']) {
    if (values[needed] === undefined) throw new Error(`peers: --${needed} is needed and was not given`);
  }
  const count = (name, usual) => (values[name] === undefined ? usual : Number(values[name]));
  return {
    data: values.data,
    out: values.out,
    rows: count('rows'),
    heldOut: count('held-out'),
    seed: count('seed', 1),
    epochs: count('epochs'),
    backend: values.backend,
  };
}

/**
 * Rows in [0, 1], no more of them than asked for: as arrays of numbers, the only form that the npm packages read, or
 * `flat` as { data: Float32Array, shape }.
 */
export function readData(options, flat) {
  const { name, train, heldOut } = statSync(options.data).isFile() ? readDigits(options) : readMnist(options);
  const form = flat ? flattened : (rows) => rows.map((row) => Array.from(row));
  return { name, train: form(train), heldOut: form(heldOut) };
}

function flattened(rows) {
  const columns = rows[0]?.length ?? 0;
  const data = new Float32Array(rows.length * columns);
  rows.forEach((row, i) => data.set(row, i * columns));
  return { data, shape: [rows.length, columns] };
}

function readDigits({ data, rows = 1500, heldOut }) {
  const lines = readFileSync(data, 'utf8').trim().split('\n').slice(1);
  const table = lines.map((line) => Float32Array.from(line.split(',').slice(0, -1), (value) => value / 16));
  const train = take('--rows', rows, table.length);
  const placed = take('--held-out', heldOut, table.length - train);
  return {
    name: basename(data, '.csv'),
    train: table.slice(0, train),
    heldOut: table.slice(train, train + placed),
  };
}

function readMnist({ data, rows, heldOut }) {
  const read = (part, option, wanted) => {
    const raw = gunzipSync(readFileSync(join(data, `${part}-images-idx3-ubyte.gz`)));
    const count = take(option, wanted, raw.readUInt32BE(4));
    const columns = raw.readUInt32BE(8) * raw.readUInt32BE(12);
    return Array.from({ length: count }, (_, row) =>
      Float32Array.from(raw.subarray(16 + row * columns, 16 + (row + 1) * columns), (value) => value / 255),
    );
  };
  return {
    name: 'mnist',
    train: read('train', '--rows', rows),
    heldOut: read('t10k', '--held-out', heldOut),
  };
}

/** How many rows to take: all of them unless told otherwise. */
function take(option, wanted, there) {
  const count = wanted ?? there;
  if (!(count >= 0 && count <= there)) {
    throw new Error(`peers: ${option} must be from 0 to ${there} here, got ${count}`);
  }
  return count;
}

/** How long the work takes, in seconds, the median of five times, and what it gave last. */
export async function medianSeconds(work) {
  const tries = [];
  let given;
  for (let attempt = 0; attempt < 5; attempt++) {
    const start = performance.now();
    given = await work();
    tries.push((performance.now() - start) / 1000);
  }
  return [tries.sort((a, b) => a - b)[2], given];
}

/** The clock and the result of one run; the fields are those of common.py. */
export class Run {
  #options;
  #maps = [];
  seconds = {};
  result;

  constructor(name, versions, options) {
    this.#options = options;
    this.result = {
      name,
      versions: { node: process.versions.node, ...versions },
      machine: {
        cores: availableParallelism(),
        platform: `${platform()} ${release()}`,
        loadBefore: loadavg()[0],
      },
      seed: options.seed,
    };
    mkdirSync(dirname(options.out), { recursive: true });
  }

  async stage(name, work) {
    const start = performance.now();
    const result = await work();
    this.seconds[name] = (this.seconds[name] ?? 0) + (performance.now() - start) / 1000;
    return result;
  }

  load({ flat = false } = {}) {
    const data = readData(this.#options, flat);
    const [[rows, columns], [heldOut]] = [data.train, data.heldOut].map((part) =>
      flat ? part.shape : [part.length, part[0]?.length],
    );
    this.result.data = { name: data.name, rows, columns, heldOut };
    return data;
  }

  writeMap(seconds, step, train, heldOut) {
    const entry = { seconds, step };
    for (const [part, rows] of Object.entries({ train, heldOut })) {
      if (rows === undefined) continue;
      const path = `${this.#options.out.replace(/\.json$/, '')}.${this.#maps.length}.${part}.f32`;
      writeFileSync(path, rows.data ?? flattened(rows).data);
      entry[part] = basename(path);
    }
    this.#maps.push(entry);
  }

  finish(steps, settings) {
    const { fit, total, transform } = this.seconds;
    const { heldOut } = this.result.data;
    Object.assign(this.result, {
      settings,
      seconds: this.seconds,
      steps,
      msPerStep: (1000 * fit) / steps,
      transformRowsPerSecond: transform === undefined ? null : Math.round(heldOut / transform),
      peakMemoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
      maps: this.#maps,
    });
    writeFileSync(this.#options.out, `${JSON.stringify(this.result, null, 2)}\n`);
    console.log(`${this.result.name}: ${total.toFixed(1)} s from rows to result, see ${this.#options.out}`);
  }
}

/** `package.json` is not always exported, so it is looked for above the entry file. */
export function versionOf(packageName) {
  let folder = dirname(createRequire(import.meta.url).resolve(packageName));
  while (basename(dirname(folder)) !== 'node_modules' && !folder.endsWith(packageName))
    folder = dirname(folder);
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
}
