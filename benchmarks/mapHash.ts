/**
 * Prints a hash of the embedding, so that two commits can be compared bit by bit:
 *
 *     node build/benchmarks/mapHash.js [digits] [losses] [layers] [refit] [ROWS] [--backend wasm] [--seed 42]
 *
 * ROWS is a number of MNIST images. On the digits there are three more: `losses` trains every loss there is, `layers` an
 * user-supplied encoder with dropout and batch normalization, `refit` goes on with landmarks after a first fit. Without a
 * name: all four of digits. Equal seed, data, options, backend and machine must give equal hashes.
 */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { useBackend } from '../src/backend/choose.js';
import * as tf from '../src/core/tf.js';
import type { Matrix } from '../src/core/types.js';
import type { GivenUMAPOptions } from '../src/estimators/umap/options.js';
import { ParametricUMAP } from '../src/estimators/umap/parametricUmap.js';
import { digits, head, type Labeled, mnist } from './data.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { backend: { type: 'string', default: 'auto' }, seed: { type: 'string', default: '42' } },
});
const common = { seed: Number(values.seed), backend: values.backend } as GivenUMAPOptions;

const everyLoss: GivenUMAPOptions = {
  parametricReconstruction: true,
  autoencoderLoss: true,
  globalCorrelationLossWeight: 0.1,
  classifier: true,
};

/** Batch normalization and dropout: layers whose state and draws must not change from commit to commit. */
async function layers(): Promise<GivenUMAPOptions> {
  // Weights need a backend as soon as they are drawn.
  await useBackend(common.backend ?? 'auto');
  const dense = (units: number, seed: number, more: object = {}) =>
    tf.layers.dense({ units, kernelInitializer: tf.initializers.glorotUniform({ seed }), ...more });
  const encoder = tf.sequential({
    layers: [
      dense(32, 1, { inputShape: [64], activation: 'relu' }),
      tf.layers.batchNormalization(),
      tf.layers.dropout({ rate: 0.1 }),
      dense(2, 2),
    ],
  });
  return { encoder, learningRate: 0.002 };
}

async function embedding(name: string): Promise<Matrix> {
  if (/^\d+$/.test(name)) {
    return new ParametricUMAP(common).fitTransform((await mnist('train', Number(name))).rows);
  }
  const { rows, labels }: Labeled = await digits();
  if (name === 'digits') return new ParametricUMAP(common).fitTransform(rows);
  if (name === 'losses') {
    const umap = new ParametricUMAP({ ...common, ...everyLoss });
    return umap.fitTransform(rows, labels, { validation: head(rows, 200) });
  }
  if (name === 'layers') return new ParametricUMAP({ ...common, ...(await layers()) }).fitTransform(rows);
  if (name !== 'refit') throw new Error(`expected digits, losses, layers, refit or a number, got ${name}`);
  const umap = new ParametricUMAP(common);
  await umap.fit(head(rows, 1000));
  await umap.addLandmarks(head(rows, 1000), { fraction: 0.1 });
  return umap.fitTransform(rows);
}

for (const name of positionals.length > 0 ? positionals : ['digits', 'losses', 'layers', 'refit']) {
  const { data } = await embedding(name);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  console.log(`${name} ${tf.getBackend()} seed ${values.seed}: ${hash}`);
}
