/**
 * Rows larger than memory: peak memory and time of `fit` and `transform` from files, and how good a map from a source is.
 *
 *     node build/benchmarks/rowSource.js [--only transform,file,folder,mnist] [--gigabytes 10] [--fitGigabytes 2]
 *         [--files 200000] [--folder /tmp] [--sampleRows 200000]
 *
 * Files of rows x 128 are written to the folder and removed afterwards. Each task runs in a process of its own, whose peak is
 * that of the resident set, as the system tells it.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom } from '../src/core/random.js';
import { collectRows, ParametricUMAP, rowSource, trustworthiness } from '../src/index.js';
import { npyFolder, openNpy, writeNpy } from '../src/node.js';
import { head, mnist } from './data.js';
import { table } from './report.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'transform,file,folder,mnist' },
    gigabytes: { type: 'string', default: '10' },
    fitGigabytes: { type: 'string', default: '2' },
    files: { type: 'string', default: '200000' },
    folder: { type: 'string', default: '/tmp' },
    sampleRows: { type: 'string' },
    task: { type: 'string' },
    path: { type: 'string' },
  },
});
const COLUMNS = 128;
const BLOCK = 8192;

/** Rows around 20 centers, on a curve of each, in blocks. */
function generated(rows: number) {
  const random = createRandom('rows');
  const centers = Float32Array.from({ length: 20 * COLUMNS }, () => 4 * random.normal());
  // Noise is drawn once and read from random places, because normal numbers take longer than all else.
  const noise = Float32Array.from({ length: 2 ** 20 }, () => random.normal());
  return rowSource(
    function* () {
      for (let from = 0; from < rows; from += BLOCK) {
        const count = Math.min(BLOCK, rows - from);
        const data = new Float32Array(count * COLUMNS);
        for (let i = 0; i < count; i++) {
          const center = random.integer(20) * COLUMNS;
          const start = random.integer(noise.length - COLUMNS);
          const along = 3 * random.next();
          for (let c = 0; c < COLUMNS; c++) {
            data[i * COLUMNS + c] = centers[center + c]! + noise[start + c]! + Math.sin(along + c / 9);
          }
        }
        yield { data, shape: [count, COLUMNS] };
      }
    },
    { rows, rowShape: [COLUMNS] },
  );
}

/** Writes single vectors, 1,000 to a folder. */
async function writeVectors(root: string, count: number): Promise<void> {
  const whole = path.join(root, 'one.npy');
  await writeNpy(whole, { data: new Float32Array(COLUMNS), shape: [COLUMNS, 1] });
  // The header of a vector: that of NumPy, 128 bytes long.
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${COLUMNS},), }`;
  const header = Buffer.concat([
    Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]),
    Buffer.from(text.padEnd(117) + '\n'),
  ]);
  await rm(whole);
  let number = 0;
  for await (const { data, shape } of generated(count)) {
    for (let i = 0; i < shape[0]!; i++, number++) {
      const folder = path.join(root, `${Math.floor(number / 1000)}`);
      if (number % 1000 === 0) await mkdir(folder);
      const row = Buffer.from(data.buffer, 4 * i * COLUMNS, 4 * COLUMNS);
      await writeFile(path.join(folder, `${number}.npy`), Buffer.concat([header, row]));
    }
  }
}

const seconds = (since: number) => Math.round((performance.now() - since) / 100) / 10;
const peak = () => Math.round(process.resourceUsage().maxRSS / 1024);

/** The work of a process; the last line of its output is its record. */
async function run(task: string, name: string): Promise<Record<string, string | number>> {
  const begun = performance.now();
  const inputs = values.sampleRows === undefined ? {} : { sampleRows: Number(values.sampleRows) };
  const umap = new ParametricUMAP({ verbose: true });
  if (task === 'transform') {
    await umap.fit(generated(2000));
    const from = performance.now();
    const { shape } = await writeNpy(`${name}.map.npy`, await umap.transform(await openNpy(name)));
    await rm(`${name}.map.npy`);
    return { task, rows: shape[0], 'transform, s': seconds(from), 'peak, MB': peak() };
  }
  const source = task === 'file' ? await openNpy(name) : await npyFolder(name);
  await umap.fit(source, null, inputs);
  return { task, rows: source.rows ?? 'counted', 'fit, s': seconds(begun), 'peak, MB': peak() };
}

/** MNIST from memory and from a file. */
async function compareMaps(folder: string): Promise<Record<string, string | number>> {
  const { rows } = await mnist('train', 60_000);
  const file = path.join(folder, 'mnist.npy');
  await writeNpy(file, rows);
  const scores: number[] = [];
  for (const X of [rows, await openNpy(file)]) {
    const umap = new ParametricUMAP();
    await umap.fit(X);
    const map = await collectRows(await umap.transform(await openNpy(file)));
    scores.push(trustworthiness(head(rows, 5000), head(map, 5000)));
    umap.dispose();
  }
  return { task: 'MNIST', 'trust, memory': scores[0]!, 'trust, source': scores[1]! };
}

if (values.task !== undefined) {
  console.log(JSON.stringify(await run(values.task, values.path!)));
} else {
  const records: Record<string, string | number>[] = [];
  const folder = await mkdtemp(path.join(values.folder, 'row-source-'));
  try {
    const free = await statfs(folder).then(({ bavail, bsize }) => bavail * bsize);
    for (const task of values.only.split(',')) {
      if (task === 'mnist') {
        records.push(await compareMaps(folder));
        continue;
      }
      const name = path.join(folder, task === 'folder' ? 'vectors' : `${task}.npy`);
      if (task === 'folder') {
        await mkdir(name);
        await writeVectors(name, Number(values.files));
      } else {
        const gigabytes = Number(task === 'file' ? values.fitGigabytes : values.gigabytes);
        const bytes = Math.min(gigabytes * 1e9, 0.8 * free);
        await writeNpy(name, generated(Math.floor(bytes / 4 / COLUMNS)));
      }
      const more = values.sampleRows === undefined ? [] : ['--sampleRows', values.sampleRows];
      const child = spawnSync(process.execPath, [process.argv[1]!, '--task', task, '--path', name, ...more], {
        stdio: ['ignore', 'pipe', 'inherit'],
        encoding: 'utf8',
      });
      records.push(JSON.parse(child.stdout.trim().split('\n').at(-1)!));
      await rm(name, { recursive: true });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  for (const record of records) table([record as Readonly<Record<string, string | number>>]);
}
