/** What the tests have to know of an estimator, and small tools of the checks. */
import type { OptionRow } from '../../src/core/options.js';
import type { MatrixInput } from '../../src/data/matrix.js';
import { flat, groups } from '../helpers/data.js';
import type { Estimator, Makers, Options } from './estimator.js';

/** What options and losses are called that checks have to name. */
export interface Names {
  /** The option with the width of the embedding. */
  readonly dimensions: string;
  /** The loss that the estimator brings itself, in `history`. */
  readonly mainLoss: string;
  /** The option from which all random numbers come: a number or a word. */
  readonly seed: string;
  readonly learningRate: string;
  readonly batchSize: string;
}

/** What an estimator can do and what not. A check that needs a trait is not registered for a subject without it. */
export interface Traits {
  /** A network embeds rows. */
  readonly parametric: boolean;
  /** Every fitted row has a point of its own in place of a network. */
  readonly points: boolean;
  /** `transform` embeds every row by itself, fitted or new, wherever it stands; later fits may be on other rows. */
  readonly newRows: boolean;
  /** It trains in batches, with the options of `names` for them, and callbacks are told of each. */
  readonly batches: boolean;
  /** `fit` learns from targets (`src/fit/options/supervision.ts`). */
  readonly supervised: boolean;
  /** It can train a classifier on the embedding. */
  readonly classifier: boolean;
  /** It fits a graph of neighbors: `graph`, the inputs `knn` and `distances`, the option `metric`. */
  readonly needsGraph: boolean;
  /** `inverseTransform` works, with the options `inverse`. */
  readonly decoder: boolean;
  /** It has the options of `src/estimators/options/reconstruction.ts`. */
  readonly reconstruction: boolean;
  /** It has the options `encoder` and `dims`. */
  readonly ownEncoder: boolean;
  /** It has `landmarkPositions`, `addLandmarks` and the options of `src/estimators/options/landmarks.ts`. */
  readonly landmarks: boolean;
  /** `fit` takes held-out rows: `validation`. */
  readonly heldOut: boolean;
  /** It has the option `callbacks`. */
  readonly callbacks: boolean;
}

export type Trait = keyof Traits;

/** One estimator class under test, or one way of it: a class may have several subjects. */
export interface Subject extends Makers {
  /** The name of the class in `src/index.ts`, and in its messages. */
  readonly name: string;
  /** What sets it apart from the other subjects of the class; its `create` adds the options for it. Undefined for the defaults. */
  readonly variant?: string;
  /**
   * For a variant that only learns more (a number, a prior) than another subject of its class: what has nothing to do with fitted state is
   * checked on that one alone.
   */
  readonly learnsMore?: true;
  readonly names: Names;
  /** What `valLoss` is the sum of, where there is no further decoder. Default: the main loss on held-out rows. */
  readonly heldOutLosses?: readonly string[];
  readonly traits: Traits;
  /** Plain options that make a fit on 60 rows quick, with at least three reports. */
  readonly quick: Options;
  /** Options of a short training on 300 digits: several reports, one batch each. */
  readonly brief: Options;
  /** Options besides that make a training this long; `brief` is one of 5 epochs. */
  epochs(count: number): Options;
  /** Options besides that make `inverseTransform` work. */
  readonly inverse: Options;
  /** The rows its options come from, and the page that lists them. */
  readonly optionRows: Readonly<Record<string, OptionRow<unknown>>>;
  /** Undefined for an estimator without a page. */
  readonly optionsPage?: string;
}

/** One check: passes, or throws. */
export interface Check {
  (subject: Subject): Promise<void>;
  /** Traits without which it does not apply. */
  readonly needs?: readonly Trait[];
}

/** A check that applies only to subjects with these traits. */
export function needs(traits: readonly Trait[], check: Check): Check {
  return Object.assign((subject: Subject) => check(subject), { needs: traits });
}

/** Options, and those of a variant; what is no options at all stays what it is. */
export function varied(given: Options, own: Options): Options {
  return Array.isArray(given) ? given : { ...own, ...given };
}

/** What a subject is called in the titles of tests, different for each. */
export function titleOf({ name, variant }: Pick<Subject, 'name' | 'variant'>): string {
  return variant === undefined ? name : `${name}, ${variant}`;
}

/** Whether a subject has all these traits. */
export function has({ traits }: Subject, wanted: readonly Trait[] = []): boolean {
  return wanted.every((trait) => traits[trait]);
}

/** An estimator with the quick options. */
export function quickly(subject: Subject, options: Options = {}): Estimator {
  return subject.create({ ...subject.quick, ...options });
}

/** A fitted one: the caller disposes it. */
export async function fitted(
  subject: Subject,
  options: Options = {},
  rows: MatrixInput = groups(),
): Promise<Estimator> {
  const estimator = quickly(subject, options);
  await estimator.fit(rows);
  return estimator;
}

/** The embedding of rows as one array. */
export async function embeddingOf(estimator: Estimator, rows: readonly (readonly number[])[]) {
  return (await estimator.transform(flat(rows))).data;
}

/** Fits, takes the map, and frees everything. */
export async function mapFrom(
  subject: Subject,
  options: Options = {},
  rows: number[][] = groups(),
): Promise<Float32Array> {
  const estimator = await fitted(subject, options, rows);
  try {
    return await embeddingOf(estimator, rows);
  } finally {
    estimator.dispose();
  }
}
