/** Losses of the layers of user-supplied networks, such as those of `kernelRegularizer`. */
import * as tf from '../core/tf.js';
import type { LossTerm, Network } from '../core/types.js';

/** The sum of the layers' own losses, as `tf.LayersModel.fit` adds them; undefined where there are none. */
export function regularizationLoss(networks: readonly Network[]): LossTerm | undefined {
  const layers = networks.flatMap(({ model }) => model.layers);
  const penalties = () => layers.flatMap((layer) => layer.calculateLosses());
  const count = tf.tidy(() => penalties().length);
  if (count === 0) return undefined;
  return { name: 'regularization', weight: 1, compute: () => tf.addN(penalties()) as tf.Scalar };
}
