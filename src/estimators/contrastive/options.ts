/** The options of `ContrastiveEmbedding`: those of the groups it shares with other estimators, and its own. */

import { defaultsOf, type OptionRows, rulesOf } from '../../core/options.js';
import { choice, either, flag, integer, number, orNull, positive } from '../../core/rules.js';
import { type FitOptions, fitRows } from '../../fit/options/fitOptions.js';
import { type GraphOptions, graphRows } from '../../fit/options/graph.js';
import { type LossMode, lossModes, type Similarity } from '../../losses/contrastive.js';

/** All options of `ContrastiveEmbedding`; `contrastiveDefaults` holds their defaults. */
export interface ContrastiveOptions extends GraphOptions, Omit<FitOptions, 'nTrainingEpochs' | 'init'> {
  /**
   * The contrastive loss: `'infonce'` (close to t-SNE), `'neg'` (negative sampling: from t-SNE to UMAP by `s`), `'nce'`
   * (noise-contrastive estimation, with a learned normalization Z, as NCVis), `'umap'` (UMAP's cross-entropy with the
   * similarity 1 / (1 + d²)), or `'infonceAlt'` (InfoNCE whose sum leaves the positive pair out). Default `'infonce'`.
   */
  lossMode: LossMode;
  /**
   * Similarity of two positions: `'cauchy'`, 1 / (1 + d²), for maps, or `'cosine'`, exp(cosine / temperature), for
   * representations of many dimensions, as in SimCLR. Default `'cauchy'`.
   */
  similarity: Similarity;
  /** Temperature of the cosine similarity, and a factor on the loss of `'infonce'`. Default 0.5, above 0. */
  temperature: number;
  /** Whether the temperature is learned, from `temperature` on. Default false. */
  learnTemperature: boolean;
  /**
   * Layout that the training starts from: `'spectral'`, `'pca'` (principal components), `'random'`, or a position for each row,
   * `[rows, nComponents]`. A network first learns it, refined by UMAP without a network; points begin there, at a standard
   * deviation of 1 along its first axis. Default null: `'spectral'` with a network, `'pca'` without.
   */
  init: FitOptions['init'] | null;
  /** A network embeds rows (true), or every fitted row has a point of its own that is trained (false). Default true. */
  parametric: boolean;
  /**
   * Passes over the directed edges of the graph: nEpochs * edges / batchSize steps. Default null: a number of steps that
   * depends on the number of rows.
   */
  nEpochs: number | null;
  /**
   * How the learning rate falls from its peak: along half a cosine to 0, linearly to 0, or not at all. Default `'auto'`:
   * `'cosine'`, with `nEpochs` too. Refused with a function as `learningRate`, and with a `tf.Optimizer`.
   */
  learningRateDecay: 'auto' | 'cosine' | 'linear' | 'constant';
  /**
   * Negatives per positive pair, at least 1, or `'full'` for all other rows of the batch. More of them show finer
   * structure with `'infonce'`, at more time per step. Default null: 100 with `'infonce'` and `'infonceAlt'`, 20 with `'neg'`, 5
   * with the others; `'full'` for a fit on pairs.
   */
  negativeSamples: number | 'full' | null;
  /** Where negatives come from: the rows of the batch, or rows drawn from all that are fitted. Default `'batch'`. */
  negativesFrom: 'batch' | 'all';
  /** Whether neighbors in the graph are never drawn as negatives of each other. Default false. */
  excludeNeighbors: boolean;
  /** Place on the spectrum from t-SNE (0) to UMAP (1), for `'neg'` and `'infonce'`, and beyond. Default null: 0 with `'infonce'`, kappa = 1 with `'neg'`. From -10 to 10. */
  s: number | null;
  /** Place on the spectrum of `'neg'` by its fixed normalization; 100 n for s = 0, n² / 5 for s = 1. Default null, above 0. */
  zBar: number | null;
  /** Place on the spectrum of `'neg'` by kappa = negativeSamples zBar / n². Default null: 1. Above 0. */
  negSpec: number | null;
  /** Place on the spectrum of `'infonce'` by kappa = 4^s. Default null: 1. Above 0. */
  inceSpec: number | null;
  /**
   * Whether the first third of the training is at least at s = 1, for better global structure. Default true. A fit on pairs does
   * so only where `s` is given, a network with `init: 'random'` never, and a later fit only where a model was loaded with another
   * place on the spectrum.
   */
  earlyExaggeration: boolean;
  /** Start of the normalization Z that `'nce'` learns, the mean similarity of two rows. Default null: 100 / rows. Above 0. */
  normalization: number | null;
}

/** Options of the constructor: any of them; undefined means the default. */
export type GivenContrastiveOptions = {
  readonly [K in keyof ContrastiveOptions]?: ContrastiveOptions[K] | undefined;
};

/** A neighborhood of 15 other rows, as in contrastive-ne, which does not count the row itself. */
const NEIGHBORS = 16;

const { nNeighbors, ...graph } = graphRows;
const { nTrainingEpochs: _, nComponents, nEpochs, batchSize, lossReportFrequency, ...shared } = fitRows;

/** One row per option, in the order of the table in the docs. */
export const contrastiveRows: OptionRows<ContrastiveOptions> = {
  lossMode: {
    default: 'infonce',
    rule: choice(...lossModes),
    help: "`'infonce'`, `'neg'`, `'nce'`, `'umap'`, `'infonceAlt'`; see Contrastive embeddings",
  },
  similarity: {
    default: 'cauchy',
    rule: choice('cauchy', 'cosine'),
    help: "of two positions: `'cauchy'`, 1 / (1 + d²), or `'cosine'`, exp(cosine / temperature)",
  },
  parametric: {
    default: true,
    rule: flag,
    help: 'true: a network embeds rows; false: every fitted row has a point of its own',
  },
  nNeighbors: {
    ...nNeighbors,
    default: NEIGHBORS,
    help: 'neighbors per row, itself included: 16 is `k` 15 of contrastive-ne',
  },
  nComponents: {
    ...nComponents,
    rule: integer(1, 1024),
    help: 'dimensions of the embedding, 1 to 1024',
  },
  negativeSamples: {
    default: null,
    rule: orNull(either(integer(1), choice('full'))),
    help: "negatives per positive pair, or `'full'`: all other rows of the batch; null: 100 with `'infonce'` and `'infonceAlt'`, 20 with `'neg'`, else 5",
  },
  negativesFrom: {
    default: 'batch',
    rule: choice('batch', 'all'),
    help: "negatives are rows of the batch, or drawn from `'all'` fitted rows",
  },
  excludeNeighbors: {
    default: false,
    rule: flag,
    help: 'neighbors in the graph are never negatives of each other',
  },
  s: {
    default: null,
    rule: orNull(number(-10, 10)),
    help: "place from t-SNE (0) to UMAP (1) with `'neg'`, `'infonce'` and `'infonceAlt'`, and beyond",
  },
  zBar: {
    default: null,
    rule: orNull(positive),
    help: "the same for `'neg'`, by its normalization",
  },
  negSpec: {
    default: null,
    rule: orNull(positive),
    help: "the same for `'neg'`, by kappa; null: 1",
  },
  inceSpec: {
    default: null,
    rule: orNull(positive),
    help: "the same for `'infonce'`, by kappa = 4^s; null: 1",
  },
  earlyExaggeration: {
    default: true,
    rule: flag,
    help: 'the first third of a first training is at s = 1 at least',
  },
  temperature: {
    default: 0.5,
    rule: positive,
    help: "of the cosine similarity, and a factor on the loss of `'infonce'`",
  },
  learnTemperature: {
    default: false,
    rule: flag,
    help: 'the temperature is learned',
  },
  normalization: {
    default: null,
    rule: orNull(positive),
    help: "start of the normalization Z that `'nce'` learns; null: 100 / rows",
  },
  nEpochs: {
    ...nEpochs,
    help: 'passes over all edges of the graph; null: steps by the number of rows',
  },
  batchSize,
  lossReportFrequency: { ...lossReportFrequency, help: 'reports in all' },
  ...graph,
  ...shared,
  init: {
    default: null,
    rule: orNull(shared.init.rule),
    help: "layout that the training starts from: `'spectral'`, `'pca'`, a position per row, or `'random'`; null: `'spectral'`, or `'pca'` without a network",
  },
  learningRateDecay: {
    ...shared.learningRateDecay,
    help: "how the learning rate falls to 0; `'auto'`: `'cosine'`",
  },
};

/** Options with the values that depend on others filled in. */
export type ChosenContrastiveOptions = ContrastiveOptions & Pick<FitOptions, 'init'>;

/** Fills in what depends on other options. */
export function chosenOptions(options: ContrastiveOptions): ChosenContrastiveOptions {
  return { ...options, init: options.init ?? (options.parametric ? 'spectral' : 'pca') };
}

/** Values for options left out. */
export const contrastiveDefaults: Readonly<ContrastiveOptions> = defaultsOf(contrastiveRows);

export const contrastiveRules = rulesOf(contrastiveRows);
