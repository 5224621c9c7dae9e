/** The attraction-repulsion spectrum of contrastive embeddings: from t-SNE (0) to UMAP (1), by one parameter kappa per loss. */

import { OptionError } from '../../core/errors.js';
import type { LossMode } from '../../losses/contrastive.js';
import type { ContrastiveOptions } from './options.js';

/** The options that choose a place on the spectrum. At most one is given. */
export type SpectrumOptions = Pick<
  ContrastiveOptions,
  'lossMode' | 's' | 'zBar' | 'negSpec' | 'inceSpec' | 'earlyExaggeration'
>;

/** The part of the training after which early exaggeration ends. */
const EXAGGERATED = 1 / 3;

/**
 * Where a training starts from: a layout, random weights of a network, or what an earlier fit has trained at the same place on
 * the spectrum. Early exaggeration is for layouts alone. A network whose weights are random does not tell neighbors from other
 * rows yet, so that much attraction draws all rows into one point, where small networks of ReLU units no longer learn. What is
 * trained already has its clusters in place.
 */
export type Start = 'layout' | 'random' | 'trained';

/** A place on the spectrum, as options choose it. */
export type Place = Omit<SpectrumOptions, 'earlyExaggeration'>;

const placeNames = ['lossMode', 's', 'zBar', 'negSpec', 'inceSpec'] as const;

/** Losses that have a spectrum, and the options that choose a place on it. */
const choices = {
  neg: ['s', 'zBar', 'negSpec'],
  infonce: ['s', 'inceSpec'],
  infonceAlt: ['s', 'inceSpec'],
  umap: [],
  nce: [],
} as const satisfies Record<LossMode, readonly (keyof SpectrumOptions)[]>;

/** Throws `OptionError` for two places on the spectrum, and for one that the loss does not have. */
export function checkSpectrum(caller: string, options: SpectrumOptions): void {
  const given = (['s', 'zBar', 'negSpec', 'inceSpec'] as const).filter((name) => options[name] !== null);
  if (given.length > 1) {
    throw new OptionError(
      `${caller}: ${given.join(' and ')}: expected one place on the spectrum, got ${given.length}; leave all but one out`,
    );
  }
  const [name] = given;
  const { lossMode } = options;
  const known: readonly string[] = choices[lossMode];
  if (name === undefined || known.includes(name)) return;
  const others = Object.entries(choices).filter(([, names]) => (names as readonly string[]).includes(name));
  throw new OptionError(
    `${caller}: ${name}: expected lossMode ${others.map(([mode]) => `'${mode}'`).join(' or ')}, ` +
      `got '${lossMode}'${known.length > 0 ? `, whose spectrum takes ${known.join(' or ')}` : ', which has no spectrum'}; leave ${name} out`,
  );
}

/**
 * kappa over the training. `rows` is the number of rows n, `negatives` the negatives m per positive pair. Larger is more
 * attraction.
 *
 * - `neg`: kappa = m zBar / n², with zBar = (100 n)^(1 - s) (n² / 5)^s. So s = 1 is kappa = m / 5, and s = 0 is
 *   kappa = 100 m / n. Default: kappa = 1.
 * - `infonce`, `infonceAlt`: kappa = 4^s. Default: s = 0.
 *
 * These are the relations of the code of contrastive-ne; its README inverts the first one. With early exaggeration, kappa
 * of the first third is that of s = 1 where it would be smaller, by `start`.
 */
export function attractionOf(
  options: SpectrumOptions,
  rows: number,
  negatives: number,
  start: Start = 'layout',
): (done: number) => number {
  const value = kappaOf(options, rows, negatives);
  if (!options.earlyExaggeration || start !== 'layout') return () => value;
  const early = Math.max(value, atPlace(options, 1, rows, negatives));
  return (done) => (done < EXAGGERATED ? early : value);
}

/** Whether two sets of options choose the same place on the spectrum of the same loss. */
export function samePlace(a: Place, b: Place): boolean {
  return placeNames.every((name) => a[name] === b[name]);
}

/** The options that choose a place. */
export function placeOf({ lossMode, s, zBar, negSpec, inceSpec }: Place): Place {
  return { lossMode, s, zBar, negSpec, inceSpec };
}

function kappaOf(options: SpectrumOptions, rows: number, negatives: number): number {
  const { lossMode, s, zBar, negSpec, inceSpec } = options;
  if (s !== null) return atPlace(options, s, rows, negatives);
  if (lossMode === 'neg') return negSpec ?? (zBar === null ? 1 : (negatives * zBar) / rows ** 2);
  return inceSpec ?? 1;
}

/** kappa at s. */
function atPlace({ lossMode }: SpectrumOptions, s: number, rows: number, negatives: number): number {
  if (lossMode !== 'neg') return 4 ** s;
  // (100 n)^(1 - s) (n² / 5)^s, by logarithms: n² may be large.
  const logZBar = (1 - s) * Math.log(100 * rows) + s * Math.log(rows ** 2 / 5);
  return (negatives * Math.exp(logZBar)) / rows ** 2;
}
