/** The records that the parts of a fit hand to each other. */

import type { Pauses } from '../core/pauses.js';
import type { Streams } from '../core/random.js';
import type { RunStage } from '../core/stages.js';
import type {
  DistanceFunction,
  Matrix,
  Network,
  Optimizer,
  Progress,
  Random,
  RowFrame,
} from '../core/types.js';
import type { Classes, ParsedTargets } from '../data/targets.js';
import type { Reconstruction, ReconstructionLoss } from '../losses/reconstruction.js';
import type { Curve } from '../math/curve.js';
import type { Folded } from '../networks/fold.js';
import type { Projection } from '../networks/projection.js';
import type { ScalarParameter } from '../networks/scalar.js';
import type { ThreadOptions } from '../networks/threaded.js';
import type { Training, TrainingCallback } from '../training/callbacks.js';
import type { Saver, TrainOptions } from '../training/train.js';

/** The networks of a fit. */
export interface FitNetworks {
  readonly encoder: Network;
  readonly decoder: Network | undefined;
  readonly classifier: Network | undefined;
}

/** What all parts of a fit share: its rows, and its networks as they are used, not as they are trained. */
export interface FitBase extends FitNetworks {
  /** Rows as the encoder takes them in use, in their frame if they have one. */
  readonly matrix: Matrix;
  /** The same rows as the encoder is trained on them: their projection if there is one, their numbers for a table of points. */
  readonly projected: Matrix;
  readonly rowShape: readonly number[];
  readonly frame: RowFrame | undefined;
  readonly projection: Projection | undefined;
  /** The encoder behind the projection, if there is one. */
  readonly folded: Folded | undefined;
  readonly y: ParsedTargets | undefined;
  /** The labels in y; undefined without labels. */
  readonly classes: Classes | undefined;
  readonly positions: Matrix | undefined;
  readonly reconstruction: Reconstruction | undefined;
  readonly lossFn: ReconstructionLoss | undefined;
  readonly optimizer: Optimizer;
  readonly fits: number;
  /** Of this fit; every part forks its own stream. */
  readonly random: Random;
  /** Forks that training draws from. */
  readonly streams: Streams;
  /** Lets worker threads train a network where they can; they end with `release`. */
  threaded(network: Network, options: ThreadOptions): Promise<Network>;
  /** Has what is trained beside the networks freed by `release`, unless it is kept. */
  readonly own: (part: { dispose(): void }) => void;
  /** See `Prepared`. */
  release(kept: boolean): void;
}

/** What training changes, and what later fits go on from. */
export interface Learned extends FitNetworks {
  readonly reconstruction: Reconstruction | undefined;
  /** Labels that the classifier knows, in the order of its outputs. */
  readonly classNames: readonly (number | string)[];
  readonly projection: Projection | undefined;
  readonly optimizer: Optimizer;
  readonly history: Record<string, number[]>;
  /** Shape of one row of X. */
  readonly rowShape: readonly number[];
  /** In what frame the networks take rows; undefined for rows as they are. */
  readonly frame: RowFrame | undefined;
  /** Fits so far, this one included. */
  readonly fits: number;
  /**
   * How new rows are placed where there is no network: beside their neighbors among the fitted rows. The encoder is then a table
   * of points, from row numbers. Undefined where a network embeds rows.
   */
  readonly placement?: Placement | undefined;
  /** Single numbers that are trained beside the networks, by name. Default: none. */
  readonly numbers?: Readonly<Record<string, ScalarParameter>> | undefined;
  /** Anything else that is trained; later fits go on with the same, and `dispose` frees it. Default: nothing. */
  readonly others?: readonly { dispose(): void }[] | undefined;
}

/** The fitted rows, and how new rows are placed among them; see `placeRowsInParts` for the fields that are not explained here. */
export interface Placement {
  /** The rows of the fit, in their frame if they have one; row `i` has point `i` of the table. */
  readonly rows: Matrix;
  /** Neighbors per row, itself included, as in the graph of the fit. */
  readonly nNeighbors: number;
  readonly metric: string | DistanceFunction;
  readonly metricParams: Readonly<Record<string, unknown>>;
  readonly localConnectivity: number;
  readonly curve: Curve;
  readonly negativeSampleRate: number;
  readonly repulsionStrength: number;
  readonly seed: number | string;
}

/** What lasts of a fit. An estimator adds its own to it, such as a graph. Replaced as a whole by the next fit. */
export type Fitted<L extends Learned = Learned> = L & {
  /** The backend that it was trained on, as TensorFlow.js calls it. */
  readonly backend: string;
};

/** One training, but for what a run adds. */
export type Plan = Omit<TrainOptions, 'signal' | 'onStep' | 'backend' | 'from' | 'saver'>;

/** What an estimator shows callbacks of a training, beside its rows and weights. All of it is optional. */
export type Description = Pick<Training, 'edges' | 'similarity' | 'unitLength'> &
  Partial<Pick<Training, 'numbers'>>;

/** How a training without the loop is saved, and gone on with. */
export interface OwnState extends Saver {
  /** What is done already, and what it remembered; undefined for nothing. */
  readonly from: { readonly step: number; readonly reports: number; readonly own: unknown } | undefined;
  /** Takes what tells, at any report and at each `save`, what it remembers: plain data, typed arrays in it. */
  follow(own: () => unknown): void;
}

/** Everything a training needs. */
export interface Prepared<L extends Learned = Learned> {
  readonly learned: L;
  readonly plan: Plan;
  /** A short training before it, on a first layout; undefined for none. */
  readonly start: Plan | undefined;
  /** What trains in place of the training loop, for `plan.steps` steps; undefined for the loop. Callbacks get no batches. */
  readonly run?: ((state?: OwnState) => AsyncGenerator<Progress, void, void>) | undefined;
  /** Callbacks of the estimator's own, which are told before those of the user. Default: none. */
  readonly watch?: readonly TrainingCallback[] | undefined;
  /** Whether the optimizer starts without the moments of the earlier fit, which were those of other rows' points. */
  readonly startsAnew: boolean;
  /** The random streams that the training draws from. */
  readonly streams: Streams;
  /** The encoder as it is trained, and its rows. */
  readonly trained: { readonly encoder: Network; readonly matrix: Matrix };
  /** What callbacks may read; undefined for nothing but rows. */
  readonly describe?: Description | undefined;
  /** Copies what was learned on projected rows into the encoder for raw ones, where there is a projection. */
  fold(): void;
  /** Losses on held-out rows, if there are any. */
  validate(): Promise<Record<string, number>>;
  /** Frees what served the training only; new networks too, unless they are kept. */
  release(kept: boolean): void;
}

/** What a fit runs in. */
export interface FitContext {
  readonly pauses: Pauses;
  readonly signal: AbortSignal | undefined;
  /** Makes the backend of this fit the active one, in case another estimator changed it. */
  hold(): void;
  /** Takes a line for each choice that is made, for `verbose`. */
  log(line: string): void;
  /** Runs a stage before training, and tells callbacks and the progress bar how far it is. */
  readonly stage: RunStage;
  /** Takes what the training is given, by name, before anything is computed. Undefined where nobody asks. */
  readonly identify?: ((data: Readonly<Record<string, unknown>>) => Promise<void>) | undefined;
}
