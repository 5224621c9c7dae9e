/** The spectrum from t-SNE to UMAP: kappa by the relations of contrastive-ne, over the training, and what it does to a map. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../../src/backend/choose.js';
import type { GivenContrastiveOptions } from '../../../src/estimators/contrastive/options.js';
import { attractionOf, type SpectrumOptions } from '../../../src/estimators/contrastive/spectrum.js';
import { ContrastiveEmbedding } from '../../../src/index.js';
import { nearestRows } from '../../../src/metrics/ranks.js';
import { near } from '../../helpers/assert.js';
import { flat, groups } from '../../helpers/data.js';
import { withDirectory } from '../../helpers/files.js';
import { greys } from '../../helpers/fixtures.js';
import { useThreads } from '../../helpers/threads.js';
import { contrastiveEmbedding } from '../../subjects/contrastiveEmbedding.js';

await useBackend();
useThreads(1);

const none = { s: null, zBar: null, negSpec: null, inceSpec: null, earlyExaggeration: false } as const;

/** kappa at the end, for n rows and m negatives. */
const kappa = (options: Partial<SpectrumOptions>, n: number, m: number) =>
  attractionOf({ lossMode: 'neg', ...none, ...options }, n, m)(0.99);

test('neg: kappa = m zBar / n², with zBar = (100 n)^(1 - s) (n² / 5)^s', () => {
  for (const [n, m] of [
    [1000, 5],
    [70_000, 20],
    [10_000, 500],
  ] as const) {
    near(kappa({ s: 1 }, n, m), m / 5, 1e-9);
    near(kappa({ s: 0 }, n, m), (100 * m) / n, 1e-9);
    for (const s of [-1, 0.5, 2]) {
      const zBar = (100 * n) ** (1 - s) * (n ** 2 / 5) ** s;
      near(kappa({ s }, n, m) / ((m * zBar) / n ** 2), 1, 1e-9);
      near(kappa({ zBar }, n, m) / kappa({ s }, n, m), 1, 1e-9);
    }
    near(kappa({ zBar: 100 * n }, n, m), (100 * m) / n, 1e-9);
    assert.equal(kappa({ negSpec: 0.3 }, n, m), 0.3);
    assert.equal(kappa({}, n, m), 1);
  }
});

test('infonce: kappa = 4^s', () => {
  for (const lossMode of ['infonce', 'infonceAlt'] as const) {
    for (const [s, expected] of [
      [-1, 0.25],
      [0, 1],
      [0.5, 2],
      [1, 4],
      [2, 16],
    ] as const) {
      near(kappa({ lossMode, s }, 1000, 100), expected, 1e-12);
    }
    assert.equal(kappa({ lossMode, inceSpec: 7 }, 1000, 100), 7);
    assert.equal(kappa({ lossMode }, 1000, 100), 1);
  }
});

/** kappa as the reports tell it, by default of the quicker fit with a point for each row. */
async function told(options: GivenContrastiveOptions): Promise<(number | undefined)[]> {
  const embedding = new ContrastiveEmbedding({
    ...contrastiveEmbedding.quick,
    ...{ nEpochs: 12, init: 'pca', earlyExaggeration: undefined, parametric: false },
    ...options,
  });
  const values: (number | undefined)[] = [];
  for await (const { numbers } of embedding.steps(groups())) values.push(numbers?.kappa);
  embedding.dispose();
  return values;
}

test('the first third is at s = 1 at least, and reports tell the value in force', async () => {
  const both = (early: number, late: number) =>
    Array.from({ length: 10 }, (_, report) => (report < 3 ? early : late));
  const assertNear = (found: (number | undefined)[], expected: number[]) => {
    assert.equal(found.length, expected.length);
    for (const [i, value] of found.entries()) near(value!, expected[i]!, 1e-9, `report ${i}`);
  };
  assertNear(await told({ s: 0, parametric: true }), both(4, 1));
  assertNear(await told({ s: 0 }), both(4, 1));
  assertNear(await told({}), both(4, 1));
  assertNear(await told({ s: 0, earlyExaggeration: false }), both(1, 1));
  assertNear(await told({ s: -1 }), both(4, 0.25));
  assertNear(await told({ s: 2 }), both(16, 16));
  assertNear(await told({ inceSpec: 3 }), both(4, 3));
  assertNear(await told({ lossMode: 'infonceAlt', s: 0.5 }), both(4, 2));
  assertNear(await told({ lossMode: 'neg', negSpec: 0.5, negativeSamples: 10 }), both(2, 0.5));
  assertNear(await told({ lossMode: 'neg', zBar: 36, negativeSamples: 10 }), both(2, 0.1));
  // 60 rows: 100 m / n is more than m / 5.
  assertNear(await told({ lossMode: 'neg', s: 0, negativeSamples: 6 }), both(10, 10));
});

test('from random weights there is no early exaggeration', async () => {
  assert.deepEqual([...new Set(await told({ s: 0, init: 'random', parametric: true }))], [1]);
  assert.deepEqual([...new Set(await told({ s: 0, init: 'random' }))], [4, 1]);
});

test('a small network of ReLU units does not collapse from random weights', async () => {
  // With early exaggeration, some seeds end with one point for all rows.
  for (const seed of [1, 2, 3]) {
    const { dense, dropout } = tf.layers;
    const kernelInitializer = tf.initializers.glorotUniform({ seed });
    const encoder = tf.sequential({
      layers: [
        dense({ units: 16, activation: 'relu', inputShape: [64], kernelInitializer }),
        dropout({ rate: 0.5 }),
        dense({ units: 2, kernelInitializer }),
      ],
    });
    const embedding = new ContrastiveEmbedding({
      ...contrastiveEmbedding.brief,
      ...{ encoder, nEpochs: 3, batchSize: 120, seed },
    });
    const map = await embedding.fitTransform(greys.slice(0, 120));
    for (const c of [0, 1]) {
      const mean = map.reduce((sum, at) => sum + at[c]!, 0) / 120;
      const variance = map.reduce((sum, at) => sum + (at[c]! - mean) ** 2, 0) / 120;
      assert.ok(variance > 1e-3, `seed ${seed}: variance ${variance} along axis ${c}`);
    }
    embedding.dispose();
    encoder.dispose();
  }
});

test('a later fit is not exaggerated again, but where the place has changed', async () => {
  const rows = groups();
  const kappasOf = async (embedding: ContrastiveEmbedding) => {
    const values: (number | undefined)[] = [];
    for await (const { numbers } of embedding.steps(rows)) values.push(numbers?.kappa);
    return [...new Set(values)];
  };
  for (const parametric of [true, false]) {
    const options = {
      ...contrastiveEmbedding.quick,
      init: 'pca',
      earlyExaggeration: true,
      parametric,
    } as const;
    const embedding = new ContrastiveEmbedding(options);
    assert.deepEqual(await kappasOf(embedding), [4, 1]);
    assert.deepEqual(await kappasOf(embedding), [1]);
    await withDirectory(async (directory) => {
      const model = path.join(directory, 'model');
      await embedding.save(model);
      const loaded = await ContrastiveEmbedding.load(model);
      assert.deepEqual(await kappasOf(loaded), [1]);
      const moved = await ContrastiveEmbedding.load(model, { s: 0.5 });
      assert.deepEqual(await kappasOf(moved), [4, 2]);
      assert.deepEqual(await kappasOf(moved), [2]);
      for (const each of [embedding, loaded, moved]) each.dispose();
    });
  }
});

test('all negatives of a batch count in kappa: two rows of each pair, but its own', async () => {
  const [, , , late] = await told({
    ...{ lossMode: 'neg', s: 1, negativeSamples: 'full', batchSize: 16, earlyExaggeration: false },
  });
  near(late!, (2 * 16 - 2) / 5, 1e-9);
});

test('losses without a spectrum tell no kappa', async () => {
  for (const lossMode of ['nce', 'umap'] as const) {
    assert.ok((await told({ lossMode })).every((value) => value === undefined));
  }
});

/** Share of the 15 nearest rows that are so on the map too. */
async function recall(options: GivenContrastiveOptions, seed: number): Promise<number> {
  const embedding = new ContrastiveEmbedding({
    ...{ parametric: false, init: 'random', learningRate: 0.3, nEpochs: 60, batchSize: 300, seed },
    ...options,
  });
  const map = await embedding.fitTransform(flat(greys));
  embedding.dispose();
  const [found, exact] = [map, flat(greys)].map((rows) => nearestRows(rows, rows, 15, true));
  let kept = 0;
  for (let i = 0; i < found!.length; i++) {
    const row = 15 * Math.floor(i / 15);
    if (exact!.subarray(row, row + 15).includes(found![i]!)) kept++;
  }
  return kept / found!.length;
}

test('more attraction keeps fewer near neighbors', async () => {
  // With seeds 1 to 3: infonce 0.774 to 0.778 at s = 0, 0.638 to 0.679 at s = 2; neg 0.763 to 0.776 at 0.2, 0.696 to 0.702
  // at 20. Of 300 rows, s = 0 of neg would be beyond s = 1.
  for (const seed of [1, 2]) {
    const infonce = [await recall({ s: 0 }, seed), await recall({ s: 2 }, seed)];
    assert.ok(infonce[0]! > infonce[1]! + 0.05, `infonce: ${infonce}`);
    const neg = [
      await recall({ lossMode: 'neg', negSpec: 0.2 }, seed),
      await recall({ lossMode: 'neg', negSpec: 20 }, seed),
    ];
    assert.ok(neg[0]! > neg[1]! + 0.03, `neg: ${neg}`);
  }
});
