/** Layers that draw random numbers in training: dropout and noise. */
import type { Network, Random } from '../core/types.js';

/**
 * The same network, whose layers draw from `random` in training. TensorFlow.js' dropout and noise layers take
 * `Math.random` unless they have a seed (and then draw the same at every step), so that one function is replaced
 * for as long as the network is applied, which is synchronous.
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
