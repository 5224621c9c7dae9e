/** Callbacks: our early stopping and those of TensorFlow.js. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { earlyStopping } from '../../src/index.js';
import { fitted, quickly } from '../checks/subject.js';
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

/** Registers the tests of this feature. */
export const checkCallbacks = check;
