/** Checks of options: complete, copied, refused by name. */
import assert from 'node:assert/strict';
import { DataError, OptionError } from '../../src/core/errors.js';
import { saying } from '../helpers/assert.js';
import { groups } from '../helpers/data.js';
import { type Check, fitted, mapFrom, places, quickly } from './subject.js';

export const optionChecks: Readonly<Record<string, Check>> = {
  async 'options are complete and frozen, and make an equal estimator'(subject) {
    const estimator = await fitted(subject);
    const clone = subject.create(estimator.options as Record<string, unknown>);
    assert.ok(Object.isFrozen(estimator.options));
    for (const name of Object.keys(subject.quick)) assert.ok(name in estimator.options, name);
    assert.deepEqual(clone.options, estimator.options);
    await clone.fit(groups());
    assert.deepEqual(await places(clone, groups()), await places(estimator, groups()));
    estimator.dispose();
    clone.dispose();
  },

  async 'a fit leaves the options as they were given'(subject) {
    const estimator = quickly(subject);
    const before = { ...estimator.options };
    await estimator.fit(groups());
    assert.deepEqual({ ...estimator.options }, before);
    estimator.dispose();
  },

  async "the caller's options are neither changed nor kept"(subject) {
    const options = Object.freeze({ ...subject.quick, ...subject.inverse, seed: 7 });
    const copy = structuredClone(options);
    const estimator = subject.create(options);
    await estimator.fit(groups());
    assert.deepEqual(options, copy);
    const changed: Record<string, unknown> = { ...subject.quick, seed: 7 };
    const other = subject.create(changed);
    changed.seed = 8;
    assert.equal((other.options as Record<string, unknown>).seed, 7);
    estimator.dispose();
  },

  async 'an option left undefined takes its default'(subject) {
    const { seed } = subject.create({}).options as Record<string, unknown>;
    const given = subject.create({ seed: undefined }).options as Record<string, unknown>;
    assert.equal(given.seed, seed);
    assert.notEqual(seed, undefined);
  },

  async 'an unknown option is refused with the likely name'(subject) {
    assert.throws(
      () => subject.create({ batchSise: 4 }),
      saying(OptionError, subject.name, "'batchSise'", "'batchSize'"),
    );
    assert.throws(() => subject.create({ qqqqqqqqqq: 4 }), saying(OptionError, "'qqqqqqqqqq'", 'seed'));
  },

  async 'a snake_case option is refused with its camelCase name'(subject) {
    assert.throws(
      () => subject.create({ batch_size: 4 }),
      saying(OptionError, "'batch_size'", "'batchSize'"),
    );
    assert.throws(() => subject.create({ random_state: 4 }), saying(OptionError, "'random_state'", "'seed'"));
  },

  async 'a value out of range is refused with the range and the value'(subject) {
    for (const batchSize of [0, 1.5, '16', Number.NaN, -3]) {
      assert.throws(() => subject.create({ batchSize }), saying(OptionError, 'batchSize', /integer of at/));
    }
    assert.throws(() => subject.create({ learningRate: -1 }), saying(OptionError, 'learningRate', 'got -1'));
    assert.throws(() => subject.create({ nComponents: 0 }), saying(OptionError, 'nComponents', 'got 0'));
    assert.throws(
      () => subject.create([] as unknown as Record<string, unknown>),
      saying(OptionError, 'array'),
    );
  },

  async 'every number of dimensions asked for is what comes out'(subject) {
    for (const nComponents of [1, 3]) {
      const estimator = await fitted(subject, { nComponents });
      const map = await estimator.transform(groups());
      assert.deepEqual([map.length, map[0]!.length], [60, nComponents]);
      estimator.dispose();
    }
  },

  async 'a fit takes its second argument for targets, not for settings'(subject) {
    const estimator = quickly(subject);
    await assert.rejects(estimator.fit(groups(), { signal: undefined } as unknown as null), (error) => {
      assert.ok(error instanceof DataError || error instanceof OptionError, String(error));
      return true;
    });
    await assert.rejects(
      estimator.fit(groups(), null, { signall: undefined } as object),
      saying(OptionError, "'signall'"),
    );
    await estimator.fit(groups(), null, {});
    estimator.dispose();
  },

  async 'learningRate acts'(subject) {
    const [calm, brisk] = [await mapFrom(subject, { learningRate: 1e-9 }), await mapFrom(subject)];
    assert.notDeepEqual(calm, brisk);
  },
};
