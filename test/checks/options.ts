/** Checks of options: complete, copied, refused by name. */
import assert from 'node:assert/strict';
import { DataError, OptionError } from '../../src/core/errors.js';
import { saying } from '../helpers/assert.js';
import { groups } from '../helpers/data.js';
import type { Options } from './estimator.js';
import { type Check, embeddingOf, fitted, mapFrom, needs, quickly, type Subject } from './subject.js';

/** The options that every subject names. */
function optionNames({ names: { mainLoss: _, ...options } }: Subject): string[] {
  return Object.values(options);
}

/** A name with one wrong letter. */
const misspelled = (name: string) => `${name.slice(0, -2)}s${name.slice(-1)}`;

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export const optionChecks: Readonly<Record<string, Check>> = {
  async 'options are complete and frozen, and make an equal estimator'(subject) {
    const estimator = await fitted(subject);
    const clone = subject.create(estimator.options as Record<string, unknown>);
    assert.ok(Object.isFrozen(estimator.options));
    for (const name of Object.keys(subject.quick)) assert.ok(name in estimator.options, name);
    assert.deepEqual(clone.options, estimator.options);
    await clone.fit(groups());
    assert.deepEqual(await embeddingOf(clone, groups()), await embeddingOf(estimator, groups()));
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

  async 'user-supplied options are neither changed nor kept'(subject) {
    const { seed } = subject.names;
    const options = Object.freeze({ ...subject.quick, ...subject.inverse, [seed]: 7 });
    const copy = structuredClone(options);
    const estimator = subject.create(options);
    await estimator.fit(groups());
    assert.deepEqual(options, copy);
    const changed: Record<string, unknown> = { ...subject.quick, [seed]: 7 };
    const other = subject.create(changed);
    changed[seed] = 8;
    assert.equal((other.options as Options)[seed], 7);
    estimator.dispose();
  },

  async 'an option left undefined takes its default'(subject) {
    const { seed } = subject.names;
    const plain = subject.create({}).options as Options;
    const given = subject.create({ [seed]: undefined }).options as Options;
    assert.equal(given[seed], plain[seed]);
    assert.notEqual(plain[seed], undefined);
  },

  async 'an unknown option is refused with the likely name'(subject) {
    for (const name of optionNames(subject)) {
      const typo = misspelled(name);
      assert.throws(
        () => subject.create({ [typo]: 4 }),
        saying(OptionError, subject.name, `'${typo}'`, `'${name}'`),
      );
    }
    assert.throws(
      () => subject.create({ qqqqqqqqqq: 4 }),
      saying(OptionError, "'qqqqqqqqqq'", subject.names.seed),
    );
  },

  async 'a snake_case option is refused with its camelCase name'(subject) {
    for (const name of optionNames(subject).filter((option) => snakeCase(option) !== option)) {
      const snake = snakeCase(name);
      assert.throws(() => subject.create({ [snake]: 4 }), saying(OptionError, `'${snake}'`, `'${name}'`));
    }
    assert.throws(
      () => subject.create({ random_state: 4 }),
      saying(OptionError, "'random_state'", `'${subject.names.seed}'`),
    );
  },

  async 'a value out of range is refused with the range and the value'(subject) {
    const { batchSize, dimensions, learningRate } = subject.names;
    for (const size of [0, 1.5, '16', Number.NaN, -3]) {
      assert.throws(
        () => subject.create({ [batchSize]: size }),
        saying(OptionError, batchSize, /integer of at/),
      );
    }
    assert.throws(() => subject.create({ [learningRate]: -1 }), saying(OptionError, learningRate, 'got -1'));
    assert.throws(() => subject.create({ [dimensions]: 0 }), saying(OptionError, dimensions, 'got 0'));
    assert.throws(
      () => subject.create([] as unknown as Record<string, unknown>),
      saying(OptionError, 'array'),
    );
  },

  async 'every number of dimensions asked for is what comes out'(subject) {
    for (const columns of [1, 3]) {
      const estimator = await fitted(subject, { [subject.names.dimensions]: columns });
      const map = await estimator.transform(groups());
      assert.deepEqual([map.length, map[0]!.length], [60, columns]);
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

  'the learning rate acts': needs(['batches'], async (subject) => {
    const slow = await mapFrom(subject, { [subject.names.learningRate]: 1e-9 });
    assert.notDeepEqual(slow, await mapFrom(subject));
  }),
};
