/** Names of other libraries, and conditions between the options of `CompressionVAE`. */

import { OptionError } from '../../core/errors.js';
import { resolveOptions } from '../../core/options.js';
import { runRenamed } from '../../fit/options/run.js';
import { checkTraining } from '../../fit/options/training.js';
import type { KlWeightOption } from '../../losses/klWeight.js';
import {
  type CompressionVAEOptions,
  compressionVaeDefaults,
  compressionVaeRules,
  type GivenCompressionVAEOptions,
} from './options.js';

const CALLER = 'CompressionVAE';

/** Options of CompressionVAE in Python and of the other estimators, and what to use here. */
const renamed: Readonly<Record<string, string>> = {
  ...runRenamed,
  X: 'rows go to fit(X), not to the constructor',
  XValid: 'held-out rows go to fit(X, null, { validation: rows })',
  nComponents: "the width of the embedding is called 'dimLatent'",
  checkpointEvery: "checkpoints are set by 'checkpoint: { path, everySteps }', or by 'logdir'",
  overwrite: 'a later fit always goes on from the earlier one',
  nEpochs: "the length is called 'numSteps', in gradient steps",
  beta: "the weight of the KL divergence is called 'klWeight'",
};

/** Completes, checks and freezes. Throws `OptionError` for an unknown option or a value out of range. */
export function resolveVaeOptions(given: GivenCompressionVAEOptions): Readonly<CompressionVAEOptions> {
  const options = resolveOptions(CALLER, given, compressionVaeDefaults, compressionVaeRules, renamed);
  checkTogether(options);
  return Object.freeze(options);
}

/** Options that act on default networks only. */
const ofDefaultEncoder = ['cellsEncoder'] as const;

function checkTogether(options: CompressionVAEOptions): void {
  const { encoder, prior, pseudoInputs, lrScheduling, trainValidSplit, klWeight } = options;
  for (const name of ofDefaultEncoder) {
    if (!encoder || options[name] === compressionVaeDefaults[name]) continue;
    throw new OptionError(
      `${CALLER}: ${name}: expected no encoder of your own, without which it does not act, got one; leave one of the two out`,
    );
  }
  if (prior === 'normal' && pseudoInputs !== compressionVaeDefaults.pseudoInputs) {
    throw new OptionError(
      `${CALLER}: pseudoInputs: expected prior 'vamp', without which they do not act, got 'normal'; leave pseudoInputs out`,
    );
  }
  for (const name of ['lrSchedulingSteps', 'lrSchedulingFactor', 'lrSchedulingMin'] as const) {
    if (lrScheduling || options[name] === compressionVaeDefaults[name]) continue;
    throw new OptionError(
      `${CALLER}: ${name}: expected lrScheduling: true, without which it does not act, got false; leave one of the two out`,
    );
  }
  if (trainValidSplit < 0.5) {
    throw new OptionError(
      `${CALLER}: trainValidSplit: expected a share to train on of at least 0.5, got ${trainValidSplit}; ` +
        'it is the share of the rows that are learned, not of those held out',
    );
  }
  const { logdir, tbLogging, checkpoint } = options;
  if (logdir !== null && checkpoint !== null) {
    throw new OptionError(
      `${CALLER}: logdir: expected no checkpoint, which it stands for, got one; leave one of the two out`,
    );
  }
  if (tbLogging && logdir === null) {
    throw new OptionError(
      `${CALLER}: tbLogging: expected a logdir, where the log is written, got none; give a logdir`,
    );
  }
  checkKlWeight(klWeight);
  checkTraining(CALLER, { ...options, learningRateDecay: 'auto', warmUp: 0 });
}

/** Throws `OptionError` for a weight of the KL divergence that is none of the three forms. */
function checkKlWeight(weight: KlWeightOption): void {
  if (typeof weight === 'number') return;
  const fields: Readonly<Record<string, unknown>> = { ...weight };
  const names = Object.keys(fields).sort().join(', ');
  const within = (value: unknown, most: number) => typeof value === 'number' && value > 0 && value <= most;
  const forms: Readonly<Record<string, () => boolean>> = {
    warmUp: () => within(fields.warmUp, 1),
    'to, warmUp': () => within(fields.warmUp, 1) && within(fields.to, Number.MAX_VALUE),
    target: () => within(fields.target, Number.MAX_VALUE),
  };
  if (forms[names]?.()) return;
  throw new OptionError(
    `${CALLER}: klWeight: expected a number, { warmUp, to } with warmUp above 0 and up to 1, or { target } above 0, ` +
      `got ${JSON.stringify(fields)}; give one of the three`,
  );
}
