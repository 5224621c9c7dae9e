/** A callback that ends training early at Ctrl-C, with what was learned until then. */

import type { Training, TrainingCallback } from '../training/callbacks.js';

/**
 * A callback with which Ctrl-C (the signal SIGINT) ends training at the next report: `fit` returns as after `earlyStopping`, so
 * that the program can save the model. A second Ctrl-C ends the program as usual. Outside of the training Ctrl-C acts as
 * without it. Works with every estimator, in Node.js.
 *
 * ```js
 * const vae = new CompressionVAE({ callbacks: [stopOnInterrupt()] });
 * await vae.fit(rows);
 * await vae.save('model');
 * ```
 */
export function stopOnInterrupt(): TrainingCallback {
  let training: Training | undefined;
  const stop = () => training?.stop();
  return {
    setParams(params: Readonly<Record<string, unknown>>) {
      training = params.training as Training;
    },
    onTrainBegin: async () => void process.once('SIGINT', stop),
    onFitEnd: () => void process.off('SIGINT', stop),
  };
}
