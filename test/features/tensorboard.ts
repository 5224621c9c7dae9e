/** The log for TensorBoard, of any estimator with callbacks. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { earlyStopping, OptionError, type Progress, type Training } from '../../src/index.js';
import { tensorboard } from '../../src/node.js';
import { fitted, quickly } from '../checks/subject.js';
import { near, saying } from '../helpers/assert.js';
import { warned } from '../helpers/child.js';
import { groups } from '../helpers/data.js';
import { withDirectory } from '../helpers/files.js';
import { readEvents } from '../helpers/tfevents.js';
import { feature, heldOutName } from './feature.js';

const { test, check } = feature('callbacks');

const rows = groups();
const labels = rows.map((_, i) => (i % 2 ? 'odd' : 'even\tor\nnot'));

/** Event files of a directory in the order of their names. */
function logsIn(directory: string) {
  const names = readdirSync(directory).filter((name) => name.includes('tfevents'));
  for (const name of names) assert.match(name, /^events\.out\.tfevents\.\d{10}\.parametric-umap\.\d+$/);
  return names.sort().map((name) => readEvents(readFileSync(path.join(directory, name))));
}

test('TensorBoard gets every report and the weights, and logging changes nothing', async (subject) => {
  await withDirectory(async (folder) => {
    const directory = path.join(folder, 'runs', 'first');
    let training: Training | undefined;
    const reader = {
      setParams: (params: Record<string, unknown>) => {
        training = params.training as Training;
      },
    };
    const weights: Awaited<ReturnType<Training['weights']>>[] = [];
    const noting = { ...reader, onEpochEnd: async () => void weights.push(await training!.weights()) };
    const callbacks = [tensorboard(directory, { labels, histogramEvery: 2 }), noting];
    const before = Date.now() / 1000;
    const watched = quickly(subject, { callbacks });
    const reports: Progress[] = [];
    for await (const report of watched.steps(rows)) reports.push(report);
    const plain = await fitted(subject);
    assert.deepEqual(await watched.transform(rows), await plain.transform(rows));
    const [events] = logsIn(directory);
    assert.equal(events![0]!.version, 'brain.Event:2');
    const curves = events!.filter(({ scalars }) => Object.keys(scalars).length > 0);
    assert.deepEqual(
      curves.map(({ step }) => step),
      reports.map(({ step }) => step),
    );
    for (const [i, { scalars, wallTime }] of curves.entries()) {
      const { losses, learningRate, learningRates = {}, numbers = {} } = reports[i]!;
      const expected: Record<string, number> = {
        ...Object.fromEntries(Object.entries(losses).map(([name, value]) => [`loss/${name}`, value])),
        learning_rate: learningRate,
        ...Object.fromEntries(
          Object.entries(learningRates).map(([name, value]) => [`learning_rate/${name}`, value]),
        ),
        ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [`numbers/${name}`, value])),
      };
      assert.deepEqual(Object.keys(scalars), Object.keys(expected));
      for (const [tag, value] of Object.entries(expected)) near(scalars[tag]!, value, 1e-6, tag);
      assert.ok(wallTime >= before && wallTime <= Date.now() / 1000);
    }
    const drawn = events!.filter(({ histograms }) => Object.keys(histograms).length > 0);
    const due = reports.filter((_, i) => (i + 1) % 2 === 0 || i + 1 === reports.length);
    assert.deepEqual(
      drawn.map(({ step }) => step),
      due.map(({ step }) => step),
    );
    const last = weights.at(-1)!;
    assert.ok(last.some(({ name }) => name.startsWith('encoder/')));
    assert.deepEqual(
      Object.keys(drawn.at(-1)!.histograms),
      last.map(({ name }) => name),
    );
    for (const { name, shape, values } of last) {
      assert.equal(
        values.length,
        shape.reduce((size, side) => size * side, 1),
      );
      const { num, sum, counts } = drawn.at(-1)!.histograms[name]!;
      assert.equal(num, values.length, name);
      assert.equal(
        counts.reduce((all, count) => all + count, 0),
        values.length,
      );
      near(
        sum,
        values.reduce((all, value) => all + value, 0),
        1e-5,
        name,
      );
    }
    watched.dispose();
    plain.dispose();
  });
});

test('the projector gets the embedding, with a label for each row', async (subject) => {
  await withDirectory(async (directory) => {
    const config = 'embeddings {\n  tensor_name: "mine"\n}';
    writeFileSync(path.join(directory, 'projector_config.pbtxt'), config);
    const estimator = await fitted(subject, { callbacks: [tensorboard(directory, { labels })] });
    const text = (name: string) => readFileSync(path.join(directory, name), 'utf8');
    const added = text('projector_config.pbtxt');
    assert.ok(added.startsWith(`${config}\n`), 'what was there stays');
    const [, tensor] = added.match(/tensor_path: "(.*)"/)!;
    const [, metadata] = added.match(/metadata_path: "(.*)"/)!;
    const map = await estimator.transform(rows);
    const written = text(tensor!).trimEnd().split('\n');
    assert.equal(written.length, rows.length);
    const scale = Math.max(...map.flat().map(Math.abs));
    for (const [i, line] of written.entries()) {
      for (const [c, value] of line.split('\t').entries())
        assert.ok(Math.abs(Number(value) - map[i]![c]!) < 1e-4 * scale);
    }
    const [head, ...lines] = text(metadata!).trimEnd().split('\n');
    assert.equal(head, 'row\tlabel');
    assert.deepEqual(
      lines,
      rows.map((_, i) => `${i}\t${i % 2 ? 'odd' : 'even or not'}`),
    );
    estimator.dispose();
  });
});

test('a later fit goes on with the steps in a second file, and so does a second run', async (subject) => {
  await withDirectory(async (directory) => {
    const estimator = quickly(subject, { callbacks: [tensorboard(directory)] });
    await estimator.fit(rows);
    const [first] = logsIn(directory);
    const end = first!.at(-1)!.step;
    assert.ok(end > 0);
    await estimator.fit(rows);
    const [again, second] = logsIn(directory);
    assert.deepEqual(again, first);
    assert.equal(second!.at(-1)!.step, 2 * end);
    assert.ok(second!.slice(1).every(({ step }) => step > end));
    estimator.dispose();
    (await fitted(subject, { callbacks: [tensorboard(directory)] })).dispose();
    assert.equal(logsIn(directory).length, 3);
    assert.equal(readdirSync(directory).filter((name) => name.startsWith('embedding-')).length, 3);
  });
});

test('held-out losses are curves of their own', ['heldOut'], async (subject) => {
  await withDirectory(async (directory) => {
    const estimator = quickly(subject, { callbacks: [tensorboard(directory)] });
    await estimator.fit(rows, null, { validation: rows.slice(0, 20) });
    const { scalars } = logsIn(directory)[0]!.find((event) => 'loss/loss' in event.scalars)!;
    const name = heldOutName(subject);
    near(scalars[`held_out/${name}`]!, estimator.history[name]![0]!, 1e-6);
    assert.ok(!(`loss/${name}` in scalars));
    estimator.dispose();
  });
});

test('a log that cannot be written brings one warning, and the fit goes on', async (subject) => {
  await withDirectory(async (folder) => {
    const plain = await fitted(subject);
    const file = path.join(folder, 'file');
    writeFileSync(file, 'mine');
    // No directory can be made below a file; and one that is gone after the first report cannot be written to.
    const gone = path.join(folder, 'gone');
    const removing = { onEpochEnd: async () => rmSync(gone, { recursive: true, force: true }) };
    for (const callbacks of [[tensorboard(path.join(file, 'log'))], [tensorboard(gone), removing]]) {
      const tensors = tf.memory().numTensors;
      const lines = await warned(async () => {
        const estimator = await fitted(subject, { callbacks });
        assert.deepEqual(await estimator.transform(rows), await plain.transform(rows));
        estimator.dispose();
      });
      assert.equal(lines.length, 1);
      assert.match(
        lines[0]!,
        /^tensorboard: expected to write to .*, got an error: .*; the training goes on/,
      );
      assert.equal(tf.memory().numTensors, tensors);
    }
    assert.equal(readFileSync(file, 'utf8'), 'mine');
    plain.dispose();
  });
});

test('a training that another callback ends has its last weights and its embedding logged', async (subject) => {
  await withDirectory(async (directory) => {
    const stop = earlyStopping({ minDelta: 1e6, patience: 1 });
    const estimator = await fitted(subject, {
      callbacks: [tensorboard(directory, { histogramEvery: 100 }), stop],
    });
    const [events] = logsIn(directory);
    const drawn = events!.filter(({ histograms }) => Object.keys(histograms).length > 0);
    assert.deepEqual(
      drawn.map(({ step }) => step),
      [events!.filter(({ scalars }) => 'learning_rate' in scalars)[1]!.step],
    );
    assert.ok(readdirSync(directory).some((name) => name.startsWith('metadata-')));
    estimator.dispose();
  });
});

test('labels have to be as many as the fitted rows; an aborted fit leaves what was logged', async (subject) => {
  await withDirectory(async (directory) => {
    const few = quickly(subject, { callbacks: [tensorboard(directory, { labels: { digit: [1, 2] } })] });
    await assert.rejects(
      few.fit(rows),
      saying(OptionError, 'tensorboard: labels: expected one per fitted row (60), got 2 for "digit"'),
    );
    assert.deepEqual(readdirSync(directory), []);
    few.dispose();
    const before = tf.memory().numTensors;
    const control = new AbortController();
    const abort = { onEpochEnd: async () => control.abort(new Error('enough')) };
    const aborted = quickly(subject, {
      callbacks: [tensorboard(directory, { embeddingRows: null, histogramEvery: null }), abort],
    });
    await assert.rejects(aborted.fit(rows, null, { signal: control.signal }), /enough/);
    assert.equal(tf.memory().numTensors, before);
    const [events] = logsIn(directory);
    assert.equal(events!.length, 2);
    aborted.dispose();
  });
});

/** Registers the tests of this feature. */
export const checkTensorBoard = check;
