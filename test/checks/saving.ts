/** Checks of saved models: the same map, here and elsewhere, and the same future. */
import assert from 'node:assert/strict';
import { readdir, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { fromFiles, toFiles } from '../../src/artifact/artifact.js';
import { ArtifactError } from '../../src/core/errors.js';
import { inAnotherProcess } from '../helpers/child.js';
import { groups } from '../helpers/data.js';
import { withDirectory } from '../helpers/files.js';
import { type Check, embeddingOf, fitted, titleOf } from './subject.js';

export const savingChecks: Readonly<Record<string, Check>> = {
  async 'a loaded model is the saved one, to the last bit'(subject) {
    const before = tf.memory().numTensors;
    await withDirectory(async (directory) => {
      const estimator = await fitted(subject, subject.inverse);
      const held = tf.memory().numTensors;
      await estimator.save(path.join(directory, 'model'));
      assert.equal(tf.memory().numTensors, held);
      const loaded = await subject.load(path.join(directory, 'model'));
      const map = await estimator.transform(groups());
      assert.deepEqual(await loaded.transform(groups()), map);
      if (subject.traits.decoder) {
        assert.deepEqual(await loaded.inverseTransform(map), await estimator.inverseTransform(map));
      }
      assert.deepEqual(loaded.options, estimator.options);
      assert.deepEqual(structuredClone(loaded.history), structuredClone(estimator.history));
      estimator.dispose();
      assert.deepEqual(await loaded.transform(groups()), map);
      loaded.dispose();
    });
    assert.equal(tf.memory().numTensors, before);
  },

  async 'a moved model loads in another process, and trains on there as here'(subject) {
    await withDirectory(async (directory) => {
      const estimator = await fitted(subject);
      await estimator.save(path.join(directory, 'model'));
      const moved = path.join(directory, 'elsewhere');
      await rename(path.join(directory, 'model'), moved);
      const title = titleOf(subject);
      const [there, trained] = await Promise.all([
        inAnotherProcess({ title, load: moved }),
        inAnotherProcess({ title, load: moved, fit: true }),
      ]);
      assert.deepEqual(there.map, await embeddingOf(estimator, groups()));
      assert.equal(there.printed, '');
      await estimator.fit(groups());
      assert.deepEqual(trained.map, await embeddingOf(estimator, groups()));
      estimator.dispose();
    });
  },

  async 'training goes on after loading as it would have without'(subject) {
    await withDirectory(async (directory) => {
      const estimator = await fitted(subject, subject.inverse);
      await estimator.fit(groups());
      await estimator.save(path.join(directory, 'model'));
      const loaded = await subject.load(path.join(directory, 'model'));
      const rows = subject.traits.newRows ? groups(50, 6, 'more') : groups();
      for (const each of [estimator, loaded]) await each.fit(rows);
      assert.deepEqual(await embeddingOf(loaded, groups()), await embeddingOf(estimator, groups()));
      assert.deepEqual(structuredClone(loaded.history), structuredClone(estimator.history));
      estimator.dispose();
      loaded.dispose();
    });
  },

  async 'a model goes through files in memory and comes back the same'(subject) {
    const before = tf.memory().numTensors;
    const estimator = await fitted(subject, subject.inverse);
    const files = await toFiles(await estimator.toArtifact());
    const artifact = await fromFiles(async (name) => files.get(name)!, { kind: subject.name });
    const loaded = await subject.fromArtifact(artifact);
    assert.deepEqual(loaded.options, estimator.options);
    for (let fits = 0; fits < 2; fits++) {
      assert.deepEqual(await embeddingOf(loaded, groups()), await embeddingOf(estimator, groups()));
      for (const each of [estimator, loaded]) await each.fit(groups());
    }
    estimator.dispose();
    loaded.dispose();
    assert.equal(tf.memory().numTensors, before);
  },

  async 'saving again, and saving what was loaded, writes the same bytes'(subject) {
    await withDirectory(async (directory) => {
      const estimator = await fitted(subject, subject.inverse);
      const [first, second, third] = ['first', 'second', 'third'].map((name) => path.join(directory, name));
      await estimator.save(first!);
      await estimator.save(second!);
      await estimator.save(second!);
      const loaded = await subject.load(first!);
      await loaded.save(third!);
      const bytes = await contents(first!);
      assert.ok(bytes.size >= 3);
      assert.deepEqual(await contents(second!), bytes);
      assert.deepEqual(await contents(third!), bytes);
      estimator.dispose();
      loaded.dispose();
    });
  },

  async 'loading what is not there, or was left unfinished, is an error that leaves nothing behind'(subject) {
    const before = tf.memory().numTensors;
    await withDirectory(async (directory) => {
      await assert.rejects(subject.load(path.join(directory, 'nothing')), ArtifactError);
      await assert.rejects(subject.load(directory), ArtifactError);
    });
    assert.equal(tf.memory().numTensors, before);
  },
};

/** Every file below a directory, as text that can be compared. */
async function contents(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((e) => path.join(e.parentPath, e.name));
  const all = files.sort().map(async (file) => {
    return [path.relative(directory, file), (await readFile(file)).toString('base64')] as const;
  });
  return new Map(await Promise.all(all));
}
