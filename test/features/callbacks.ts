/** Callbacks: our early stopping and those of TensorFlow.js. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { type Stage, stages } from '../../src/core/stages.js';
import { earlyStopping, NotFittedError } from '../../src/index.js';
import { fitted, quickly, type Subject } from '../checks/subject.js';
import { groups } from '../helpers/data.js';
import { feature } from './feature.js';

const { test, check } = feature('callbacks');

const rows = groups();

test('early stopping ends the fit, and brings the best weights back', async (subject) => {
  const { learningRate: rate, mainLoss } = subject.names;
  // Calm at first, then far too fast: the best report is the last calm one.
  const learningRate = (done: number) => (done < 0.4 ? 0.01 : 2);
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
  const each = Array.from({ length: reports }, (_, report) => `${report} loss,${mainLoss}`);
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

/** Registers the tests of this feature. */
export const checkCallbacks = check;
