/** Rows through an encoder to a sample of their posterior: the forward pass of variational autoencoders. */

import type { Forward, Random } from '../core/types.js';
import type { VariationalHead } from '../networks/variational/encoder.js';
import { samplePosterior } from '../networks/variational/sample.js';
import type { VariationalStep } from '../networks/variational/step.js';
import { type RowsForwardOptions, rowsForward } from './forward.js';

export interface VariationalForwardOptions extends Omit<RowsForwardOptions, 'encoder'> {
  /** From rows to what the posterior is computed from; may read rows on threads. */
  readonly trunk: RowsForwardOptions['encoder'];
  readonly head: VariationalHead;
  /**
   * Stream of the samples and of the head's dropout. A pass in inference mode has a fork of it, which is the same for each
   * pass, so that evaluations can be compared.
   */
  readonly random: Random;
}

/** Each batch of the sampler, encoded once, with one sample of the posterior of each row. */
export function variationalForward(options: VariationalForwardOptions): Forward<VariationalStep> {
  const { trunk, head, training = true } = options;
  const random = training ? options.random : options.random.fork('evaluation');
  const rows = rowsForward({ ...options, encoder: trunk });
  return {
    trained: [trunk, head],
    begin: () => rows.begin(),
    apply(context) {
      const step = rows.apply(context);
      const gaussian = head.distribution(step.z, training ? random : undefined);
      return { ...step, ...samplePosterior(head, step.z, gaussian, random) };
    },
  };
}
