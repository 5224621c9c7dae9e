/**
 * The faults that were found in umap-learn's ParametricUMAP (0.5.12), and the check that this one does the right thing:
 * done here, or the title of a test that does it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { toFiles } from '../../src/artifact/artifact.js';
import { useBackend } from '../../src/backend/choose.js';
import { DataError, OptionError } from '../../src/core/errors.js';
import type { MatrixInput } from '../../src/data/matrix.js';
import type { ParametricUMAPOptions } from '../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../src/estimators/umap/parametricUmap.js';
import { refusals } from '../features/feature.js';
import { assertFinite, saying } from '../helpers/assert.js';
import { groups } from '../helpers/data.js';
import { read } from '../helpers/files.js';
import { parametricUmap, quick } from '../subjects/parametricUmap.js';

await useBackend();

const assertRefused = refusals(parametricUmap);

interface Fault {
  readonly number: number;
  readonly fault: string;
  /** `file: title` of the tests that cover it. */
  readonly covered?: readonly string[];
  readonly check?: () => Promise<void>;
}

const rows = groups();

async function fitted(options: Partial<ParametricUMAPOptions> = {}, X: MatrixInput = rows) {
  return new ParametricUMAP({ ...quick, ...options }).fit(X);
}

/** Rows on a ring, `columns` wide, whose neighbors are known without a search. */
function ring(count: number, columns: number) {
  const data = Float32Array.from({ length: count * columns }, (_, i) =>
    Math.sin((6.28 * Math.floor(i / columns)) / count + i),
  );
  const ids = Array.from({ length: count }, (_, i) => i);
  const near = (i: number) => [-2, -1, 1, 2].map((by) => (i + by + count) % count);
  const knn = { indices: ids.map(near), distances: ids.map(() => [2, 1, 1, 2]) };
  return { X: { data, shape: [count, columns] as const }, knn };
}

const faults: readonly Fault[] = [
  {
    number: 1,
    fault: 'the loss is not UMAP’s: without negatives it cannot fall below ln 2',
    covered: [
      'losses/umap: the mean equals the reference’s, on the host and in tensors',
      'losses/umap: each pair costs the same as in the reference',
    ],
    async check() {
      const umap = await fitted({ negativeSampleRate: 0, nEpochs: 20 });
      assert.ok(umap.history.umap!.at(-1)! < 0.3, `${umap.history.umap!.at(-1)}`);
      umap.dispose();
    },
  },
  {
    number: 2,
    fault: 'save fails on any fitted model',
    covered: ['checks/saving: a loaded model is the saved one, to the last bit'],
  },
  {
    number: 3,
    fault: 'serializing the object fails',
    covered: [
      'estimators/umap/artifact: all that a fit leaves comes back',
      'checks/saving: saving again, and saving what was loaded, writes the same bytes',
    ],
  },
  {
    number: 4,
    fault: 'a loaded model can transform, but neither train nor be saved',
    covered: [
      'checks/saving: training goes on after loading as it would have without',
      'checks/saving: a moved model loads in another process, and trains on there as here',
    ],
  },
  {
    number: 5,
    fault: 'NaN from coincident places, also on plain CPU with 2b <= 1',
    covered: ['losses/umap: coincident and distant points give finite values and gradients'],
    async check() {
      const twins = [...rows.slice(0, 20), ...rows.slice(0, 20), ...rows.slice(0, 20)];
      for (const b of [0.4, 0.5]) {
        const umap = await fitted({ a: 1, b }, twins);
        assertFinite(umap.history.loss!);
        assertFinite((await umap.transform(twins)).flat());
        umap.dispose();
      }
    },
  },
  {
    number: 6,
    fault: 'a landmark weight given later is ignored',
    covered: [
      'features/landmarks: a weight given later pulls as much as one given from the start',
      'features/landmarks: the weight is part of the sum, of the option or of the one fit, and acts at once',
    ],
  },
  {
    number: 7,
    fault: 'resetting the optimizer does nothing',
    covered: ['features/landmarks: resetting the optimizer resets it, and not resetting does not'],
  },
  {
    number: 8,
    fault: 'inverse_transform returns logits',
    covered: ['features/reconstruction: inverseTransform gives values in data space, never logits'],
  },
  {
    number: 9,
    fault: 'an exported encoder passes its output through a ReLU; only the default architecture exports',
    covered: ['features/encoders: saves, loads and goes on as it would have'],
    async check() {
      const umap = await fitted();
      const map = await umap.transform(rows);
      assert.ok(map.flat().some((value) => value < -0.1));
      const { networks } = await umap.toArtifact();
      const plain = await tf.loadLayersModel(tf.io.fromMemory(networks.encoder!));
      const places = tf.tidy(() => (plain.predict(tf.tensor2d(rows)) as tf.Tensor2D).arraySync());
      places.flat().forEach((value, i) => {
        assert.ok(Math.abs(value - map.flat()[i]!) < 1e-5);
      });
      plain.dispose();
      umap.dispose();
    },
  },
  {
    number: 10,
    fault: 'val_loss mixes in a loss against zeros, and fails beside the correlation term',
    covered: [
      'features/reconstruction: valLoss is the reconstruction loss of the held-out rows alone, and that of the main loss stands beside it',
      'training/validation: a loss is the mean over all held-out rows, or over the batches of pairs',
    ],
  },
  {
    number: 11,
    fault: 'unique=True misaligns landmarks in silence',
    async check() {
      await assertRefused({ options: { unique: true } }, saying(OptionError, "'unique'", 'drop them'));
      // Duplicates keep their own places in the list of landmarks: rows 20 to 39 are rows 0 to 19 once more.
      const twins = [...rows.slice(0, 20), ...rows.slice(0, 20)];
      const wanted = twins.map((_, i) => (i < 20 ? null : i % 3 === 0 ? [20, 0] : [-20, 0]));
      const umap = await new ParametricUMAP({ ...quick, nEpochs: 60, landmarkLossWeight: 5 }).fit(
        twins,
        null,
        {
          landmarkPositions: wanted,
        },
      );
      const map = await umap.transform(twins);
      wanted.forEach((place, i) => {
        if (place) assert.ok(Math.abs(map[i]![0]! - place[0]!) < 10, `row ${i} at ${map[i]} for ${place}`);
      });
      umap.dispose();
    },
  },
  {
    number: 12,
    fault: 'a clone loses the UMAP options, and fit writes over those of the constructor',
    covered: [
      'checks/options: options are complete and frozen, and make an equal estimator',
      'checks/options: a fit leaves the options as they were given',
    ],
  },
  {
    number: 13,
    fault: 'training never ends when there are fewer edges than ten batches',
    async check() {
      for (const options of [
        { nEpochs: 1, batchSize: 1000 },
        { nEpochs: 1, batchSize: 100_000 },
      ]) {
        const umap = await fitted({ ...options, nNeighbors: 15 }, groups(200));
        assert.ok(umap.history.loss!.length >= 1);
        umap.dispose();
      }
    },
  },
  {
    number: 14,
    fault: 'large X fails, and goes to the device as a whole',
    async check() {
      const { X, knn } = ring(3000, 100);
      let most = 0;
      const callback: tf.CustomCallbackArgs = {
        onBatchEnd: async () => {
          most = Math.max(most, tf.memory().numBytes);
        },
      };
      const before = tf.memory().numBytes;
      const options = { ...quick, nEpochs: 1, batchSize: 50, callbacks: [callback] };
      const umap = await new ParametricUMAP(options).fit(X, null, { knn });
      assert.ok(most > before && most - before < X.data.byteLength, `${most - before} bytes on the device`);
      umap.dispose();
    },
  },
  {
    number: 15,
    fault: 'sparse X fails after the graph is built, n_epochs=0 with an IndexError',
    covered: ['checks/input: what is no table of numbers is refused'],
    async check() {
      const sparse = { data: [1, 2], indices: [0, 1], indptr: [0, 1, 2], shape: [2, 5] };
      await assertRefused({ X: sparse }, saying(DataError, 'fit', '10', '2'));
      await assertRefused({ options: { nEpochs: 0 } }, saying(OptionError, 'nEpochs', 'got 0'));
    },
  },
  {
    number: 16,
    fault: 'add_landmarks fails together with y, precomputed distances, image dims and lists',
    covered: [
      'features/landmarks: landmarks go together with labels, known or not',
      'features/landmarks: landmarks go together with continuous targets',
      'features/landmarks: landmarks go together with precomputed distances, which then cover them too',
      'features/landmarks: landmarks go together with image-shaped rows, in either shape',
      'features/landmarks: kept landmarks hold the map while new rows are learned',
    ],
  },
  {
    number: 17,
    fault: 'a later fit with a new loss breaks the history',
    covered: ['features/reconstruction: a later fit may add a loss to the history'],
  },
  {
    number: 18,
    fault: 'one backend only, despite branches for others',
    covered: ['features/encoders: every backend trains a convolution to the same losses'],
    async check() {
      const active = tf.getBackend();
      for (const backend of ['cpu', 'wasm'] as const) {
        const umap = await fitted({ backend, nEpochs: 1 });
        assert.equal(tf.getBackend(), backend);
        umap.dispose();
      }
      await tf.setBackend(active);
    },
  },
  {
    number: 19,
    fault: 'memory grows with n_epochs: every edge is listed as often as it is repeated',
    covered: ['data/sampler: edges are drawn in proportion to their weights'],
    async check() {
      // 12 million repeats for each of some 240 edges, were they listed.
      const { X, knn } = ring(60, 4);
      const umap = new ParametricUMAP({ ...quick, nEpochs: 12_000_000, lossReportFrequency: 1e9 });
      const before = process.memoryUsage().arrayBuffers;
      let after = Number.POSITIVE_INFINITY;
      for await (const _ of umap.steps(X, null, { knn })) {
        after = process.memoryUsage().arrayBuffers;
        break;
      }
      assert.ok(after - before < 5e7, `${after - before} bytes`);
      umap.dispose();
    },
  },
  {
    number: 20,
    fault: 'X is copied several times, and distances of all pairs are kept',
    covered: ['data/matrix: rows that are flat already are not copied'],
  },
  {
    number: 21,
    fault: 'only a Python int seeds, and draws elsewhere change the map',
    covered: [
      'checks/repeat: numbers drawn elsewhere change nothing',
      'checks/repeat: the same seed makes the same map to the last bit',
      'checks/repeat: another process makes the same map, and prints nothing',
      'checks/repeat: a whole life never asks Math.random',
    ],
    async check() {
      for (const seed of [{}, null, 1.5, Number.NaN, ''] as never[]) {
        assert.throws(() => new ParametricUMAP({ seed }), saying(OptionError, 'seed'));
      }
    },
  },
  {
    number: 22,
    fault: 'saved models hold the raw data, even when told to leave it out',
    async check() {
      const umap = await fitted();
      for (const [name, bytes] of await toFiles(await umap.toArtifact())) {
        const file = Buffer.from(bytes);
        for (const row of rows) {
          assert.equal(file.indexOf(Buffer.from(Float32Array.from(row).buffer)), -1, `a row in ${name}`);
        }
      }
      umap.dispose();
    },
  },
  {
    number: 23,
    fault: 'importing anything loads everything',
    covered: ['architecture: data stages never load TensorFlow.js'],
  },
  {
    number: 24,
    fault: 'progress bars ignore verbose=False, and losses are not reported by name',
    covered: [
      'checks/repeat: another process makes the same map, and prints nothing',
      'features/reconstruction: the total is the sum of the terms by their weights',
    ],
  },
  {
    number: 25,
    fault: 'no held-out UMAP loss, early stopping on the training loss alone, options without effect',
    covered: [
      'features/reconstruction: valLoss is the reconstruction loss of the held-out rows alone, and that of the main loss stands beside it',
      'features/callbacks: early stopping ends the fit, and brings the best weights back',
      'estimators/umap/parametricUmap: what the Python original has and this has not is refused by name',
      'estimators/umap/parametricUmap: every option acts, or is tested elsewhere',
    ],
  },
];

test('all 25 faults are here, each with a check', () => {
  assert.deepEqual(
    faults.map(({ number }) => number),
    Array.from({ length: 25 }, (_, i) => i + 1),
  );
  for (const { number, covered = [], check } of faults)
    assert.ok(covered.length > 0 || check, `fault ${number}`);
});

for (const { number, fault, covered = [], check } of faults) {
  test(`fault ${number}: ${fault}`, async () => {
    for (const pointer of covered) {
      const [file, ...title] = pointer.split(': ');
      const name = /^(checks|features)\//.test(file!) ? `${file}.ts` : `${file}.test.ts`;
      const source = read(`test/${name}`);
      assert.ok(source.includes(title.join(': ')), `${name} has no test '${title.join(': ')}'`);
    }
    await check?.();
  });
}
