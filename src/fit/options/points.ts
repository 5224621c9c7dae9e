/** Conditions on options where every fitted row has a point of its own instead of a network. */

import { OptionError } from '../../core/errors.js';
import type { FitOptions } from './fitOptions.js';

const actOnlyOnNetworks = ['encoder', 'inputNoise', 'reconstructionValidation'] as const;

/** Throws `OptionError` for an option that acts on an encoder where there is none; `name` is the option that chooses. */
export function checkPoints(
  caller: string,
  name: string,
  options: Pick<FitOptions, (typeof actOnlyOnNetworks)[number]>,
): void {
  for (const option of actOnlyOnNetworks) {
    if (options[option] === null) continue;
    throw new OptionError(
      `${caller}: ${option}: expected ${name}: true, without which there is no network for it to act on, got false; ` +
        `leave ${option} out, or ${name}`,
    );
  }
}

/** Throws `OptionError` for held-out rows, on which points of other rows say nothing, and for rows that are not kept. */
export function checkPointInputs(
  caller: string,
  name: string,
  {
    validation,
    sampleRows,
  }: { readonly validation?: unknown; readonly sampleRows?: number | null | undefined },
): void {
  if (sampleRows === null) {
    throw new OptionError(
      `${caller}: sampleRows: expected a number with ${name}: false, since new rows are placed among rows that are kept, ` +
        `got null; give the number of rows to learn from, or ${name}: true`,
    );
  }
  if (validation === undefined) return;
  throw new OptionError(
    `${caller}: validation: expected ${name}: true, since without a network there is nothing to evaluate on held-out rows, ` +
      `got false; leave validation out, or ${name}`,
  );
}
