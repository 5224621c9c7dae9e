/** Noise on a network's inputs in training, so that similar rows get similar outputs. */
import * as tf from '../core/tf.js';
import type { Network, Random } from '../core/types.js';

/** Count of normal numbers that are drawn once and reused: drawing each value anew would take longer than the network. */
const DRAWN = 2 ** 18;

/** A ring of normal numbers, which every step reads from a random position on. */
export interface InputNoise {
  readonly values: Float32Array;
  /** Position in the ring for the next step. */
  start(): number;
}

/** Noise with the given standard deviation; undefined for 0. */
export function inputNoise(deviation: number, random: Random): InputNoise | undefined {
  if (deviation === 0) return undefined;
  const values = new Float32Array(DRAWN);
  for (let i = 0; i < DRAWN; i++) values[i] = deviation * random.normal();
  return { values, start: () => random.integer(DRAWN) };
}

/**
 * The network with normal noise added to its inputs in training, which acts like a penalty on its gradient with respect
 * to them
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
