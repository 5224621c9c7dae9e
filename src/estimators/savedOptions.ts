/** Options of an estimator in a saved model, and options of `save`. */

import { messageOf } from '../artifact/json.js';
import { ArtifactError, describe, OptionError } from '../core/errors.js';
import { type OptionRules, resolveOptions } from '../core/options.js';
import { flag } from '../core/rules.js';
import type { FitOptions } from '../fit/options/fitOptions.js';
import type { GraphOptions } from '../fit/options/graph.js';
import type { SaveOptions } from './estimator.js';

/** What is read of an estimator's options. */
type SomeOptions = Omit<FitOptions, 'nTrainingEpochs' | 'init'> & {
  init: FitOptions['init'] | null;
} & Pick<GraphOptions, 'metric'>;

/** Options that are saved elsewhere (networks) or not at all (functions, callbacks, rows, places on one machine). */
const unsaved = [
  'encoder',
  'decoder',
  'callbacks',
  'checkpoint',
  'parametricReconstructionLossFn',
  'landmarkLossFn',
  'reconstructionValidation',
] as const satisfies readonly (keyof FitOptions)[];

/** The options as plain data: what a saved model holds of them. */
export function plainOptions<T extends SomeOptions>(options: Readonly<T>): Partial<T> {
  const plain: Partial<SomeOptions> = {
    ...options,
    classifier: options.classifier !== false,
  };
  for (const name of unsaved) delete plain[name];
  if (typeof plain.metric === 'function') delete plain.metric;
  if (typeof plain.optimizer !== 'string') delete plain.optimizer;
  if (typeof plain.learningRate === 'function') delete plain.learningRate;
  if (typeof plain.init !== 'string') delete plain.init;
  return plain as Partial<T>;
}

/** Replaces a metric function, which is not saved; only a later fit calls it. */
export function missingMetric(): number {
  throw new OptionError(
    'fit: expected the metric function that this model was fitted with, which is not saved, got none; ' +
      'pass it to load(path, { metric })',
  );
}

/** Completes and checks the options of `save`. Throws `OptionError`. */
export function saveOptions(given: SaveOptions): Required<SaveOptions> {
  return resolveOptions<Required<SaveOptions>>('save', given, { includeGraph: true }, { includeGraph: flag });
}

/** Saved options, completed by defaults. Throws `ArtifactError`, not `OptionError`, for wrong ones: the fault is in the file. */
export function savedOptions<T extends object>(
  saved: Partial<T>,
  defaults: Readonly<T>,
  rules: OptionRules<T>,
): T {
  try {
    return resolveOptions('options', saved, defaults, rules);
  } catch (cause) {
    throw new ArtifactError(`saved model: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Options of a saved model with those that replace them. Throws `OptionError` for another value of an option in `settled`: the
 * networks were made with it.
 */
export function overridden<T extends object>(
  options: T,
  overrides: { readonly [K in keyof T]?: T[K] | undefined },
  settled: readonly (keyof T & string)[],
): T {
  for (const name of settled) {
    const [saved, given] = [options[name], overrides[name]];
    if (given === undefined || JSON.stringify(given) === JSON.stringify(saved)) continue;
    throw new OptionError(
      `load: ${name}: expected ${describe(saved)}, which the saved model was made with, got ${describe(given)}; ` +
        'leave it out, or fit a new model',
    );
  }
  return { ...options, ...overrides };
}
