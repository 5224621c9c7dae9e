/** What `fit` of a contrastive embedding takes besides rows or pairs, and what goes together. */

import { describe, OptionError } from '../../core/errors.js';
import type { OptionRules } from '../../core/options.js';
import { integer } from '../../core/rules.js';
import { type PairSource, pairBatchCount } from '../../data/pairs.js';
import { type FitInputs, graphInputRules, landmarkInputRules, runInputRules } from '../../fit/inputs.js';
import { type ContrastiveOptions, contrastiveDefaults } from './options.js';

/** What `fit` takes besides rows or pairs. */
export interface ContrastiveInputs extends FitInputs {
  /** Batches of pairs to train on, at least 1. Default: `nEpochs` passes over an array of batches, or 100; else required. */
  readonly steps?: number | undefined;
}

export const inputRules: OptionRules<ContrastiveInputs> = {
  ...{ ...graphInputRules, ...landmarkInputRules, ...runInputRules },
  steps: integer(1),
};

/** Passes over an array of batches where the user gives neither `nEpochs` nor `steps`. */
const EPOCHS = 100;

/** Options that need a graph, or a fixed number of rows. */
const needsRows = [
  'parametric',
  'metric',
  'negativesFrom',
  'excludeNeighbors',
  'zBar',
  'classifier',
  'reconstructionValidation',
] as const satisfies readonly (keyof ContrastiveOptions)[];

/**
 * Checks options and inputs of a fit on pairs. Returns the number of batches to train on. Throws `OptionError` for what only
 * rows have, and where the number is not known.
 */
export function checkPairs(
  source: PairSource,
  y: unknown,
  { steps, ...inputs }: ContrastiveInputs,
  options: ContrastiveOptions,
): number {
  // What can only be iterated may have been meant as rows.
  const iterated = !Array.isArray(source) && typeof source !== 'function';
  const from = iterated ? ` from ${describe(source)}` : '';
  const instead = iterated ? ', or collect rows in an array' : '';
  const refuse = (name: string, got: string) => {
    throw new OptionError(
      `fit: ${name}: expected rows, for which it has a meaning, got ${got} and pairs${from}; leave ${name} out${instead}`,
    );
  };
  if (y !== undefined && y !== null) refuse('y', 'targets');
  for (const [name, value] of Object.entries(inputs)) {
    if (name !== 'signal' && name !== 'resume' && value !== undefined) refuse(name, 'a value');
  }
  for (const name of needsRows) {
    if (options[name] !== contrastiveDefaults[name]) refuse(name, String(options[name]));
  }
  // kappa of the spectrum of 'neg' depends on the number of rows.
  if (options.lossMode === 'neg' && options.s !== null) refuse('s', `${options.s} with lossMode 'neg'`);
  const { nEpochs } = options;
  const batches = pairBatchCount(source);
  if (steps !== undefined && nEpochs !== null) {
    throw new OptionError(
      `fit: steps: expected steps or the option nEpochs, got ${steps} and ${nEpochs}; leave one out`,
    );
  }
  if (steps !== undefined) return steps;
  if (batches !== undefined) return Math.max(1, batches * (nEpochs ?? EPOCHS));
  throw new OptionError(
    'fit: steps: expected the number of batches to train on, since only arrays of batches have a length, ' +
      `got none with ${describe(source)}; call fit(pairs, null, { steps: 1000 }), or collect rows in an array`,
  );
}

/** Throws `OptionError` for an input that only pairs have. */
export function checkRows({ steps }: ContrastiveInputs): void {
  if (steps === undefined) return;
  throw new OptionError(
    `fit: steps: expected pairs, got ${steps} and rows, whose training has a length by the option nEpochs; leave steps out, ` +
      'or pass batches of pairs by a function, as in fit(() => batches), since nested arrays are rows',
  );
}

/** For `fitTransform`, which has nothing to transform. */
export function pairsAreNoRows(): OptionError {
  return new OptionError(
    'fitTransform: expected rows, got pairs; call fit with the pairs, then transform rows',
  );
}
