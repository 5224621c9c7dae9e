/** Trains an encoder on pairs with InfoNCE, from the parts of the library, until an estimator takes pairs. */
import { useBackend } from '../src/backend/choose.js';
import * as tf from '../src/core/tf.js';
import type { LossTerm, Step } from '../src/core/types.js';
import { openPairs, type PairSource } from '../src/data/pairs.js';
import { networkOf } from '../src/networks/network.js';
import { adam } from '../src/training/optimizer.js';
import { pairsForward } from '../src/training/pairsForward.js';
import { cosineDecay } from '../src/training/schedule.js';
import { train as training } from '../src/training/train.js';

export interface TrainOptions {
  readonly steps: number;
  readonly temperature: number;
}

/** Trains, and returns five reports of the loss. */
export async function train(
  model: tf.LayersModel,
  source: PairSource,
  { steps, temperature }: TrainOptions,
): Promise<number[]> {
  await useBackend();
  const reader = await openPairs(source, { steps });
  const optimizer = adam();
  const losses: number[] = [];
  try {
    const forward = pairsForward({ reader, encoder: networkOf(model, 'encoder', false) });
    const terms = [infonce(temperature)];
    const schedule = cosineDecay(0.003, steps);
    const options = { forward, terms, optimizer, schedule, steps, reports: 5, clipValue: 4 };
    for await (const report of training(options)) losses.push(report.losses.infonce!);
  } finally {
    await reader.close();
    optimizer.dispose();
  }
  return losses;
}

/** InfoNCE of cosine similarities over the whole batch, for pairs listed in both directions. */
function infonce(temperature: number): LossTerm {
  return {
    name: 'infonce',
    weight: 1,
    compute({ batch: { rowCount }, z }: Step) {
      const unit = tf.div(z, tf.norm(z, 2, 1, true)) as tf.Tensor2D;
      const similarity = tf.div(tf.matMul(unit, unit, false, true), temperature);
      // Similarities are at most 1 / temperature.
      const others = tf.exp(tf.sub(tf.sub(similarity, tf.mul(tf.eye(rowCount), 1e4)), 1 / temperature));
      const partition = tf.add(tf.log(tf.sum(others, 1)), 1 / temperature);
      const [first, second] = tf.split(unit, 2);
      const positive = tf.div(tf.sum(tf.mul(first!, second!), 1), temperature);
      return tf.sub(tf.mean(partition), tf.mean(positive)) as tf.Scalar;
    },
  };
}
