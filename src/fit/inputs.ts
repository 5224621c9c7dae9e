/** What `fit` takes besides rows and targets. */

import { OptionError } from '../core/errors.js';
import { type OptionRules, resolveOptions } from '../core/options.js';
import { either, flag, hasMethods, integer, number, object, orNull } from '../core/rules.js';
import type { MatrixInput } from '../data/matrix.js';
import type { GraphInputs } from '../graph/neighborGraph.js';
import type { LandmarkPositions } from './landmarks.js';
import { landmarkRows } from './options/landmarks.js';

/** Inputs of any estimator. */
export interface RunInputs {
  /** Aborts the fit, which then throws the signal's reason and leaves the estimator as it was. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Rows that take no part in training, or the share of X, above 0 and below 1, to split off for that. At each report the
   * main loss is computed on their own graph, and called by its name: `valUmap`, or `valInfonce` and so on with
   * `ContrastiveEmbedding`. `valLoss` is the reconstruction loss where there is a decoder, else the same as the main loss.
   * Default: those of the option `reconstructionValidation`, else none.
   */
  readonly validation?: MatrixInput | number | undefined;
  /**
   * Goes on from the checkpoint at the option `checkpoint`, and ends as if there had been no interruption; from the beginning
   * where there is none yet. A finished training is taken as it is. Throws `OptionError` and `DataError` for the checkpoint of
   * another fit, with what differs. Default false.
   */
  readonly resume?: boolean | undefined;
  /**
   * For a source of rows (`RowSource`): how many of them to learn from, at least 2, drawn by the seed; all where there are no
   * more. `null` learns from all rows, of which only principal components are kept in memory: at most 64 numbers a row,
   * compared by Euclidean distance, without a decoder. Default 200,000. For `CompressionVAE` the default is null, and means that
   * all rows are read again in each epoch, in a new order; a source that can be read once only gives 200,000 rows.
   */
  readonly sampleRows?: number | null | undefined;
}

/** Inputs of estimators that keep landmarks in place. */
export interface LandmarkInputs {
  /** Positions in the embedding for some rows; see `LandmarkPositions`. Default: none. */
  readonly landmarkPositions?: LandmarkPositions | undefined;
  /** Weight of the landmark loss in this fit. Default: the option `landmarkLossWeight`. */
  readonly landmarkLossWeight?: number | undefined;
}

/** Inputs of an estimator with a neighbor graph and landmarks. */
export interface FitInputs extends GraphInputs, LandmarkInputs, RunInputs {}

/** Data are checked where they are read. */
const data = object('an object or array');

export const runInputRules: OptionRules<RunInputs> = {
  signal: hasMethods('an AbortSignal', 'throwIfAborted'),
  validation: either(number(0, 1, { above: true }), object('rows')),
  resume: flag,
  sampleRows: orNull(integer(2)),
};

export const landmarkInputRules: OptionRules<LandmarkInputs> = {
  landmarkPositions: data,
  landmarkLossWeight: landmarkRows.landmarkLossWeight.rule,
};

export const graphInputRules: OptionRules<Omit<GraphInputs, 'signal'>> = { knn: data, distances: data };

const renamed: Readonly<Record<string, string>> = {
  precomputedDistances: "a distance matrix is called 'distances'",
  precomputedKnn: "neighbors found elsewhere are called 'knn'",
  callbacks: 'callbacks go to the constructor',
  init: 'the start is the option init, which goes to the constructor',
  graph: "neighbors found elsewhere are called 'knn'",
  validationData: "held-out rows are called 'validation'",
  validationSplit: "the share of held-out rows is called 'validation'",
};

/** Checks inputs by the rules of those that an estimator takes. Throws `OptionError` for others and for wrong values. */
export function resolveInputs<I extends RunInputs>(inputs: I, rules: OptionRules<I>): I {
  const none = Object.fromEntries(Object.keys(rules).map((name) => [name, undefined])) as unknown as I;
  const resolved = resolveOptions<I>('fit', inputs, none, rules, renamed);
  const { validation, knn, distances } = resolved as FitInputs;
  if (typeof validation === 'number' && (knn || distances)) {
    throw new OptionError(
      'fit: expected validation rows beside knn or distances, which are for all rows of X, got a share; split X before',
    );
  }
  return resolved;
}
