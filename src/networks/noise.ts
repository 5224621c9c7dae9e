/** Noise on a network's inputs while it learns, so that it says much the same of rows that are nearly the same. */
import * as tf from '@tensorflow/tfjs';
import type { Network, Random } from '../types.js';

/** Normal numbers drawn once; each step reads them from another place. */
const DRAWN = 2 ** 18;

/**
 * The network with independent normal noise of the given deviation added to its inputs in training, which acts like
 * a penalty on its slopes (Bishop, "Training with noise is equivalent to Tikhonov regularization", 1995).
 */
export function withInputNoise(network: Network, deviation: number, random: Random): Network {
  if (deviation === 0) return network;
  const normals = Float32Array.from({ length: DRAWN }, () => deviation * random.normal());
  return {
    ...network,
    apply(x, training) {
      return network.apply(training ? tf.add(x, tf.tensor(noise(x.size), x.shape)) : x, training);
    },
  };

  function noise(size: number): Float32Array {
    const values = new Float32Array(size);
    // In pieces from random places: a fresh draw for each value would cost more than the network does.
    for (let at = 0; at < size; ) {
      const from = random.integer(DRAWN);
      const piece = normals.subarray(from, from + Math.min(DRAWN - from, size - at));
      values.set(piece, at);
      at += piece.length;
    }
    return values;
  }
}
