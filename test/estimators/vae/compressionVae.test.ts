/** The options of the variational autoencoder, one by one, and what it promises. `test/checks` holds what all estimators must do. */
import assert from 'node:assert/strict';
import { readdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../../src/backend/choose.js';
import { DataError, OptionError } from '../../../src/core/errors.js';
import type {
  CompressionVAEOptions,
  GivenCompressionVAEOptions,
} from '../../../src/estimators/vae/options.js';
import { defaultWidths } from '../../../src/estimators/vae/widths.js';
import { CompressionVAE, load } from '../../../src/index.js';
import { assertFinite, saying } from '../../helpers/assert.js';
import { groups } from '../../helpers/data.js';
import { withDirectory } from '../../helpers/files.js';
import { greys, images } from '../../helpers/fixtures.js';
import { compressionVae, vampPriorVae } from '../../subjects/compressionVae.js';

await useBackend();

const rows = groups();
const X = greys.slice(0, 200);

async function embeddingOf(options: GivenCompressionVAEOptions): Promise<number[][]> {
  const vae = new CompressionVAE({ ...compressionVae.quick, ...options });
  const z = await vae.fitTransform(rows);
  vae.dispose();
  return z;
}

/** A value of each option that must change the embedding of the quick fit; `elsewhere` where it takes more than that. */
const acting: { readonly [K in keyof CompressionVAEOptions]: CompressionVAEOptions[K] | 'elsewhere' } = {
  dimLatent: 3,
  iafFlowLength: 2,
  cellsEncoder: [8, 8],
  likelihood: 'learnedGaussian',
  klWeight: 0.1,
  freeBits: 5,
  prior: 'vamp',
  pseudoInputs: 'elsewhere', // below, with the prior
  featureNormalization: false,
  initializer: 'lecun_normal',
  encoder: 'elsewhere',
  decoder: 'elsewhere',
  dims: 'elsewhere',
  dropoutKeepProb: 0.5,
  batchSize: 10,
  batchSizeTest: 'elsewhere', // changes time and memory only
  trainValidSplit: 0.8,
  learningRate: 0.003,
  numSteps: 50,
  testEvery: 'elsewhere', // the schedule reads it
  lrScheduling: 'elsewhere',
  lrSchedulingSteps: 'elsewhere',
  lrSchedulingFactor: 'elsewhere',
  lrSchedulingMin: 'elsewhere',
  optimizer: 'sgd',
  momentum: 'elsewhere',
  weightDecay: 3,
  clipValue: 1e-4,
  callbacks: 'elsewhere',
  seed: 1,
  backend: 'elsewhere',
  verbose: 'elsewhere',
  logdir: 'elsewhere', // below
  tbLogging: 'elsewhere',
  checkpoint: 'elsewhere',
};

test('every option changes the embedding', async () => {
  const plain = await embeddingOf({});
  for (const [name, value] of Object.entries(acting)) {
    if (value === 'elsewhere') continue;
    assert.notDeepEqual(await embeddingOf({ [name]: value }), plain, name);
  }
  const vamp = { prior: 'vamp' } as const;
  assert.notDeepEqual(
    await embeddingOf({ ...vamp, pseudoInputs: 3 }),
    await embeddingOf({ ...vamp, pseudoInputs: 4 }),
  );
});

test('a test that no longer improves lowers the rate, ends the training, and the best weights are kept', async () => {
  const vae = new CompressionVAE({
    ...{ numSteps: 4000, testEvery: 10, cellsEncoder: [16, 16], likelihood: 'gaussian', iafFlowLength: 0 },
    ...{ learningRate: 0.02, lrSchedulingSteps: 3, lrSchedulingFactor: 10, lrSchedulingMin: 1e-3 },
  });
  const rates: number[] = [];
  let steps = 0;
  for await (const { learningRate, step } of vae.steps(X)) {
    rates.push(learningRate);
    steps = step;
  }
  assert.ok(steps < 4000, `${steps} steps`);
  assert.equal(rates[0], 0.02);
  assert.ok(rates.includes(0.002));
  const { valLoss } = vae.history;
  const best = Math.min(...valLoss!);
  assert.ok(best < valLoss!.at(-1)!, 'the last test is not the best one');
  // The weights that were kept give the best test again, in a fit that hardly moves them.
  const again = new CompressionVAE({ ...vae.options });
  again.dispose();
  const continued = await CompressionVAE.fromArtifact(await loaded(vae), {
    learningRate: 1e-12,
    numSteps: 10,
  });
  await continued.fit(X);
  const [first] = continued.history.valLoss!.slice(valLoss!.length);
  assert.ok(Math.abs(first! - best) < 0.1 * Math.abs(best), `${first} against ${best}`);
  vae.dispose();
  continued.dispose();
});

async function loaded(vae: CompressionVAE) {
  const { fromFiles, toFiles } = await import('../../../src/index.js');
  const files = await toFiles(await vae.toArtifact());
  return fromFiles(async (name) => files.get(name)!);
}

test('300 digits: the held-out loss falls well below the 32 nats of the mean row, and both dimensions are active', async () => {
  const vae = new CompressionVAE({ likelihood: 'gaussian', numSteps: 1500, testEvery: 50, seed: 3 });
  await vae.fit(greys);
  const best = Math.min(...vae.history.valLoss!);
  assert.ok(best < 30, `${best} nats`);
  assert.equal(vae.history.activeDimensions!.at(-1), 2);
  vae.dispose();
});

test('the bound is below the log-likelihood, and new rows have densities and posteriors', async () => {
  for (const subject of [compressionVae, vampPriorVae]) {
    const vae = subject.create({ ...subject.brief, iafFlowLength: 2 }) as CompressionVAE;
    await vae.fit(X);
    const bound = mean(await vae.elbo(X, { samples: 50 }));
    const likelihood = mean(await vae.logLikelihood(X, { samples: 50 }));
    assert.ok(bound < likelihood, `${bound} against ${likelihood}`);
    const few = mean(await vae.logLikelihood(X, { samples: 1 }));
    assert.ok(few < likelihood, `${few} against ${likelihood}`);
    const { mean: center, variance } = await vae.posterior(X.slice(0, 5));
    assertFinite(center.flat());
    assert.ok(variance.flat().every((value) => value > 0));
    assert.deepEqual(await vae.sample(4), await vae.sample(4));
    assert.notDeepEqual(await vae.sample(4), await vae.sample(4, { seed: 'other' }));
    vae.dispose();
  }
});

test('a saved model keeps likelihood, prior and densities, and load finds its class', async () => {
  const vae = vampPriorVae.create(vampPriorVae.brief) as CompressionVAE;
  await vae.fit(X);
  await withDirectory(async (directory) => {
    await vae.save(directory);
    const again = await load(directory);
    assert.ok(again instanceof CompressionVAE);
    assert.deepEqual(await again.logLikelihood(X.slice(0, 9)), await vae.logLikelihood(X.slice(0, 9)));
    assert.deepEqual(await again.sample(3), await vae.sample(3));
    await again.fit(X);
    again.dispose();
  });
  vae.dispose();
});

test('logdir: a fit that was left goes on in a directory that was moved, with the same bits, and logs for TensorBoard', async () => {
  const options = { ...compressionVae.quick, seed: 5 };
  const whole = new CompressionVAE(options);
  const expected = await whole.fitTransform(X);
  whole.dispose();
  await withDirectory(async (directory) => {
    const [first, moved] = ['first', 'moved'].map((name) => path.join(directory, name)) as [string, string];
    const left = new CompressionVAE({ ...options, logdir: first, tbLogging: true });
    const signal = new AbortController();
    await assert.rejects(async () => {
      for await (const { epoch } of left.steps(X, null, { signal: signal.signal })) {
        if (epoch === 1) signal.abort(new Error('killed'));
      }
    }, /killed/);
    left.dispose();
    await rename(first, moved);
    await writeFile(path.join(moved, 'notes.txt'), 'mine');
    const resumed = new CompressionVAE({ ...options, logdir: moved });
    const reports: number[] = [];
    for await (const { epoch } of resumed.steps(X)) reports.push(epoch);
    assert.deepEqual(reports, [2, 3]);
    assert.deepEqual(await resumed.transform(X), expected);
    // Fitting once more begins a second fit, not the first one again.
    await resumed.fit(X);
    assert.equal(resumed.history.loss!.length, 8);
    const files = await readdir(moved);
    assert.ok(files.some((file) => file.startsWith('events.out.tfevents')));
    assert.ok(files.includes('notes.txt'));
    const other = new CompressionVAE({ ...options, dimLatent: 3, logdir: moved });
    await assert.rejects(other.fit(X), saying(OptionError, 'resume: expected the fit', 'dimLatent'));
    await other.fit(X, null, { resume: false });
    for (const each of [resumed, other]) each.dispose();
  });
});

test('networks of the user: a convolution in front, a decoder of images', async () => {
  const encoder = tf.sequential({
    layers: [
      tf.layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, activation: 'relu', inputShape: [8, 8, 1] }),
      tf.layers.flatten(),
    ],
  });
  const decoder = tf.sequential({
    layers: [
      tf.layers.dense({ units: 32, activation: 'relu', inputShape: [2] }),
      tf.layers.dense({ units: 64 }),
      tf.layers.reshape({ targetShape: [8, 8, 1] }),
    ],
  });
  const before = tf.memory().numTensors;
  const vae = new CompressionVAE({ encoder, decoder, numSteps: 20, testEvery: 10 });
  const z = await vae.fitTransform(images.slice(0, 120));
  assertFinite(z.flat());
  const back = (await vae.inverseTransform(z)) as unknown as number[][][][];
  assert.deepEqual([back.length, back[0]!.length, back[0]![0]!.length], [120, 8, 8]);
  vae.dispose();
  assert.equal(tf.memory().numTensors, before);
  // They are still the user's.
  encoder.predict(tf.zeros([1, 8, 8, 1]));
  encoder.dispose();
  decoder.dispose();
});

test('what the first fit refuses, later calls refuse too', async () => {
  const vae = new CompressionVAE({ ...compressionVae.quick, likelihood: 'auto' });
  await vae.fit(X);
  const wide = X.map((row) => row.map((value) => 16 * value));
  const refused = (call: () => Promise<unknown>, caller: string) =>
    assert.rejects(
      call,
      saying(DataError, `${caller}: expected values from 0 to 1 for likelihood 'bernoulli'`),
    );
  await refused(() => vae.fit(wide), 'fit');
  await refused(() => vae.fit(X, null, { validation: wide }), 'fit: held-out rows');
  await refused(() => vae.elbo(wide), 'elbo');
  await refused(() => vae.logLikelihood(wide), 'logLikelihood');
  for (const count of [0, 1.5, undefined as unknown as number]) {
    await assert.rejects(
      vae.sample(count),
      saying(OptionError, 'sample: count: expected an integer of at least 1'),
    );
  }
  const artifact = await loaded(vae);
  for (const [name, value] of Object.entries({
    prior: 'vamp',
    dimLatent: 3,
    cellsEncoder: [3],
    likelihood: 'gaussian',
  })) {
    await assert.rejects(
      CompressionVAE.fromArtifact(artifact, { [name]: value }),
      saying(OptionError, `load: ${name}: expected`, 'which the saved model was made with'),
    );
  }
  vae.dispose();
});

test('widths follow one rule without degenerate cases', () => {
  assert.deepEqual(defaultWidths(784, 2), [512, 256, 128]);
  assert.deepEqual(defaultWidths(64, 2), [64, 32, 32]);
  assert.deepEqual(defaultWidths(1, 2), [64, 32, 32]);
  assert.deepEqual(defaultWidths(784, 128), [512, 256, 256]);
  for (const columns of [1, 3, 10, 100, 20000]) {
    for (const dimensions of [1, 2, 16, 128]) {
      const widths = defaultWidths(columns, dimensions);
      assert.ok(
        widths.every((width, i) => width >= 32 && width <= 1024 && (i === 0 || width <= widths[i - 1]!)),
      );
    }
  }
});

test('wrong options, rows and targets are named', async () => {
  const refused = (options: object, text: string) =>
    assert.throws(() => new CompressionVAE(options), saying(OptionError, text));
  refused({ klWeight: { warmUp: 2 } }, 'klWeight: expected a number');
  refused({ klWeight: { target: -1 } }, 'klWeight');
  refused({ pseudoInputs: 10 }, "pseudoInputs: expected prior 'vamp'");
  refused({ trainValidSplit: 0.1 }, 'trainValidSplit');
  refused({ lrScheduling: false, lrSchedulingSteps: 8 }, 'lrSchedulingSteps');
  refused({ logdir: '' }, 'logdir: expected');
  refused({ logdir: 'here', checkpoint: { path: 'there' } }, 'logdir: expected no checkpoint');
  refused({ tbLogging: true }, 'tbLogging: expected a logdir');
  refused({ nComponents: 2 }, "'dimLatent'");
  refused({ random_state: 1 }, "'seed'");
  const bernoulli = new CompressionVAE({ likelihood: 'bernoulli' });
  await assert.rejects(
    bernoulli.fit([
      [0.5, 1],
      [3, 0],
      [0, 1],
    ]),
    saying(DataError, 'got 3 in row 1, column 0'),
  );
  await assert.rejects(bernoulli.fit([[1, 2], [2]] as number[][]), DataError);
});

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value / values.length, 0);
}
