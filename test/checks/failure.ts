/** Checks of fits that fail: the earlier model is whole, and no tensor is left. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { DataError, NotFittedError } from '../../src/core/errors.js';
import { saying } from '../helpers/assert.js';
import { groups } from '../helpers/data.js';
import type { Estimator } from './estimator.js';
import { type Check, embeddingOf, fitted, mapFrom, needs, quickly, type Subject } from './subject.js';

/** Ways to break a fit after some reports; each rejects with an error that says 'enough'. */
const breaks: Readonly<Record<string, (estimator: Estimator) => Promise<unknown>>> = {
  abort(estimator) {
    const controller = new AbortController();
    return (async () => {
      for await (const { epoch } of estimator.steps(groups(), null, { signal: controller.signal })) {
        if (epoch === 1) controller.abort(new Error('enough'));
      }
    })();
  },
  'abort before the start': (estimator) =>
    estimator.fit(groups(), null, { signal: AbortSignal.abort(new Error('enough')) }),
};

/** Runs `use` while a callback of the estimator throws when `armed`. */
function withCallback(subject: Subject, method: string) {
  const state = { armed: false };
  let calls = 0;
  const throwing = () => {
    if (state.armed && ++calls === 2) throw new Error('enough');
  };
  const once = () => {
    if (state.armed) throw new Error('enough');
  };
  const callback = { [method]: method.startsWith('onTrain') ? once : throwing };
  return { state, estimator: quickly(subject, { callbacks: [callback] }) };
}

/** The methods of callbacks that a subject calls. */
function momentsOf({ traits }: Subject): string[] {
  const batch = traits.batches ? ['onBatchBegin', 'onBatchEnd'] : [];
  return ['onTrainBegin', 'onEpochBegin', ...batch, 'onEpochEnd', 'onTrainEnd'];
}

export const failureChecks: Readonly<Record<string, Check>> = {
  async 'an aborted fit leaves the earlier model whole'(subject) {
    const tensors = tf.memory().numTensors;
    for (const [name, breakOff] of Object.entries(breaks)) {
      const estimator = await fitted(subject);
      const map = await embeddingOf(estimator, groups());
      const history = structuredClone(estimator.history);
      const held = tf.memory().numTensors;
      await assert.rejects(breakOff(estimator), /enough/, name);
      assert.equal(tf.memory().numTensors, held, name);
      assert.deepEqual(await embeddingOf(estimator, groups()), map, name);
      assert.deepEqual(structuredClone(estimator.history), history, name);
      await assertGoesOn(subject, estimator);
      estimator.dispose();
    }
    assert.equal(tf.memory().numTensors, tensors);
  },

  async 'an aborted first fit leaves an unfitted estimator that fits as a new one'(subject) {
    const tensors = tf.memory().numTensors;
    for (const [name, breakOff] of Object.entries(breaks)) {
      const estimator = quickly(subject);
      await assert.rejects(breakOff(estimator), /enough/, name);
      assert.equal(tf.memory().numTensors, tensors, name);
      await assert.rejects(estimator.transform(groups()), NotFittedError, name);
      await estimator.fit(groups());
      assert.deepEqual(await embeddingOf(estimator, groups()), await mapFrom(subject), name);
      estimator.dispose();
    }
  },

  'a callback that throws leaves the earlier model whole': needs(['callbacks'], async (subject) => {
    for (const method of momentsOf(subject)) {
      const { state, estimator } = withCallback(subject, method);
      await estimator.fit(groups());
      const map = await embeddingOf(estimator, groups());
      const held = tf.memory().numTensors;
      state.armed = true;
      await assert.rejects(estimator.fit(groups()), /enough/, method);
      state.armed = false;
      assert.equal(tf.memory().numTensors, held, method);
      assert.deepEqual(await embeddingOf(estimator, groups()), map, method);
      await assertGoesOn(subject, estimator);
      estimator.dispose();
    }
  }),

  'a callback that throws in the first fit leaves nothing behind': needs(['callbacks'], async (subject) => {
    const tensors = tf.memory().numTensors;
    for (const method of [...momentsOf(subject), 'setParams']) {
      const { state, estimator } = withCallback(subject, method);
      state.armed = true;
      if (method !== 'setParams') {
        await assert.rejects(estimator.fit(groups()), /enough/, method);
        await assert.rejects(estimator.transform(groups()), NotFittedError, method);
      }
      estimator.dispose();
      assert.equal(tf.memory().numTensors, tensors, method);
    }
    const setParams = () => {
      throw new Error('enough');
    };
    const estimator = quickly(subject, { callbacks: [{ setParams, setModel() {} }] });
    await assert.rejects(estimator.fit(groups()), /enough/);
    assert.equal(tf.memory().numTensors, tensors, 'setParams');
  }),

  async 'a fit refused for its rows leaves the earlier model whole'(subject) {
    const estimator = await fitted(subject);
    const map = await embeddingOf(estimator, groups());
    const held = tf.memory().numTensors;
    const broken = groups();
    broken[0]![0] = Number.NaN;
    for (const rows of [broken, groups(60, 3), [], groups(1)]) {
      await assert.rejects(estimator.fit(rows), saying(DataError, 'fit'));
    }
    assert.equal(tf.memory().numTensors, held);
    assert.deepEqual(await embeddingOf(estimator, groups()), map);
    await assertGoesOn(subject, estimator);
    estimator.dispose();
  },

  async 'a reader of steps that throws frees the fit, and what was learned is kept'(subject) {
    const tensors = tf.memory().numTensors;
    const estimator = quickly(subject);
    const run = async () => {
      for await (const { epoch } of estimator.steps(groups())) if (epoch === 1) throw new Error('enough');
    };
    await assert.rejects(run(), /enough/);
    assert.equal(estimator.history.loss!.length, 2);
    await estimator.transform(groups());
    estimator.dispose();
    assert.equal(tf.memory().numTensors, tensors);
  },
};

/** After a failure, one more fit is what it would have been without the failure, to the last bit. */
async function assertGoesOn(subject: Subject, estimator: Estimator): Promise<void> {
  await estimator.fit(groups());
  const other = await fitted(subject);
  await other.fit(groups());
  assert.deepEqual(await embeddingOf(estimator, groups()), await embeddingOf(other, groups()));
  other.dispose();
}
