/** Callbacks: our early stopping and those of TensorFlow.js. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { type Stage, stages } from '../../src/core/stages.js';
import { earlyStopping, embeddingLog, NotFittedError, OptionError, type Training } from '../../src/index.js';
import { fitted, quickly, type Subject } from '../checks/subject.js';
import { saying } from '../helpers/assert.js';
import { groups } from '../helpers/data.js';
import { feature } from './feature.js';

const { test, check } = feature('callbacks');

const rows = groups();

test('early stopping ends the fit, and brings the best weights back', ['batches'], async (subject) => {
  const { learningRate: rate, mainLoss } = subject.names;
  // Calm at first, then far too fast: the best report is the last calm one. Points bear more than the weights of a network.
  const fast = subject.traits.parametric ? 2 : 1000;
  const learningRate = (done: number) => (done < 0.4 ? 0.01 : fast);
  const options = { ...subject.epochs(20), [rate]: learningRate };
  const stopping = earlyStopping({ monitor: mainLoss, patience: 2, restoreBestWeights: true });
  const stopped = await fitted(subject, { ...options, callbacks: [stopping] });
  const losses = stopped.history[mainLoss]!;
  const best = losses.indexOf(Math.min(...losses));
  assert.equal(losses.length, best + 3);
  assert.ok(losses.length < 10);
  const left = quickly(subject, options);
  for await (const { epoch } of left.steps(rows)) if (epoch === best) break;
  assert.deepEqual(await stopped.transform(rows), await left.transform(rows));
  stopped.dispose();
  left.dispose();
});

test('TensorFlow.js’ own callbacks are taken as they are', async (subject) => {
  const { mainLoss } = subject.names;
  const calls: string[] = [];
  const custom = new tf.CustomCallback({
    onTrainBegin: async () => void calls.push('begin'),
    onEpochEnd: async (epoch, logs) => void calls.push(`${epoch} ${Object.keys(logs!).join()}`),
    onBatchEnd: async (_, logs) => assert.equal(typeof logs!.loss, 'number'),
    onTrainEnd: async () => void calls.push('end'),
  });
  const watched = await fitted(subject, { callbacks: [custom] });
  const reports = watched.history.loss!.length;
  assert.ok(reports >= 3);
  const losses = Object.keys(watched.history);
  assert.deepEqual(losses.slice(0, 2), ['loss', mainLoss]);
  const each = Array.from({ length: reports }, (_, report) => `${report} ${losses.join()}`);
  assert.deepEqual(calls, ['begin', ...each, 'end']);
  watched.dispose();
  const impatient = tf.callbacks.earlyStopping({ monitor: mainLoss, minDelta: 1e6 });
  const stopped = await fitted(subject, { callbacks: [impatient] });
  assert.equal(stopped.history.loss!.length, 2);
  stopped.dispose();
});

/** Ways to break a fit off when a callback is told of a stage. */
const endings: Readonly<Record<string, (control: AbortController) => void | Promise<void>>> = {
  error() {
    throw new Error('enough');
  },
  rejection: () => Promise.reject(new Error('enough')),
  abort: (control) => control.abort(new Error('enough')),
};

/** An estimator whose callback notes the starts and ends of stages, and calls `end` at one of them. */
function told(subject: Subject, end: (control: AbortController) => void | Promise<void>) {
  const state = { moments: [] as string[], at: '', trained: false };
  const control = new AbortController();
  const callback = {
    onStage(stage: Stage, done: number | undefined) {
      if (done !== undefined && done > 0 && done < 1) return;
      const moment = `${stage}: ${done === 1 ? 'end' : 'start'}`;
      state.moments.push(moment);
      return moment === state.at ? end(control) : undefined;
    },
    onBatchEnd: async () => {
      state.trained = true;
    },
  };
  const estimator = quickly(subject, { callbacks: [callback] });
  return { state, estimator, fit: () => estimator.fit(rows, null, { signal: control.signal }) };
}

test('a callback that ends a first fit in a stage leaves nothing behind', ['needsGraph'], async (subject) => {
  const noted = told(subject, () => {});
  await noted.fit();
  noted.estimator.dispose();
  const { moments } = noted.state;
  assert.ok(moments.length >= 4);
  const tensors = tf.memory().numTensors;
  for (const [way, end] of Object.entries(endings)) {
    for (const at of way === 'error' ? moments : [moments[0]!, moments.at(-1)!]) {
      const { state, estimator, fit } = told(subject, end);
      state.at = at;
      await assert.rejects(fit(), /enough/, `${way} at ${at}`);
      assert.equal(state.trained, false, `${way} at ${at}`);
      await assert.rejects(estimator.transform(rows), NotFittedError);
      assert.equal(tf.memory().numTensors, tensors, `${way} at ${at}`);
      estimator.dispose();
    }
  }
});

test(
  'a callback that ends a later fit in a stage leaves the earlier model whole',
  ['needsGraph'],
  async (subject) => {
    for (const [way, end] of Object.entries(endings)) {
      const { state, estimator, fit } = told(subject, end);
      await fit();
      const map = await estimator.transform(rows);
      const history = structuredClone(estimator.history);
      const tensors = tf.memory().numTensors;
      state.at = 'graph: start';
      await assert.rejects(fit(), /enough/, way);
      assert.deepEqual(await estimator.transform(rows), map, way);
      assert.deepEqual(structuredClone(estimator.history), history, way);
      assert.equal(tf.memory().numTensors, tensors, way);
      estimator.dispose();
    }
  },
);

test('stages come in the order of the list, each from its start to its end, and change nothing', async (subject) => {
  const heard: [stage: Stage, done: number | undefined][] = [];
  const callbacks = [{ onStage: (...values: (typeof heard)[number]) => void heard.push(values) }];
  const followed = await fitted(subject, { callbacks });
  const names = [...new Set(heard.map(([stage]) => stage))];
  assert.deepEqual(
    names,
    stages.filter((stage) => names.includes(stage)),
  );
  for (const name of names) {
    const parts = heard.filter(([stage]) => stage === name).map(([, done]) => done);
    assert.ok(parts[0] === 0 || parts[0] === undefined, name);
    assert.equal(parts.indexOf(1), parts.length - 1, name);
    assert.deepEqual(parts.slice(1), parts.slice(1).toSorted(), name);
  }
  const plain = await fitted(subject);
  assert.deepEqual(await followed.transform(rows), await plain.transform(rows));
  followed.dispose();
  plain.dispose();
});

test('a log of embeddings records the start, every few reports and the last, and changes nothing', async (subject) => {
  const log = embeddingLog({ every: 3, rows: 40 });
  const steps: number[] = [];
  const logged = quickly(subject, { callbacks: [log] });
  for await (const { step } of logged.steps(rows)) steps.push(step);
  const plain = await fitted(subject);
  const map = await logged.transform(rows);
  assert.deepEqual(map, await plain.transform(rows));
  assert.deepEqual(structuredClone(logged.history), structuredClone(plain.history));
  const reports = steps.length;
  const expected = [0];
  for (let report = 1; report <= reports; report++)
    if (report % 3 === 0 || report === reports) expected.push(report);
  assert.deepEqual(
    log.records.map(({ epoch }) => epoch),
    expected,
  );
  const [start, ...later] = log.records;
  assert.deepEqual([start!.moment, start!.step, start!.losses], ['start', 0, {}]);
  for (const { moment, epoch, step, losses, positions, rows: sample } of later) {
    assert.equal(moment, 'report');
    assert.equal(step, steps[epoch - 1]);
    for (const [name, value] of Object.entries(losses))
      assert.equal(value, logged.history[name]![epoch - 1], name);
    assert.ok('loss' in losses && subject.names.mainLoss in losses);
    assert.deepEqual(positions.shape, [40, map[0]!.length]);
    assert.equal(new Set(sample).size, 40);
    assert.equal(sample, start!.rows);
  }
  const { rows: sample, positions } = later.at(-1)!;
  const scale = Math.max(...map.flat().map(Math.abs));
  for (const [i, row] of sample.entries()) {
    for (const [c, value] of map[row]!.entries()) {
      const found = positions.data[i * map[0]!.length + c]!;
      assert.ok(Math.abs(found - value) < 1e-4 * scale, `row ${row}: ${found}, transform gives ${value}`);
    }
  }
  // A later fit adds its own.
  await logged.fit(rows);
  assert.deepEqual(
    log.records.map(({ fit }) => fit),
    [...expected.map(() => 1), ...expected.map(() => 2)],
  );
  logged.dispose();
  plain.dispose();
});

test('a log records the report at which another callback ends the training', async (subject) => {
  for (const order of ['before', 'after']) {
    const log = embeddingLog({ every: 100, rows: [5, 3] });
    const stopping = earlyStopping({ minDelta: 1e6, patience: 1 });
    const callbacks = order === 'before' ? [log, stopping] : [stopping, log];
    const stopped = await fitted(subject, { callbacks });
    assert.deepEqual(
      log.records.map(({ epoch }) => epoch),
      [0, 2],
    );
    assert.deepEqual([...log.records[1]!.rows], [5, 3]);
    stopped.dispose();
  }
});

test('a log keeps the records of a fit that is aborted, and leaves no tensor', async (subject) => {
  const before = tf.memory().numTensors;
  const log = embeddingLog();
  const control = new AbortController();
  const abort = { onEpochEnd: async () => control.abort(new Error('enough')) };
  const estimator = quickly(subject, { callbacks: [log, abort] });
  await assert.rejects(estimator.fit(rows, null, { signal: control.signal }), /enough/);
  assert.ok(log.records.length >= 2);
  assert.equal(tf.memory().numTensors, before);
  await assert.rejects(estimator.transform(rows), NotFittedError);
  estimator.dispose();
});

test('callbacks embed fitted rows by number; numbers that are not there are refused', async (subject) => {
  let training: Training | undefined;
  const seen: unknown[] = [];
  const reader = {
    setParams(params: Record<string, unknown>) {
      training = params.training as Training;
    },
    async onEpochEnd(report: number) {
      if (report > 0) return;
      const all = await training!.embed();
      const some = await training!.embed(Int32Array.of(7, 0, 7));
      const columns = all.shape[1];
      seen.push(all.shape[0], training!.rows, some.shape);
      for (const [i, row] of [7, 0, 7].entries()) {
        for (let c = 0; c < columns; c++) {
          const [found, expected] = [some.data[i * columns + c]!, all.data[row * columns + c]!];
          assert.ok(Math.abs(found - expected) <= 1e-5 * Math.max(1, Math.abs(expected)));
        }
      }
      await assert.rejects(training!.embed(Int32Array.of(60)), saying(OptionError, '0 to 59', 'got 60'));
      await assert.rejects(training!.embed(Int32Array.of(-1)), saying(OptionError, 'got -1'));
    },
  };
  const estimator = await fitted(subject, { callbacks: [reader] });
  assert.deepEqual(seen.slice(0, 2), [60, 60]);
  const beyond = embeddingLog({ rows: [1, 60] });
  const refused = quickly(subject, { callbacks: [beyond] });
  await assert.rejects(refused.fit(rows), saying(OptionError, 'embeddingLog: rows', 'below 60', 'got 60'));
  assert.deepEqual(beyond.records, []);
  refused.dispose();
  estimator.dispose();
});

/** Registers the tests of this feature. */
export const checkCallbacks = check;
