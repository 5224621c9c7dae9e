/** Optimizers and learning rates of `ParametricUMAP`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { fromFiles, toFiles } from '../../../src/artifact/artifact.js';
import { useBackend } from '../../../src/backend/choose.js';
import { ArtifactError, OptionError } from '../../../src/core/errors.js';
import type { GivenUMAPOptions } from '../../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../../src/estimators/umap/parametricUmap.js';
import { saying } from '../../helpers/assert.js';
import { groups } from '../../helpers/data.js';
import { quick } from '../../subjects/parametricUmap.js';

await useBackend();

const rows = groups();

async function mapOf(options: GivenUMAPOptions) {
  const umap = new ParametricUMAP({ ...quick, ...options });
  const map = await umap.fitTransform(rows);
  umap.dispose();
  return map;
}

async function reread(umap: ParametricUMAP) {
  const files = await toFiles(await umap.toArtifact());
  return fromFiles(async (name) => files.get(name)!, { kind: 'ParametricUMAP' });
}

test('the defaults are what they say', async () => {
  const plain = await mapOf({});
  const spelled = { optimizer: 'adam', learningRateDecay: 'constant', warmUp: 0, weightDecay: 0 } as const;
  assert.deepEqual(await mapOf(spelled), plain);
  assert.notDeepEqual(await mapOf({ optimizer: 'sgd' }), plain);
  assert.deepEqual(await mapOf({ optimizer: 'sgd', momentum: 0 }), await mapOf({ optimizer: 'sgd' }));
  assert.notDeepEqual(await mapOf({ optimizer: 'sgd', momentum: 0.9 }), await mapOf({ optimizer: 'sgd' }));
});

test('reports tell the rate that decay and warm-up make', async () => {
  const ratesOf = async (options: GivenUMAPOptions) => {
    const umap = new ParametricUMAP({ ...quick, nEpochs: 20, ...options });
    const rates: number[] = [];
    for await (const { learningRate } of umap.steps(rows)) rates.push(learningRate);
    umap.dispose();
    return rates;
  };
  const linear = await ratesOf({ learningRateDecay: 'linear' });
  const falls = linear.slice(1).map((rate, i) => linear[i]! - rate);
  assert.ok(
    falls.every((fall) => Math.abs(fall - 0.001) < 4e-4),
    String(linear),
  );
  const warm = await ratesOf({ learningRateDecay: 'constant', warmUp: 0.5 });
  assert.ok(warm[1]! < 0.005 && warm[2]! < warm[3]! && warm[5] === 0.01 && warm[9] === 0.01, String(warm));
});

for (const [name, options] of Object.entries({
  'SGD with momentum': { optimizer: 'sgd', momentum: 0.9 },
  'SGD without': { optimizer: 'sgd' },
  'Adam with weight decay': { optimizer: 'adam', weightDecay: 0.1 },
} satisfies Record<string, GivenUMAPOptions>)) {
  test(`${name}: a saved model trains on with the same bits`, async () => {
    const before = tf.memory().numTensors;
    const umap = new ParametricUMAP({ ...quick, ...options });
    await umap.fit(rows);
    const saved = await reread(umap);
    const loaded = await ParametricUMAP.fromArtifact(saved);
    assert.deepEqual(loaded.options, umap.options);
    for (const each of [umap, loaded]) await each.fit(rows);
    assert.deepEqual(await loaded.transform(rows), await umap.transform(rows));
    umap.dispose();
    loaded.dispose();
    // Another optimizer starts anew.
    const changed = await ParametricUMAP.fromArtifact(saved, { optimizer: null, momentum: 0 });
    await changed.fit(rows);
    changed.dispose();
    assert.equal(tf.memory().numTensors, before);
  });
}

test('a saved optimizer of an unknown kind is refused', async () => {
  const umap = new ParametricUMAP({ ...quick, optimizer: 'sgd', momentum: 0.9 });
  await umap.fit(rows);
  const { optimizer, ...tables } = (await umap.toArtifact()).tables;
  const state = { ...(optimizer!.state as object), kind: 'lion' };
  const artifact = {
    ...(await umap.toArtifact()),
    tables: { ...tables, optimizer: { ...optimizer!, state } },
  };
  const files = await toFiles(artifact);
  const damaged = await fromFiles(async (file) => files.get(file)!, { kind: 'ParametricUMAP' });
  await assert.rejects(ParametricUMAP.fromArtifact(damaged), saying(ArtifactError, 'optimizer.kind', 'lion'));
  umap.dispose();
});

test('options that would not act together are refused by name', () => {
  const refused = (options: GivenUMAPOptions, ...parts: string[]) =>
    assert.throws(() => new ParametricUMAP(options), saying(OptionError, 'ParametricUMAP', ...parts));
  const falling = (done: number) => 1 - done;
  const optimizer = tf.train.sgd(1);
  refused({ momentum: 0.9 }, 'momentum', "'sgd'", 'Adam');
  refused({ momentum: 0.9, optimizer }, 'momentum', 'tf.Optimizer');
  refused({ learningRateDecay: 'linear', learningRate: falling }, 'learningRateDecay', 'a function');
  refused({ warmUp: 0.1, learningRate: falling }, 'warmUp', 'a function');
  refused({ warmUp: 0.1, optimizer }, 'warmUp', 'tf.Optimizer');
  refused({ learningRateDecay: 'cosine', optimizer }, 'learningRateDecay', 'tf.Optimizer');
  refused({ weightDecay: 0.1, optimizer }, 'weightDecay', 'tf.Optimizer');
  optimizer.dispose();
});
