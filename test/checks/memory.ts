/** Checks of memory: no step of an estimator's life leaves a tensor behind. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { flat, groups } from '../helpers/data.js';
import { type Check, fitted, quickly } from './subject.js';

export const memoryChecks: Readonly<Record<string, Check>> = {
  async 'making an estimator makes no tensor'(subject) {
    const before = tf.memory().numTensors;
    subject.create({});
    quickly(subject, subject.inverse);
    assert.equal(tf.memory().numTensors, before);
  },

  async 'transform leaves no tensor behind'(subject) {
    const estimator = await fitted(subject, subject.inverse);
    const held = tf.memory().numTensors;
    const map = await estimator.transform(groups());
    if (subject.traits.newRows) await estimator.transform(flat(groups()), { batchSize: 7 });
    await assert.rejects(estimator.transform(groups(3, 2)));
    if (subject.traits.decoder) {
      await estimator.inverseTransform(map);
      await assert.rejects(estimator.inverseTransform(groups(3, 5)));
    }
    const tensor = tf.tensor2d(groups());
    const embedding = await estimator.transform(tensor);
    tf.dispose([tensor, embedding]);
    assert.equal(tf.memory().numTensors, held);
    estimator.dispose();
  },

  async 'a second fit holds no more than the first'(subject) {
    const before = tf.memory().numTensors;
    const estimator = await fitted(subject, subject.inverse);
    const held = tf.memory();
    for (let i = 0; i < 2; i++) await estimator.fit(groups());
    assert.equal(tf.memory().numTensors, held.numTensors);
    assert.equal(tf.memory().numBytes, held.numBytes);
    for await (const { epoch } of estimator.steps(groups())) if (epoch === 1) break;
    assert.equal(tf.memory().numTensors, held.numTensors);
    estimator.dispose();
    assert.equal(tf.memory().numTensors, before);
  },

  async 'the tensors held do not grow with the steps'(subject) {
    const estimator = quickly(subject);
    const counts = new Set<number>();
    for await (const _ of estimator.steps(groups())) counts.add(tf.memory().numTensors);
    assert.equal(counts.size, 1, `tensors at the reports: ${[...counts].join(', ')}`);
    estimator.dispose();
  },
};
