/** Layers that draw random numbers in training: dropout and noise. */
import type { Network, Random } from '../core/types.js';

/**
 * The same network, whose layers draw from `random` in training. Dropout and noise layers of TensorFlow.js use
 * `Math.random` unless they have a seed (and then draw the same numbers at every step). So `Math.random` is replaced while
 * the network is applied, which is synchronous.
 */
export function withSeededLayers(network: Network, random: Random): Network {
  return {
    ...network,
    apply(x, training) {
      if (!training) return network.apply(x, false);
      const original = Math.random;
      Math.random = random.next;
      try {
        return network.apply(x, true);
      } finally {
        Math.random = original;
      }
    },
  };
}
