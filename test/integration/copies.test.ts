/** A program whose own TensorFlow.js is another copy than the package's, of another version. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import { root } from '../helpers/files.js';
import { folderWith, node } from '../helpers/packed.js';

const program = `
const importTheirs = async () => ({ core: await import('@tensorflow/tfjs-core'), layers: await import('@tensorflow/tfjs-layers') });
const importOurs = () => import('parametric-umap');
let theirs = process.argv[2] === 'first' ? await importTheirs() : undefined;
const { ParametricUMAP, tf } = await importOurs();
theirs ??= await importTheirs();
const { core, layers } = theirs;
const rows = Array.from({ length: 96 }, (_, i) => Array.from({ length: 8 }, (_, j) => Math.sin(i * (j + 1) / 9) + i % 3));
const network = (made, width) => made.sequential({ layers: [made.layers.dense({ units: 2, inputShape: [width] })] });
const umap = (options) => new ParametricUMAP({ nNeighbors: 8, nEpochs: 3, seed: 1, ...options });

const seen = { versions: [core.version_core, tf.version_core], differ: core !== tf, chained: tf.scalar(2).add(3).square().arraySync() };
const own = await umap({ optimizer: tf.train.sgd(0.1) }).fitTransform(rows);
const optimizer = core.train.sgd(0.1);
seen.optimizer = JSON.stringify(await umap({ optimizer }).fitTransform(rows)) === JSON.stringify(own);
const X = core.tensor2d(rows);
seen.tensor = (await umap().fitTransform(X)).shape;
const stopped = umap({ nEpochs: 10, callbacks: [layers.callbacks.earlyStopping({ monitor: 'loss', patience: 0, minDelta: 1e9 })] });
await stopped.fit(rows);
seen.reports = stopped.history.loss.length;
class Watcher extends layers.Callback { onEpochEnd() { seen.watched = this.model.inputs[0].shape.at(-1); } }
await umap({ callbacks: [new Watcher()] }).fit(rows);
const lossFn = (a, b) => core.mean(core.squaredDifference(a, b));
await umap({ parametricReconstruction: true, parametricReconstructionLossFn: lossFn }).fit(rows);
const encoder = network(layers, 8);
const withTheirs = umap({ encoder });
const map = await withTheirs.fitTransform(rows);
seen.encoder = map.length;
await umap({ encoder: network(layers, 8) }).fit(rows);
await withTheirs.save('model-' + process.argv[2]);
seen.loaded = await ParametricUMAP.load('model-' + process.argv[2]).then(() => 'loaded', ({ name, message }) => name + ': ' + message);
encoder.dispose();
const again = await ParametricUMAP.load('model-' + process.argv[2]);
seen.same = JSON.stringify(await again.transform(rows)) === JSON.stringify(map);
console.log(JSON.stringify(seen));
`;

let folder: string;
let ours: string;

before(async () => {
  folder = await folderWith({ 'program.js': program });
  for (const name of ['core', 'layers']) {
    const from = path.join(root, 'node_modules/@tensorflow', `tfjs-${name}`);
    const to = path.join(folder, 'node_modules/@tensorflow', `tfjs-${name}`);
    await mkdir(path.join(to, 'dist'), { recursive: true });
    await copyFile(path.join(from, 'package.json'), path.join(to, 'package.json'));
    ours = JSON.parse(await readFile(path.join(from, 'package.json'), 'utf8')).version;
    const code = await readFile(path.join(from, `dist/tf-${name}.node.js`), 'utf8');
    await writeFile(path.join(to, `dist/tf-${name}.node.js`), code.replaceAll(`'${ours}'`, "'4.0.1'"));
  }
});

for (const order of ['first', 'second']) {
  test(`another copy of TensorFlow.js, loaded ${order}, is named, and what it made works`, async () => {
    const { stdout, stderr } = await node(folder, 'program.js', order);
    const { loaded, reports, ...seen } = JSON.parse(stdout);
    assert.deepEqual(seen, {
      versions: ['4.0.1', ours],
      differ: true,
      chained: 25,
      optimizer: true,
      tensor: [96, 2],
      watched: 8,
      encoder: 96,
      same: true,
    });
    // It would be ten without the callback.
    assert.ok(reports < 4, `${reports} reports`);
    assert.match(
      loaded,
      /^ArtifactError: saved model: encoder: expected layers that can be built, .* another copy of TensorFlow\.js .* npm dedupe/,
    );
    // TensorFlow.js notices only that it is loaded again.
    const lines = stderr
      .split('\n')
      .filter((line) => line !== '' && !/^Platform node has already/.test(line));
    assert.equal(lines.length, 1, stderr);
    assert.match(lines[0]!, /encoder: expected a model of the TensorFlow\.js that parametric-umap uses/);
    assert.ok(
      lines[0]!.includes(`(tfjs-layers ${ours}), got one of another copy (tfjs-layers 4.0.1)`),
      stderr,
    );
    assert.match(lines[0]!, /run npm dedupe .*, or import \{ tf \} from 'parametric-umap'$/);
  });
}
