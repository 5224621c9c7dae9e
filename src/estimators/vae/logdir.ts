/** What the options `logdir` and `tbLogging` stand for: checkpoints that a later run goes on from, and a TensorBoard log. */

import type { RunInputs } from '../../fit/inputs.js';
import type { CompressionVAEOptions } from './options.js';

/** Options without the two. */
export type RunnableVAEOptions = Omit<CompressionVAEOptions, 'logdir' | 'tbLogging'>;

/** A fit in terms of checkpoints and callbacks. */
export async function withLogdir(
  { logdir, tbLogging, ...options }: CompressionVAEOptions,
  inputs: RunInputs,
): Promise<{ readonly options: RunnableVAEOptions; readonly inputs: RunInputs }> {
  if (logdir === null) return { options, inputs };
  // Fetched when it is asked for, so that pages do without it.
  const logs = tbLogging ? [(await import('../../tensorboard/tensorboard.js')).tensorboard(logdir)] : [];
  return {
    options: { ...options, checkpoint: { path: logdir }, callbacks: [...options.callbacks, ...logs] },
    inputs: { ...inputs, resume: inputs.resume ?? true },
  };
}
