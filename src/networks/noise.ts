/** Noise on a network's inputs while it learns, so that it says much the same of rows that are nearly the same. */
import * as tf from '../core/tf.js';
import type { Network, Random } from '../core/types.js';

/** Normal numbers drawn once: a fresh draw for each value would cost more than the network does. */
const DRAWN = 2 ** 18;

/** Normal numbers that every step reads from another place on, round and round. */
export interface InputNoise {
  readonly values: Float32Array;
  /** Where the next step begins. */
  start(): number;
}

/** Noise of the given deviation; undefined for 0. */
export function inputNoise(deviation: number, random: Random): InputNoise | undefined {
  if (deviation === 0) return undefined;
  const values = Float32Array.from({ length: DRAWN }, () => deviation * random.normal());
  return { values, start: () => random.integer(DRAWN) };
}

/**
 * The network with independent normal noise added to its inputs in training, which acts like a penalty on its slopes
 * (Bishop, "Training with noise is equivalent to Tikhonov regularization", 1995).
 */
export function withInputNoise(network: Network, noise: InputNoise | undefined): Network {
  if (noise === undefined) return network;
  return {
    ...network,
    apply: (x, training) =>
      network.apply(training ? tf.add(x, tf.tensor(take(noise, x.size), x.shape)) : x, training),
  };
}

function take({ values, start }: InputNoise, size: number): Float32Array {
  const taken = new Float32Array(size);
  for (let at = 0, from = start(); at < size; from = 0) {
    const piece = values.subarray(from, from + size - at);
    taken.set(piece, at);
    at += piece.length;
  }
  return taken;
}
