/** The options of `ParametricUMAP`: those of the groups it shares with other estimators, and its own. */

import { defaultsOf, type OptionRows, rulesOf } from '../../core/options.js';
import { choice, flag, number, orNull, positive } from '../../core/rules.js';
import { type CorrelationOptions, correlationRows } from '../../fit/options/correlation.js';
import { type GraphOptions, graphRows } from '../../fit/options/graph.js';
import { type LandmarkOptions, landmarkRows } from '../../fit/options/landmarks.js';
import { type NetworkOptions, networkRows } from '../../fit/options/network.js';
import { type ReconstructionOptions, reconstructionRows } from '../../fit/options/reconstruction.js';
import { type RunOptions, runRows } from '../../fit/options/run.js';
import { type SupervisionOptions, supervisionRows } from '../../fit/options/supervision.js';
import { type TrainingOptions, trainingRows } from '../../fit/options/training.js';

/** All options of `ParametricUMAP`; `parametricUmapDefaults` holds their defaults. */
export interface ParametricUMAPOptions
  extends GraphOptions,
    NetworkOptions,
    ReconstructionOptions,
    CorrelationOptions,
    LandmarkOptions,
    SupervisionOptions,
    TrainingOptions,
    RunOptions {
  /**
   * A network embeds rows (true), or every fitted row has a point of its own that is trained, as in UMAP without a network
   * (false): then new rows are placed beside their neighbors among the fitted ones. Default true.
   */
  parametricEmbedding: boolean;
  /**
   * How points are trained with `parametricEmbedding: false`: `'batches'`, by the same training as a network, with all its
   * losses; or `'sgd'`, one edge at a time, which is the layout of umap-learn, quicker, with UMAP's loss alone. Default
   * `'batches'`.
   */
  nonParametric: 'batches' | 'sgd';
  /** Smallest distance between close points in the embedding; small values pack clusters. Default 0.1, in [0, spread]. */
  minDist: number;
  /** Scale of the embedding. Default 1, above 0. */
  spread: number;
  /** Parameter of the similarity 1 / (1 + a d^(2b)), instead of `minDist` and `spread`; give both or none. Default null, above 0. */
  a: number | null;
  /** See `a`. Default null, above 0. */
  b: number | null;
  /** Weight of the negative pairs per edge. Default 5, at least 0; 0 for attraction alone. */
  negativeSampleRate: number;
  /**
   * Factor on the cost of negative pairs (gamma in LargeVis, Tang et al. 2016): a larger one spreads the embedding out, which
   * preserves more neighbors, but a much larger one breaks clusters up. Applies to the first layout too. At least 0. Default
   * null: 2, or 3 with `nonParametric: 'sgd'`; umap-learn's default is 1.
   */
  repulsionStrength: number | null;
}

/** Options of the constructor: any of them; undefined means the default. */
export type GivenUMAPOptions = {
  readonly [K in keyof ParametricUMAPOptions]?: ParametricUMAPOptions[K] | undefined;
};

const { nComponents, ...network } = networkRows;
const { batchSize, nEpochs, nTrainingEpochs, lossReportFrequency, ...optimization } = trainingRows;

/** One row per option, in the order of the table in the docs. */
export const parametricUmapRows: OptionRows<ParametricUMAPOptions> = {
  ...graphRows,
  parametricEmbedding: {
    default: true,
    rule: flag,
    help: 'true: a network embeds rows; false: every fitted row has a point of its own',
  },
  nonParametric: {
    default: 'batches',
    rule: choice('batches', 'sgd'),
    help: "how points are trained: `'batches'`, with all losses, or `'sgd'`, one edge at a time, as umap-learn does",
  },
  nComponents,
  minDist: {
    default: 0.1,
    rule: number(0),
    help: 'distance at which close points settle: small packs clusters',
  },
  spread: {
    default: 1,
    rule: positive,
    help: 'scale of the map',
  },
  a: {
    default: null,
    rule: orNull(positive),
    help: 'curve 1 / (1 + a d^2b) instead of `minDist` and `spread`; with `b`',
  },
  b: {
    default: null,
    rule: orNull(positive),
    help: 'see `a`',
  },
  ...network,
  ...reconstructionRows,
  ...correlationRows,
  ...landmarkRows,
  ...supervisionRows,
  batchSize,
  nEpochs,
  nTrainingEpochs,
  lossReportFrequency,
  negativeSampleRate: {
    default: 5,
    rule: number(0),
    help: 'weight of the negative pairs of one edge',
  },
  repulsionStrength: {
    default: null,
    rule: orNull(number(0)),
    help: "factor on repulsion: more spreads the map out; null: 2, or 3 with `nonParametric: 'sgd'`; umap-learn's is 1",
  },
  ...optimization,
  ...runRows,
};

/** Factor on the cost of negative pairs: a network, and points in batches, need less of it than single edges. */
const REPULSION = { batches: 2, sgd: 3 } as const;

/** Options with the values that depend on others filled in. */
export type ChosenUMAPOptions = ParametricUMAPOptions & { readonly repulsionStrength: number };

/** Fills in what depends on other options. */
export function chosenOptions(options: ParametricUMAPOptions): ChosenUMAPOptions {
  return { ...options, repulsionStrength: options.repulsionStrength ?? REPULSION[options.nonParametric] };
}

/** Values for options left out. */
export const parametricUmapDefaults: Readonly<ParametricUMAPOptions> = defaultsOf(parametricUmapRows);

export const parametricUmapRules = rulesOf(parametricUmapRows);
