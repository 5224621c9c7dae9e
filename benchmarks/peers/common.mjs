// What both npm drivers share: arguments, data, the clock and the result file, as in common.py.

import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, loadavg, platform, release } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';

export function readArguments() {
  const option = { type: 'string' };
  const { values } = parseArgs({
    options: { data: option, rows: option, 'held-out': option, seed: option, out: option, epochs: option },
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
  };
}

/** Rows as arrays of numbers in [0, 1], the only form that both packages read; no more rows than asked for. */
function readData(options) {
  return statSync(options.data).isFile() ? readDigits(options) : readMnist(options);
}

function readDigits({ data, rows = 1500, heldOut }) {
  const lines = readFileSync(data, 'utf8').trim().split('\n').slice(1);
  const table = lines.map((line) => Array.from(line.split(',').slice(0, -1), (value) => Number(value) / 16));
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
      Array.from(raw.subarray(16 + row * columns, 16 + (row + 1) * columns), (value) => value / 255),
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

/** The clock and the result of one run; the fields are those of common.py. */
export class Run {
  #options;
  #maps = [];
  seconds = {};
  result;

  constructor(name, packageName, options) {
    this.#options = options;
    this.result = {
      name,
      versions: { node: process.versions.node, [packageName]: versionOf(packageName) },
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

  load() {
    const data = readData(this.#options);
    const { name, train, heldOut } = data;
    this.result.data = { name, rows: train.length, columns: train[0].length, heldOut: heldOut.length };
    return data;
  }

  writeMap(seconds, step, train, heldOut) {
    const entry = { seconds, step };
    for (const [part, rows] of Object.entries({ train, heldOut })) {
      if (rows === undefined) continue;
      const path = `${this.#options.out.replace(/\.json$/, '')}.${this.#maps.length}.${part}.f32`;
      writeFileSync(path, Float32Array.from(rows.flatMap((row) => Array.from(row))));
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
function versionOf(packageName) {
  let folder = dirname(createRequire(import.meta.url).resolve(packageName));
  while (basename(dirname(folder)) !== 'node_modules' && !folder.endsWith(packageName))
    folder = dirname(folder);
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
}
