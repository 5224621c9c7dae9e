/** Checks of randomness: all of it comes from the seed. */
import assert from 'node:assert/strict';
import { inAnotherProcess } from '../helpers/child.js';
import { groups } from '../helpers/data.js';
import { type Check, embeddingOf, fitted, mapFrom, titleOf } from './subject.js';

export const repeatChecks: Readonly<Record<string, Check>> = {
  async 'the same seed makes the same map to the last bit'(subject) {
    for (const seed of [5, 'word']) {
      const options = { [subject.names.seed]: seed };
      assert.deepEqual(await mapFrom(subject, options), await mapFrom(subject, options));
    }
  },

  async 'another seed makes another map'(subject) {
    const { seed } = subject.names;
    assert.notDeepEqual(await mapFrom(subject, { [seed]: 5 }), await mapFrom(subject, { [seed]: 6 }));
  },

  async 'another process makes the same map, and prints nothing'(subject) {
    const options = { ...subject.quick, ...subject.inverse, [subject.names.seed]: 5 };
    const { map, printed } = await inAnotherProcess({ title: titleOf(subject), options });
    assert.deepEqual(map, await mapFrom(subject, options));
    assert.equal(printed, '');
  },

  async 'a whole life never asks Math.random'(subject) {
    const wanted = await mapFrom(subject, subject.inverse);
    const original = Math.random;
    Math.random = () => {
      throw new Error('Math.random was called');
    };
    try {
      const estimator = await fitted(subject, subject.inverse);
      assert.deepEqual(await embeddingOf(estimator, groups()), wanted);
      const map = await estimator.transform(groups());
      if (subject.traits.decoder) await estimator.inverseTransform(map);
      await estimator.fit(groups());
      estimator.dispose();
    } finally {
      Math.random = original;
    }
  },

  async 'numbers drawn elsewhere change nothing'(subject) {
    const original = Math.random;
    Math.random = () => 0.25;
    try {
      const constant = await mapFrom(subject);
      Math.random = () => 0.75;
      assert.deepEqual(await mapFrom(subject), constant);
    } finally {
      Math.random = original;
    }
  },
};
