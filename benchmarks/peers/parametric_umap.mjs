// This library with its defaults, from the build: `npm run build` first. `--backend wasm` or `--backend tensorflow`.

import { createRequire } from 'node:module';
import { medianSeconds, Run, readArguments } from './common.mjs';

const options = readArguments();
const { version } = createRequire(import.meta.url)('../../package.json');
const run = new Run(`parametric-umap (${options.backend ?? 'auto'})`, { 'parametric-umap': version }, options);
const { ParametricUMAP, tf } = await run.stage('import', () => import('../../build/src/index.js'));
const data = await run.stage('load', () => run.load({ flat: true }));

/** Places rows by the encoder as it is in the middle of a fit. */
async function place(model, { data: values, shape: [rows, columns] }) {
  const parts = [];
  for (let start = 0; start < rows; start += 4096) {
    const part = values.subarray(start * columns, Math.min(start + 4096, rows) * columns);
    const places = tf.tidy(() => model.predict(tf.tensor2d(part, [part.length / columns, columns])));
    parts.push(await places.data());
    places.dispose();
  }
  return { data: Float32Array.from(parts.flatMap((part) => Array.from(part))) };
}

const started = performance.now();
// The clock stands still while a map is being kept.
let keeping = 0;
const clock = () => (performance.now() - started - keeping) / 1000;
let encoder;
class Watcher extends tf.CustomCallback {
  setModel(model) {
    encoder = model;
  }
}
const watcher = new Watcher({ onTrainBegin: () => { run.seconds.graph = clock(); } });
const { seed, epochs: nEpochs, backend } = options;
const model = new ParametricUMAP({ seed, nEpochs, backend, callbacks: [watcher] });
let steps = 0;
for await (const { epoch, epochs, step } of model.steps(data.train)) {
  steps = step;
  const now = clock();
  run.seconds.fit = now - run.seconds.graph;
  if (epoch + 1 < epochs) {
    run.writeMap(now, step, await place(encoder, data.train), await place(encoder, data.heldOut));
  }
  keeping += 1000 * (clock() - now);
}
const map = await model.transform(data.train);
run.seconds.total = clock();

let heldOut;
if (data.heldOut.shape[0] > 0) {
  [run.seconds.transform, heldOut] = await medianSeconds(() => model.transform(data.heldOut));
}
run.writeMap(run.seconds.total, steps, map, heldOut);
run.finish(steps, { backend: tf.getBackend(), epochs: nEpochs });
