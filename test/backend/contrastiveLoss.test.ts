import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { contrastiveCosts } from '../../src/backend/contrastiveLoss.js';
import { createRandom } from '../../src/core/random.js';
import type { Batch } from '../../src/core/types.js';
import { type ContrastiveLossOptions, contrastiveLoss } from '../../src/losses/contrastive.js';
import { contrastivePairs } from '../../src/losses/contrastiveNegatives.js';
import { scalarParameter } from '../../src/networks/scalar.js';
import { allClose, assertFinite, close, largest } from '../helpers/assert.js';
import { available, onBoth } from '../helpers/backends.js';
import { batchOfPairs, type Found, formOf, losses, plain, runWay, ways } from '../losses/contrastiveCases.js';
import { fullBatch, stepOf } from '../losses/steps.js';

const pairsFor = (batch: Batch, options: Partial<ContrastiveLossOptions>, seed = 1) =>
  contrastivePairs({ ...plain, ...options, random: createRandom(seed) })(batch);

/**
 * Two results agree to `tolerance` of the largest; costs also to `least`, and gradients to 1e-3: those of cosines in one column
 * are differences of equal numbers.
 */
function agree(found: Found, expected: Found, tolerance: number, what: string, least = 0): void {
  close(found.value, expected.value, tolerance * Math.abs(expected.value) + least, `${what}: cost`);
  const bound = tolerance * largest(expected.gradient) + (least === 0 ? 1e-3 : 0);
  allClose(found.gradient, expected.gradient, bound, `${what}: gradient`);
}

/** Batches by where their negatives come from. */
function batchesOf(rows: number, random = createRandom('batches')) {
  const some = (length: number) => Array.from({ length }, () => random.integer(rows));
  const heads = some(100);
  const batch = {
    ...batchOfPairs(
      rows,
      heads,
      heads.map((head) => (head + 1 + random.integer(rows - 1)) % rows),
    ),
    tailsPerHead: 3,
    pairWeights: Float32Array.from(heads, () => 0.1 + random.next()),
  };
  const candidates = Int32Array.from([heads[0]!, heads[0]!, ...some(20)]);
  const excluded = {
    offsets: Int32Array.from({ length: rows + 1 }, (_, i) => 4 * i),
    columns: Int32Array.from(some(4 * rows)),
    values: new Float32Array(4 * rows).fill(1),
  };
  const offered = { ...batch, candidates, candidateCount: 20 };
  const kinds: [string, Batch, Partial<ContrastiveLossOptions>][] = [
    ['five drawn', batch, { negativeSamples: 5 }],
    ['many drawn', batch, { negativeSamples: 203 }],
    ['all', batch, { negativeSamples: 'full' }],
    ['candidates', offered, { negativeSamples: 9 }],
    ['all candidates', offered, { negativeSamples: 'full' }],
    ['without neighbors', batch, { negativeSamples: 9, excluded }],
    ['all but neighbors', batch, { negativeSamples: 'full', excluded }],
    ['candidates without neighbors', offered, { negativeSamples: 9, excluded }],
    ['none', batch, { negativeSamples: 0 }],
  ];
  return kinds;
}

for (const columns of [1, 2, 3, 4, 9]) {
  test(`every way gives the same cost and gradient, ${columns} columns`, async () => {
    const random = createRandom(`ways ${columns}`);
    const rows = 40;
    const points = Float32Array.from({ length: rows * columns }, () => 3 * random.normal());
    // A distant point, two coincident ones, one at the origin.
    points[0] = 300;
    points.copyWithin(columns, 2 * columns, 3 * columns);
    points.fill(0, 4 * columns, 5 * columns);
    for (const [kind, batch, options] of batchesOf(rows)) {
      const pairs = pairsFor(batch, options);
      for (const of of losses) {
        const host = await runWay('host', points, columns, pairs, formOf(of));
        assertFinite([host.value, ...Array.from(host.gradient)]);
        for (const name of Object.keys(ways)) {
          const found = await runWay(name, points, columns, pairs, formOf(of));
          const what = `${name}, ${kind}, ${of.mode}, cosine ${of.cosine}`;
          agree(found, host, name === 'tensors' && columns > 4 ? 1e-4 : 2e-5, what);
          const logs =
            of.mode === 'nce' ? (['byLogZ', 'byLogTemperature'] as const) : ['byLogTemperature' as const];
          for (const log of logs) {
            close(
              found[log],
              host[log],
              2e-5 * Math.max(Math.abs(host[log]), Math.abs(host.value)),
              `${what}: ${log}`,
            );
          }
        }
      }
    }
  });
}

test('extreme temperatures, kappas and distances stay finite and equal on the host and in the kernel', async () => {
  const random = createRandom('extreme');
  const rows = 30;
  const batch = { ...fullBatch(rows), tailsPerHead: 1 };
  for (const columns of [2, 5]) {
    for (const scale of [1e-12, 1e-3, 1, 1e4, 1e8]) {
      const points = Float32Array.from({ length: rows * columns }, () => scale * random.normal());
      for (const of of losses) {
        for (const kappa of [1e-6, 1, 1e6]) {
          for (const temperature of [0.02, 5]) {
            const form = { ...formOf(of, kappa), temperature };
            const pairs = pairsFor(batch, { negativeSamples: 30 });
            const host = await runWay('host', points, columns, pairs, form);
            const kernel = await runWay('kernel', points, columns, pairs, form);
            assertFinite([host.value, ...Array.from(host.gradient)]);
            const what = `${of.mode}, cosine ${of.cosine}, scale ${scale}, kappa ${kappa}, T ${temperature}`;
            // Costs are logarithms of numbers close to 1 where all points are close.
            agree(kernel, host, 1e-4, what, 2e-7 * rows);
          }
        }
      }
    }
  }
});

test('the same bits twice, and in separate memory, which grows', async () => {
  const random = createRandom('bits');
  for (const [rows, columns] of [
    [20, 2],
    [3000, 2],
    [50, 7],
  ] as const) {
    const points = Float32Array.from({ length: rows * columns }, () => random.normal());
    const batch = { ...fullBatch(rows), tailsPerHead: 3 };
    for (const negativeSamples of [5, 40]) {
      const pairs = pairsFor(batch, { negativeSamples });
      for (const of of losses) {
        const [first, ...others] = await Promise.all(
          ['kernel', 'kernel', 'kernel in separate memory'].map((name) =>
            runWay(name, points, columns, pairs, formOf(of)),
          ),
        );
        for (const other of others) assert.deepEqual(other, first);
      }
    }
  }
});

test('no pairs, a single row, and no negatives', async () => {
  for (const of of losses) {
    for (const name of Object.keys(ways)) {
      for (const columns of [2, 3]) {
        const what = `${name}, ${of.mode}, cosine ${of.cosine}`;
        for (const negativeSamples of [5, 'full'] as const) {
          const none = pairsFor(batchOfPairs(4, [], []), { negativeSamples });
          const empty = await runWay(name, new Float32Array(4 * columns).fill(2), columns, none, formOf(of));
          assert.equal(empty.value, 0, what);
          assert.ok(
            Array.from(empty.gradient).every((g) => g === 0),
            what,
          );
          const single = pairsFor(batchOfPairs(1, [0], [0]), { negativeSamples });
          const alone = await runWay(name, new Float32Array(columns).fill(2), columns, single, formOf(of));
          assertFinite([alone.value, ...Array.from(alone.gradient)]);
        }
      }
    }
  }
});

test('values that are not finite, and rows out of range, give NaN', async () => {
  for (const of of losses) {
    for (const columns of [2, 3]) {
      for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, 1e16]) {
        const points = Float32Array.from({ length: 8 * columns }, (_, i) => (i === 5 ? wrong : i));
        const pairs = pairsFor(fullBatch(8), { negativeSamples: 5 });
        for (const name of ['host', 'kernel', 'kernel in separate memory']) {
          assert.ok(Number.isNaN((await runWay(name, points, columns, pairs, formOf(of))).value));
        }
      }
      const points = new Float32Array(8 * columns).fill(1);
      for (const wrong of [-1, -2, 8]) {
        for (const batch of [
          batchOfPairs(8, [0, wrong], [1, 2]),
          batchOfPairs(8, [0, 1], [1, wrong]),
          { ...batchOfPairs(8, [0], [1]), candidates: Int32Array.of(wrong, wrong) },
        ]) {
          for (const negativeSamples of [5, 'full'] as const) {
            const pairs = pairsFor(batch, { negativeSamples });
            assert.ok(Number.isNaN((await runWay('kernel', points, columns, pairs, formOf(of))).value));
          }
        }
      }
    }
  }
});

test('plain JavaScript has no such kernel', async () => {
  await useBackend('cpu');
  tf.tidy(() => {
    const pairs = pairsFor(fullBatch(4), {});
    assert.equal(contrastiveCosts(tf.zeros([4, 2]), pairs, formOf(losses[0]!)), undefined);
  });
});

for (const backend of ['wasm', 'tensorflow', 'webgpu'] as const) {
  const skip = backend !== 'wasm' && (await available(backend));

  test(`${backend}: the losses and their gradients are those of the plain backend`, { skip }, async () => {
    for (const { mode, cosine } of losses) {
      await onBoth(
        mode,
        () => {
          const random = createRandom(3);
          const z = tf.tensor2d(
            Float32Array.from({ length: 40 }, () => random.normal()),
            [20, 2],
          );
          const term = contrastiveLoss({
            ...{ ...plain, mode, random, similarity: cosine ? 'cosine' : 'cauchy' },
            logZ: mode === 'nce' ? scalarParameter(0, 'normalization') : undefined,
            logTemperature: cosine ? scalarParameter(Math.log(0.5), 'temperature') : undefined,
          });
          // Half the gradient: that of the loss times 0.5.
          const loss = (x: tf.Tensor) => tf.mul(term.compute(stepOf(fullBatch(20), x as tf.Tensor2D)), 0.5);
          const { value, grad } = tf.valueAndGrad(loss)(z);
          const values = [value, grad].map((tensor) => tf.clone(tensor));
          for (const part of term.trained!) part.dispose();
          return values;
        },
        2e-5,
        backend,
      );
    }
  });
}
