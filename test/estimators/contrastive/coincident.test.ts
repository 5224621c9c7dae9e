/** Points that all coincide: most losses have no gradient between them, and the fit ends in an error that says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../../src/backend/choose.js';
import { OptionError } from '../../../src/core/errors.js';
import { ContrastiveEmbedding } from '../../../src/index.js';
import { saying } from '../../helpers/assert.js';
import { groups } from '../../helpers/data.js';
import { losses } from '../../losses/contrastiveCases.js';
import { contrastiveEmbedding } from '../../subjects/contrastiveEmbedding.js';

const rows = groups();

for (const backend of ['cpu', 'wasm'] as const) {
  test(`an encoder that embeds all rows as one point is named with every loss, on ${backend}`, async () => {
    await useBackend(backend);
    const before = tf.memory().numTensors;
    for (const { mode: lossMode, cosine } of losses) {
      const encoder = tf.sequential({
        layers: [tf.layers.dense({ units: 2, inputShape: [6], kernelInitializer: 'zeros' })],
      });
      const embedding = new ContrastiveEmbedding({
        ...{ ...contrastiveEmbedding.quick, backend, encoder, lossMode, nEpochs: 1 },
        similarity: cosine ? 'cosine' : 'cauchy',
      });
      await assert.rejects(embedding.fit(rows), saying(OptionError, /^encoder: /, 'one point', 'random'));
      embedding.dispose();
      encoder.dispose();
    }
    assert.equal(tf.memory().numTensors, before, 'tensors left');
  });

  test(`one position for all points is named with every loss, on ${backend}`, async () => {
    await useBackend(backend);
    const before = tf.memory().numTensors;
    for (const { mode: lossMode, cosine } of losses) {
      const embedding = new ContrastiveEmbedding({
        ...{ ...contrastiveEmbedding.quick, backend, lossMode, nEpochs: 1, parametric: false },
        ...{ similarity: cosine ? 'cosine' : 'cauchy', init: rows.map(() => [0, 0]) },
      });
      await assert.rejects(embedding.fit(rows), saying(OptionError, /^init: /, 'one point'));
      embedding.dispose();
    }
    assert.equal(tf.memory().numTensors, before, 'tensors left');
  });
}
