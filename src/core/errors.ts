/**
 * Error classes, so that a program can tell them apart. Messages have one shape: the function or option, what was
 * expected, what was given, and what to do, where something can be done: `X: expected …, got …; do …`.
 */

/** An option is unknown, out of range or contradicts another. */
export class OptionError extends TypeError {
  /** Always `'OptionError'`. */
  override readonly name: string = 'OptionError';
}

/** Data cannot be used: ragged or empty rows, NaN, wrong width or shape, too few rows. */
export class DataError extends RangeError {
  /** Always `'DataError'`. */
  override readonly name: string = 'DataError';
}

/** The call needs a fitted estimator that has not been disposed of. */
export class NotFittedError extends Error {
  /** Always `'NotFittedError'`. */
  override readonly name: string = 'NotFittedError';
}

/** Training reached a loss that is not a finite number. The weights of the last finite report were kept. */
export class DivergedError extends Error {
  /** Always `'DivergedError'`. */
  override readonly name: string = 'DivergedError';
}

/** A saved model is missing, damaged, written by another program, or from a newer version. Nothing was changed. */
export class ArtifactError extends Error {
  /** Always `'ArtifactError'`. */
  override readonly name: string = 'ArtifactError';
}

/** A backend or an optional package that was requested by name is not available. */
export class UnavailableError extends Error {
  /** Always `'UnavailableError'`. */
  override readonly name: string = 'UnavailableError';
}

/** Describes a wrong value in a few words, for an error message. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object') return `a ${kindOf(value)} object`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  return String(value);
}

/** The class of an object; iterators and generators have none but a tag. */
function kindOf(value: object): string {
  const name = value.constructor?.name;
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (name && name !== 'Object') return name;
  return tag === 'Object' ? (name ?? 'plain') : tag;
}
