/** Checks of an estimator's life: before, between and after fits, and beside others. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { NotFittedError, OptionError } from '../../src/core/errors.js';
import { farthest, saying } from '../helpers/assert.js';
import { groups } from '../helpers/data.js';
import type { Estimator } from './estimator.js';
import { type Check, embeddingOf, fitted, mapFrom, needs, quickly, type Subject } from './subject.js';

/** A rate so low that no weight changes. */
const still = ({ names }: Subject) => ({ [names.learningRate]: 1e-30 });

/** Two different seeds. */
const seeds = ({ names }: Subject) => [{ [names.seed]: 1 }, { [names.seed]: 2 }] as const;

/** Whatever needs a fitted estimator. */
const requests: Readonly<Record<string, (estimator: Estimator) => Promise<unknown>>> = {
  transform: (estimator) => estimator.transform(groups()),
  inverseTransform: (estimator) => estimator.inverseTransform([[0, 0]]),
  save: (estimator) => estimator.save('never-written'),
  history: async (estimator) => estimator.history,
};

/** Those that a subject has. */
const requestsOf = ({ traits }: Subject) =>
  Object.entries(requests).filter(([name]) => name !== 'inverseTransform' || traits.decoder);

export const lifeChecks: Readonly<Record<string, Check>> = {
  async 'before the first fit, whatever needs one says so'(subject) {
    const estimator = quickly(subject, subject.inverse);
    for (const [name, use] of requestsOf(subject)) {
      await assert.rejects(async () => use(estimator), saying(NotFittedError, name, subject.name, 'fit'));
    }
  },

  async 'fit returns the estimator'(subject) {
    const estimator = quickly(subject);
    assert.equal(await estimator.fit(groups()), estimator);
    estimator.dispose();
  },

  async 'fitTransform is fit, then transform'(subject) {
    const estimator = quickly(subject);
    const map = await estimator.fitTransform(groups());
    assert.deepEqual(await estimator.transform(groups()), map);
    assert.deepEqual(Float32Array.from(map.flat()), await mapFrom(subject));
    estimator.dispose();
  },

  async 'fit_transform and inverse_transform are aliases'(subject) {
    const estimator = quickly(subject, subject.inverse);
    const map = await estimator.fit_transform(groups());
    assert.deepEqual(await estimator.transform(groups()), map);
    if (subject.traits.decoder) await assertInverseAlias(estimator, map);
    estimator.dispose();
  },

  async 'steps reports every training, and fit drains it'(subject) {
    const estimator = quickly(subject);
    const stream = estimator.steps(groups());
    assert.throws(() => estimator.history, NotFittedError);
    let reports = 0;
    for await (const progress of stream) {
      assert.equal(progress.epoch, reports++);
      assert.ok(progress.step <= progress.steps && progress.epoch < progress.epochs);
      assert.ok(Object.values(progress.losses).every(Number.isFinite));
      assert.ok(progress.learningRate > 0);
    }
    assert.ok(reports >= 3);
    assert.equal(estimator.history.loss!.length, reports);
    assert.deepEqual(await embeddingOf(estimator, groups()), await mapFrom(subject));
    estimator.dispose();
  },

  async 'leaving steps early keeps what was learned'(subject) {
    const estimator = quickly(subject);
    for await (const { epoch } of estimator.steps(groups())) if (epoch === 1) break;
    assert.equal(estimator.history.loss!.length, 2);
    const early = await embeddingOf(estimator, groups());
    if (subject.traits.batches) {
      assert.ok(farthest(early, await mapFrom(subject, still(subject))) > 1e-3, 'something was learned');
    }
    assert.ok(farthest(early, await mapFrom(subject)) > 1e-3, 'not everything');
    await estimator.fit(groups());
    estimator.dispose();
  },

  async 'a second fit goes on with the same networks'(subject) {
    const estimator = await fitted(subject);
    const reports = estimator.history.loss!.length;
    const before = await embeddingOf(estimator, groups());
    const [first] = estimator.history.loss!;
    for await (const { losses } of estimator.steps(groups())) {
      assert.ok(losses.loss! < first!, 'where the first fit ended, not where it began');
      break;
    }
    assert.equal(estimator.history.loss!.length, reports + 1);
    const after = await embeddingOf(estimator, groups());
    assert.notDeepEqual(after, before);
    estimator.dispose();
  },

  'a second fit draws other numbers': needs(['batches'], async (subject) => {
    const estimator = await fitted(subject, still(subject));
    const before = await embeddingOf(estimator, groups());
    const reports = estimator.history.loss!.length;
    await estimator.fit(groups());
    const { loss } = estimator.history;
    assert.equal(loss!.length, 2 * reports);
    assert.ok(farthest(before, await embeddingOf(estimator, groups())) < 1e-3, 'nothing was learned');
    assert.ok(farthest(loss!.slice(0, reports), loss!.slice(reports)) > 1e-4, 'other draws, other losses');
    estimator.dispose();
  }),

  'a second fit may be on other rows': needs(['newRows'], async (subject) => {
    const estimator = await fitted(subject);
    await estimator.fit(groups(45, 6, 'other rows'));
    assert.equal((await estimator.transform(groups())).length, 60);
    estimator.dispose();
  }),

  async 'a second fit during the first is refused, and the first is unharmed'(subject) {
    const estimator = quickly(subject);
    const first = estimator.fit(groups());
    await assert.rejects(
      estimator.fit(groups()),
      saying(OptionError, 'expected an estimator that is not fitting, got one that is'),
    );
    await first;
    assert.deepEqual(await embeddingOf(estimator, groups()), await mapFrom(subject));
    estimator.dispose();
  },

  async 'two estimators that fit in turns fit as each does alone'(subject) {
    const [one, two] = seeds(subject);
    const [a, b] = [quickly(subject, one), quickly(subject, two)];
    const streams = [a.steps(groups()), b.steps(groups())];
    while (streams.length > 0) {
      for (const stream of [...streams]) {
        if ((await stream.next()).done) streams.splice(streams.indexOf(stream), 1);
      }
    }
    assert.deepEqual(await embeddingOf(a, groups()), await mapFrom(subject, one));
    assert.deepEqual(await embeddingOf(b, groups()), await mapFrom(subject, two));
    a.dispose();
    b.dispose();
  },

  async 'two estimators that fit at once fit as each does alone'(subject) {
    const [one, two] = seeds(subject);
    const [a, b] = [quickly(subject, one), quickly(subject, two)];
    await Promise.all([a.fit(groups()), b.fit(groups())]);
    assert.deepEqual(await embeddingOf(a, groups()), await mapFrom(subject, one));
    a.dispose();
    assert.deepEqual(await embeddingOf(b, groups()), await mapFrom(subject, two));
    b.dispose();
  },

  async 'dispose frees everything, may be called twice, and is final'(subject) {
    const before = tf.memory().numTensors;
    const estimator = await fitted(subject, subject.inverse);
    estimator.dispose();
    estimator.dispose();
    assert.equal(tf.memory().numTensors, before);
    for (const [, use] of requestsOf(subject)) {
      await assert.rejects(async () => use(estimator), saying(NotFittedError, 'disposed'));
    }
    await assert.rejects(estimator.fit(groups()), saying(NotFittedError, 'disposed'));
    quickly(subject).dispose();
    assert.equal(tf.memory().numTensors, before);
  },

  async 'disposal during a fit leaves nothing behind'(subject) {
    const before = tf.memory().numTensors;
    const estimator = quickly(subject);
    const run = async () => {
      for await (const { epoch } of estimator.steps(groups())) if (epoch === 1) estimator.dispose();
    };
    await assert.rejects(run(), saying(NotFittedError, 'disposed'));
    assert.equal(tf.memory().numTensors, before);
    await assert.rejects(estimator.transform(groups()), saying(NotFittedError, 'disposed'));
    const again = await fitted(subject);
    const stream = again.steps(groups());
    await stream.next();
    again.dispose();
    await assert.rejects(stream.next(), saying(NotFittedError, 'disposed'));
    assert.equal(tf.memory().numTensors, before);
  },
};

/** `inverse_transform` is `inverseTransform`: 60 rows of 6 come back from a map. */
async function assertInverseAlias(estimator: Estimator, map: number[][]): Promise<void> {
  const rows = await estimator.inverseTransform(map);
  assert.deepEqual([rows.length, rows[0]!.length], [60, 6]);
  assert.deepEqual(await estimator.inverse_transform(map), rows);
}
